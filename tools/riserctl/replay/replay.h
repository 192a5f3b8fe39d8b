// SPDX-License-Identifier: Apache-2.0
// A replay at work: feeds the reads of each span between two ticks, waits until everything has come to rest, lets the
// tenants pay, writes the tick. Meanwhile the next span is on its way: its reads may come while the tick's consequences
// settle, since nothing is decided before the next tick.
#ifndef RISER_RISERCTL_REPLAY_REPLAY_H
#define RISER_RISERCTL_REPLAY_REPLAY_H

#include <stdint.h>

#include "riserctl/ctl.h"
#include "riserctl/replay/rows.h"
#include "riserctl/replay/scenario.h"
#include "riserctl/replay/script.h"
#include "riserctl/state.h"

struct replay_options {
  struct ctl *ctl;
  const struct site_state *site;
  const struct scenario *scenario;
  const struct rows *rows;
  struct script *script;
  const char *ledger; // path; NULL: none
  int window;         // messages that the broker has not acknowledged
  int64_t distance;   // messages that are not yet in the site log
  int64_t timeout_ms; // without anything moving
};

struct replay_summary {
  uint64_t published; // acknowledged publishes
  uint64_t resent;
  uint64_t refused;
  uint64_t ticks;
  uint64_t payments;
  uint64_t bills;
  uint64_t alerts;
  uint64_t notices;
  uint64_t told;
  uint64_t switches;
  uint64_t outcomes;
  uint64_t rejects;
  int64_t elapsed_ms;
  int64_t feeding_ms;  // of it: publishing and waiting for acknowledgements
  int64_t arriving_ms; // waiting for the site log
  int64_t settling_ms; // waiting for billing, notify and control
};

// Told on standard error when it doesn't end with STATUS_OK; the summary is filled in as far as it went.
enum status replay_run(const struct replay_options *options, struct replay_summary *summary);

#endif

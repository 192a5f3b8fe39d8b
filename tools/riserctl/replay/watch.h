// SPDX-License-Identifier: Apache-2.0
// What comes out of the services while a replay runs: the site's partition of riser.site.v1, riser.decision.v1 and
// riser.command.v1, all of riser.reject.v1, and billing's fence in Redis. Tells whether the partition has come to rest.
// Everything is read from Kafka and Redis, nothing from metrics. One thread.
#ifndef RISER_RISERCTL_REPLAY_WATCH_H
#define RISER_RISERCTL_REPLAY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "riserctl/ctl.h"
#include "riserctl/replay/arrivals.h"
#include "riserctl/replay/payers.h"
#include "riserctl/replay/settle.h"

struct watch;

struct watch_counts {
  uint64_t records; // of any topic; grows as long as something happens
  uint64_t bills;
  uint64_t alerts;
  uint64_t notices;
  uint64_t switches; // due
  uint64_t outcomes;
  uint64_t told; // delivery records
  uint64_t rejects;
};

struct watch_options {
  struct ctl *ctl;
  int32_t partition;
  struct settle *settle;
  struct payers *payers;
  struct arrivals *arrivals;
};

// Reads all persons, then stands at the ends of the topics. The options' content is borrowed.
enum error watch_open(const struct watch_options *options, struct watch **out) MUST_USE;
void watch_close(struct watch *watch);

// Takes what has come, waiting up to timeout_ms for the first of it. ERR_MISMATCH: somebody else writes ticks.
enum error watch_step(struct watch *watch, int timeout_ms) MUST_USE;

// A record of ours that has to be seen before anything can be settled.
void watch_written(struct watch *watch, const struct kafka_position *position);

// Whether everything in the log is folded, everything that followed is published and seen, nobody is still to be told
// and no command without outcome. Asks Redis and Kafka, if what was seen so far allows a yes.
enum error watch_settled(struct watch *watch, bool *settled) MUST_USE;

struct watch_counts watch_counts(const struct watch *watch);
// What it waits for, some lines.
enum error watch_describe(struct watch *watch, struct buffer *to) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// Writing facts into the site log, and waiting until billing has folded them.
#ifndef RISER_RISERCTL_FACTS_H
#define RISER_RISERCTL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/fact.h"
#include "riserctl/ctl.h"

// Fills in what the envelopes of all facts of this process have in common: reader, source, actor, times.
void fact_envelope(struct ctl *ctl, struct fact *fact, const char *landlord, const char *site, const char *fact_id);

// Queues the fact; ctl_flush makes it sure. *position (may be NULL) is filled in once Kafka has it.
enum error fact_send(struct ctl *ctl, const struct fact *fact, struct kafka_position *position) MUST_USE;

// A tick of a partition's clock, sure to be in Kafka when it says OK. Belongs to no site.
enum error fact_tick(struct ctl *ctl, int32_t partition, int64_t time_s, struct kafka_position *position) MUST_USE;

// Where the decisions of a partition stood before something was written: what follows is looked for behind it.
enum error facts_mark(struct ctl *ctl, int32_t partition, int64_t *decisions_from) MUST_USE;

struct facts_wait {
  int32_t partition;
  int64_t decisions_from; // of facts_mark
  int64_t first_offset;   // of the first fact written
  int64_t offset;         // of the last one
  int64_t timeout_ms;
  const char *prefix; // exceptions of facts whose id begins so are told; "" for all
  bool *balanced;     // may be NULL; becomes true if a balance followed from the last fact
  struct seal *seal;  // then, if not NULL: what that balance carries
};
// Waits until billing has folded everything up to the offset and published what followed from it. Exceptions that these
// facts met with are told on standard error: then STATUS_FAILED.
enum status facts_await(struct ctl *ctl, const struct facts_wait *wait);

#endif

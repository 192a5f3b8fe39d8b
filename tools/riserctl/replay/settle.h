// SPDX-License-Identifier: Apache-2.0
// Whether what followed from the site log has come to rest: everybody who was to be told has been told, every command
// has its outcome. Fed with the records of riser.site.v1, riser.decision.v1 and riser.command.v1 in whatever order the
// partitions come. Pure; memory grows with the decisions that wait for something. One thread.
#ifndef RISER_RISERCTL_REPLAY_SETTLE_H
#define RISER_RISERCTL_REPLAY_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "domain/command.h"
#include "domain/decision.h"
#include "domain/fact.h"
#include "domain/person.h"

struct settle;

struct settle *settle_new(void); // NULL without memory
void settle_free(struct settle *settle);

// Which channels a person has; the last word counts. Forgetting: as a person without any.
enum error settle_person(struct settle *settle, const struct person *person) MUST_USE;

// A bill, alert or notice waits for one delivery record per person and channel (a person without any: one of channel
// NONE), a switch due for its outcome.
enum error settle_decision(struct settle *settle, const struct decision *decision) MUST_USE;
enum error settle_fact(struct settle *settle, const struct fact *fact) MUST_USE;
// A command that is held by policy has come as far as it can at this business time: its outcome is not waited for.
enum error settle_command(struct settle *settle, const struct command_state *state) MUST_USE;

size_t settle_pending(const struct settle *settle);
// What is waited for, one a line, at most `max` lines.
enum error settle_describe(const struct settle *settle, size_t max, struct buffer *to) MUST_USE;

// The positions that show whether all of the log is folded and all that followed is published and seen here.
struct settle_positions {
  int64_t site_next;          // behind the last record of riser.site.v1 that was seen
  int64_t site_end;           // up to where there is no other: beyond site_next lie transactions' markers
  int64_t folded_next;        // meta.next_offset
  uint32_t folded_index;      // meta.next_index: > 0 while a record is applied in part
  struct cause outbox_last;   // of what was read together with the meta; offset -1: nothing
  struct cause decision_last; // seen in riser.decision.v1; offset -1: nothing
};
bool settle_positions_reached(const struct settle_positions *positions);

#endif

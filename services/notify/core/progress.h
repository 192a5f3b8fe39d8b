// SPDX-License-Identifier: Apache-2.0
// How far notify has come in one partition of riser.decision.v1, and the note of it that is committed beside the
// offset. Decisions finish in any order, so the offset is that of the lowest unfinished one, and the note says what
// above it is not finished and which of its deliveries are. A restart therefore neither repeats a confirmed delivery
// nor forgets an unconfirmed one. The note also bears the cause mark: decisions at or below it are repetitions.
// Pure; owned by the worker; holds at most PROGRESS_MAX unfinished decisions.
//
// The note is text: "1 <next offset to take up> <mark offset>.<mark index> <delta>[:<done, hex>],..." where delta is
// the distance from the unfinished decision before (the first: from the committed offset).
#ifndef RISER_NOTIFY_CORE_PROGRESS_H
#define RISER_NOTIFY_CORE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/decision.h"

enum {
  PROGRESS_MAX = 190,
  PROGRESS_SLOTS = 32,       // deliveries of one decision
  PROGRESS_NOTE_SIZE = 4000, // a longest note with its zero; Kafka's default limit is 4096
};

struct progress_item {
  int64_t offset;
  uint32_t done; // one bit a delivery
  bool taken;    // in this run
};

struct progress {
  int64_t end; // the next record that has not been seen by any run
  struct cause mark;
  bool has_mark;
  struct progress_item items[PROGRESS_MAX]; // ascending offsets
  size_t count;
};

void progress_init(struct progress *progress, int32_t partition);

// Goes on from what was committed. `note` NULL or "": nothing but the offset. ERR_CORRUPT: not a note of ours.
enum error progress_resume(struct progress *progress, int64_t offset, const char *note) MUST_USE;

enum progress_verdict { PROGRESS_SKIP, PROGRESS_WORK };

// A record as it comes, in ascending order of offsets. WORK: deliver it, except the deliveries in *done; call
// progress_finish when that is done. `is_message`: it is for somebody. ERR_CORRUPT: an unfinished decision was not in
// the log. ERR_LIMIT: PROGRESS_MAX are unfinished (the caller keeps below it).
enum error progress_take(struct progress *progress, int64_t offset, struct cause cause, bool is_message,
                         enum progress_verdict *verdict, uint32_t *done) MUST_USE;

void progress_deliver(struct progress *progress, int64_t offset, unsigned slot); // this delivery is settled
void progress_finish(struct progress *progress, int64_t offset);                 // all of them are

// What to commit. The note takes PROGRESS_NOTE_SIZE.
int64_t progress_offset(const struct progress *progress);
void progress_note(const struct progress *progress, char *note);

#endif

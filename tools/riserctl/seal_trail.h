// SPDX-License-Identifier: Apache-2.0
// What is known of a chain of the site log (domain/seal.h) from elsewhere than the log: checks of its records,
// published span by span, and heads, which bills, receipts and Redis carry; and a walk over the log that compares both,
// and finds the first record that was changed, removed or put in between. No I/O. One thread; some 8 bytes a record.
#ifndef RISER_RISERCTL_SEAL_TRAIL_H
#define RISER_RISERCTL_SEAL_TRAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/seal.h"

struct seal_trail;

struct seal_trail *seal_trail_new(const char *chain) MUST_USE; // the chain's name is borrowed. NULL without memory
void seal_trail_free(struct seal_trail *trail);

// Checks of the records up to and including number `until`. Numbers from 1 to SEAL_RECORDS_MAX.
#define SEAL_RECORDS_MAX ((uint64_t)1 << 32)
enum error seal_trail_checks(struct seal_trail *trail, uint64_t until, struct bytes checks) MUST_USE;
// A head and who carries it ("bill:..."; borrowed). A seal of no records is ignored.
enum error seal_trail_head(struct seal_trail *trail, const struct seal *seal, const char *source) MUST_USE;

// All records of the walk below this offset had been folded, so were sealed, when what is known was read: a chain that
// has more of them than its seal shows an insertion. What stands behind may have come since. 0 (the default): unknown.
void seal_trail_folded(struct seal_trail *trail, int64_t until_offset);

// The next record of the chain as it lies in the log.
struct seal_record {
  int32_t partition;
  int64_t offset;
  struct bytes value;
};
enum error seal_trail_walk(struct seal_trail *trail, const struct seal_record *record) MUST_USE;

enum seal_verdict {
  SEAL_WHOLE,    // all that is known agrees with the log
  SEAL_CHANGED,  // a record is another than it was
  SEAL_REMOVED,  // records are missing
  SEAL_INSERTED, // records stand there that were not there
  SEAL_ALTERED,  // something in the range is not what it was; what, cannot be said
  SEAL_UNKNOWN,  // nothing of the chain was known that could be compared
};

extern const char *const seal_verdicts[]; // "whole", ...

// A place in the log; number 0: none (before the first record, or behind the last).
struct seal_place {
  uint64_t number; // of the record in its chain, as the log has it now, from 1
  struct seal_record record;
};

struct seal_finding {
  enum seal_verdict verdict;
  uint64_t records;       // of the chain in the log
  uint64_t sealed;        // the highest number that anything is known of
  uint64_t checks, heads; // compared
  uint64_t count;         // REMOVED, INSERTED: how many
  // CHANGED: first == last, the record. INSERTED: the first and the last of them. REMOVED: the record before the gap
  // and the one behind it. ALTERED: the first and the last record of the range.
  struct seal_place first, last;
  const char *source; // who carries the head that showed it; NULL: a check
  struct seal seal;   // of the whole chain as the log has it
};

// After the last record. What it points to lives as long as the trail.
void seal_trail_end(struct seal_trail *trail, struct seal_finding *out);

#endif

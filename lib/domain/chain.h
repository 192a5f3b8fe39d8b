// SPDX-License-Identifier: Apache-2.0
// What the reads of a register mean: which of them count, where the register rolled over or was reset, and what it
// stood at at any instant. Derived from the vectors each time anew, so it never depends on the order of arrival.
//
// The physical-limit rule. From the last accepted read a, a later read b is plausible when
//     -backflow_max <= b - a <= max_rate_per_hour * seconds / 3600 + slack           (rounded down)
// or the same holds with the register's rollover added to b. If b is not plausible and some read c, no later than 24 h
// after b, is plausible from a, then the first such c is accepted next and the reads between are questionable.
// Otherwise b begins anew: the meter was reset or exchanged, and what lies between is not usage. Voids don't count; an
// edit is always accepted and never skipped.
//
// Totals: each accepted read has an offset such that value + offset runs on through rollovers and resets. Usage between
// two instants is the difference of their totals, so windows sum exactly to the register's difference.
#ifndef RISER_DOMAIN_CHAIN_H
#define RISER_DOMAIN_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/reading.h"

// A boundary between two accepted reads at most this far apart is derived, beyond it is an estimate.
enum { CHAIN_DERIVED_MAX_S = 7200, CHAIN_LOOKAHEAD_S = 86400 };

// Units of the register; see installation in domain/site.h.
struct chain_limits {
  int64_t max_rate_per_hour;
  int64_t backflow_max;
  int64_t slack;
  int64_t rollover; // 0: unknown
};

enum chain_verdict { CHAIN_ACCEPTED, CHAIN_ROLLED_OVER, CHAIN_RESET, CHAIN_QUESTIONABLE, CHAIN_VOID };

struct chain_read {
  int64_t time_s;
  int64_t value;  // as the register showed it
  int64_t offset; // value + offset is the total (of reads that are not questionable or void)
  uint16_t rank;
  enum chain_verdict verdict;
};

struct chain {
  const struct chain_read *reads; // ascending time, all of them
  size_t count;
  const struct chain_read *const *accepted; // those that count, ascending
  size_t accepted_count;
};

// One month's vector as it comes from the store.
struct chain_month {
  uint32_t month; // YYYYMM UTC
  struct bytes vector;
};

// Builds the chain of consecutive or at least ascending months. The result lives in the arena.
// ERR_NO_MEMORY: the arena is full. The vectors must be valid (reads_valid).
enum error chain_build(const struct chain_month *months, size_t count, const struct chain_limits *limits,
                       struct arena *arena, struct chain *out) MUST_USE;

// The register at an instant.
struct boundary {
  int64_t value; // as the register showed it or would have
  int64_t offset;
  enum quality quality;
  int64_t before_s; // time of the accepted read at or before the instant
  int64_t after_s;  // time of the accepted read behind it; 0: none has come, value is that of the last one
};

// False when there is no accepted read at or before the instant. Exact on a read (QUALITY_VALID, or QUALITY_EDITED);
// between two reads v0 + floor((v1 - v0)(t - t0) / (t1 - t0)) of the totals, rolled over as the register
// would have; behind the last one its value. The quality of the latter two is QUALITY_DERIVED up to CHAIN_DERIVED_MAX_S
// (between the reads; since the last one), else QUALITY_ESTIMATED_LINEAR.
bool chain_at(const struct chain *chain, int64_t time_s, struct boundary *out);

// The first accepted read at or after the instant, NULL if there is none; the last one before it.
const struct chain_read *chain_first_from(const struct chain *chain, int64_t time_s);
const struct chain_read *chain_last_before(const struct chain *chain, int64_t time_s);

static inline int64_t boundary_total(const struct boundary *b) {
  return b->value + b->offset;
}

#endif

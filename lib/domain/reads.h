// SPDX-License-Identifier: Apache-2.0
// The reads of one register in one UTC month: a sorted, packed vector, one read a second at most.
//
// Merging is commutative, associative and idempotent: any order and any duplication of a set of reads gives the same
// bytes. Of one second the highest (rank, value) wins. Of each hour the first two and the last two seconds are kept,
// whatever their rank, and every edit and void besides; so a vector has a bound, and a bad read never displaces the
// true edge of its hour. (That this is order-free: a second that is dropped has two seconds before it and two after it
// in its hour, and the ones between which it lies only ever grow.)
//
// Layout of an entry, READ_SIZE bytes, little endian: u32 second in month << 10 | rank, i64 value. That is what is
// worked on in memory; in Redis the vector is encoded shorter (domain/reads_codec.h).
#ifndef RISER_DOMAIN_READS_H
#define RISER_DOMAIN_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/reading.h"

enum { READ_SIZE = 12, READS_EDITS_MAX = 1024, READS_MONTH_SECONDS = 31 * 86400 };
// Four an hour of the longest month, one that is on its way in, and the edits.
#define READS_SIZE_MAX ((744u * 4u + 1u + READS_EDITS_MAX) * READ_SIZE)

struct read {
  uint32_t second; // since the beginning of the UTC month
  uint16_t rank;   // enum of domain/reading.h
  int64_t value;   // Wh or ml
};

// The UTC month that an instant lies in, as YYYYMM, and the second within it. Years 1970..9999.
uint32_t reads_month(int64_t time_s, uint32_t *second);
// The UTC instant at which the month YYYYMM begins.
int64_t reads_month_start(uint32_t month);
// The month `months` after (or, negative, before) YYYYMM.
uint32_t reads_month_add(uint32_t month, int32_t months);

bool read_is_edit(struct read read); // an edit or a void
bool read_is_void(struct read read);
uint16_t read_edit_rank(uint32_t revision, bool is_void); // revision 0..255

static inline size_t reads_count(struct bytes vector) {
  return vector.len / READ_SIZE;
}
struct read reads_get(struct bytes vector, size_t index);
void reads_put(uint8_t entry[READ_SIZE], struct read read); // the layout of one entry

// What a merge did to the vector's bytes: those from `from` on may be new (from == the length: nothing changed).
// A vector never gets shorter.
struct reads_change {
  size_t from;
};

// Merges one read. ERR_BAD_VALUE: negative value or rank beyond RANK_MAX; ERR_BAD_TIME: second outside any month;
// ERR_LIMIT: more edits than READS_EDITS_MAX in this month (the vector is unchanged). O(1) for a read behind all
// others.
enum error reads_merge(struct buffer *vector, struct read read, struct reads_change *change) MUST_USE;

// Whether bytes from elsewhere are such a vector: whole entries, ascending seconds, valid ranks and values.
bool reads_valid(struct bytes vector);

#endif

// SPDX-License-Identifier: Apache-2.0
// The reads of a month as they lie in Redis (key `reads:`) and in snapshots: what domain/reads.h packs in 12 bytes a
// read takes 3 to 5 here. Pure; the caller owns the buffers.
//
// Entry after entry, each as the difference to the one before it; before the first there is second 0, rank RANK_DEVICE
// and value 0. All numbers are varints: 7 bits a byte, the lowest first, the high bit on all but the last byte, no byte
// more than needed.
//   varint((second - second before) << 1 | rank differs)
//   varint(rank), only if it differs
//   varint(zigzag(value - value before)), zigzag(n) = n < 0 ? -2n - 1 : 2n
//
// A vector has exactly one encoding, and other bytes are none: so equal reads are equal bytes, whatever they came by.
// The bytes of an entry depend on it and the one before it alone: what stands before a change stays as it is.
#ifndef RISER_DOMAIN_READS_CODEC_H
#define RISER_DOMAIN_READS_CODEC_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/reads.h"

enum { READ_ENCODED_MAX = 4 + 2 + 10 };
#define READS_ENCODED_MAX (READS_SIZE_MAX / READ_SIZE * READ_ENCODED_MAX)

// Appends the entries of the valid vector from byte `from` on, which is a multiple of READ_SIZE. ERR_NO_MEMORY,
// ERR_LIMIT as the buffer.
enum error reads_encode(struct bytes vector, size_t from, struct buffer *out) MUST_USE;
// How many bytes the entries [from, until) take.
size_t reads_encoded_len(struct bytes vector, size_t from, size_t until);
// The whole vector into the empty buffer, of which the maximum is at least READS_SIZE_MAX. ERR_CORRUPT: it is not what
// reads_encode makes of a valid vector; ERR_NO_MEMORY.
enum error reads_decode(struct bytes encoded, struct buffer *vector) MUST_USE;

#endif

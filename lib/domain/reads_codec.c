// SPDX-License-Identifier: Apache-2.0
// One function writes an entry and tells its length, so that lengths and bytes can't differ. Decoding refuses whatever
// encoding would not have made, byte for byte.
#include "domain/reads_codec.h"

enum { GROUP_BITS = 7, MORE = 0x80 };

static const struct read before_first = {.second = 0, .rank = RANK_DEVICE, .value = 0};

// ---- encoding

static size_t put_varint(uint8_t *to, uint64_t value) {
  size_t len = 0;
  for (; value >= MORE; value >>= GROUP_BITS) to[len++] = (uint8_t)(value | MORE);
  to[len++] = (uint8_t)value;
  return len;
}

static uint64_t zigzag(int64_t value) {
  return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static size_t put_entry(uint8_t to[READ_ENCODED_MAX], const struct read *before, const struct read *read) {
  bool differs = read->rank != before->rank;
  size_t len = put_varint(to, (uint64_t)(read->second - before->second) << 1 | differs);
  if (differs) len += put_varint(to + len, read->rank);
  return len + put_varint(to + len, zigzag(read->value - before->value));
}

static struct read read_before(struct bytes vector, size_t from) {
  return from == 0 ? before_first : reads_get(vector, from / READ_SIZE - 1);
}

enum error reads_encode(struct bytes vector, size_t from, struct buffer *out) {
  struct read before = read_before(vector, from);
  for (size_t i = from / READ_SIZE; i < reads_count(vector); i++) {
    struct read read = reads_get(vector, i);
    enum error err = buffer_reserve(out, READ_ENCODED_MAX);
    if (err != OK) return err;
    out->len += put_entry(out->data + out->len, &before, &read);
    before = read;
  }
  return OK;
}

size_t reads_encoded_len(struct bytes vector, size_t from, size_t until) {
  uint8_t entry[READ_ENCODED_MAX];
  size_t len = 0;
  struct read before = read_before(vector, from);
  for (size_t i = from / READ_SIZE; i < until / READ_SIZE; i++) {
    struct read read = reads_get(vector, i);
    len += put_entry(entry, &before, &read);
    before = read;
  }
  return len;
}

// ---- decoding

struct cursor {
  const uint8_t *at, *end;
};

// False: cut off, longer than needed, or more than 64 bits.
static bool take_varint(struct cursor *from, uint64_t *out) {
  uint64_t value = 0;
  for (unsigned shift = 0; from->at < from->end && shift < 64; shift += GROUP_BITS) {
    uint64_t byte = *from->at++, group = byte & (MORE - 1);
    if (group << shift >> shift != group) return false;
    value |= group << shift;
    if (byte & MORE) continue;
    *out = value;
    return byte != 0 || shift == 0;
  }
  return false;
}

static bool take_value(struct cursor *from, int64_t before, int64_t *out) {
  uint64_t zigzagged;
  if (!take_varint(from, &zigzagged)) return false;
  int64_t step = (int64_t)(zigzagged >> 1) ^ -(int64_t)(zigzagged & 1);
  return !__builtin_add_overflow(before, step, out) && *out >= 0;
}

static bool take_rank(struct cursor *from, uint16_t before, uint16_t *out) {
  uint64_t rank;
  if (!take_varint(from, &rank) || rank > RANK_MAX || rank == before) return false;
  *out = (uint16_t)rank;
  return true;
}

// The entry behind `read`, in its place.
static bool take_entry(struct cursor *from, bool first, struct read *read) {
  uint64_t step;
  if (!take_varint(from, &step)) return false;
  uint64_t seconds = step >> 1;
  if ((seconds == 0 && !first) || seconds >= READS_MONTH_SECONDS - read->second) return false;
  read->second += (uint32_t)seconds;
  if ((step & 1) && !take_rank(from, read->rank, &read->rank)) return false;
  return take_value(from, read->value, &read->value);
}

enum error reads_decode(struct bytes encoded, struct buffer *vector) {
  struct cursor from = {encoded.data, encoded.data + encoded.len};
  struct read read = before_first;
  while (from.at < from.end) {
    if (!take_entry(&from, vector->len == 0, &read)) return ERR_CORRUPT;
    if (vector->len >= READS_SIZE_MAX) return ERR_CORRUPT;
    enum error err = buffer_reserve(vector, READ_SIZE);
    if (err != OK) return err;
    reads_put(vector->data + vector->len, read);
    vector->len += READ_SIZE;
  }
  return OK;
}

// SPDX-License-Identifier: Apache-2.0
// The vector stays small (at most four reads an hour), so an insertion is one memmove; the common case, a read behind
// all others, touches only the end.
#include "domain/reads.h"

#include <string.h>

#include "base/canary.h"
#include "domain/zone.h"

enum { RANK_BITS = 10, HOUR_S = 3600, DAY_S = 86400 };

static uint32_t key_at(const uint8_t *data, size_t index) {
  return get_le32(data + index * READ_SIZE);
}

static uint32_t second_at(const uint8_t *data, size_t index) {
  return key_at(data, index) >> RANK_BITS;
}

uint32_t reads_month(int64_t time_s, uint32_t *second) {
  int64_t days = time_s / DAY_S - (time_s % DAY_S < 0);
  struct civil_date date = civil_from_days(days);
  *second = (uint32_t)(time_s - days * DAY_S + (date.day - 1) * (int64_t)DAY_S);
  return (uint32_t)(date.year * 100 + date.month);
}

int64_t reads_month_start(uint32_t month) {
  return civil_to_days((struct civil_date){(int32_t)(month / 100), (int32_t)(month % 100), 1}) * DAY_S;
}

uint32_t reads_month_add(uint32_t month, int32_t months) {
  int32_t index = (int32_t)(month / 100) * 12 + (int32_t)(month % 100) - 1 + months;
  return (uint32_t)(index / 12 * 100 + index % 12 + 1);
}

bool read_is_edit(struct read read) {
  return read.rank >= RANK_EDIT_0;
}

bool read_is_void(struct read read) {
  return read_is_edit(read) && (read.rank - RANK_EDIT_0) % 2 == 1;
}

uint16_t read_edit_rank(uint32_t revision, bool is_void) {
  return (uint16_t)(RANK_EDIT_0 + 2 * revision + (is_void ? 1 : 0));
}

struct read reads_get(struct bytes vector, size_t index) {
  const uint8_t *entry = vector.data + index * READ_SIZE;
  uint32_t key = get_le32(entry);
  return (struct read){key >> RANK_BITS, key & RANK_MAX, (int64_t)get_le64(entry + 4)};
}

// Index of the first entry whose second is not below `second`.
static size_t lower_bound(const uint8_t *data, size_t count, uint32_t second) {
  if (count == 0 || second_at(data, count - 1) < second) return count;
  size_t low = 0, high = count - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (second_at(data, middle) < second) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void reads_put(uint8_t entry[READ_SIZE], struct read read) {
  put_le32(entry, read.second << RANK_BITS | read.rank);
  put_le64(entry + 4, (uint64_t)read.value);
}

// Drops the reads of one hour that are neither among its first two nor last two seconds nor edits.
// At most one such read exists, since every earlier merge left none. Returns its index or `count`.
static size_t surplus_in_hour(const uint8_t *data, size_t count, size_t inserted) {
  uint32_t hour = second_at(data, inserted) / HOUR_S;
  size_t first = inserted, last = inserted;
  while (first > 0 && second_at(data, first - 1) / HOUR_S == hour) first--;
  while (last + 1 < count && second_at(data, last + 1) / HOUR_S == hour) last++;
  for (size_t i = first + 2; i + 2 <= last; i++) {
    if ((key_at(data, i) & RANK_MAX) < RANK_EDIT_0) return i;
  }
  return count;
}

static size_t edits_in(const uint8_t *data, size_t count) {
  size_t edits = 0;
  for (size_t i = 0; i < count; i++) edits += (key_at(data, i) & RANK_MAX) >= RANK_EDIT_0;
  return edits;
}

static enum error insert(struct buffer *vector, size_t index, struct read read, struct reads_change *change) {
  size_t count = vector->len / READ_SIZE;
  if (read_is_edit(read) && edits_in(vector->data, count) >= READS_EDITS_MAX) return ERR_LIMIT;
  enum error err = buffer_reserve(vector, READ_SIZE);
  if (err != OK) return err;

  uint8_t *entry = vector->data + index * READ_SIZE;
  memmove(entry + READ_SIZE, entry, (count - index) * READ_SIZE);
  reads_put(entry, read);
  count++;

  size_t surplus = surplus_in_hour(vector->data, count, index);
  change->from = index * READ_SIZE;
  if (surplus < count) {
    uint8_t *gone = vector->data + surplus * READ_SIZE;
    memmove(gone, gone + READ_SIZE, (count - surplus - 1) * READ_SIZE);
    count--;
    if (surplus == index) {
      change->from = count * READ_SIZE; // it went as it came
    } else if (surplus < index) {
      change->from = surplus * READ_SIZE;
    }
  }
  vector->len = count * READ_SIZE;
  return OK;
}

enum error reads_merge(struct buffer *vector, struct read read, struct reads_change *change) {
  if (read.value < 0 || read.rank > RANK_MAX) return ERR_BAD_VALUE;
  if (read.second >= READS_MONTH_SECONDS) return ERR_BAD_TIME;
  size_t count = vector->len / READ_SIZE;
  size_t index = lower_bound(vector->data, count, read.second);
  *change = (struct reads_change){.from = vector->len};
  if (index == count || second_at(vector->data, index) != read.second) return insert(vector, index, read, change);

  struct read there = reads_get(buffer_bytes(vector), index);
  bool wins = read.rank != there.rank ? read.rank > there.rank : read.value > there.value;
  if (!wins && !CANARY(LAST_READ_WINS)) return OK;
  if (read_is_edit(read) && !read_is_edit(there) && edits_in(vector->data, count) >= READS_EDITS_MAX) return ERR_LIMIT;
  reads_put(vector->data + index * READ_SIZE, read);
  change->from = index * READ_SIZE;
  return OK;
}

bool reads_valid(struct bytes vector) {
  if (vector.len % READ_SIZE != 0 || vector.len > READS_SIZE_MAX) return false;
  for (size_t i = 0; i < reads_count(vector); i++) {
    struct read read = reads_get(vector, i);
    if (read.second >= READS_MONTH_SECONDS || read.value < 0) return false;
    if (i > 0 && second_at(vector.data, i - 1) >= read.second) return false;
  }
  return true;
}

// SPDX-License-Identifier: Apache-2.0
// Vectors of reads, encoded as they come from Redis and as they are in memory, and the merge: input is a length and a
// vector, then reads. What decodes is the one encoding of its vector; whatever passes for a vector stays one and comes
// back from its encoding; and the order in which reads come makes no difference.
#include "domain/reads_codec.h"

#include <string.h>

#include "fuzz.h"

enum { READS_MAX = 64, SECONDS = 31 * 86400 };

static void merge_all(struct buffer *vector, const struct read *reads, size_t count, bool backwards) {
  for (size_t i = 0; i < count; i++) {
    struct read read = reads[backwards ? count - 1 - i : i];
    struct reads_change change = {.from = 0};
    size_t before = vector->len;
    enum error err = reads_merge(vector, read, &change);
    FUZZ_HOLDS(err == OK || err == ERR_LIMIT || err == ERR_BAD_VALUE || err == ERR_BAD_TIME);
    FUZZ_HOLDS(err || (change.from <= vector->len && vector->len >= before));
    FUZZ_HOLDS(reads_valid(buffer_bytes(vector)));
  }
}

// Bytes that may be an encoding: of a valid vector, and of no other.
static void decode(struct bytes encoded) {
  struct buffer vector, again;
  buffer_init(&vector, READS_SIZE_MAX);
  buffer_init(&again, READS_ENCODED_MAX);
  enum error err = reads_decode(encoded, &vector);
  FUZZ_HOLDS(err == OK || err == ERR_CORRUPT);
  if (err == OK) {
    FUZZ_HOLDS(reads_valid(buffer_bytes(&vector)));
    FUZZ_HOLDS(reads_encode(buffer_bytes(&vector), 0, &again) == OK);
    FUZZ_HOLDS(bytes_equal(buffer_bytes(&again), encoded));
  }
  buffer_fini(&vector);
  buffer_fini(&again);
}

static void there_and_back(struct bytes vector) {
  struct buffer encoded, back;
  buffer_init(&encoded, READS_ENCODED_MAX);
  buffer_init(&back, READS_SIZE_MAX);
  FUZZ_HOLDS(reads_encode(vector, 0, &encoded) == OK);
  FUZZ_HOLDS(reads_encoded_len(vector, 0, vector.len) == encoded.len);
  FUZZ_HOLDS(reads_decode(buffer_bytes(&encoded), &back) == OK);
  FUZZ_HOLDS(bytes_equal(buffer_bytes(&back), vector));
  buffer_fini(&encoded);
  buffer_fini(&back);
}

static struct read read_from(struct fuzz_input *input) {
  struct read read = {.second = (uint32_t)(fuzz_u16(input) * 41u + fuzz_u8(input)) % (SECONDS + 1)};
  read.rank = fuzz_u16(input) % (RANK_MAX + 2);
  read.value = (int64_t)fuzz_u16(input) - 1;
  return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct bytes given = fuzz_bytes(&input, fuzz_u16(&input));
  uint8_t *exact = fuzz_copy(given);
  bool valid = reads_valid(bytes_make(exact, given.len));
  decode(bytes_make(exact, given.len));
  struct read reads[READS_MAX];
  struct buffer forwards, backwards;
  size_t count = 0;
  while (input.left && count < READS_MAX) reads[count++] = read_from(&input);
  buffer_init(&forwards, READS_SIZE_MAX + READ_SIZE);
  buffer_init(&backwards, READS_SIZE_MAX + READ_SIZE);
  // A vector that no merge made may hold more of an hour than a merge leaves: then the order does matter.
  if (valid && given.len) {
    FUZZ_HOLDS(buffer_append(&forwards, exact, given.len) == OK);
    merge_all(&forwards, reads, count, false);
    there_and_back(buffer_bytes(&forwards));
    buffer_clear(&forwards);
  }
  merge_all(&forwards, reads, count, false);
  merge_all(&backwards, reads, count, true);
  there_and_back(buffer_bytes(&backwards));
  FUZZ_HOLDS(bytes_equal(buffer_bytes(&forwards), buffer_bytes(&backwards)));
  merge_all(&backwards, reads, count, false); // and again: nothing changes
  FUZZ_HOLDS(bytes_equal(buffer_bytes(&forwards), buffer_bytes(&backwards)));
  buffer_fini(&forwards);
  buffer_fini(&backwards);
  free(exact);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The encoding of read vectors: bytes worked out by hand, every vector comes back, and bytes that are no vector's one
// encoding are refused.
#include "domain/reads_codec.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 3000, READS = 60 };

struct pair {
  struct buffer vector, encoded;
};

static void begin(struct pair *pair) {
  buffer_init(&pair->vector, READS_SIZE_MAX);
  buffer_init(&pair->encoded, READS_ENCODED_MAX);
}

static void end(struct pair *pair) {
  buffer_fini(&pair->vector);
  buffer_fini(&pair->encoded);
}

static void add(struct pair *pair, uint32_t second, uint16_t rank, int64_t value) {
  struct reads_change change;
  assert_int_equal(reads_merge(&pair->vector, (struct read){second, rank, value}, &change), OK);
}

static void encode(struct pair *pair) {
  buffer_clear(&pair->encoded);
  assert_int_equal(reads_encode(buffer_bytes(&pair->vector), 0, &pair->encoded), OK);
}

static enum error decode(struct bytes encoded, struct buffer *vector) {
  buffer_init(vector, READS_SIZE_MAX);
  return reads_decode(encoded, vector);
}

static void the_bytes_are_these(void **state) {
  (void)state;
  static const uint8_t expected[] = {
      0x3c, 0xc0, 0x3e,       // 30 s, 4000
      0x78, 0xd0, 0x0f,       // 60 s later, 1000 more
      0x15, 0x80, 0x02, 0x13, // 10 s later, of rank 256, 10 less
      0x03, 0x40, 0x00,       // a second later, of rank 64 again, the same
  };
  struct pair pair;
  begin(&pair);
  add(&pair, 30, 64, 4000);
  add(&pair, 90, 64, 5000);
  add(&pair, 100, 256, 4990);
  add(&pair, 101, 64, 4990);
  encode(&pair);
  assert_int_equal(pair.encoded.len, sizeof expected);
  assert_memory_equal(pair.encoded.data, expected, sizeof expected);
  end(&pair);
}

static void an_hourly_read_takes_three_bytes(void **state) {
  (void)state;
  struct pair pair;
  begin(&pair);
  for (uint32_t hour = 0; hour < 744; hour++) add(&pair, hour * 3600, RANK_DEVICE, hour * 40);
  encode(&pair);
  assert_int_equal(pair.encoded.len, 744 * 3 - 1); // the first one's second is 0
  end(&pair);
}

static int64_t any_value(unsigned *seed) {
  int64_t wide = (int64_t)rand_r(seed) << 32 | rand_r(seed);
  return wide >> rand_r(seed) % 62;
}

static void fill(struct pair *pair, unsigned *seed) {
  int count = 1 + rand_r(seed) % READS;
  for (int i = 0; i < count; i++) {
    uint16_t rank = (uint16_t)(rand_r(seed) % 3 ? RANK_DEVICE : rand_r(seed) % (RANK_MAX + 1));
    int64_t value = rand_r(seed) % 20 ? any_value(seed) : INT64_MAX;
    add(pair, (uint32_t)rand_r(seed) % READS_MONTH_SECONDS, rank, value);
  }
}

static void every_vector_comes_back(void **state) {
  (void)state;
  const char *given = getenv("RISER_TEST_SEED");
  unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
  printf("seed %u (RISER_TEST_SEED gives it back)\n", seed);
  for (int round = 0; round < ROUNDS; round++) {
    struct pair pair;
    struct buffer back, tail;
    begin(&pair);
    fill(&pair, &seed);
    encode(&pair);
    struct bytes vector = buffer_bytes(&pair.vector), encoded = buffer_bytes(&pair.encoded);
    assert_int_equal(decode(encoded, &back), OK);
    assert_true(bytes_equal(buffer_bytes(&back), vector));

    size_t from = (size_t)rand_r(&seed) % (reads_count(vector) + 1) * READ_SIZE;
    size_t offset = reads_encoded_len(vector, 0, from);
    buffer_init(&tail, READS_ENCODED_MAX);
    assert_int_equal(reads_encode(vector, from, &tail), OK);
    assert_true(bytes_equal(buffer_bytes(&tail), bytes_make(encoded.data + offset, encoded.len - offset)));
    assert_int_equal(reads_encoded_len(vector, from, vector.len), tail.len);
    buffer_fini(&tail);
    buffer_fini(&back);
    end(&pair);
  }
}

// Whatever is taken is the encoding of what came of it: nothing else gives that vector.
static void check(struct bytes bytes) {
  struct buffer vector, again;
  enum error err = decode(bytes, &vector);
  assert_true(err == OK || err == ERR_CORRUPT);
  if (err == OK) {
    assert_true(reads_valid(buffer_bytes(&vector)));
    buffer_init(&again, READS_ENCODED_MAX);
    assert_int_equal(reads_encode(buffer_bytes(&vector), 0, &again), OK);
    assert_true(bytes_equal(buffer_bytes(&again), bytes));
    buffer_fini(&again);
  }
  buffer_fini(&vector);
}

static void what_is_cut_off_or_altered_is_no_other_vector(void **state) {
  (void)state;
  unsigned seed = 17;
  for (int round = 0; round < 200; round++) {
    struct pair pair;
    begin(&pair);
    fill(&pair, &seed);
    encode(&pair);
    for (size_t len = 0; len < pair.encoded.len; len++) check(bytes_make(pair.encoded.data, len));
    for (size_t i = 0; i < pair.encoded.len; i++) {
      pair.encoded.data[i] ^= (uint8_t)(1 + rand_r(&seed) % 255);
      check(buffer_bytes(&pair.encoded));
    }
    end(&pair);
  }
}

#define REFUSED(...)                                                                                                   \
  do {                                                                                                                 \
    const uint8_t bytes[] = {__VA_ARGS__};                                                                             \
    struct buffer vector;                                                                                              \
    assert_int_equal(decode(bytes_make(bytes, sizeof bytes), &vector), ERR_CORRUPT);                                   \
    buffer_fini(&vector);                                                                                              \
  } while (0)

static void what_is_no_encoding_is_refused(void **state) {
  (void)state;
  REFUSED(0x3c);                                                       // no value
  REFUSED(0x3c, 0xc0);                                                 // cut off within a number
  REFUSED(0xbc, 0x00, 0x02);                                           // a byte more than needed
  REFUSED(0x3c, 0x82, 0x00);                                           // the same, of the value
  REFUSED(0x3c, 0x01);                                                 // below zero
  REFUSED(0x3c, 0x02, 0x00, 0x02);                                     // twice the same second
  REFUSED(0x3d, 0x40, 0x02);                                           // "another rank", which is the same
  REFUSED(0x3d, 0x80, 0x08, 0x02);                                     // rank 1024
  REFUSED(0x80, 0xfa, 0xc6, 0x02, 0x02);                               // second 2,678,400 of a month
  REFUSED(0x02, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x02, 0x02); // beyond 63 bits
  REFUSED(0x3c, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02);       // beyond 64 bits
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bytes_are_these),
      cmocka_unit_test(an_hourly_read_takes_three_bytes),
      cmocka_unit_test(every_vector_comes_back),
      cmocka_unit_test(what_is_cut_off_or_altered_is_no_other_vector),
      cmocka_unit_test(what_is_no_encoding_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The read vector against a plain model: any order and any duplication of a set of reads gives the same bytes.
#include "domain/reads.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SET_MAX = 400 };

static struct read draw(unsigned *seed) {
  struct read read = {.rank = RANK_DEVICE};
  uint32_t hour = (uint32_t)rand_r(seed) % 6;
  read.second = hour * 3600 + (uint32_t)rand_r(seed) % 40 * 90; // few distinct seconds: ties are common
  read.value = rand_r(seed) % 1000;
  if (rand_r(seed) % 10 == 0) read.rank = RANK_HAND;
  if (rand_r(seed) % 20 == 0) read.rank = read_edit_rank((uint32_t)rand_r(seed) % 3, rand_r(seed) % 2);
  if (rand_r(seed) % 20 == 0) read.rank = RANK_CLOCK_SUSPECT;
  return read;
}

static void merge_all(struct buffer *vector, const struct read *reads, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct reads_change change;
    uint8_t before[READS_SIZE_MAX];
    size_t len = vector->len;
    if (len) memcpy(before, vector->data, len);
    assert_int_equal(reads_merge(vector, reads[i], &change), OK);
    assert_true(change.from <= vector->len && vector->len >= len);
    size_t same = change.from < len ? change.from : len;
    if (same) assert_memory_equal(before, vector->data, same);
    if (change.from == vector->len) assert_int_equal(vector->len, len);
  }
}

static void shuffle(struct read *reads, size_t count, unsigned *seed) {
  for (size_t i = count - 1; i > 0; i--) {
    size_t j = (size_t)rand_r(seed) % (i + 1);
    struct read swap = reads[i];
    reads[i] = reads[j];
    reads[j] = swap;
  }
}

static int by_second_then_best(const void *left, const void *right) {
  const struct read *a = left, *b = right;
  if (a->second != b->second) return a->second < b->second ? -1 : 1;
  if (a->rank != b->rank) return a->rank > b->rank ? -1 : 1;
  return a->value > b->value ? -1 : a->value < b->value;
}

// The definition, without regard to cost: sort, best of each second, then first two, last two and edits of each hour.
static size_t model(const struct read *set, size_t count, struct read *out) {
  struct read best[SET_MAX];
  memcpy(best, set, count * sizeof *set);
  qsort(best, count, sizeof *best, by_second_then_best);
  size_t unique = 0;
  for (size_t i = 0; i < count; i++) {
    if (unique == 0 || best[unique - 1].second != best[i].second) best[unique++] = best[i];
  }
  size_t kept = 0;
  for (size_t i = 0; i < unique; i++) {
    size_t before = 0, behind = 0;
    for (size_t j = 0; j < unique; j++) {
      if (best[j].second / 3600 != best[i].second / 3600) continue;
      before += j < i;
      behind += j > i;
    }
    if (before < 2 || behind < 2 || best[i].rank >= RANK_EDIT_0) out[kept++] = best[i];
  }
  return kept;
}

static unsigned first_seed(void) {
  const char *given = getenv("RISER_TEST_SEED");
  unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
  printf("seed %u (RISER_TEST_SEED gives it back)\n", seed);
  return seed;
}

static void any_order_and_duplication_gives_the_model(void **state) {
  (void)state;
  unsigned seed = first_seed();
  for (int round = 0; round < 2000; round++) {
    struct read set[SET_MAX], expected[SET_MAX];
    size_t count = 1 + (size_t)rand_r(&seed) % (SET_MAX / 2);
    for (size_t i = 0; i < count; i++) set[i] = draw(&seed);
    size_t kept = model(set, count, expected);
    size_t doubled = count;
    for (size_t i = 0; i < count && doubled < SET_MAX; i += 3) set[doubled++] = set[i];

    for (int order = 0; order < 3; order++) {
      shuffle(set, doubled, &seed);
      struct buffer vector;
      buffer_init(&vector, READS_SIZE_MAX);
      merge_all(&vector, set, doubled);
      assert_true(reads_valid(buffer_bytes(&vector)));
      assert_int_equal(reads_count(buffer_bytes(&vector)), kept);
      for (size_t i = 0; i < kept; i++) {
        struct read got = reads_get(buffer_bytes(&vector), i);
        assert_int_equal(got.second, expected[i].second);
        assert_int_equal(got.rank, expected[i].rank);
        assert_int_equal(got.value, expected[i].value);
      }
      buffer_fini(&vector);
    }
  }
}

static void a_full_month_fits_and_edits_are_bounded(void **state) {
  (void)state;
  struct buffer vector;
  buffer_init(&vector, READS_SIZE_MAX);
  struct reads_change change;
  for (uint32_t second = 0; second < 31u * 86400; second += 60) {
    assert_int_equal(reads_merge(&vector, (struct read){second, RANK_DEVICE, second}, &change), OK);
  }
  assert_int_equal(reads_count(buffer_bytes(&vector)), 744 * 4);
  for (uint32_t i = 0; i < READS_EDITS_MAX; i++) {
    struct read edit = {i * 60 + 30, read_edit_rank(0, false), 1};
    assert_int_equal(reads_merge(&vector, edit, &change), OK);
  }
  struct read beyond = {31u * 86400 - 1, read_edit_rank(0, false), 1};
  assert_int_equal(reads_merge(&vector, beyond, &change), ERR_LIMIT);
  assert_true(reads_valid(buffer_bytes(&vector)));
  buffer_fini(&vector);
}

static void bad_reads_are_refused(void **state) {
  (void)state;
  struct buffer vector;
  buffer_init(&vector, READS_SIZE_MAX);
  struct reads_change change;
  assert_int_equal(reads_merge(&vector, (struct read){0, RANK_DEVICE, -1}, &change), ERR_BAD_VALUE);
  assert_int_equal(reads_merge(&vector, (struct read){31u * 86400, RANK_DEVICE, 1}, &change), ERR_BAD_TIME);
  assert_int_equal(reads_merge(&vector, (struct read){0, RANK_MAX + 1, 1}, &change), ERR_BAD_VALUE);
  assert_int_equal(vector.len, 0);
  buffer_fini(&vector);
}

static void months_are_utc_calendar_months(void **state) {
  (void)state;
  uint32_t second;
  assert_int_equal(reads_month(1456790449, &second), 201603); // 2016-03-01T00:00:49Z
  assert_int_equal(second, 49);
  assert_int_equal(reads_month(1456790399, &second), 201602); // the second before March: a leap year's 29th
  assert_int_equal(second, 29 * 86400 - 1);
  assert_int_equal(reads_month_start(201603), 1456790400);
  assert_int_equal(reads_month_add(201612, 1), 201701);
  assert_int_equal(reads_month_add(201601, -1), 201512);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_order_and_duplication_gives_the_model),
      cmocka_unit_test(a_full_month_fits_and_edits_are_bounded),
      cmocka_unit_test(bad_reads_are_refused),
      cmocka_unit_test(months_are_utc_calendar_months),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

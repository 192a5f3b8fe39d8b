// SPDX-License-Identifier: Apache-2.0
// A log of records "0", "1", ...; what is known of it; then the log as somebody left it. Each test says what happened
// to which record, and the walk must find just that.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "riserctl/seal_trail.h"

enum { RECORDS = 1000, ROOM = RECORDS + 200, TEXT = 32 };

#define CHAIN "house"

struct log {
  char values[ROOM][TEXT];
  size_t count;
};

static struct log *log_new(void) {
  struct log *log = calloc(1, sizeof *log);
  assert_non_null(log);
  for (; log->count < RECORDS; log->count++) snprintf(log->values[log->count], TEXT, "%zu", log->count);
  return log;
}

static void cut(struct log *log, size_t at, size_t count) {
  memmove(log->values[at], log->values[at + count], (log->count - at - count) * TEXT);
  log->count -= count;
}

static void insert(struct log *log, size_t at, size_t count) {
  memmove(log->values[at + count], log->values[at], (log->count - at) * TEXT);
  for (size_t i = 0; i < count; i++) snprintf(log->values[at + i], TEXT, "new %zu", i);
  log->count += count;
}

// What billing published of the first `until` records: the checks from number `checks_from` on; heads at the ends of
// the spans and every `bill_every` records.
struct known {
  size_t until;
  uint64_t checks_from;
  size_t bill_every;
};
static const struct known all = {RECORDS, 1, 150};

static struct seal_trail *trail_of(const struct known *known) {
  struct seal_trail *trail = seal_trail_new(CHAIN);
  struct log *log = log_new();
  struct seal seal = {.records = 0};
  assert_non_null(trail);
  for (size_t i = 0; i < known->until; i++) {
    seal_add(&seal, bytes_text(CHAIN), bytes_text(log->values[i]));
    bool checked = seal.records >= known->checks_from;
    if (checked) assert_int_equal(seal_trail_checks(trail, seal.records, bytes_make(seal.head, SEAL_CHECK)), OK);
    if (checked && seal.records % SEAL_SPAN == 0) assert_int_equal(seal_trail_head(trail, &seal, "span"), OK);
    if (seal.records % known->bill_every == 0) assert_int_equal(seal_trail_head(trail, &seal, "bill"), OK);
  }
  if (known->until) assert_int_equal(seal_trail_head(trail, &seal, "state"), OK);
  free(log);
  return trail;
}

static int64_t offset_of(size_t number) {
  return (int64_t)(5 + 2 * number);
}

// `folded`: how many of the records had been folded for certain when what is known was read.
static struct seal_finding walk(struct seal_trail *trail, struct log *log, size_t folded) {
  struct seal_finding found;
  seal_trail_folded(trail, folded ? offset_of(folded) + 1 : 0);
  for (size_t i = 0; i < log->count; i++) {
    struct seal_record record = {3, offset_of(i + 1), bytes_text(log->values[i])};
    assert_int_equal(seal_trail_walk(trail, &record), OK);
  }
  seal_trail_end(trail, &found);
  free(log);
  return found;
}

static void is_place(const struct seal_place *place, uint64_t number, const char *value) {
  assert_int_equal(place->number, number);
  assert_int_equal(place->record.partition, 3);
  assert_int_equal(place->record.offset, offset_of(number));
  assert_true(bytes_equal_text(place->record.value, value));
}

static void test_a_whole_log(void **state) {
  (void)state;
  struct seal_trail *trail = trail_of(&all);
  struct seal_finding found = walk(trail, log_new(), ROOM);
  assert_int_equal(found.verdict, SEAL_WHOLE);
  assert_int_equal(found.records, RECORDS);
  assert_int_equal(found.sealed, RECORDS);
  assert_int_equal(found.checks, RECORDS);
  assert_int_equal(found.heads, RECORDS / 150 + RECORDS / SEAL_SPAN + 1);
  seal_trail_free(trail);
}

// Whichever record: the first, the last, at the borders of spans.
static void test_the_changed_record_is_named(void **state) {
  (void)state;
  for (size_t at = 0; at < RECORDS; at += at < 130 || at > RECORDS - 130 ? 1 : 41) {
    struct seal_trail *trail = trail_of(&all);
    struct log *log = log_new();
    snprintf(log->values[at], TEXT, "other");
    if (at + 300 < RECORDS) snprintf(log->values[at + 300], TEXT, "later"); // the first one counts
    struct seal_finding found = walk(trail, log, ROOM);
    assert_int_equal(found.verdict, SEAL_CHANGED);
    is_place(&found.first, at + 1, "other");
    seal_trail_free(trail);
  }
}

static void test_the_gap_is_named(void **state) {
  (void)state;
  char text[TEXT];
  for (size_t count = 1; count <= SEAL_SPAN; count = count * 4 - 1) {
    for (size_t at = 0; at + count < RECORDS; at += at < 130 || at > RECORDS - 200 ? 1 : 41) {
      struct seal_trail *trail = trail_of(&all);
      struct log *log = log_new();
      cut(log, at, count);
      struct seal_finding found = walk(trail, log, ROOM);
      assert_int_equal(found.verdict, SEAL_REMOVED);
      assert_int_equal(found.count, count);
      snprintf(text, TEXT, "%zu", at - 1);
      if (at) is_place(&found.first, at, text);
      if (!at) assert_int_equal(found.first.number, 0);
      snprintf(text, TEXT, "%zu", at + count);
      is_place(&found.last, at + 1, text);
      seal_trail_free(trail);
    }
  }
}

static void test_the_foreign_records_are_named(void **state) {
  (void)state;
  for (size_t count = 1; count <= SEAL_SPAN; count = count * 4 - 1) {
    for (size_t at = 0; at < RECORDS; at += at < 130 || at > RECORDS - 200 ? 1 : 41) {
      struct seal_trail *trail = trail_of(&all);
      struct log *log = log_new();
      char text[TEXT];
      insert(log, at, count);
      struct seal_finding found = walk(trail, log, ROOM);
      assert_int_equal(found.verdict, SEAL_INSERTED);
      assert_int_equal(found.count, count);
      snprintf(text, TEXT, "new %zu", count - 1);
      is_place(&found.first, at + 1, "new 0");
      is_place(&found.last, at + count, text);
      seal_trail_free(trail);
    }
  }
}

// What happened is told from where the log agrees again, not from its length: that another place has made equal again,
// or it has grown.
static void test_the_first_of_two_is_told_from_what_stands_behind_it(void **state) {
  (void)state;
  for (size_t folded = 0; folded <= ROOM; folded += ROOM) {
    struct seal_trail *trail = trail_of(&all);
    struct log *log = log_new();
    insert(log, 600, 1);
    cut(log, 200, 1);
    struct seal_finding found = walk(trail, log, folded);
    assert_int_equal(found.verdict, SEAL_REMOVED);
    assert_int_equal(found.count, 1);
    is_place(&found.last, 201, "201");
    seal_trail_free(trail);
    trail = trail_of(&all);
    log = log_new();
    cut(log, 600, 5);
    snprintf(log->values[200], TEXT, "other");
    found = walk(trail, log, folded);
    assert_int_equal(found.verdict, SEAL_CHANGED);
    is_place(&found.first, 201, "other");
    seal_trail_free(trail);
  }
}

static void test_a_cut_end_is_found(void **state) {
  (void)state;
  struct seal_trail *trail = trail_of(&all);
  struct log *log = log_new();
  cut(log, RECORDS - 3, 3);
  struct seal_finding found = walk(trail, log, ROOM);
  assert_int_equal(found.verdict, SEAL_REMOVED);
  assert_int_equal(found.count, 3);
  is_place(&found.first, RECORDS - 3, "996");
  assert_int_equal(found.last.number, 0);
  seal_trail_free(trail);
}

// Records that billing had not taken yet are no insertion; those that it had, are.
static void test_a_longer_log(void **state) {
  (void)state;
  const struct known most = {RECORDS - 5, 1, 150};
  struct seal_trail *trail = trail_of(&most);
  assert_int_equal(walk(trail, log_new(), 0).verdict, SEAL_WHOLE);
  seal_trail_free(trail);
  trail = trail_of(&most);
  assert_int_equal(walk(trail, log_new(), RECORDS - 5).verdict, SEAL_WHOLE);
  seal_trail_free(trail);
  trail = trail_of(&most);
  struct seal_finding found = walk(trail, log_new(), ROOM);
  assert_int_equal(found.verdict, SEAL_INSERTED);
  assert_int_equal(found.count, 5);
  seal_trail_free(trail);
  trail = trail_of(&most); // three were put in, two came while what is known was read
  found = walk(trail, log_new(), RECORDS - 2);
  assert_int_equal(found.verdict, SEAL_INSERTED);
  assert_int_equal(found.count, 3);
  assert_int_equal(found.last.number, RECORDS - 2);
  seal_trail_free(trail);
}

// While the log goes on, what happened in its last span can't be told from its length; the place still is.
static void test_the_place_is_named_while_the_log_goes_on(void **state) {
  (void)state;
  const struct known most = {RECORDS - 5, 1, 150};
  struct seal_trail *trail = trail_of(&most);
  struct log *log = log_new();
  cut(log, RECORDS - 20, 1);
  struct seal_finding found = walk(trail, log, RECORDS - 6); // five have come since
  assert_int_equal(found.verdict, SEAL_ALTERED);
  is_place(&found.first, RECORDS - 19, "981");
  seal_trail_free(trail);
  trail = trail_of(&most);
  log = log_new();
  cut(log, RECORDS - 20, 1);
  cut(log, RECORDS - 6, 5);
  found = walk(trail, log, ROOM);
  assert_int_equal(found.verdict, SEAL_REMOVED);
  is_place(&found.last, RECORDS - 19, "981");
  seal_trail_free(trail);
}

// Without checks (all of them forged, or never published) heads bound the place.
static void test_heads_alone_bound_the_place(void **state) {
  (void)state;
  const struct known heads = {RECORDS, RECORDS + 1, 150};
  struct seal_trail *trail = trail_of(&heads);
  struct log *log = log_new();
  snprintf(log->values[400], TEXT, "other");
  struct seal_finding found = walk(trail, log, ROOM);
  assert_int_equal(found.verdict, SEAL_ALTERED);
  assert_int_equal(found.first.number, 300);
  assert_int_equal(found.last.number, 450);
  assert_string_equal(found.source, "bill");
  seal_trail_free(trail);
}

static void test_a_head_that_contradicts_the_checks_is_told(void **state) {
  (void)state;
  struct seal_trail *trail = trail_of(&all);
  const struct seal paper = {.records = 500, .head = {1}};
  assert_int_equal(seal_trail_head(trail, &paper, "paper"), OK);
  struct seal_finding found = walk(trail, log_new(), ROOM);
  assert_int_equal(found.verdict, SEAL_ALTERED);
  assert_string_equal(found.source, "paper");
  assert_int_equal(found.last.number, 500);
  seal_trail_free(trail);
}

static void test_nothing_is_known_and_nothing_is_there(void **state) {
  (void)state;
  struct seal_trail *trail = trail_of(&(struct known){0, 1, 1});
  assert_int_equal(walk(trail, log_new(), 0).verdict, SEAL_UNKNOWN);
  seal_trail_free(trail);
  trail = trail_of(&(struct known){0, 1, 1});
  struct log *log = log_new();
  log->count = 0;
  struct seal_finding found = walk(trail, log, ROOM);
  assert_int_equal(found.verdict, SEAL_UNKNOWN);
  assert_int_equal(found.sealed, 0);
  seal_trail_free(trail);
  trail = trail_of(&all);
  log = log_new();
  log->count = 0;
  assert_int_equal(walk(trail, log, ROOM).verdict, SEAL_REMOVED);
  seal_trail_free(trail);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_whole_log),
      cmocka_unit_test(test_the_changed_record_is_named),
      cmocka_unit_test(test_the_gap_is_named),
      cmocka_unit_test(test_the_foreign_records_are_named),
      cmocka_unit_test(test_the_first_of_two_is_told_from_what_stands_behind_it),
      cmocka_unit_test(test_a_cut_end_is_found),
      cmocka_unit_test(test_a_longer_log),
      cmocka_unit_test(test_the_place_is_named_while_the_log_goes_on),
      cmocka_unit_test(test_heads_alone_bound_the_place),
      cmocka_unit_test(test_a_head_that_contradicts_the_checks_is_told),
      cmocka_unit_test(test_nothing_is_known_and_nothing_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

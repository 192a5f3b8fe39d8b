// SPDX-License-Identifier: Apache-2.0
// The store by itself: what is wanted, what is dirty, what is forgotten, and the order of what is due.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "billing/core/store.h"
#include "domain/reads.h"

static int set_up(void **state) {
  *state = store_new();
  return *state ? 0 : -1;
}

static int tear_down(void **state) {
  store_free(*state);
  return 0;
}

static size_t dirty_items(const struct store *store, struct store_item items[], size_t max) {
  const struct store_cursor *cursor = NULL;
  size_t count = 0;
  while (count < max && store_next_dirty(store, &cursor, &items[count])) count++;
  return count;
}

static void test_wanted_once_until_put(void **state) {
  struct store *store = *state;
  struct entity *entity = NULL;
  const struct store_want *wants;
  for (int i = 0; i < 3; i++) assert_int_equal(store_find(store, STORE_SITE, "site:a", &entity), NOT_LOADED);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p", &entity), NOT_LOADED);
  assert_int_equal(store_wanted(store, &wants), 2);
  assert_string_equal(wants[0].key, "site:a");
  assert_int_equal(wants[1].kind, STORE_POINT);

  struct point_state point = {.id = "p", .desired_lease = "", .desired_version = 7};
  assert_int_equal(store_put_absent(store, STORE_SITE, "site:a"), OK);
  assert_int_equal(store_put_point(store, "point:a/p", &point), OK);
  store_clear_wanted(store);
  assert_int_equal(store_wanted(store, &wants), 0);
  assert_int_equal(store_find(store, STORE_SITE, "site:a", &entity), ABSENT);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p", &entity), FOUND);
  assert_int_equal(entity_point(entity)->desired_version, 7);
  assert_int_equal(store_dirty_count(store), 0);
}

static void test_what_is_held_is_newer_than_what_is_loaded(void **state) {
  struct store *store = *state;
  struct entity *entity = NULL;
  struct point_state point = {.id = "p", .desired_lease = "", .desired_version = 7};
  assert_int_equal(store_put_point(store, "point:a/p", &point), OK);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p", &entity), FOUND);
  entity_point(entity)->desired_version = 8;
  store_mark(store, entity);
  assert_int_equal(store_put_point(store, "point:a/p", &point), OK);
  assert_int_equal(entity_point(entity)->desired_version, 8);
}

static void test_dirty_in_order_of_first_change(void **state) {
  struct store *store = *state;
  struct entity *a, *b;
  struct store_item items[4];
  assert_int_equal(store_put_absent(store, STORE_POINT, "point:a/b"), OK);
  assert_int_equal(store_put_absent(store, STORE_POINT, "point:a/a"), OK);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/a", &a), ABSENT);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/b", &b), ABSENT);
  assert_int_equal(store_create(store, b), OK);
  assert_int_equal(store_create(store, a), OK);
  assert_int_equal(store_due_set(store, 5, "x/y/z"), OK);
  store_mark(store, b);
  assert_int_equal(dirty_items(store, items, 4), 3);
  assert_string_equal(items[0].key, "point:a/b");
  assert_string_equal(items[1].key, "point:a/a");
  assert_int_equal(items[2].kind, STORE_DUE);
  assert_int_equal(items[2].due.instant_s, 5);
  store_clear_dirty(store);
  assert_int_equal(store_dirty_count(store), 0);
  assert_int_equal(dirty_items(store, items, 4), 0);
}

// Only the tail of a vector that changed is to be written.
static void test_vector_changes_from(void **state) {
  struct store *store = *state;
  struct entity *reads;
  struct store_item item;
  bool changed;
  assert_int_equal(store_put_absent(store, STORE_READS, "reads:a/m/1/201603"), OK);
  assert_int_equal(store_find(store, STORE_READS, "reads:a/m/1/201603", &reads), ABSENT);
  assert_int_equal(store_merge_read(store, reads, 10, RANK_DEVICE, 100, &changed), OK);
  assert_true(changed);
  assert_int_equal(store_merge_read(store, reads, 5000, RANK_DEVICE, 200, &changed), OK);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 0);
  store_clear_dirty(store);

  assert_int_equal(store_merge_read(store, reads, 5000, RANK_DEVICE, 200, &changed), OK);
  assert_false(changed);
  assert_int_equal(store_dirty_count(store), 0);
  assert_int_equal(store_merge_read(store, reads, 9000, RANK_DEVICE, 300, &changed), OK);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 2 * READ_SIZE);
  assert_int_equal(store_merge_read(store, reads, 4000, RANK_DEVICE, 150, &changed), OK);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, READ_SIZE);
  assert_int_equal(item.reads.vector.len, 4 * READ_SIZE);
}

static void merge(struct store *store, struct entity *reads, uint32_t second, int64_t value) {
  bool changed;
  assert_int_equal(store_merge_read(store, reads, second, RANK_DEVICE, value, &changed), OK);
}

// Reads of each hour, so many of them, saved.
static struct entity *saved_hours(struct store *store, uint32_t count) {
  struct entity *reads;
  assert_int_equal(store_put_absent(store, STORE_READS, "reads:a/m/1/201603"), OK);
  assert_int_equal(store_find(store, STORE_READS, "reads:a/m/1/201603", &reads), ABSENT);
  for (uint32_t hour = 0; hour < count; hour++) merge(store, reads, hour * 3600, hour);
  store_clear_dirty(store);
  return reads;
}

// The place in what is saved, over many saves; far from the end all of it is written.
static void test_vector_tail_has_its_place(void **state) {
  struct store *store = *state;
  struct store_item item;
  struct entity *reads = saved_hours(store, 1);
  for (uint32_t hour = 1; hour < 100; hour++) {
    merge(store, reads, hour * 3600, hour);
    assert_int_equal(dirty_items(store, &item, 1), 1);
    assert_int_equal(item.reads.from, hour * READ_SIZE);
    assert_int_equal(item.reads.offset, 3 * hour - 1); // the first entry has 2 bytes, the others 3
    store_clear_dirty(store);
  }
  merge(store, reads, 98 * 3600 + 1, 98);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 99 * READ_SIZE);
  assert_int_equal(item.reads.offset, 3 * 99 - 1);
  merge(store, reads, 10 * 3600 + 1, 10);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 0);
  assert_int_equal(item.reads.offset, 0);
}

// SETRANGE would leave the old end standing.
static void test_vector_that_got_shorter_is_written_whole(void **state) {
  struct store *store = *state;
  struct store_item item;
  struct entity *reads = saved_hours(store, 1);
  merge(store, reads, 60, 0);
  merge(store, reads, 120, 1000000);
  merge(store, reads, 180, 0);
  store_clear_dirty(store);
  merge(store, reads, 240, 0); // the read at 120 is dropped, and with it two large differences
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.vector.len, 4 * READ_SIZE);
  assert_int_equal(item.reads.from, 0);
}

static void test_vector_is_rewritten(void **state) {
  struct store *store = *state;
  struct store_item item;
  struct entity *reads = saved_hours(store, 20);
  store_rewrite_reads(store, reads);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 0);
  merge(store, reads, 20 * 3600, 20);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 0);
  store_clear_dirty(store);
  merge(store, reads, 21 * 3600, 21);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_int_equal(item.reads.from, 21 * READ_SIZE);
}

static void test_broken_vector_is_refused(void **state) {
  struct store *store = *state;
  const uint8_t bytes[] = {0, 2, 0, 2}; // twice the same second
  assert_int_equal(store_put_reads(store, "reads:a/m/1/201603", bytes_make(bytes, sizeof bytes)), ERR_CORRUPT);
  assert_int_equal(store_put_reads(store, "reads:a/m/1/201603", bytes_make(bytes, 1)), ERR_CORRUPT);
  assert_int_equal(store_put_reads(store, "reads:a/m/1/201603", bytes_make(bytes, 2)), OK);
}

static void test_trim_keeps_what_is_dirty_and_lately_used(void **state) {
  struct store *store = *state;
  struct entity *entity;
  struct point_state point = {.id = "p", .desired_lease = ""};
  char key[32];
  for (int i = 0; i < 100; i++) {
    snprintf(key, sizeof key, "point:a/p%02d", i);
    assert_int_equal(store_put_point(store, key, &point), OK);
  }
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p00", &entity), FOUND);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p50", &entity), FOUND);
  store_mark(store, entity);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p01", &entity), FOUND);
  size_t before = store_bytes(store);
  uint64_t generation = store_generation(store);
  store_trim(store, before);
  assert_int_equal(store_generation(store), generation);
  store_trim(store, before / 2);
  assert_true(store_bytes(store) <= before / 2);
  assert_int_not_equal(store_generation(store), generation);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p01", &entity), FOUND);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p02", &entity), NOT_LOADED);
  store_trim(store, 0);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p50", &entity), FOUND);
  assert_int_equal(store_find(store, STORE_POINT, "point:a/p01", &entity), NOT_LOADED);
}

// ---- due

static void assert_first(struct store *store, int64_t now_s, int64_t instant_s, const char *member) {
  int64_t found_s;
  const char *found;
  assert_int_equal(store_due_first(store, now_s, &found_s, &found), FOUND);
  assert_int_equal(found_s, instant_s);
  assert_string_equal(found, member);
}

static void test_due_is_wanted_beyond_its_horizon(void **state) {
  struct store *store = *state;
  int64_t instant_s, until_s;
  const char *member;
  assert_int_equal(store_due_first(store, 100, &instant_s, &member), NOT_LOADED);
  assert_true(store_wants_due(store, &until_s));
  assert_int_equal(until_s, 100);
  assert_int_equal(store_put_due(store, 90, "b"), OK);
  assert_int_equal(store_put_due(store, 90, "a"), OK);
  assert_int_equal(store_put_due(store, 101, "c"), OK);
  store_set_due_horizon(store, 150);
  store_clear_wanted(store);
  assert_first(store, 100, 90, "a");
  assert_int_equal(store_due_remove(store, "a"), OK);
  assert_first(store, 100, 90, "b");
  assert_int_equal(store_due_set(store, 150, "b"), OK);
  assert_int_equal(store_due_first(store, 100, &instant_s, &member), ABSENT);
  assert_first(store, 150, 101, "c");
  assert_int_equal(store_due_first(store, 151, &instant_s, &member), NOT_LOADED);
}

// What was removed but not yet saved must not come back from Redis.
static void test_due_removed_is_not_loaded_back(void **state) {
  struct store *store = *state;
  struct store_item item;
  int64_t instant_s;
  const char *member;
  assert_int_equal(store_due_remove(store, "a"), OK);
  assert_int_equal(store_put_due(store, 10, "a"), OK);
  store_set_due_horizon(store, 100);
  assert_int_equal(store_due_first(store, 100, &instant_s, &member), ABSENT);
  assert_int_equal(dirty_items(store, &item, 1), 1);
  assert_true(item.due.removed);
  store_clear_dirty(store);
  assert_int_equal(store_put_due(store, 10, "a"), OK);
  assert_first(store, 100, 10, "a");
}

// Any order of setting, moving and removing leaves the same order.
static void test_due_in_order(void **state) {
  struct store *store = *state;
  enum { COUNT = 500 };
  unsigned seed = 12345;
  int64_t instants[COUNT];
  char member[16];
  store_set_due_horizon(store, INT64_MAX);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < COUNT; i++) {
      seed = seed * 1103515245 + 12345;
      instants[i] = seed / 65536 % 50;
      snprintf(member, sizeof member, "m%03d", i);
      assert_int_equal(store_due_set(store, instants[i], member), OK);
    }
  }
  int64_t last_s = -1, instant_s;
  char last[16] = "";
  const char *first;
  int taken = 0;
  while (store_due_first(store, INT64_MAX, &instant_s, &first) == FOUND) {
    assert_true(instant_s > last_s || (instant_s == last_s && strcmp(first, last) > 0));
    assert_int_equal(instant_s, instants[strtol(first + 1, NULL, 10)]);
    last_s = instant_s;
    snprintf(last, sizeof last, "%s", first);
    assert_int_equal(store_due_remove(store, last), OK);
    taken++;
  }
  assert_int_equal(taken, COUNT);
}

static void test_strings_are_one(void **state) {
  struct store *store = *state;
  char text[] = "abc";
  const char *one = store_intern(store, text);
  text[0] = 'x';
  assert_string_equal(one, "abc");
  assert_ptr_equal(store_intern(store, "abc"), one);
  assert_ptr_not_equal(store_intern(store, "xbc"), one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_paid(void **state) {
  (void)state;
  static const uint8_t mark[PAID_SIZE] = {1}, other[PAID_SIZE] = {2};
  struct store *store = store_new();
  struct entity *paid;
  assert_int_equal(store_put_paid(store, "paid:a/00", bytes_make(mark, PAID_SIZE - 1)), ERR_CORRUPT);
  assert_int_equal(store_put_paid(store, "paid:a/00", bytes_make(mark, 0)), ERR_CORRUPT);
  assert_int_equal(store_find(store, STORE_PAID, "paid:a/00", &paid), NOT_LOADED);
  assert_int_equal(store_put_paid(store, "paid:a/00", bytes_make(mark, PAID_SIZE)), OK);
  assert_int_equal(store_find(store, STORE_PAID, "paid:a/00", &paid), FOUND);
  assert_int_equal(store_add_paid(store, paid, other), OK);
  assert_int_equal(entity_paid(paid).len, 2 * PAID_SIZE);
  assert_memory_equal(entity_paid(paid).data + PAID_SIZE, other, PAID_SIZE);
  const struct store_cursor *cursor = NULL;
  struct store_item item;
  assert_true(store_next_dirty(store, &cursor, &item));
  assert_int_equal(item.kind, STORE_PAID);
  assert_int_equal(item.paid.len, 2 * PAID_SIZE);
  store_free(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_wanted_once_until_put),
      TEST(test_what_is_held_is_newer_than_what_is_loaded),
      TEST(test_dirty_in_order_of_first_change),
      TEST(test_vector_changes_from),
      TEST(test_vector_tail_has_its_place),
      TEST(test_vector_that_got_shorter_is_written_whole),
      TEST(test_vector_is_rewritten),
      TEST(test_broken_vector_is_refused),
      TEST(test_trim_keeps_what_is_dirty_and_lately_used),
      TEST(test_due_is_wanted_beyond_its_horizon),
      TEST(test_due_removed_is_not_loaded_back),
      TEST(test_due_in_order),
      TEST(test_strings_are_one),
      TEST(test_paid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

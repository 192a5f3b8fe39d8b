// SPDX-License-Identifier: Apache-2.0
// The spool in ordinary life: what goes in comes out, in order, also after a restart; what is confirmed does not;
// segments are used again; a full spool says so and recovers.
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool_fixture.h"

static int set_up(void **state) {
  static struct fixture fixture;
  fixture_init(&fixture);
  *state = &fixture;
  return 0;
}

static int tear_down(void **state) {
  fixture_fini(*state);
  return 0;
}

static void expect_numbers(struct spool *spool, uint64_t position, uint32_t from, uint32_t until) {
  uint32_t n;
  for (uint32_t want = from; want < until; want++) {
    assert_true(read_number(spool, &position, &n));
    assert_int_equal(n, want);
  }
  assert_false(read_number(spool, &position, &n));
}

static void test_what_goes_in_comes_out(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  expect_numbers(fixture->spool, 0, 0, 0);
  for (uint32_t n = 0; n < 100; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  expect_numbers(fixture->spool, 0, 0, 100);
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 0, 100);
  for (uint32_t n = 100; n < 120; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 0, 120);
}

static void test_confirmed_is_not_read_again(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  for (uint32_t n = 0; n < 60; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  uint64_t position = 0;
  uint32_t n;
  for (int i = 0; i < 37; i++) assert_true(read_number(fixture->spool, &position, &n));
  spool_confirm(fixture->spool, position);
  expect_numbers(fixture->spool, 0, 37, 60);
  fixture_reopen(fixture);
  assert_int_equal(spool_confirmed(fixture->spool), position);
  expect_numbers(fixture->spool, 0, 37, 60);
  while (read_number(fixture->spool, &position, &n)) continue;
  spool_confirm(fixture->spool, position);
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 0, 0);
  assert_int_equal(append_number(fixture->spool, 60), OK);
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 60, 61);
}

static void test_an_older_position_does_not_take_back(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  for (uint32_t n = 0; n < 10; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  uint64_t position = 0, first = 0;
  uint32_t n;
  assert_true(read_number(fixture->spool, &first, &n));
  for (int i = 0; i < 5; i++) assert_true(read_number(fixture->spool, &position, &n));
  spool_confirm(fixture->spool, position);
  spool_confirm(fixture->spool, first);
  assert_int_equal(spool_confirmed(fixture->spool), position);
}

static void test_hold_keeps_confirmed_records(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  uint64_t position = 0, held = 0;
  uint32_t n;
  for (uint32_t i = 0; i < 90; i++) {
    assert_int_equal(append_number(fixture->spool, i), OK);
    assert_true(read_number(fixture->spool, &position, &n));
    if (i == 9) {
      held = position;
      spool_hold(fixture->spool, held);
    }
    spool_confirm(fixture->spool, position);
  }
  assert_int_equal(spool_confirmed(fixture->spool), position);
  assert_int_equal(spool_oldest(fixture->spool), held);
  expect_numbers(fixture->spool, 0, 10, 90);
  fixture_reopen(fixture);
  assert_int_equal(spool_confirmed(fixture->spool), position);
  expect_numbers(fixture->spool, 0, 10, 90);
  spool_hold(fixture->spool, UINT64_MAX);
  expect_numbers(fixture->spool, 0, 0, 0);
}

static size_t file_count(const struct fixture *fixture) {
  size_t count = 0;
  DIR *dir = opendir(fixture->folder);
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));)
    count += strstr(entry->d_name, ".spool") || strncmp(entry->d_name, "spare", 5) == 0;
  closedir(dir);
  return count;
}

static void test_full_says_so_and_recovers(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  assert_false(spool_level(fixture->spool).near_full);
  uint32_t last = 0, near = 0;
  enum error err = OK;
  for (; !(err = append_number(fixture->spool, last)); last++)
    if (!near && spool_level(fixture->spool).near_full) near = last;
  assert_int_equal(err, ERR_QUEUE_FULL);
  assert_true(near > 0 && near + 30 < last); // the reserve takes what is in flight
  assert_int_equal(file_count(fixture), 16);
  expect_numbers(fixture->spool, 0, 0, last);
  fixture_reopen(fixture);
  assert_true(spool_level(fixture->spool).near_full);
  expect_numbers(fixture->spool, 0, 0, last);
  spool_confirm(fixture->spool, spool_tail(fixture->spool));
  assert_false(spool_level(fixture->spool).near_full);
  assert_int_equal(append_number(fixture->spool, last), OK);
  expect_numbers(fixture->spool, 0, last, last + 1);
}

static void test_segments_are_used_again(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  size_t files = file_count(fixture);
  uint64_t position = 0;
  for (uint32_t n = 0, got; n < 5000; n++) {
    assert_int_equal(append_number(fixture->spool, n), OK);
    assert_true(read_number(fixture->spool, &position, &got));
    assert_int_equal(got, n);
    spool_confirm(fixture->spool, position);
    spool_tend(fixture->spool);
    if (n % 611 == 610) fixture_reopen(fixture);
  }
  assert_true(file_count(fixture) <= files + 1);
  struct spool_level level = spool_level(fixture->spool);
  assert_int_equal(level.segments, 1);
  assert_int_equal(level.damaged_bytes, 0);
}

static void test_surplus_spares_go(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  for (uint32_t n = 0; n < 200; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  spool_confirm(fixture->spool, spool_tail(fixture->spool));
  assert_true(spool_level(fixture->spool).spares > 3);
  for (int i = 0; i < 20; i++) spool_tend(fixture->spool);
  assert_int_equal(spool_level(fixture->spool).spares, 3); // the reserve of two, and one to go on with
}

static void test_too_large_is_refused(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  static const uint8_t payload[4096];
  struct spool_entry entry = {.payload = bytes_make(payload, spool_entry_max(fixture->spool))};
  assert_int_equal(spool_append(fixture->spool, &entry), OK);
  entry.payload.len++;
  assert_int_equal(spool_append(fixture->spool, &entry), ERR_TOO_LARGE);
}

static void test_one_process_at_a_time(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  struct spool *second = NULL;
  assert_int_equal(spool_open(&fixture->options, &second), ERR_UNAVAILABLE);
  assert_null(second);
}

static void test_options_are_checked(void **state) {
  struct fixture *fixture = *state;
  struct spool_options good = fixture->options;
  const struct spool_options bad[] = {
      {good.folder, good.max_bytes, 1000, good.reserve_bytes, SPOOL_SYNC_NONE, 0},
      {good.folder, good.max_bytes, 0, good.reserve_bytes, SPOOL_SYNC_NONE, 0},
      {good.folder, 8192, 4096, 0, SPOOL_SYNC_NONE, 0},
      {good.folder, good.max_bytes, 4096, good.max_bytes, SPOOL_SYNC_NONE, 0},
      {good.folder, good.max_bytes, 4096, good.reserve_bytes, SPOOL_SYNC_INTERVAL, 0},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(spool_open(&bad[i], &fixture->spool), ERR_CONFIG);
  assert_null(fixture->spool);
}

static void test_stamp_is_kept(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  assert_int_equal(spool_stamped(fixture->spool), 0);
  spool_stamp(fixture->spool, 1234567890123);
  fixture_reopen(fixture);
  assert_int_equal(spool_stamped(fixture->spool), 1234567890123);
}

static void test_other_segment_size(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  for (uint32_t n = 0; n < 50; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  fixture->options.segment_bytes = 8192;
  fixture_reopen(fixture);
  for (uint32_t n = 50; n < 100; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  expect_numbers(fixture->spool, 0, 0, 100);
  spool_confirm(fixture->spool, spool_tail(fixture->spool));
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 0, 0);
}

static void test_wait(void **state) {
  struct fixture *fixture = *state;
  fixture_open(fixture);
  assert_false(spool_wait(fixture->spool, 0, 0));
  assert_int_equal(append_number(fixture->spool, 0), OK);
  assert_true(spool_wait(fixture->spool, 0, 10000));
  assert_false(spool_wait(fixture->spool, spool_tail(fixture->spool), 1));
}

enum { THREAD_RECORDS = 100000 };

static void *appender(void *argument) {
  struct spool *spool = argument;
  for (uint32_t n = 0; n < THREAD_RECORDS;) {
    enum error err = append_number(spool, n);
    if (!err)
      n++;
    else if (err == ERR_QUEUE_FULL)
      usleep(100);
    else
      return argument;
  }
  return NULL;
}

static void beside_each_other(struct fixture *fixture) {
  fixture->options.max_bytes = 1 << 20;
  fixture_open(fixture);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, appender, fixture->spool), 0);
  uint64_t position = 0;
  uint32_t want = 0, n;
  for (int in_vain = 0; want < THREAD_RECORDS && in_vain < 1000;) {
    in_vain = spool_wait(fixture->spool, position, 100) ? 0 : in_vain + 1;
    for (; read_number(fixture->spool, &position, &n); want++) assert_int_equal(n, want);
    spool_confirm(fixture->spool, position);
    spool_tend(fixture->spool);
  }
  assert_int_equal(want, THREAD_RECORDS);
  void *failed = NULL;
  pthread_join(thread, &failed);
  assert_null(failed);
}

static void test_appender_and_reader_beside_each_other(void **state) {
  beside_each_other(*state);
}

static void test_interval_sync_beside_them(void **state) {
  struct fixture *fixture = *state;
  fixture->options.sync = SPOOL_SYNC_INTERVAL;
  fixture->options.sync_interval_ms = 1;
  beside_each_other(fixture);
}

static void test_sync_always(void **state) {
  struct fixture *fixture = *state;
  fixture->options.sync = SPOOL_SYNC_ALWAYS;
  fixture_open(fixture);
  for (uint32_t n = 0; n < 60; n++) assert_int_equal(append_number(fixture->spool, n), OK);
  fixture_reopen(fixture);
  expect_numbers(fixture->spool, 0, 0, 60);
}

// A process that may open no more files can't bring segments to disk beside the appends; then nothing is promised.
static void test_interval_sync_without_descriptors(void **state) {
  struct fixture *fixture = *state;
  fixture->options.sync = SPOOL_SYNC_INTERVAL;
  fixture->options.sync_interval_ms = 1;
  fixture_open(fixture);
  assert_int_equal(append_number(fixture->spool, 0), OK);
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  enum error err = OK;
  for (uint32_t n = 1; n < 20 && !err; n++) {
    usleep(50000);
    err = append_number(fixture->spool, n);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(err, ERR_IO);
}

static void test_sync_names(void **state) {
  (void)state;
  enum spool_sync sync = SPOOL_SYNC_NONE;
  assert_int_equal(spool_sync_by_name("always", &sync), OK);
  assert_int_equal(sync, SPOOL_SYNC_ALWAYS);
  assert_int_equal(spool_sync_by_name("sometimes", &sync), ERR_BAD_VALUE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_what_goes_in_comes_out),
      TEST(test_confirmed_is_not_read_again),
      TEST(test_an_older_position_does_not_take_back),
      TEST(test_hold_keeps_confirmed_records),
      TEST(test_full_says_so_and_recovers),
      TEST(test_segments_are_used_again),
      TEST(test_surplus_spares_go),
      TEST(test_too_large_is_refused),
      TEST(test_one_process_at_a_time),
      TEST(test_options_are_checked),
      TEST(test_stamp_is_kept),
      TEST(test_other_segment_size),
      TEST(test_wait),
      TEST(test_appender_and_reader_beside_each_other),
      TEST(test_interval_sync_beside_them),
      TEST(test_sync_always),
      TEST(test_interval_sync_without_descriptors),
      cmocka_unit_test(test_sync_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

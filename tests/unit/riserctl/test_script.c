// SPDX-License-Identifier: Apache-2.0
// The order of sending: the same for the same seed, every row once, shares as asked for, late ones within their bound.
#include "riserctl/replay/script.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROW_COUNT = 20000, METERS = 7, LATE_MAX_S = 3 * 86400 };
static const int64_t began_s = 1456786800, last_tick_s = 1456786800 + 40 * 86400;

static const struct value_column column = {.reg = REGISTER_VOLUME_COLD};
static struct row items[ROW_COUNT];
static const struct rows rows = {.items = items, .count = ROW_COUNT};

static void make_rows(void) {
  static const char *const meters[METERS] = {"m-1", "m-2", "m-3", "m-4", "m-5", "m-6", "m-7"};
  for (int i = 0; i < ROW_COUNT; i++) {
    items[i] = (struct row){.column = &column,
                            .meter = meters[i % METERS],
                            .device = meters[i % METERS],
                            .time_s = began_s + i * 170,
                            .value = i};
  }
}

static struct scenario scenario_of(uint64_t seed) {
  return (struct scenario){.seed = seed,
                           .twice_ppm = 10000,
                           .late_ppm = 20000,
                           .late_max_s = LATE_MAX_S,
                           .malformed = 50,
                           .last_tick_day_s = last_tick_s};
}

static void the_same_seed_gives_the_same_script(void **state) {
  (void)state;
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct scenario seven = scenario_of(7), eight = scenario_of(8);
  struct script a, b, c;
  make_rows();
  assert_int_equal(script_make(&seven, &rows, arena, &a), OK);
  assert_int_equal(script_make(&seven, &rows, arena, &b), OK);
  assert_int_equal(script_make(&eight, &rows, arena, &c), OK);
  assert_int_equal(a.count, b.count);
  assert_memory_equal(a.sends, b.sends, a.count * sizeof *a.sends);
  assert_true(a.count != c.count || memcmp(a.sends, c.sends, a.count * sizeof *a.sends) != 0);
  arena_free(arena);
}

static void each_row_is_sent_once_and_some_twice(void **state) {
  (void)state;
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct scenario scenario = scenario_of(7);
  struct script script;
  static int sent[ROW_COUNT], copied[ROW_COUNT];
  make_rows();
  assert_int_equal(script_make(&scenario, &rows, arena, &script), OK);
  for (size_t i = 0; i < script.count; i++) {
    const struct send *send = &script.sends[i];
    if (i) assert_true(send->at_s >= script.sends[i - 1].at_s);
    if (send->kind == SEND_MALFORMED) continue;
    int64_t time_s = items[send->index].time_s;
    assert_true(send->at_s >= time_s);
    if (send->kind == SEND_ROW) {
      sent[send->index]++;
      assert_true(send->late || send->at_s == time_s);
      assert_true(send->at_s <= time_s + LATE_MAX_S);
      assert_true(send->at_s <= last_tick_s);
    } else {
      assert_int_equal(sent[send->index], 1); // the row itself came before
      copied[send->index]++;
    }
  }
  for (int i = 0; i < ROW_COUNT; i++) assert_true(sent[i] == 1 && copied[i] <= 1);
  assert_in_range(script.copies, ROW_COUNT / 100 * 8 / 10, ROW_COUNT / 100 * 12 / 10);
  assert_in_range(script.late, ROW_COUNT / 50 * 8 / 10, ROW_COUNT / 50 * 12 / 10);
  assert_int_equal(script.malformed, 50);
  assert_int_equal(script.count, ROW_COUNT + script.copies + script.malformed);
  arena_free(arena);
}

static void devices_number_their_messages_without_gaps(void **state) {
  (void)state;
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct scenario scenario = scenario_of(9);
  struct script script;
  uint64_t last[METERS] = {0};
  static uint64_t of_row[ROW_COUNT];
  make_rows();
  assert_int_equal(script_make(&scenario, &rows, arena, &script), OK);
  for (size_t i = 0; i < script.count; i++) {
    const struct send *send = &script.sends[i];
    if (send->kind == SEND_MALFORMED) continue;
    if (send->kind == SEND_COPY) {
      assert_int_equal(send->sequence, of_row[send->index]);
      continue;
    }
    assert_int_equal(send->sequence, ++last[send->index % METERS]);
    of_row[send->index] = send->sequence;
  }
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_seed_gives_the_same_script),
      cmocka_unit_test(each_row_is_sent_once_and_some_twice),
      cmocka_unit_test(devices_number_their_messages_without_gaps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Local stamps to UTC, from the table that the reference in tests/data is tested with too.
#include "riserctl/replay/local_time.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "riserctl/human.h"
#include "riserctl/replay/csv.h"
#include "riserctl/replay/rows.h"
#include "riserctl/zone_table.h"

enum { ROWS_OF_CASE_MAX = 16 };

struct one_case {
  char name[128];
  struct local_row rows[ROWS_OF_CASE_MAX];
  int64_t wanted[ROWS_OF_CASE_MAX];
  bool refused;
  size_t count;
};

static void run_case(const struct one_case *one, const struct zone *zone) {
  struct arena *arena = arena_new(1 << 20);
  struct local_row rows[ROWS_OF_CASE_MAX];
  size_t bad = 0;
  memcpy(rows, one->rows, sizeof rows);
  enum error err = local_time_resolve(rows, one->count, zone, arena, &bad);
  if (err != (one->refused ? ERR_BAD_TIME : OK)) fail_msg("case %s: %s", one->name, error_name(err));
  for (size_t i = 0; !err && i < one->count; i++) {
    if (rows[i].utc_s != one->wanted[i]) {
      fail_msg("case %s, row %zu: %lld instead of %lld", one->name, i + 1, (long long)rows[i].utc_s,
               (long long)one->wanted[i]);
    }
  }
  arena_free(arena);
}

static void add_line(struct one_case *one, const char *const *fields, const struct zone *zone) {
  struct local_row *row = &one->rows[one->count];
  assert_true(one->count < ROWS_OF_CASE_MAX);
  assert_true(stamp_by_format("DD/MM/YYYY hh:mm:ss", fields[1], &row->local_s));
  assert_int_equal(decimal_parse(bytes_text(fields[2]), 3, &row->value), OK);
  one->refused = one->refused || fields[3][0] == 0;
  if (fields[3][0]) assert_int_equal(human_stamp_parse(fields[3], zone, &one->wanted[one->count]), STAMP_OK);
  one->count++;
}

static void the_shared_table_of_cases_holds(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  struct csv *csv;
  struct one_case one = {.count = 0};
  const char *const *fields;
  size_t count, cases = 0;
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_int_equal(csv_open(RISER_SOURCE_DIR "/tests/data/local_time_cases.csv", ',', &csv), OK);
  while (csv_next(csv, &fields, &count) == OK && count > 0) {
    assert_true(count >= 4);
    if (strcmp(one.name, fields[0]) != 0) {
      if (one.count) run_case(&one, &zone);
      one = (struct one_case){.count = 0};
      snprintf(one.name, sizeof one.name, "%s", fields[0]);
      cases++;
    }
    add_line(&one, fields, &zone);
  }
  run_case(&one, &zone);
  assert_true(cases >= 10);
  csv_close(csv);
  arena_free(arena);
}

static void rows_of_two_years_are_two_hours(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  size_t bad;
  // 2015-10-25 02:10 and 2016-10-30 02:10: each alone in its hour, so each the first occurrence.
  struct local_row rows[] = {{.local_s = 1445739000, .value = 1}, {.local_s = 1477793400, .value = 1}};
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_int_equal(local_time_resolve(rows, 2, &zone, arena, &bad), OK);
  assert_int_equal(rows[0].utc_s, 1445739000 - 7200);
  assert_int_equal(rows[1].utc_s, 1477793400 - 7200);
  arena_free(arena);
}

static void the_row_that_can_not_be_is_named(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  size_t bad = 0;
  struct local_row rows[] = {{.local_s = 1459040000, .value = 1}, {.local_s = 1459045800, .value = 1}}; // 02:30
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_int_equal(local_time_resolve(rows, 2, &zone, arena, &bad), ERR_BAD_TIME);
  assert_int_equal(bad, 1);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shared_table_of_cases_holds),
      cmocka_unit_test(rows_of_two_years_are_two_hours),
      cmocka_unit_test(the_row_that_can_not_be_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Local time against the C library's: every hour of two years in zones whose midnights are ordinary, skipped, repeated,
// or off the full hour.
#include "domain/zone.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { TRANSITIONS_MAX = 64 };

static long offset_by_libc(int64_t utc_s, struct tm *local) {
  time_t t = (time_t)utc_s;
  assert_non_null(localtime_r(&t, local));
  return local->tm_gmtoff;
}

// Finds the transitions of TZ by stepping a quarter of an hour at a time.
static struct zone table_from_libc(const char *name, int64_t from_s, int64_t until_s, struct zone_transition *table) {
  assert_int_equal(setenv("TZ", name, 1), 0);
  tzset();
  struct zone zone = {table, 0};
  struct tm local;
  for (int64_t t = from_s; t < until_s; t += 900) {
    int32_t offset_s = (int32_t)offset_by_libc(t, &local);
    if (zone.count > 0 && table[zone.count - 1].offset_s == offset_s) continue;
    assert_true(zone.count < TRANSITIONS_MAX);
    table[zone.count++] = (struct zone_transition){t, offset_s};
  }
  return zone;
}

static void check_hour(const struct zone *zone, int64_t t, int64_t *day_start, int *day) {
  struct tm local;
  long offset_s = offset_by_libc(t, &local);
  assert_int_equal(zone_offset_at(zone, t), offset_s);
  struct civil_date date = zone_date_at(zone, t);
  assert_int_equal(date.year, local.tm_year + 1900);
  assert_int_equal(date.month, local.tm_mon + 1);
  assert_int_equal(date.day, local.tm_mday);
  if (local.tm_mday != *day) *day_start = t; // stepping in quarters: this is the first instant of the date
  *day = local.tm_mday;
  assert_int_equal(zone_day_start_at(zone, t, 0), *day_start);
}

static void agrees_with_the_c_library(void **state) {
  (void)state;
  static const char *const names[] = {"Europe/Madrid",       "America/Sao_Paulo", "Asia/Beirut", "Asia/Kolkata",
                                      "Australia/Lord_Howe", "America/Havana",    "UTC",         "Asia/Shanghai"};
  const int64_t from_s = 1441065600, until_s = from_s + 800LL * 86400; // from 2015-09-01
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct zone_transition table[TRANSITIONS_MAX];
    struct zone zone = table_from_libc(names[i], from_s - 40 * 86400, until_s, table);
    struct tm local;
    int day = 0;
    int64_t start_s = from_s, day_start = 0;
    offset_by_libc(start_s, &local);
    for (int first = local.tm_mday; local.tm_mday == first;) offset_by_libc(start_s += 900, &local); // a date's start
    for (int64_t t = start_s; t < until_s; t += 900) check_hour(&zone, t, &day_start, &day);
  }
}

static void months_begin_at_local_midnight(void **state) {
  (void)state;
  struct zone_transition table[TRANSITIONS_MAX];
  struct zone madrid = table_from_libc("Europe/Madrid", 1441065600, 1441065600 + 800LL * 86400, table);
  assert_int_equal(zone_month_start(&madrid, 2016, 3), 1456786800);  // 2016-02-29T23:00Z, winter
  assert_int_equal(zone_month_start(&madrid, 2016, 4), 1459461600);  // 2016-03-31T22:00Z, summer
  assert_int_equal(zone_month_start(&madrid, 2016, 13), 1483225200); // 2016-12-31T23:00Z
  assert_int_equal(zone_month_start_at(&madrid, 1459461599, 0), 1456786800);
  assert_int_equal(zone_month_start_at(&madrid, 1459461599, 1), 1459461600);
  char month[8], date[11];
  zone_format_month(&madrid, 1459461599, month);
  assert_string_equal(month, "2016-03");
  zone_format_date(&madrid, 1459461600, date);
  assert_string_equal(date, "2016-04-01");
}

static void dates_and_days_are_inverse(void **state) {
  (void)state;
  for (int64_t days = -800000; days < 800000; days += 1) {
    struct civil_date date = civil_from_days(days);
    assert_int_equal(civil_to_days(date), days);
    if (date.month == 2 && date.day == 29)
      assert_true(date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0));
  }
  assert_int_equal(civil_to_days((struct civil_date){1970, 1, 1}), 0);
  assert_int_equal(civil_to_days((struct civil_date){2000, 3, 1}), 11017);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_the_c_library),
      cmocka_unit_test(months_begin_at_local_midnight),
      cmocka_unit_test(dates_and_days_are_inverse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The table from GLib against the C library's own reading of tzdata, and against dates that everybody can look up.
#include "riserctl/zone_table.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char *const names[] = {"Europe/Madrid",
                                    "Asia/Shanghai",
                                    "America/New_York",
                                    "Australia/Lord_Howe",
                                    "Asia/Kolkata",
                                    "Africa/Casablanca",
                                    "UTC"};

static void the_offsets_are_the_systems(void **state) {
  (void)state;
  struct arena *arena = arena_new(8 << 20);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct zone zone;
    assert_int_equal(zone_table_make(names[i], arena, &zone), OK);
    assert_int_equal(setenv("TZ", names[i], 1), 0);
    tzset();
    // Until 2037: beyond, the C library may know more of Morocco's Ramadan than GLib.
    for (int64_t t = 3600; t < 2100000000; t += 7 * 3600 + 1) {
      time_t at = (time_t)t;
      struct tm local;
      assert_non_null(localtime_r(&at, &local));
      if (zone_offset_at(&zone, t) != local.tm_gmtoff) fail_msg("%s at %lld", names[i], (long long)t);
    }
  }
  arena_free(arena);
}

static void madrid_changes_on_the_last_sundays_of_march_and_october(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_int_equal(zone_offset_at(&zone, 1459040399), 3600); // 2016-03-27 01:00 UTC
  assert_int_equal(zone_offset_at(&zone, 1459040400), 7200);
  assert_int_equal(zone_offset_at(&zone, 1477789199), 7200); // 2016-10-30 01:00 UTC
  assert_int_equal(zone_offset_at(&zone, 1477789200), 3600);
  assert_int_equal(zone_offset_at(&zone, 4086288000), 7200); // June 2099: the rule goes on
  for (size_t i = 1; i < zone.count; i++) {
    assert_true(zone.transitions[i].from_s > zone.transitions[i - 1].from_s);
    assert_int_not_equal(zone.transitions[i].offset_s, zone.transitions[i - 1].offset_s);
  }
  arena_free(arena);
}

static void what_is_no_zone_is_refused(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  static const char *const none[] = {"", "Europe/Nowhere", "/etc/passwd", "../../etc/passwd", ":Europe/Madrid"};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    assert_int_equal(zone_table_make(none[i], arena, &zone), ERR_NOT_FOUND);
  }
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_offsets_are_the_systems),
      cmocka_unit_test(madrid_changes_on_the_last_sundays_of_march_and_october),
      cmocka_unit_test(what_is_no_zone_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

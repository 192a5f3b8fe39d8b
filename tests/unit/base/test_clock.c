// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void check(int64_t ms, const char *expected) {
  char text[CLOCK_TEXT_SIZE];
  clock_format_utc(ms, text);
  assert_string_equal(text, expected);
}

static void test_format(void **state) {
  (void)state;
  check(0, "1970-01-01T00:00:00.000Z");
  check(1456790400000, "2016-03-01T00:00:00.000Z");
  check(1456704000001, "2016-02-29T00:00:00.001Z");
  check(-1, "1969-12-31T23:59:59.999Z");
  check(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void test_clocks_go_on(void **state) {
  int64_t mono = clock_mono_ms(), mono_us = clock_mono_us(), wall = clock_wall_ms();
  (void)state;
  clock_sleep_ms(20);
  assert_true(clock_mono_ms() - mono >= 20);
  assert_true(clock_mono_us() - mono_us >= 20000);
  assert_true(wall / 1000 >= 1600000000 && wall / 1000 - time(NULL) < 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_clocks_go_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

static void run_case(const char *text, int scale, const char *expected, int line) {
  int64_t value = -77;
  enum error err = decimal_parse(bytes_text(text), scale, &value);
  char got[DECIMAL_FORMAT_SIZE];
  snprintf(got, sizeof got, "%lld", (long long)value);
  if (strcmp(err ? error_name(err) : got, expected) != 0)
    fail_msg("line %d: %s at scale %d is %s, not %s", line, text, scale, err ? error_name(err) : got, expected);
  if (err) assert_int_equal(value, -77); // results are written only on OK
}

static void test_cases(void **state) {
  char row[512], text[256], expected[64];
  int line = 0, scale, run = 0;
  FILE *file = fopen(CASES, "r");
  (void)state;
  assert_non_null(file);
  while (fgets(row, sizeof row, file)) {
    line++;
    if (row[0] == '#' || row[0] == '\n') continue;
    assert_int_equal(sscanf(row, "%255s %d %63s", text, &scale, expected), 3);
    run_case(strcmp(text, "\"\"") == 0 ? "" : text, scale, expected, line);
    run++;
  }
  fclose(file);
  assert_true(run > 50);
}

static void check_format(int64_t value, int scale, int min_decimals, const char *expected) {
  char text[DECIMAL_FORMAT_SIZE];
  assert_string_equal(decimal_format(value, scale, min_decimals, text), expected);
}

static void test_format(void **state) {
  (void)state;
  check_format(1234500, 4, 2, "123.45");
  check_format(1230000, 4, 2, "123.00");
  check_format(1230000, 4, 0, "123");
  check_format(-5, 3, 0, "-0.005");
  check_format(0, 4, 2, "0.00");
  check_format(100, 0, 0, "100");
  check_format(INT64_MIN, 0, 0, "-9223372036854775808");
  check_format(INT64_MIN, 18, 18, "-9.223372036854775808");
}

static void test_there_and_back(void **state) {
  (void)state;
  uint64_t random = 20160301;
  for (int i = 0; i < 100000; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    int64_t value = (int64_t)(random >> (random % 60)), back;
    int scale = (int)(random % 19);
    char text[DECIMAL_FORMAT_SIZE];
    if (i % 2) value = -value;
    decimal_format(value, scale, 0, text);
    assert_int_equal(decimal_parse(bytes_text(text), scale, &back), OK);
    assert_int_equal(back, value);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(test_format),
      cmocka_unit_test(test_there_and_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

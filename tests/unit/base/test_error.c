// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "base/error.h"

static void test_classes(void **state) {
  (void)state;
  assert_int_equal(error_class(OK), CLASS_OK);
  assert_int_equal(error_class(ERR_QUEUE_FULL), CLASS_RETRY);
  assert_int_equal(error_class(ERR_FENCE_LOST), CLASS_RETRY);
  assert_int_equal(error_class(ERR_BAD_TOPIC), CLASS_REJECT);
  assert_int_equal(error_class(ERR_EXEC_FAILED), CLASS_FATAL);
  assert_int_equal(error_class((enum error)9999), CLASS_FATAL);
  assert_int_equal(error_class((enum error) - 1), CLASS_FATAL);
}

// Classes stand together, in order; names are kebab-case and unique, and lead back.
static void test_table(void **state) {
  size_t count;
  const char *const *names = error_names(&count);
  (void)state;
  assert_int_equal(count, ERROR_COUNT);
  for (size_t i = 0; i < count; i++) {
    if (i) assert_true(error_class((enum error)i) >= error_class((enum error)(i - 1)));
    for (const char *c = names[i]; *c; c++)
      assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
    assert_string_equal(error_name((enum error)i), names[i]);
    assert_int_equal(error_by_name(names[i]), i);
  }
  assert_int_equal(error_by_name("no-such-error"), ERROR_COUNT);
  assert_string_equal(error_name((enum error)9999), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_table)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

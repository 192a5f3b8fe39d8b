// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"

// RFC 3720, appendix B.4.
static void test_rfc_vectors(void **state) {
  uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
  (void)state;
  for (int i = 0; i < 32; i++) {
    ones[i] = 0xff;
    up[i] = (uint8_t)i;
    down[i] = (uint8_t)(31 - i);
  }
  assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
  assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
  assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
  assert_int_equal(crc32c(0, down, 32), 0x113fdb5c);
  assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
  assert_int_equal(crc32c(0, "", 0), 0);
}

static void test_continues(void **state) {
  const char *text = "readings of rental rooms, in pieces of any length";
  uint32_t whole = crc32c(0, text, 49);
  (void)state;
  for (size_t cut = 0; cut <= 49; cut++) assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, 49 - cut), whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc_vectors), cmocka_unit_test(test_continues)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

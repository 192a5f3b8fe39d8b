// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/murmur2.h"

// The vectors of Kafka's own test of its hash.
static void test_kafkas_vectors(void **state) {
  static const struct {
    const char *key;
    int32_t hash;
  } cases[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal((int32_t)murmur2(bytes_text(cases[i].key)), cases[i].hash);
}

static void test_partition(void **state) {
  (void)state;
  assert_int_equal(murmur2_partition(bytes_text("abc"), 64), 479470107 % 64);
  assert_int_equal(murmur2_partition(bytes_text("21"), 8), (int32_t)((-973932308 & 0x7fffffff) % 8));
  assert_int_equal(murmur2_partition(bytes_text("21"), 7), (int32_t)((-973932308 & 0x7fffffff) % 7));
  for (int32_t n = 1; n < 100; n++) {
    int32_t partition = murmur2_partition(bytes_text("foobar"), n);
    assert_true(partition >= 0 && partition < n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kafkas_vectors), cmocka_unit_test(test_partition)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

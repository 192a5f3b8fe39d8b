// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/tls.h"

static void test_loopback_in_every_spelling(void **state) {
  static const char *const loopback[] = {
      "127.0.0.1:9092",
      "127.0.0.1",
      "localhost:6379",
      "LOCALHOST",
      "127.8.9.10:1",
      "[::1]:1883",
      "::1",
      "tcp://[::1]:1883",
      "127.0.0.1:1,[::1]:2,localhost:3",
      "ssl://localhost:8883",
      " 127.0.0.1:1",
      "127.0.0.1:1, 127.0.0.2:2",
  };
  (void)state;
  for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
    if (!tls_loopback(loopback[i])) fail_msg("\"%s\" is on loopback", loopback[i]);
  }
}

// What only looks like loopback, one foreign address in a list, and nothing at all.
static void test_everything_else_is_outside(void **state) {
  static const char *const outside[] = {
      "kafka:9092",
      "10.0.0.1:9092",
      "128.0.0.1",
      "localhost.example.org:1",
      "127.0.0.1.example.org:1",
      "127.0.0.1:1,10.0.0.1:1",
      "10.0.0.1:1,127.0.0.1:1",
      "[::2]:1",
      "0.0.0.0:1",
      "127.1:1",
      "tcp://broker:1883",
      "",
      "127.0.0.1@example.org:1",
      "2130706433:1",
      "example.org/127.0.0.1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    if (tls_loopback(outside[i])) fail_msg("\"%s\" is not on loopback", outside[i]);
  }
}

static void test_the_default_encrypts_outside_loopback(void **state) {
  (void)state;
  assert_true(tls_wanted(TLS_AUTO, "kafka:9092"));
  assert_false(tls_wanted(TLS_AUTO, "127.0.0.1:9092"));
  assert_true(tls_wanted(TLS_ON, "127.0.0.1:9092"));
  assert_false(tls_wanted(TLS_OFF, "kafka:9092"));
  assert_int_equal(TLS_AUTO, 0); // settings that name no mode have the default
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_loopback_in_every_spelling),
      cmocka_unit_test(test_everything_else_is_outside),
      cmocka_unit_test(test_the_default_encrypts_outside_loopback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// What is on its way and what has arrived.
#include "riserctl/replay/arrivals.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct reading read_a = {"m-1", REGISTER_VOLUME_COLD, 1000, 5};

static void each_copy_is_waited_for(void **state) {
  (void)state;
  struct arrivals *arrivals = arrivals_new();
  assert_int_equal(arrivals_expect(arrivals, &read_a), OK);
  assert_int_equal(arrivals_expect(arrivals, &read_a), OK);
  assert_int_equal(arrivals_open(arrivals), 2);
  arrivals_seen(arrivals, &read_a);
  assert_int_equal(arrivals_open(arrivals), 1);
  arrivals_seen(arrivals, &read_a);
  assert_int_equal(arrivals_open(arrivals), 0);
  arrivals_seen(arrivals, &read_a); // the broker may deliver it again
  assert_int_equal(arrivals_open(arrivals), 0);
  arrivals_free(arrivals);
}

static void every_part_of_a_read_tells_it_from_others(void **state) {
  (void)state;
  struct arrivals *arrivals = arrivals_new();
  const struct reading others[] = {{"m-2", REGISTER_VOLUME_COLD, 1000, 5},
                                   {"m-1", REGISTER_VOLUME_HOT, 1000, 5},
                                   {"m-1", REGISTER_VOLUME_COLD, 1001, 5},
                                   {"m-1", REGISTER_VOLUME_COLD, 1000, 6}};
  assert_int_equal(arrivals_expect(arrivals, &read_a), OK);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) arrivals_seen(arrivals, &others[i]);
  assert_int_equal(arrivals_open(arrivals), 1);
  arrivals_free(arrivals);
}

static void rejects_are_known_by_their_digest(void **state) {
  (void)state;
  struct arrivals *arrivals = arrivals_new();
  const uint8_t one[32] = {1}, two[32] = {2};
  struct buffer text;
  buffer_init(&text, 4096);
  assert_int_equal(arrivals_expect_reject(arrivals, one), OK);
  arrivals_seen_reject(arrivals, two);
  assert_int_equal(arrivals_open_rejects(arrivals), 1);
  assert_int_equal(arrivals_open(arrivals), 0);
  assert_int_equal(arrivals_expect(arrivals, &read_a), OK);
  assert_int_equal(arrivals_describe(arrivals, 5, &text), OK);
  assert_non_null(strstr(buffer_text(&text), "m-1 register 20 at 1000 value 5"));
  assert_non_null(strstr(buffer_text(&text), "SHA-256 0100"));
  arrivals_seen_reject(arrivals, one);
  assert_int_equal(arrivals_open_rejects(arrivals), 0);
  buffer_fini(&text);
  arrivals_free(arrivals);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_copy_is_waited_for),
      cmocka_unit_test(every_part_of_a_read_tells_it_from_others),
      cmocka_unit_test(rejects_are_known_by_their_digest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Which word was meant.
#include "riserctl/nearest.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEAREST(word, ...)                                                                                             \
  nearest_word(word, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void a_slip_is_understood(void **state) {
  (void)state;
  assert_string_equal(NEAREST("romms", "site", "rooms", "tariffs"), "rooms");
  assert_string_equal(NEAREST("currncy", "currency", "language"), "currency");
  assert_string_equal(NEAREST("tarrifs", "site", "tariffs"), "tariffs");
  assert_string_equal(NEAREST("aplpy", "apply", "replay"), "apply"); // neighbours swapped: one step
  assert_string_equal(NEAREST("ID", "id", "site"), "id");
}

static void what_is_like_nothing_is_left_alone(void **state) {
  (void)state;
  assert_null(NEAREST("gardens", "site", "rooms", "tariffs"));
  assert_null(NEAREST("x", "site", "rooms"));
  assert_null(NEAREST("", "site"));
}

static void words_of_any_length_are_taken(void **state) {
  (void)state;
  char word[512];
  memset(word, 'a', sizeof word);
  word[511] = 0;
  assert_null(NEAREST(word, "site"));
  word[63] = 0;
  char other[64];
  memcpy(other, word, sizeof other);
  other[40] = 'b';
  assert_ptr_equal(NEAREST(word, other), other);
}

static void of_two_the_nearer_is_taken(void **state) {
  (void)state;
  assert_string_equal(NEAREST("disconnect_aftr_days", "notice_after_days", "disconnect_after_days"),
                      "disconnect_after_days");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slip_is_understood),
      cmocka_unit_test(what_is_like_nothing_is_left_alone),
      cmocka_unit_test(words_of_any_length_are_taken),
      cmocka_unit_test(of_two_the_nearer_is_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

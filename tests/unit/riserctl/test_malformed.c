// SPDX-License-Identifier: Apache-2.0
// Malformed messages: each its own, each the same again, each with a reason that ingest has a word for.
#include "riserctl/replay/malformed.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "riserctl/digest.h"

enum { COUNT = 200 };

static void make(uint32_t number, struct malformed *out, char digest[DIGEST_TEXT_SIZE]) {
  struct buffer payload;
  buffer_init(&payload, MALFORMED_MAX);
  assert_int_equal(malformed_make("north", 7, number, out, &payload), OK);
  assert_true(payload.len > 0);
  digest_text(buffer_bytes(&payload), digest);
  buffer_fini(&payload);
}

static void no_two_are_the_same(void **state) {
  (void)state;
  static char digests[COUNT][DIGEST_TEXT_SIZE];
  for (uint32_t i = 0; i < COUNT; i++) {
    struct malformed malformed;
    make(i, &malformed, digests[i]);
    for (uint32_t j = 0; j < i; j++) assert_string_not_equal(digests[i], digests[j]);
  }
}

static void a_number_gives_the_same_again(void **state) {
  (void)state;
  for (uint32_t i = 0; i < COUNT; i++) {
    struct malformed a, b;
    char first[DIGEST_TEXT_SIZE], second[DIGEST_TEXT_SIZE];
    make(i, &a, first);
    make(i, &b, second);
    assert_string_equal(first, second);
    assert_string_equal(a.topic, b.topic);
    assert_ptr_equal(a.reason, b.reason);
  }
}

static void every_reason_is_one_of_the_errors_that_refuse(void **state) {
  (void)state;
  size_t kinds = 0;
  const char *seen[64];
  for (uint32_t i = 0; i < COUNT; i++) {
    struct malformed malformed;
    char digest[DIGEST_TEXT_SIZE];
    make(i, &malformed, digest);
    assert_int_equal(error_class(error_by_name(malformed.reason)), CLASS_REJECT);
    assert_int_equal(strncmp(malformed.topic, "riser/v1/", 9), 0);
    size_t j = 0;
    while (j < kinds && strcmp(seen[j], malformed.reason) != 0) j++;
    if (j == kinds) seen[kinds++] = malformed.reason;
  }
  assert_true(kinds >= 17);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_two_are_the_same),
      cmocka_unit_test(a_number_gives_the_same_again),
      cmocka_unit_test(every_reason_is_one_of_the_errors_that_refuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

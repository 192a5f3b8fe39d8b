// SPDX-License-Identifier: Apache-2.0
// The expected heads were made by Python's hashlib:
//   h = bytes(32)
//   for value in (b"first", b"", b"third"):
//       h = hashlib.sha256(h + struct.pack("<I", 5) + b"house" + value).digest()
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain/seal.h"

static const char *const values[] = {"first", "", "third"};
static const char *const heads[] = {
    "1-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdf",
    "2-e5960e316b97cc02de0e37a8f945775a196c117a52a39200e1476540cbb0d579",
    "3-6b6698f9939de3556143b4b26e96cc22f0a315b0a2c98aa7e490ec1bbecc7854",
};

static void test_the_chain_is_what_another_program_makes_of_it(void **state) {
  (void)state;
  char text[SEAL_TEXT_SIZE];
  struct seal seal = {.records = 0}, parsed;
  assert_string_equal(seal_format(&seal, text), "");
  for (size_t i = 0; i < 3; i++) {
    seal_add(&seal, bytes_text("house"), bytes_text(values[i]));
    assert_string_equal(seal_format(&seal, text), heads[i]);
    assert_int_equal(seal_parse(bytes_text(text), &parsed), OK);
    assert_memory_equal(&parsed, &seal, sizeof seal);
  }
}

// Nothing can be moved from the key to the value without another head.
static void test_the_border_between_key_and_value_is_sealed(void **state) {
  (void)state;
  struct seal a = {.records = 0}, b = {.records = 0};
  seal_add(&a, bytes_text("house"), bytes_text("x"));
  seal_add(&b, bytes_text("hous"), bytes_text("ex"));
  assert_memory_not_equal(a.head, b.head, SEAL_SIZE);
}

static void test_the_state_packs_the_checks_of_an_open_span(void **state) {
  (void)state;
  struct seal_state kept = {.seal = {.records = 0}}, back;
  uint8_t packed[SEAL_STATE_MAX];
  for (uint32_t i = 1; i <= 3 * SEAL_SPAN + 1; i++) {
    struct seal next = kept.seal;
    seal_add(&next, bytes_text("house"), bytes_text("x"));
    assert_int_equal(seal_keep(&kept, &next), i % SEAL_SPAN == 0);
    size_t len = seal_state_encode(&kept, packed);
    assert_int_equal(len, 40 + i % SEAL_SPAN * 4);
    assert_int_equal(seal_state_decode(bytes_make(packed, len), &back), OK);
    assert_memory_equal(&back.seal, &kept.seal, sizeof back.seal);
    assert_memory_equal(back.checks, kept.checks, i % SEAL_SPAN * 4);
    assert_int_equal(seal_state_decode(bytes_make(packed, len - 1), &back), ERR_CORRUPT);
    assert_int_equal(seal_state_decode(bytes_make(packed, 39), &back), ERR_CORRUPT);
  }
}

static void test_texts_that_are_no_seal(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "-",
      "5",
      "5-",
      "5-00",
      "0-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdf",
      "-1-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdf",
      "1.5-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdf",
      "1-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecd",
      "1-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdfa",
      "1-a6a4dec318c126fd898f6fb0cd6a724c656d725862e9588f93c251f3980cecdg",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct seal seal;
    assert_int_not_equal(seal_parse(bytes_text(texts[i]), &seal), OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_chain_is_what_another_program_makes_of_it),
      cmocka_unit_test(test_the_border_between_key_and_value_is_sealed),
      cmocka_unit_test(test_the_state_packs_the_checks_of_an_open_span),
      cmocka_unit_test(test_texts_that_are_no_seal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

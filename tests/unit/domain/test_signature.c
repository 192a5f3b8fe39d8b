// SPDX-License-Identifier: Apache-2.0
// The expected signatures were made by Python: hmac.new(key, topic + b"\\0" + payload, hashlib.sha256). What is refused
// is in the cases of ingest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/signature.h"

#define TOPIC "riser/v1/house/gw/up/"

static void keys_init(struct device_keys *keys) {
  *keys = (struct device_keys){.count = 2};
  for (size_t i = 0; i < sizeof keys->keys; i++) ((uint8_t *)keys->keys)[i] = (uint8_t)i;
}

static void check(const char *topic, struct bytes payload, const char *expected) {
  struct device_keys keys;
  struct buffer signed_payload;
  char hex[512];
  keys_init(&keys);
  buffer_init(&signed_payload, 200);
  assert_int_equal(buffer_append(&signed_payload, payload.data, payload.len), OK);
  assert_int_equal(signature_append(keys.keys[0], bytes_text(topic), &signed_payload), OK);
  if (expected[0] == '{') {
    assert_string_equal(buffer_text(&signed_payload), expected);
  } else {
    hex_encode(buffer_bytes(&signed_payload), hex);
    assert_string_equal(hex, expected);
  }
  assert_int_equal(signature_check(&keys, bytes_text(topic), buffer_bytes(&signed_payload)), OK);
  assert_int_equal(signature_check(&keys, bytes_text("riser"), buffer_bytes(&signed_payload)), ERR_BAD_SIGNATURE);
  for (size_t i = 0; i < signed_payload.len; i++) { // whichever bit: never believed
    signed_payload.data[i] ^= 1;
    assert_int_not_equal(signature_check(&keys, bytes_text(topic), buffer_bytes(&signed_payload)), OK);
    signed_payload.data[i] ^= 1;
  }
  buffer_fini(&signed_payload);
}

static void test_signatures_are_what_another_program_makes(void **state) {
  (void)state;
  check(TOPIC "pb", bytes_make("\x08\x01", 2),
        "08017a20c937cc7bc2ed30d5134f23236177413c7ff6cb18a55dddb139b367923c8fca20");
  check(TOPIC "json", bytes_text("{\"counter\":1}"),
        "{\"counter\":1,\"signature\":\"dbf028c5facb3169f9c07d8b610a2577e0ae57e0b02c2cb8b0d99d68cbf50d16\"}");
}

static void test_what_cannot_be_signed(void **state) {
  (void)state;
  struct device_keys keys;
  struct buffer payload;
  keys_init(&keys);
  buffer_init(&payload, 40);
  assert_int_equal(buffer_append_text(&payload, "{\"a\":1"), OK);
  assert_int_equal(signature_append(keys.keys[0], bytes_text(TOPIC), &payload), ERR_BAD_JSON);
  assert_int_equal(buffer_append_text(&payload, "}"), OK);
  assert_int_equal(signature_append(keys.keys[0], bytes_text(TOPIC), &payload), ERR_LIMIT);
  assert_string_equal(buffer_text(&payload), "{\"a\":1}");
  buffer_fini(&payload);
}

// Payloads of every length, exactly as long as their memory: nothing is read beyond it.
static void test_short_payloads(void **state) {
  (void)state;
  struct device_keys keys;
  keys_init(&keys);
  for (size_t len = 0; len < 100; len++) {
    for (int first = 0; first < 2; first++) {
      uint8_t *exact = malloc(len ? len : 1);
      assert_non_null(exact);
      memset(exact, first ? '{' : 0x7a, len);
      assert_int_not_equal(signature_check(&keys, bytes_text(TOPIC), bytes_make(exact, len)), OK);
      free(exact);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_signatures_are_what_another_program_makes),
      cmocka_unit_test(test_what_cannot_be_signed),
      cmocka_unit_test(test_short_payloads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

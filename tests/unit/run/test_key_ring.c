// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/key_ring.h"

#define FIRST "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECOND "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct key_ring *ring_of(const char *content) {
  struct key_ring *ring;
  assert_int_equal(key_ring_open(content, &ring), OK);
  return ring;
}

static void test_a_key_comes_back_for_its_device_alone(void **state) {
  (void)state;
  struct key_ring *ring = ring_of(FIRST);
  uint8_t key[DEVICE_KEY_SIZE], back[DEVICE_KEY_SIZE];
  char wrapped[KEY_WRAPPED_SIZE], again[KEY_WRAPPED_SIZE], text[2 * DEVICE_KEY_SIZE + 1];
  key_ring_random(key);
  assert_int_equal(key_ring_wrap(ring, "house", "gw", key, wrapped), OK);
  assert_int_equal(key_ring_wrap(ring, "house", "gw", key, again), OK);
  assert_string_not_equal(wrapped, again);
  hex_encode(bytes_make(key, sizeof key), text);
  assert_null(strstr(wrapped, text));
  assert_int_equal(key_ring_unwrap(ring, "house", "gw", wrapped, back), OK);
  assert_memory_equal(back, key, sizeof key);
  assert_int_equal(key_ring_unwrap(ring, "house", "gx", wrapped, back), ERR_BAD_SIGNATURE);
  assert_int_equal(key_ring_unwrap(ring, "mouse", "gw", wrapped, back), ERR_BAD_SIGNATURE);
  for (size_t i = 18; i < KEY_WRAPPED_SIZE - 1; i++) { // behind version and name
    char kept = wrapped[i];
    wrapped[i] = kept == '0' ? '1' : '0';
    assert_int_equal(key_ring_unwrap(ring, "house", "gw", wrapped, back), ERR_BAD_SIGNATURE);
    wrapped[i] = kept;
  }
  wrapped[1] = '7';
  assert_int_equal(key_ring_unwrap(ring, "house", "gw", wrapped, back), ERR_BAD_VALUE);
  assert_int_equal(key_ring_unwrap(ring, "house", "gw", "00", back), ERR_BAD_VALUE);
  key_ring_free(ring);
}

static void test_the_first_wraps_and_all_unwrap(void **state) {
  (void)state;
  uint8_t key[DEVICE_KEY_SIZE] = {1, 2, 3}, back[DEVICE_KEY_SIZE];
  char old[KEY_WRAPPED_SIZE], new[KEY_WRAPPED_SIZE];
  struct key_ring *first = ring_of(FIRST "\n"), *both = ring_of("# new\n" SECOND " \r\n\n" FIRST),
                  *last = ring_of(SECOND);
  assert_int_equal(key_ring_count(both), 2);
  assert_int_equal(key_ring_wrap(first, "s", "d", key, old), OK);
  assert_int_equal(key_ring_unwrap(both, "s", "d", old, back), OK);
  assert_int_equal(key_ring_unwrap(last, "s", "d", old, back), ERR_NOT_FOUND);
  assert_int_equal(key_ring_wrap(both, "s", "d", key, new), OK);
  assert_int_equal(key_ring_unwrap(last, "s", "d", new, back), OK);
  assert_memory_equal(back, key, sizeof key);
  key_ring_free(first);
  key_ring_free(both);
  key_ring_free(last);
}

static void test_a_device_has_its_keys_or_is_not_believed(void **state) {
  (void)state;
  struct key_ring *ring = ring_of(FIRST), *none = ring_of("");
  uint8_t key[DEVICE_KEY_SIZE] = {1}, before[DEVICE_KEY_SIZE] = {2};
  char wrapped[KEY_WRAPPED_SIZE], older[KEY_WRAPPED_SIZE];
  struct device_keys keys;
  assert_int_equal(key_ring_wrap(none, "s", "d", key, wrapped), ERR_NOT_FOUND);
  assert_int_equal(key_ring_wrap(ring, "s", "d", key, wrapped), OK);
  assert_int_equal(key_ring_wrap(ring, "s", "d", before, older), OK);
  struct device device = {.site = "s", .device = "d", .wrapped_key = "", .previous_key = ""};
  assert_false(key_ring_keys(ring, &device, &keys));
  device.wrapped_key = wrapped;
  device.previous_key = older;
  assert_true(key_ring_keys(ring, &device, &keys));
  assert_true(keys.count == 2 && !keys.unusable);
  assert_memory_equal(keys.keys[0], key, sizeof key);
  assert_memory_equal(keys.keys[1], before, sizeof before);
  assert_true(key_ring_keys(none, &device, &keys));
  assert_true(keys.count == 0 && keys.unusable);
  key_ring_free(ring);
  key_ring_free(none);
}

static void test_files_that_are_none(void **state) {
  (void)state;
  struct key_ring *ring;
  assert_int_equal(key_ring_open(FIRST "0", &ring), ERR_BAD_VALUE);
  assert_int_equal(key_ring_open("secret", &ring), ERR_BAD_VALUE);
  char many[17 * 66] = "";
  for (int i = 0; i < 17; i++) strcat(many, FIRST "\n");
  assert_int_equal(key_ring_open(many, &ring), ERR_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_key_comes_back_for_its_device_alone),
      cmocka_unit_test(test_the_first_wraps_and_all_unwrap),
      cmocka_unit_test(test_a_device_has_its_keys_or_is_not_believed),
      cmocka_unit_test(test_files_that_are_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// RFC 4231, sections 4.2 to 4.4: their keys are shorter than 32 bytes, which HMAC fills up with zeros.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hmac.h"

static void check(const void *key, size_t key_len, struct bytes data, const char *expected) {
  uint8_t whole[HMAC_KEY_SIZE] = {0}, mac[HMAC_SIZE], wanted[HMAC_SIZE];
  struct hmac hmac;
  memcpy(whole, key, key_len);
  assert_int_equal(hex_decode(bytes_text(expected), wanted, sizeof wanted), OK);
  for (size_t cut = 0; cut <= data.len; cut++) {
    hmac_begin(&hmac, whole);
    hmac_add(&hmac, bytes_make(data.data, cut));
    hmac_add(&hmac, bytes_make(data.data + cut, data.len - cut));
    hmac_end(&hmac, mac);
    assert_memory_equal(mac, wanted, sizeof mac);
    assert_true(hmac_equal(mac, wanted));
  }
  for (size_t i = 0; i < HMAC_SIZE; i++) {
    mac[i] ^= 0x10;
    assert_false(hmac_equal(mac, wanted));
    mac[i] ^= 0x10;
  }
}

static void test_known_macs(void **state) {
  (void)state;
  uint8_t key[20], data[50];
  memset(key, 0x0b, sizeof key);
  check(key, sizeof key, bytes_text("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  check("Jefe", 4, bytes_text("what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, sizeof key);
  memset(data, 0xdd, sizeof data);
  check(key, sizeof key, bytes_make(data, sizeof data),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_macs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

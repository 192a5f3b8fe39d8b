// SPDX-License-Identifier: Apache-2.0
// FIPS 180-4's examples, in whatever pieces they come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void check(const char *text, size_t piece, const char *expected) {
  struct hash hash;
  uint8_t digest[HASH_SIZE];
  char hex[2 * HASH_SIZE + 1];
  size_t len = strlen(text);
  hash_begin(&hash);
  for (size_t at = 0; at < len; at += piece)
    hash_add(&hash, bytes_make(text + at, len - at < piece ? len - at : piece));
  hash_add(&hash, bytes_make(NULL, 0));
  hash_end(&hash, digest);
  hex_encode(bytes_make(digest, sizeof digest), hex);
  assert_string_equal(hex, expected);
}

static void test_known_digests(void **state) {
  (void)state;
  for (size_t piece = 1; piece < 70; piece++) {
    check("", piece, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", piece, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", piece,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_digests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

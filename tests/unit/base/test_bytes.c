// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"

static void test_slices(void **state) {
  struct bytes literal = BYTES_LITERAL("site");
  (void)state;
  assert_true(bytes_equal(literal, bytes_text("site")));
  assert_false(bytes_equal(literal, bytes_text("sites")));
  assert_true(bytes_equal((struct bytes){NULL, 0}, bytes_text("")));
  assert_true(bytes_equal_text(bytes_make("site/room", 4), "site"));
  assert_true(bytes_compare(bytes_text("a"), bytes_text("b")) < 0);
  assert_true(bytes_compare(bytes_text("ab"), bytes_text("a")) > 0);
  assert_true(bytes_compare(bytes_make("\xff", 1), bytes_text("a")) > 0);
  assert_int_equal(bytes_compare(bytes_text("a"), bytes_text("a")), 0);
  assert_null(bytes_text(NULL).data);
}

static bool utf8(const char *text) {
  return bytes_is_utf8(bytes_text(text));
}

static void test_utf8(void **state) {
  (void)state;
  assert_true(utf8("") && utf8("meter") && utf8("\xc3\xa9") && utf8("\xe7\x94\xb5\xe8\xa1\xa8"));
  assert_true(utf8("\xf0\x9f\x92\xa7") && utf8("\xf4\x8f\xbf\xbf") && utf8("\xed\x9f\xbf"));
  assert_false(utf8("\x80") || utf8("\xc3") || utf8("\xc3x") || utf8("\xe7\x94"));
  assert_false(utf8("\xc0\x80") || utf8("\xc1\xbf"));             // overlong
  assert_false(utf8("\xe0\x9f\xbf") || utf8("\xf0\x8f\xbf\xbf")); // overlong
  assert_false(utf8("\xed\xa0\x80"));                             // a surrogate
  assert_false(utf8("\xf4\x90\x80\x80") || utf8("\xf5\x80\x80\x80") || utf8("\xff"));
}

static void test_utf8_is_cut_between_characters(void **state) {
  (void)state;
  assert_int_equal(bytes_utf8_cut(bytes_text("ab\xc3\xa9"), 4), 4);
  assert_int_equal(bytes_utf8_cut(bytes_text("ab\xc3\xa9"), 3), 2);
  assert_int_equal(bytes_utf8_cut(bytes_text("\xe7\x94\xb5"), 2), 0);
  assert_int_equal(bytes_utf8_cut(bytes_text("abc"), 2), 2);
  char text[6];
  bytes_utf8_copy(bytes_text("abcd\xc3\xa9"), text, sizeof text);
  assert_string_equal(text, "abcd");
  bytes_utf8_copy(bytes_text("\xff\xc3\xa9x\xc3"), text, sizeof text);
  assert_string_equal(text, "?\xc3\xa9x?");
  bytes_utf8_copy(bytes_make("a\0b", 3), text, sizeof text);
  assert_string_equal(text, "a?b");
  bytes_utf8_copy(bytes_text(NULL), text, sizeof text);
  assert_string_equal(text, "");
}

static void test_buffer(void **state) {
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 10);
  assert_string_equal(buffer_text(&buffer), "");
  assert_int_equal(buffer_append_text(&buffer, "12345"), OK);
  assert_int_equal(buffer_printf(&buffer, "%d", 678), OK);
  assert_int_equal(buffer_append_text(&buffer, "abc"), ERR_LIMIT);
  assert_int_equal(buffer_printf(&buffer, "%d", 123), ERR_LIMIT);
  assert_string_equal(buffer_text(&buffer), "12345678"); // unchanged
  assert_int_equal(buffer_append(&buffer, "ab", 2), OK);
  assert_int_equal(buffer_append_byte(&buffer, 'x'), ERR_LIMIT);
  assert_string_equal(buffer_text(&buffer), "12345678ab");
  buffer_clear(&buffer);
  assert_int_equal(buffer_bytes(&buffer).len, 0);
  assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), ERR_LIMIT);
  buffer_fini(&buffer);
  buffer_fini(&buffer);
}

static void test_buffer_grows(void **state) {
  struct buffer buffer;
  (void)state;
  buffer_init(&buffer, 100000);
  for (int i = 0; i < 100000; i++) assert_int_equal(buffer_append_byte(&buffer, (uint8_t)i), OK);
  assert_int_equal(buffer_append_byte(&buffer, 0), ERR_LIMIT);
  for (int i = 0; i < 100000; i++) assert_int_equal(buffer.data[i], (uint8_t)i);
  buffer_fini(&buffer);
}

static void test_integers(void **state) {
  uint8_t raw[8];
  (void)state;
  put_le64(raw, 0x0123456789abcdef);
  assert_memory_equal(raw, "\xef\xcd\xab\x89\x67\x45\x23\x01", 8);
  assert_true(get_le64(raw) == 0x0123456789abcdef);
  assert_int_equal(get_le32(raw), 0x89abcdef);
  assert_int_equal(get_le16(raw), 0xcdef);
  put_be64(raw, 0x0123456789abcdef);
  assert_memory_equal(raw, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
  assert_true(get_be64(raw) == 0x0123456789abcdef);
  put_le32(raw, 0x80000001);
  put_be32(raw + 4, 0x80000001);
  assert_memory_equal(raw, "\x01\0\0\x80\x80\0\0\x01", 8);
  assert_int_equal(get_be32(raw + 4), get_le32(raw));
  put_le16(raw, 0xfffe);
  assert_memory_equal(raw, "\xfe\xff", 2);
}

static void test_hex(void **state) {
  char text[9];
  uint8_t raw[4] = {9, 9, 9, 9};
  (void)state;
  hex_encode(bytes_make("\x00\xab\x7f\xff", 4), text);
  assert_string_equal(text, "00ab7fff");
  assert_int_equal(hex_decode(bytes_text("00aB7fFf"), raw, 4), OK);
  assert_memory_equal(raw, "\x00\xab\x7f\xff", 4);
  assert_int_equal(hex_decode(bytes_text("00ab7ff"), raw, 4), ERR_BAD_VALUE);
  assert_int_equal(hex_decode(bytes_text("11111g11"), raw, 4), ERR_BAD_VALUE);
  assert_memory_equal(raw, "\x00\xab\x7f\xff", 4); // written only on OK
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_utf8),
      cmocka_unit_test(test_utf8_is_cut_between_characters),
      cmocka_unit_test(test_buffer),
      cmocka_unit_test(test_buffer_grows),
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_hex),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Growth doubles, so that appending is linear; the maximum is checked before anything is touched.
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t utf8_sequence(const uint8_t *at, size_t left);
static int hex_digit(uint8_t character);

struct bytes bytes_text(const char *text) {
  return bytes_make(text, text ? strlen(text) : 0);
}

bool bytes_equal(struct bytes a, struct bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
  if (order) return order;
  return (a.len > b.len) - (a.len < b.len);
}

bool bytes_equal_text(struct bytes a, const char *text) {
  return bytes_equal(a, bytes_text(text));
}

bool bytes_is_utf8(struct bytes text) {
  size_t at = 0;
  while (at < text.len) {
    size_t len = utf8_sequence(text.data + at, text.len - at);
    if (len == 0) return false;
    at += len;
  }
  return true;
}

size_t bytes_utf8_cut(struct bytes text, size_t max) {
  if (text.len <= max) return text.len;
  while (max && (text.data[max] & 0xc0) == 0x80) max--;
  return max;
}

void bytes_utf8_copy(struct bytes from, char *to, size_t size) {
  size_t len = bytes_utf8_cut(from, size - 1);
  for (size_t at = 0; at < len;) {
    size_t sequence = from.data[at] ? utf8_sequence(from.data + at, len - at) : 0;
    if (sequence)
      memcpy(to + at, from.data + at, sequence);
    else
      to[at] = '?';
    at += sequence ? sequence : 1;
  }
  to[len] = 0;
}

// The length of the well-formed sequence that begins here, 0 if there is none (RFC 3629, section 4).
static size_t utf8_sequence(const uint8_t *at, size_t left) {
  if (at[0] < 0x80) return 1;
  size_t len = 0;
  if (at[0] >= 0xc2 && at[0] <= 0xdf) len = 2;
  if (at[0] >= 0xe0 && at[0] <= 0xef) len = 3;
  if (at[0] >= 0xf0 && at[0] <= 0xf4) len = 4;
  if (len == 0 || len > left) return 0;
  for (size_t i = 1; i < len; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  if (at[0] == 0xe0 && at[1] < 0xa0) return 0; // overlong
  if (at[0] == 0xed && at[1] > 0x9f) return 0; // a surrogate
  if (at[0] == 0xf0 && at[1] < 0x90) return 0; // overlong
  if (at[0] == 0xf4 && at[1] > 0x8f) return 0; // beyond U+10FFFF
  return len;
}

void buffer_init(struct buffer *buffer, size_t max) {
  *buffer = (struct buffer){.max = max};
}

void buffer_fini(struct buffer *buffer) {
  free(buffer->data);
  *buffer = (struct buffer){.max = buffer->max};
}

void buffer_clear(struct buffer *buffer) {
  buffer->len = 0;
}

enum error buffer_reserve(struct buffer *buffer, size_t size) {
  if (size > buffer->max - buffer->len) return ERR_LIMIT;
  size_t need = buffer->len + size + 1; // one more for buffer_text's zero
  if (need <= buffer->capacity) return OK;
  size_t capacity = buffer->capacity ? buffer->capacity : 64;
  while (capacity < need) capacity *= 2;
  if (capacity > buffer->max + 1) capacity = buffer->max + 1;
  uint8_t *data = realloc(buffer->data, capacity);
  if (!data) return ERR_NO_MEMORY;
  buffer->data = data;
  buffer->capacity = capacity;
  return OK;
}

enum error buffer_append(struct buffer *buffer, const void *data, size_t len) {
  enum error err = buffer_reserve(buffer, len);
  if (err) return err;
  if (len) memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return OK;
}

enum error buffer_append_text(struct buffer *buffer, const char *text) {
  return buffer_append(buffer, text, strlen(text));
}

enum error buffer_append_byte(struct buffer *buffer, uint8_t byte) {
  return buffer_append(buffer, &byte, 1);
}

enum error buffer_printf(struct buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  assert(len >= 0);
  enum error err = buffer_reserve(buffer, (size_t)len);
  if (err) return err;
  va_start(arguments, format);
  vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, arguments);
  va_end(arguments);
  buffer->len += (size_t)len;
  return OK;
}

const char *buffer_text(struct buffer *buffer) {
  if (buffer_reserve(buffer, 0)) return "";
  buffer->data[buffer->len] = 0;
  return (const char *)buffer->data;
}

void hex_encode(struct bytes from, char *to) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < from.len; i++) {
    *to++ = digits[from.data[i] >> 4];
    *to++ = digits[from.data[i] & 15];
  }
  *to = 0;
}

enum error hex_decode(struct bytes text, uint8_t *to, size_t len) {
  if (text.len != 2 * len) return ERR_BAD_VALUE;
  for (size_t i = 0; i < text.len; i++)
    if (hex_digit(text.data[i]) < 0) return ERR_BAD_VALUE;
  for (size_t i = 0; i < len; i++)
    to[i] = (uint8_t)(hex_digit(text.data[2 * i]) << 4 | hex_digit(text.data[2 * i + 1]));
  return OK;
}

static int hex_digit(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

// SPDX-License-Identifier: Apache-2.0
// A borrowed slice of bytes, a growable buffer with a maximum, integers in both byte orders, and hexadecimal.
// Slices own nothing: whoever lends one says how long it lives. One thread owns a buffer.
#ifndef RISER_BASE_BYTES_H
#define RISER_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bytes {
  const uint8_t *data; // NULL means absent; an empty slice may or may not be NULL
  size_t len;
};

// A slice of a string literal, for use in initialisers too.
#define BYTES_LITERAL(text)                                                                                            \
  { (const uint8_t *)(text), sizeof(text) - 1 }

static inline struct bytes bytes_make(const void *data, size_t len) {
  return (struct bytes){(const uint8_t *)data, len};
}
struct bytes bytes_text(const char *text); // without its zero; NULL gives an absent slice
bool bytes_equal(struct bytes a, struct bytes b);
int bytes_compare(struct bytes a, struct bytes b); // as memcmp, a prefix comes first
bool bytes_equal_text(struct bytes a, const char *text);
bool bytes_is_utf8(struct bytes text); // well-formed by RFC 3629: no overlong forms, no surrogates
// How many bytes of it, at most `max`, end at the border of a character, if it is UTF-8.
size_t bytes_utf8_cut(struct bytes text, size_t max);
// As a string of at most `size` - 1 bytes, cut at a character's border; what is not UTF-8, and zeros, become '?'.
void bytes_utf8_copy(struct bytes from, char *to, size_t size);

// A growable buffer that never exceeds `max`. Append returns ERR_LIMIT and changes nothing when it would.
struct buffer {
  uint8_t *data;
  size_t len;
  size_t capacity;
  size_t max;
};

void buffer_init(struct buffer *buffer, size_t max); // allocates nothing yet
void buffer_fini(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); // keeps the memory

// Room for `size` more bytes: ERR_LIMIT beyond the maximum, ERR_NO_MEMORY without memory.
enum error buffer_reserve(struct buffer *buffer, size_t size) MUST_USE;
enum error buffer_append(struct buffer *buffer, const void *data, size_t len) MUST_USE;
enum error buffer_append_text(struct buffer *buffer, const char *text) MUST_USE;
enum error buffer_append_byte(struct buffer *buffer, uint8_t byte) MUST_USE;
enum error buffer_printf(struct buffer *buffer, const char *format, ...) MUST_USE __attribute__((format(printf, 2, 3)));
// The content as a string: a zero is kept behind the last byte and not counted. Never NULL: "" if there is no memory.
const char *buffer_text(struct buffer *buffer);
static inline struct bytes buffer_bytes(const struct buffer *buffer) {
  return (struct bytes){buffer->data, buffer->len};
}

static inline void put_le16(uint8_t *to, uint16_t value) {
  to[0] = (uint8_t)value;
  to[1] = (uint8_t)(value >> 8);
}
static inline void put_le32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (8 * i));
}
static inline void put_le64(uint8_t *to, uint64_t value) {
  for (int i = 0; i < 8; i++) to[i] = (uint8_t)(value >> (8 * i));
}
static inline uint16_t get_le16(const uint8_t *from) {
  return (uint16_t)(from[0] | from[1] << 8);
}
static inline uint32_t get_le32(const uint8_t *from) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; i--) value = value << 8 | from[i];
  return value;
}
static inline uint64_t get_le64(const uint8_t *from) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | from[i];
  return value;
}
static inline void put_be32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (24 - 8 * i));
}
static inline void put_be64(uint8_t *to, uint64_t value) {
  for (int i = 0; i < 8; i++) to[i] = (uint8_t)(value >> (56 - 8 * i));
}
static inline uint32_t get_be32(const uint8_t *from) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 8 | from[i];
  return value;
}
static inline uint64_t get_be64(const uint8_t *from) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | from[i];
  return value;
}

// Lower-case hexadecimal: `to` takes 2 * len + 1 characters, with the zero.
void hex_encode(struct bytes from, char *to);
// The reverse: exactly 2 * len digits of either case into `to`; ERR_BAD_VALUE for anything else.
enum error hex_decode(struct bytes text, uint8_t *to, size_t len) MUST_USE;

#endif

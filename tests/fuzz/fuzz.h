// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. A target is one function of arbitrary bytes, under libFuzzer's name for it; `./riser
// test fuzz` links it with libFuzzer, the unit tests with replay.c, which runs the kept corpus. See docs/fuzzing.md.
#ifndef RISER_TESTS_FUZZ_FUZZ_H
#define RISER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the run: the input that led here is a finding.
#define FUZZ_HOLDS(condition)                                                                                          \
  do {                                                                                                                 \
    if (!(condition)) fuzz_broken(__FILE__, __LINE__, #condition);                                                     \
  } while (0)

static inline void fuzz_broken(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

// The input, taken bit by bit from the front. Behind its end come zeros.
struct fuzz_input {
  const uint8_t *at;
  size_t left;
};

static inline struct bytes fuzz_bytes(struct fuzz_input *input, size_t len) {
  if (len > input->left) len = input->left;
  struct bytes taken = bytes_make(input->at, len);
  input->at += len;
  input->left -= len;
  return taken;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input) {
  struct bytes taken = fuzz_bytes(input, 1);
  return taken.len ? taken.data[0] : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input) {
  uint16_t low = fuzz_u8(input);
  return (uint16_t)(low | fuzz_u8(input) << 8);
}

// Everything up to the next line feed, which is taken too.
static inline struct bytes fuzz_line(struct fuzz_input *input) {
  size_t len = 0;
  while (len < input->left && input->at[len] != '\n') len++;
  struct bytes line = fuzz_bytes(input, len);
  fuzz_bytes(input, 1);
  return line;
}

// A copy that ends where the sanitizers watch. Never NULL; the caller frees.
static inline uint8_t *fuzz_copy(struct bytes from) {
  uint8_t *copy = malloc(from.len ? from.len : 1);
  if (!copy) abort();
  for (size_t i = 0; i < from.len; i++) copy[i] = from.data[i];
  return copy;
}

// The same with a zero behind it.
static inline char *fuzz_text(struct bytes from) {
  char *copy = malloc(from.len + 1);
  if (!copy) abort();
  for (size_t i = 0; i < from.len; i++) copy[i] = (char)from.data[i];
  copy[from.len] = 0;
  return copy;
}

#endif

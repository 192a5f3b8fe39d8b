// SPDX-License-Identifier: Apache-2.0
// SSE 4.2 has an instruction for this very polynomial, eight bytes at a time; elsewhere a table made at the first call
// takes one byte at a time, which is fast enough for what Riser checks.
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    table[i] = crc;
  }
}

static uint32_t crc_table(uint32_t crc, const uint8_t *at, size_t len) {
  pthread_once(&table_once, table_make);
  while (len--) crc = table[(crc ^ *at++) & 0xff] ^ crc >> 8;
  return crc;
}

#if defined(__x86_64__)
static __attribute__((target("sse4.2"))) uint32_t crc_instruction(uint32_t crc, const uint8_t *at, size_t len) {
  uint64_t wide = crc;
  for (; len >= 8; at += 8, len -= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = (uint32_t)wide;
  while (len--) crc = __builtin_ia32_crc32qi(crc, *at++);
  return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
  return __builtin_cpu_supports("sse4.2") ? ~crc_instruction(~crc, data, len) : ~crc_table(~crc, data, len);
}
#else
uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
  return ~crc_table(~crc, data, len);
}
#endif

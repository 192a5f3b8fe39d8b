// SPDX-License-Identifier: Apache-2.0
#include "base/hmac.h"

enum { BLOCK_SIZE = 64, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

static void begin(struct hash *hash, const uint8_t key[HMAC_KEY_SIZE], uint8_t pad) {
  uint8_t block[BLOCK_SIZE];
  for (int i = 0; i < BLOCK_SIZE; i++) block[i] = (uint8_t)(pad ^ (i < HMAC_KEY_SIZE ? key[i] : 0));
  hash_begin(hash);
  hash_add(hash, bytes_make(block, sizeof block));
}

void hmac_begin(struct hmac *hmac, const uint8_t key[HMAC_KEY_SIZE]) {
  begin(&hmac->inner, key, INNER_PAD);
  begin(&hmac->outer, key, OUTER_PAD);
}

void hmac_add(struct hmac *hmac, struct bytes piece) {
  hash_add(&hmac->inner, piece);
}

void hmac_end(struct hmac *hmac, uint8_t out[HMAC_SIZE]) {
  uint8_t inner[HASH_SIZE];
  hash_end(&hmac->inner, inner);
  hash_add(&hmac->outer, bytes_make(inner, sizeof inner));
  hash_end(&hmac->outer, out);
}

bool hmac_equal(const uint8_t a[HMAC_SIZE], const uint8_t b[HMAC_SIZE]) {
  uint8_t difference = 0;
  for (int i = 0; i < HMAC_SIZE; i++) difference |= a[i] ^ b[i];
  return difference == 0;
}

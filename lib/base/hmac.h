// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 (RFC 2104, FIPS 198-1) with keys of 32 bytes, of bytes that come in pieces. Lives on one thread's stack.
#ifndef RISER_BASE_HMAC_H
#define RISER_BASE_HMAC_H

#include <stdbool.h>

#include "base/hash.h"

enum { HMAC_SIZE = HASH_SIZE, HMAC_KEY_SIZE = 32 };

struct hmac {
  struct hash inner, outer;
};

void hmac_begin(struct hmac *hmac, const uint8_t key[HMAC_KEY_SIZE]);
void hmac_add(struct hmac *hmac, struct bytes piece);
void hmac_end(struct hmac *hmac, uint8_t out[HMAC_SIZE]);

// Takes the same time wherever they differ.
bool hmac_equal(const uint8_t a[HMAC_SIZE], const uint8_t b[HMAC_SIZE]);

#endif

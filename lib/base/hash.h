// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of bytes that come in pieces. A hash lives on the stack of one thread and owns nothing.
#ifndef RISER_BASE_HASH_H
#define RISER_BASE_HASH_H

#include <stdalign.h>
#include <stdint.h>

#include "base/bytes.h"

enum { HASH_SIZE = 32 };

struct hash {
  alignas(8) uint8_t opaque[112];
};

void hash_begin(struct hash *hash);
void hash_add(struct hash *hash, struct bytes piece);
void hash_end(struct hash *hash, uint8_t out[HASH_SIZE]);

#endif

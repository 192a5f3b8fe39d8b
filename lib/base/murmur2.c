// SPDX-License-Identifier: Apache-2.0
// Austin Appleby's MurmurHash2 (public domain), 32 bits, with the seed that Kafka chose.
#include "base/murmur2.h"

#include <assert.h>

uint32_t murmur2(struct bytes key) {
  const uint32_t multiplier = 0x5bd1e995, seed = 0x9747b28c;
  uint32_t hash = seed ^ (uint32_t)key.len;
  const uint8_t *at = key.data;
  size_t left = key.len;
  for (; left >= 4; at += 4, left -= 4) {
    uint32_t word = get_le32(at) * multiplier;
    hash = hash * multiplier ^ (word ^ word >> 24) * multiplier;
  }
  if (left) {
    for (size_t i = left; i-- > 0;) hash ^= (uint32_t)at[i] << (8 * i);
    hash *= multiplier;
  }
  hash = (hash ^ hash >> 13) * multiplier;
  return hash ^ hash >> 15;
}

int32_t murmur2_partition(struct bytes key, int32_t partitions) {
  assert(partitions > 0);
  return (int32_t)((murmur2(key) & 0x7fffffff) % (uint32_t)partitions);
}

// SPDX-License-Identifier: Apache-2.0
// Comparing a partition's state in Redis with what the log makes of it, key by key, byte by byte, while billing is at
// work: keys are read some hundred at a time together with the fence, in one command, so each portion belongs to one
// offset, and the fold in memory is taken to that offset before it is compared.
#ifndef RISER_RISERCTL_VERIFICATION_H
#define RISER_RISERCTL_VERIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "riserctl/image.h"

enum { VERIFY_SHOWN_MAX = 10, VERIFY_KEY_MAX = 320 };

struct verify_result {
  int64_t first_offset; // of the fence when the comparison began
  int64_t next_offset;  // and when it ended: up to where the log was folded
  size_t keys;          // that the fold made
  size_t differing;     // with another value in Redis
  size_t missing;       // not in Redis
  size_t surplus;       // in Redis, and not made by the fold
  char shown[VERIFY_SHOWN_MAX][VERIFY_KEY_MAX];
  size_t shown_count;
  uint8_t digest[DIGEST_SIZE]; // of the state at next_offset, as the fold made it
};

// ERR_NOT_FOUND: the partition has no fence. ERR_AGAIN: it was rebuilt meanwhile, or Redis went back behind what it had
// shown. ERR_MISMATCH as image_advance.
enum error verify_image(struct ctl *ctl, struct image *image, int32_t partition, struct verify_result *out) MUST_USE;

#endif

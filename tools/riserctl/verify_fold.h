// SPDX-License-Identifier: Apache-2.0
// Folding a partition's log in memory, with the code that billing runs, and comparing the outcome with Redis key by
// key, byte by byte.
#ifndef RISER_RISERCTL_VERIFY_FOLD_H
#define RISER_RISERCTL_VERIFY_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "riserctl/ctl.h"

enum { VERIFY_SHOWN_MAX = 10, VERIFY_KEY_MAX = 320 };

struct verify_result {
  int64_t next_offset; // of Redis: up to where the log was folded
  size_t keys;         // that the fold made
  size_t differing;    // with another value in Redis
  size_t missing;      // not in Redis
  size_t surplus;      // in Redis, and not made by the fold
  char shown[VERIFY_SHOWN_MAX][VERIFY_KEY_MAX];
  size_t shown_count;
  uint8_t digest[32]; // SHA-256 over all keys and values in order, as the fold made them
};

// ERR_NOT_FOUND: the partition has no fence. ERR_AGAIN: billing went on meanwhile; verify while it is quiet.
enum error verify_partition(struct ctl *ctl, int32_t partition, struct verify_result *out) MUST_USE;

#endif

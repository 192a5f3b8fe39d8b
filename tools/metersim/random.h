// SPDX-License-Identifier: Apache-2.0
// Random numbers from one seed (splitmix64, public domain, Sebastiano Vigna): the same seed, the same faults. Pure.
#ifndef RISER_METERSIM_RANDOM_H
#define RISER_METERSIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
  uint64_t state; // the seed at first
};

uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); // 0 .. bound - 1; bound must be positive

// A share in ten-thousandths: 100 is 1 %.
enum { SHARE_WHOLE = 10000 };
bool random_hits(struct random *random, int64_t share_e4);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "metersim/random.h"

uint64_t random_next(struct random *random) {
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

uint64_t random_below(struct random *random, uint64_t bound) {
  return random_next(random) % bound; // the bias of a small bound in 64 bits does not matter here
}

bool random_hits(struct random *random, int64_t share_e4) {
  return share_e4 > 0 && random_below(random, SHARE_WHOLE) < (uint64_t)share_e4;
}

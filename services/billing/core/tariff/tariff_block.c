// SPDX-License-Identifier: Apache-2.0
// A ladder: what is used in the accumulation period (a month, a year) fills block after block, each with its price;
// bounds are inclusive. A use fills [prior, prior + quantity), so a year's bills sum to the year's ladder. What is
// given back (negative) comes out of the blocks that it had filled, highest first; below zero it is block 1's.
#include "billing/core/tariff/tariff.h"

static const char *refuse(const struct tariff *tariff) {
  if (tariff->accumulation != ACCUMULATION_MONTH && tariff->accumulation != ACCUMULATION_YEAR) {
    return "bad-accumulation";
  }
  if (tariff->accumulation == ACCUMULATION_YEAR && (tariff->year_start_month < 1 || tariff->year_start_month > 12)) {
    return "bad-year-start";
  }
  int64_t below = 0;
  for (size_t i = 0; i < tariff->block_count; i++) {
    bool last = i + 1 == tariff->block_count;
    if (last != (tariff->blocks[i].upto == 0)) return "bad-blocks";
    if (!last && tariff->blocks[i].upto <= below) return "bad-blocks";
    below = tariff->blocks[i].upto;
  }
  return NULL;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static void split(const struct tariff *tariff, const struct tariff_use *use, struct tariff_lines *out) {
  int64_t low = use->prior + least(use->quantity, 0), high = use->prior + most(use->quantity, 0);
  out->count = 0;
  for (size_t i = 0; i < tariff->block_count; i++) {
    int64_t from = i ? tariff->blocks[i - 1].upto : 0;
    int64_t upto = tariff->blocks[i].upto;
    int64_t bottom = i ? most(low, from) : low;
    int64_t top = upto ? least(high, upto) : high;
    bool zero = i == 0 && use->quantity == 0; // a bill shows a line even when nothing was used
    if (top <= bottom && !zero) continue;
    int64_t part = zero ? 0 : top - bottom;
    out->lines[out->count++] = (struct bill_line){
        .block = (uint32_t)i + 1,
        .block_from = from,
        .block_upto = upto,
        .quantity = use->quantity < 0 ? -part : part,
        .price_e8 = tariff->blocks[i].price_e8,
    };
  }
}

extern const struct tariff_descriptor tariff_block;
const struct tariff_descriptor tariff_block = {
    .kind = TARIFF_BLOCK,
    .name = "block",
    .help = "a ladder of blocks that fill over a month or a year",
    .refuse = refuse,
    .split = split,
};

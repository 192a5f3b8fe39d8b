// SPDX-License-Identifier: Apache-2.0
// One price for every unit.
#include "billing/core/tariff/tariff.h"

static const char *refuse(const struct tariff *tariff) {
  return tariff->block_count == 1 && tariff->blocks[0].upto == 0 ? NULL : "bad-blocks";
}

static void split(const struct tariff *tariff, const struct tariff_use *use, struct tariff_lines *out) {
  out->count = 1;
  out->lines[0] = (struct bill_line){.block = 1, .quantity = use->quantity, .price_e8 = tariff->blocks[0].price_e8};
}

extern const struct tariff_descriptor tariff_flat;
const struct tariff_descriptor tariff_flat = {
    .kind = TARIFF_FLAT,
    .name = "flat",
    .help = "one price for every unit",
    .refuse = refuse,
    .split = split,
};

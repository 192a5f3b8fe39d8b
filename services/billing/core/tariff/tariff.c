// SPDX-License-Identifier: Apache-2.0
// The table of kinds is generated from the list in CMakeLists.txt.
#include "billing/core/tariff/tariff.h"

#define TARIFF_KIND(name) extern const struct tariff_descriptor tariff_##name;
#include "billing/core/tariff/tariff_table.inc"
#undef TARIFF_KIND

static const struct tariff_descriptor *const kinds[] = {
#define TARIFF_KIND(name) &tariff_##name,
#include "billing/core/tariff/tariff_table.inc"
#undef TARIFF_KIND
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static const struct tariff_descriptor *find(enum tariff_kind kind) {
  for (size_t i = 0; i < KIND_COUNT; i++) {
    if (kinds[i]->kind == kind) return kinds[i];
  }
  return NULL;
}

const char *tariff_refuse(const struct tariff *tariff) {
  const struct tariff_descriptor *kind = find(tariff->kind);
  if (!kind) return "bad-tariff-kind";
  if (tariff->commodity != COMMODITY_ELECTRICITY && tariff->commodity != COMMODITY_WATER) return "bad-commodity";
  if (tariff->line_rounding.quantum_e4 < 0 || tariff->line_rounding.mode > ROUNDING_CEILING) return "bad-rounding";
  if (tariff->block_count == 0 || tariff->block_count > TARIFF_BLOCKS_MAX) return "bad-blocks";
  for (size_t i = 0; i < tariff->block_count; i++) {
    if (tariff->blocks[i].price_e8 < 0) return "bad-price";
  }
  return kind->refuse(tariff);
}

enum error tariff_price(const struct tariff *tariff, const struct tariff_use *use, struct tariff_lines *out) {
  const struct tariff_descriptor *kind = find(tariff->kind);
  if (!kind) return ERR_INTERNAL;
  kind->split(tariff, use, out);
  out->amount_e4 = 0;
  for (size_t i = 0; i < out->count; i++) {
    struct bill_line *line = &out->lines[i];
    enum error err = money_price(line->quantity, line->price_e8, tariff->commodity, use->minor_digits,
                                 tariff->line_rounding, &line->amount_e4);
    if (err != OK) return err;
    if (__builtin_add_overflow(out->amount_e4, line->amount_e4, &out->amount_e4)) return ERR_OVERFLOW;
  }
  return OK;
}

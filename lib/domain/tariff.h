// SPDX-License-Identifier: Apache-2.0
// A tariff as data: what a quantity costs. The kinds live in services/billing/core/tariff.
#ifndef RISER_DOMAIN_TARIFF_H
#define RISER_DOMAIN_TARIFF_H

#include <stddef.h>
#include <stdint.h>

#include "domain/money.h"
#include "domain/reading.h"

enum tariff_kind { TARIFF_NONE = 0, TARIFF_FLAT = 1, TARIFF_BLOCK = 2 };
enum accumulation { ACCUMULATION_NONE = 0, ACCUMULATION_MONTH = 1, ACCUMULATION_YEAR = 2 };

#define TARIFF_BLOCKS_MAX 16

// A step of a ladder; its bound is inclusive.
struct tariff_block {
  int64_t upto;     // Wh or ml of the accumulation period; 0: no bound
  int64_t price_e8; // per kWh or m3
};

struct tariff {
  const char *id;
  const char *name;
  enum commodity commodity;
  enum tariff_kind kind;
  enum accumulation accumulation;
  uint32_t year_start_month; // 1..12, of ACCUMULATION_YEAR
  const struct tariff_block *blocks;
  size_t block_count;
  struct rounding line_rounding;
  int64_t from_s;
};

#endif

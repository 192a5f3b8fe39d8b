// SPDX-License-Identifier: Apache-2.0
// What a quantity costs under a tariff: the lines of a bill section. A kind of tariff is one entry of this folder:
// tariff_<kind>.c with its descriptor, a word in CMakeLists.txt, and its cases. Pure.
#ifndef RISER_BILLING_CORE_TARIFF_TARIFF_H
#define RISER_BILLING_CORE_TARIFF_TARIFF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/bill.h"
#include "domain/tariff.h"

// A quantity to be priced.
struct tariff_use {
  int64_t prior;         // used before in the accumulation period, Wh or ml; 0 without one
  int64_t quantity;      // negative: given back
  uint32_t minor_digits; // of the currency
};

struct tariff_lines {
  struct bill_line lines[TARIFF_BLOCKS_MAX];
  size_t count;
  int64_t amount_e4; // their sum
};

struct tariff_descriptor {
  enum tariff_kind kind;
  const char *name;
  const char *help;
  // NULL when the tariff is sound, else why it is not (stable kebab-case).
  const char *(*refuse)(const struct tariff *tariff);
  // Fills in the lines but for their amounts. The tariff is sound.
  void (*split)(const struct tariff *tariff, const struct tariff_use *use, struct tariff_lines *out);
};

// NULL when the tariff can be used, else why not: "bad-tariff-kind", "bad-commodity", "bad-blocks", ...
const char *tariff_refuse(const struct tariff *tariff);

// The lines of a use, each rounded as the tariff says. ERR_OVERFLOW: an amount does not fit; *out is then undefined.
enum error tariff_price(const struct tariff *tariff, const struct tariff_use *use, struct tariff_lines *out) MUST_USE;

#endif

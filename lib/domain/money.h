// SPDX-License-Identifier: Apache-2.0
// Money and rounding. Money is int64 in 10^-4 of the currency's minor unit (e4), a unit price int64 in 10^-8 of the
// currency per kWh or m3 (e8). Products are taken in 128 bits; rounding is a named step with quantum and mode.
#ifndef RISER_DOMAIN_MONEY_H
#define RISER_DOMAIN_MONEY_H

#include <stdint.h>

#include "base/error.h"
#include "domain/reading.h"

enum rounding_mode {
  ROUNDING_NONE = 0,    // as ROUNDING_HALF_UP at the money's own resolution
  ROUNDING_HALF_UP = 1, // halves away from zero
  ROUNDING_HALF_EVEN = 2,
  ROUNDING_DOWN = 3, // towards zero
  ROUNDING_UP = 4,   // away from zero
  ROUNDING_FLOOR = 5,
  ROUNDING_CEILING = 6,
};

struct rounding {
  int64_t quantum_e4; // 10000: whole minor units (cents); 0 is taken as 1
  enum rounding_mode mode;
};

// quantity [Wh or ml] x price_e8 [per kWh or m3] rounded once by `rounding`, in e4 of a currency with `minor_digits`
// (0..4). Error: ERR_OVERFLOW when the amount does not fit 64 bits; *amount_e4 is written only on OK.
MUST_USE enum error money_price(int64_t quantity, int64_t price_e8, enum commodity commodity, uint32_t minor_digits,
                                struct rounding rounding, int64_t *amount_e4);

int64_t money_round(int64_t amount_e4, struct rounding rounding);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "domain/money.h"

__extension__ typedef __int128 wide;

// numerator / denominator (> 0) to a whole number.
static wide divide(wide numerator, wide denominator, enum rounding_mode mode) {
  wide quotient = numerator / denominator;
  wide rest = numerator % denominator;
  if (rest == 0) return quotient;
  int sign = numerator < 0 ? -1 : 1;
  wide twice = 2 * (rest < 0 ? -rest : rest);
  switch (mode) {
  case ROUNDING_DOWN:
    return quotient;
  case ROUNDING_UP:
    return quotient + sign;
  case ROUNDING_FLOOR:
    return quotient - (sign < 0);
  case ROUNDING_CEILING:
    return quotient + (sign > 0);
  case ROUNDING_HALF_EVEN:
    return twice > denominator || (twice == denominator && quotient % 2 != 0) ? quotient + sign : quotient;
  case ROUNDING_NONE:
  case ROUNDING_HALF_UP:
    break;
  }
  return twice >= denominator ? quotient + sign : quotient;
}

static wide power_of_ten(uint32_t exponent) {
  wide power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

static int64_t quantum_of(struct rounding rounding) {
  return rounding.quantum_e4 > 0 ? rounding.quantum_e4 : 1;
}

enum error money_price(int64_t quantity, int64_t price_e8, enum commodity commodity, uint32_t minor_digits,
                       struct rounding rounding, int64_t *amount_e4) {
  if (minor_digits > 4) return ERR_BAD_VALUE;
  uint32_t unit_digits = commodity == COMMODITY_WATER ? 6 : 3; // ml in a m3, Wh in a kWh
  wide product;
  if (__builtin_mul_overflow((wide)quantity * price_e8, power_of_ten(minor_digits + 4), &product)) return ERR_OVERFLOW;
  int64_t quantum = quantum_of(rounding);
  wide rounded = divide(product, power_of_ten(8 + unit_digits) * quantum, rounding.mode) * quantum;
  if (rounded > INT64_MAX || rounded < INT64_MIN) return ERR_OVERFLOW;
  *amount_e4 = (int64_t)rounded;
  return OK;
}

int64_t money_round(int64_t amount_e4, struct rounding rounding) {
  int64_t quantum = quantum_of(rounding);
  return (int64_t)(divide(amount_e4, quantum, rounding.mode) * quantum);
}

// SPDX-License-Identifier: Apache-2.0
#include "domain/money.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rounding_case {
  int64_t amount_e4;
  enum rounding_mode mode;
  int64_t expected_e4;
};

static void each_mode_rounds_to_whole_cents(void **state) {
  (void)state;
  static const struct rounding_case cases[] = {
      {15000, ROUNDING_HALF_UP, 20000},   {14999, ROUNDING_HALF_UP, 10000},   {-15000, ROUNDING_HALF_UP, -20000},
      {15000, ROUNDING_HALF_EVEN, 20000}, {25000, ROUNDING_HALF_EVEN, 20000}, {-25000, ROUNDING_HALF_EVEN, -20000},
      {25001, ROUNDING_HALF_EVEN, 30000}, {19999, ROUNDING_DOWN, 10000},      {-19999, ROUNDING_DOWN, -10000},
      {10001, ROUNDING_UP, 20000},        {-10001, ROUNDING_UP, -20000},      {-10001, ROUNDING_FLOOR, -20000},
      {10001, ROUNDING_FLOOR, 10000},     {10001, ROUNDING_CEILING, 20000},   {-19999, ROUNDING_CEILING, -10000},
      {20000, ROUNDING_UP, 20000},        {0, ROUNDING_CEILING, 0},           {15000, ROUNDING_NONE, 20000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct rounding cents = {10000, cases[i].mode};
    if (money_round(cases[i].amount_e4, cents) != cases[i].expected_e4)
      fail_msg("case %zu gives %lld", i, (long long)money_round(cases[i].amount_e4, cents));
  }
}

static void prices_are_exact_products(void **state) {
  (void)state;
  struct rounding cents = {10000, ROUNDING_HALF_UP}, exact = {1, ROUNDING_HALF_UP};
  int64_t amount;
  // 347.123 kWh at 0.58886875 = 204.40988... : 204.41
  assert_int_equal(money_price(347123, 58886875, COMMODITY_ELECTRICITY, 2, cents, &amount), OK);
  assert_int_equal(amount, 20441 * 10000);
  assert_int_equal(money_price(347123, 58886875, COMMODITY_ELECTRICITY, 2, exact, &amount), OK);
  assert_int_equal(amount, 204409887); // 204.40988711 : 20440.9887 cents
  // 180 m3 at 5.00 = 900.00
  assert_int_equal(money_price(180000000, 500000000, COMMODITY_WATER, 2, cents, &amount), OK);
  assert_int_equal(amount, 90000 * 10000);
  // half a cent exactly: 10 Wh at 0.5 per kWh = 0.005
  assert_int_equal(money_price(10, 50000000, COMMODITY_ELECTRICITY, 2, cents, &amount), OK);
  assert_int_equal(amount, 10000);
  assert_int_equal(money_price(-10, 50000000, COMMODITY_ELECTRICITY, 2, cents, &amount), OK);
  assert_int_equal(amount, -10000);
  // a currency without minor units: 140 kWh at 187.9 won = 26306
  assert_int_equal(money_price(140000, 18790000000, COMMODITY_ELECTRICITY, 0, cents, &amount), OK);
  assert_int_equal(amount, 26306 * 10000);
}

static void what_does_not_fit_is_an_error(void **state) {
  (void)state;
  struct rounding cents = {10000, ROUNDING_HALF_UP};
  int64_t amount = 7;
  assert_int_equal(money_price(INT64_MAX, INT64_MAX, COMMODITY_ELECTRICITY, 2, cents, &amount), ERR_OVERFLOW);
  assert_int_equal(money_price(1000000000000000, 100000000000000, COMMODITY_ELECTRICITY, 2, cents, &amount),
                   ERR_OVERFLOW);
  assert_int_equal(money_price(1, 1, COMMODITY_ELECTRICITY, 5, cents, &amount), ERR_BAD_VALUE);
  assert_int_equal(amount, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_mode_rounds_to_whole_cents),
      cmocka_unit_test(prices_are_exact_products),
      cmocka_unit_test(what_does_not_fit_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

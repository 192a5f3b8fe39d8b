// SPDX-License-Identifier: Apache-2.0
// Numbers and instants as people write them, to Riser's exact integers and back: "1.5 kWh", "CNY 0.588", "2016-03-01
// 10:00". No floating point. Pure; texts are borrowed.
#ifndef RISER_RISERCTL_HUMAN_H
#define RISER_RISERCTL_HUMAN_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/reading.h"
#include "domain/zone.h"

enum { HUMAN_TEXT_SIZE = 64 };

// A number and a unit of the commodity: Wh, kWh, MWh; ml, l, m3. *value is in Wh or ml.
// ERR_BAD_UNIT: no unit, or one of another commodity; ERR_BAD_NUMBER, ERR_INEXACT, ERR_OVERFLOW of the number.
enum error human_quantity_parse(const char *text, enum commodity commodity, int64_t *value) MUST_USE;
// A quantity per hour: "30 kW", "500 W", "30 kWh/h", "5 m3/h", "800 l/h".
enum error human_rate_parse(const char *text, enum commodity commodity, int64_t *value_per_hour) MUST_USE;
// In kWh or m3, with the unit: "347.215 kWh". `to` takes HUMAN_TEXT_SIZE characters. Returns `to`.
char *human_quantity_format(int64_t value, enum commodity commodity, char *to);
// The same without the unit.
char *human_number_format(int64_t value, enum commodity commodity, char *to);
const char *human_unit(enum commodity commodity); // "kWh", "m3"

// "0.588" to 10^-8 of the currency; an amount like "211.52" to 10^-4 of the minor unit. Never negative for prices.
enum error human_price_parse(const char *text, int64_t *price_e8) MUST_USE;
enum error human_money_parse(const char *text, uint32_t minor_digits, int64_t *amount_e4) MUST_USE;
char *human_price_format(int64_t price_e8, char *to);
char *human_money_format(int64_t amount_e4, uint32_t minor_digits, char *to);

// "200/5" or "40". Both positive.
enum error human_ratio_parse(const char *text, int64_t *num, int64_t *den) MUST_USE;

enum stamp_result {
  STAMP_OK,
  STAMP_MALFORMED,
  STAMP_SKIPPED,  // this local time does not exist: the clocks are put forward over it
  STAMP_REPEATED, // it exists twice: the clocks are put back
};
// "2016-03-01" (the day's beginning), "2016-03-01 10:00", "2016-03-01T10:00:30": local time of the zone.
// With a Z at the end, or +02:00: that instant.
enum stamp_result human_stamp_parse(const char *text, const struct zone *zone, int64_t *utc_s);
// The sentence that says what is wrong and how to mend it.
const char *human_stamp_problem(enum stamp_result result);
// Local time, "2016-03-01 10:00:30"; "2016-03-01 10:00" when the seconds are 0. 0 gives "".
char *human_stamp_format(int64_t utc_s, const struct zone *zone, char *to);

// The UTC instants of a local time given as seconds since 1970-01-01 local: none, one or two, ascending.
int human_local_instants(int64_t local_s, const struct zone *zone, int64_t instants[2]);

#endif

// SPDX-License-Identifier: Apache-2.0
// A unit is a word and the number of decimals by which it exceeds the stored unit, so every conversion is a decimal
// shift and exact.
#include "riserctl/human.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

struct unit {
  const char *name;
  enum commodity commodity;
  int scale; // stored = number * 10^scale
};

static const struct unit quantity_units[] = {
    {"Wh", COMMODITY_ELECTRICITY, 0}, {"kWh", COMMODITY_ELECTRICITY, 3}, {"MWh", COMMODITY_ELECTRICITY, 6},
    {"ml", COMMODITY_WATER, 0},       {"l", COMMODITY_WATER, 3},         {"m3", COMMODITY_WATER, 6},
};
static const struct unit rate_units[] = {
    {"W", COMMODITY_ELECTRICITY, 0},    {"kW", COMMODITY_ELECTRICITY, 3},    {"MW", COMMODITY_ELECTRICITY, 6},
    {"Wh/h", COMMODITY_ELECTRICITY, 0}, {"kWh/h", COMMODITY_ELECTRICITY, 3}, {"l/h", COMMODITY_WATER, 3},
    {"m3/h", COMMODITY_WATER, 6},
};

static enum error parse_with_unit(const char *text, enum commodity commodity, const struct unit *units, size_t count,
                                  int64_t *value);
static bool read_digits(const char **at, int count, int *value);
static bool read_date(const char **at, struct civil_date *date);
static bool read_clock(const char **at, int64_t *second_of_day);
static bool read_offset(const char **at, bool *present, int64_t *offset_s);
static enum stamp_result day_start(struct civil_date date, const struct zone *zone, int64_t *utc_s);

enum error human_quantity_parse(const char *text, enum commodity commodity, int64_t *value) {
  return parse_with_unit(text, commodity, quantity_units, sizeof quantity_units / sizeof quantity_units[0], value);
}

enum error human_rate_parse(const char *text, enum commodity commodity, int64_t *value_per_hour) {
  return parse_with_unit(text, commodity, rate_units, sizeof rate_units / sizeof rate_units[0], value_per_hour);
}

static enum error parse_with_unit(const char *text, enum commodity commodity, const struct unit *units, size_t count,
                                  int64_t *value) {
  size_t number_len = strspn(text, "+-.0123456789");
  const char *unit = text + number_len + strspn(text + number_len, " ");
  for (size_t i = 0; i < count; i++) {
    if (units[i].commodity != commodity || strcmp(units[i].name, unit) != 0) continue;
    return decimal_parse(bytes_make(text, number_len), units[i].scale, value);
  }
  return ERR_BAD_UNIT;
}

static int stored_scale(enum commodity commodity) {
  return commodity == COMMODITY_WATER ? 6 : 3;
}

const char *human_unit(enum commodity commodity) {
  return commodity == COMMODITY_WATER ? "m3" : "kWh";
}

char *human_number_format(int64_t value, enum commodity commodity, char *to) {
  return decimal_format(value, stored_scale(commodity), 0, to);
}

char *human_quantity_format(int64_t value, enum commodity commodity, char *to) {
  char number[DECIMAL_FORMAT_SIZE];
  snprintf(to, HUMAN_TEXT_SIZE, "%s %s", human_number_format(value, commodity, number), human_unit(commodity));
  return to;
}

enum error human_price_parse(const char *text, int64_t *price_e8) {
  int64_t price;
  enum error err = decimal_parse(bytes_text(text), 8, &price);
  if (err) return err;
  if (price < 0) return ERR_BAD_VALUE;
  *price_e8 = price;
  return OK;
}

enum error human_money_parse(const char *text, uint32_t minor_digits, int64_t *amount_e4) {
  return decimal_parse(bytes_text(text), (int)minor_digits + 4, amount_e4);
}

char *human_price_format(int64_t price_e8, char *to) {
  return decimal_format(price_e8, 8, 0, to);
}

char *human_money_format(int64_t amount_e4, uint32_t minor_digits, char *to) {
  return decimal_format(amount_e4, (int)minor_digits + 4, (int)minor_digits, to);
}

enum error human_ratio_parse(const char *text, int64_t *num, int64_t *den) {
  const char *slash = strchr(text, '/');
  size_t len = slash ? (size_t)(slash - text) : strlen(text);
  int64_t above, below = 1;
  enum error err = decimal_parse(bytes_make(text, len), 0, &above);
  if (!err && slash) err = decimal_parse(bytes_text(slash + 1), 0, &below);
  if (err) return err;
  if (above <= 0 || below <= 0) return ERR_BAD_VALUE;
  *num = above;
  *den = below;
  return OK;
}

enum stamp_result human_stamp_parse(const char *text, const struct zone *zone, int64_t *utc_s) {
  const char *at = text;
  struct civil_date date;
  int64_t second = 0, offset = 0, instants[2];
  bool has_offset = false;
  if (!read_date(&at, &date)) return STAMP_MALFORMED;
  if (*at == 0) return day_start(date, zone, utc_s);
  if (*at != 'T' && *at != ' ') return STAMP_MALFORMED;
  at++;
  if (!read_clock(&at, &second) || !read_offset(&at, &has_offset, &offset) || *at) return STAMP_MALFORMED;
  int64_t local = civil_to_days(date) * 86400 + second;
  if (has_offset) {
    *utc_s = local - offset;
    return STAMP_OK;
  }
  int count = human_local_instants(local, zone, instants);
  if (count != 1) return count ? STAMP_REPEATED : STAMP_SKIPPED;
  *utc_s = instants[0];
  return STAMP_OK;
}

static enum stamp_result day_start(struct civil_date date, const struct zone *zone, int64_t *utc_s) {
  *utc_s = zone_day_start(zone, date);
  return STAMP_OK;
}

static bool read_digits(const char **at, int count, int *value) {
  *value = 0;
  for (int i = 0; i < count; i++, (*at)++) {
    if (!isdigit((unsigned char)**at)) return false;
    *value = *value * 10 + (**at - '0');
  }
  return true;
}

static bool read_date(const char **at, struct civil_date *date) {
  int year, month, day;
  if (!read_digits(at, 4, &year) || *(*at)++ != '-') return false;
  if (!read_digits(at, 2, &month) || *(*at)++ != '-' || !read_digits(at, 2, &day)) return false;
  *date = (struct civil_date){.year = year, .month = month, .day = day};
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  struct civil_date again = civil_from_days(civil_to_days(*date));
  return again.month == month && again.day == day; // no 31 June
}

static bool read_clock(const char **at, int64_t *second_of_day) {
  int hour, minute, second = 0;
  if (!read_digits(at, 2, &hour) || *(*at)++ != ':' || !read_digits(at, 2, &minute)) return false;
  if (**at == ':') {
    (*at)++;
    if (!read_digits(at, 2, &second)) return false;
  }
  *second_of_day = hour * 3600 + minute * 60 + second;
  return hour < 24 && minute < 60 && second < 60;
}

static bool read_offset(const char **at, bool *present, int64_t *offset_s) {
  int hour, minute;
  *present = **at != 0;
  if (**at == 'Z') (*at)++;
  if (**at != '+' && **at != '-') return true;
  int sign = *(*at)++ == '-' ? -1 : 1;
  if (!read_digits(at, 2, &hour)) return false;
  if (**at == ':') (*at)++;
  if (!read_digits(at, 2, &minute)) return false;
  *offset_s = sign * (hour * 3600 + minute * 60);
  return hour < 24 && minute < 60;
}

int human_local_instants(int64_t local_s, const struct zone *zone, int64_t instants[2]) {
  int32_t before = zone_offset_at(zone, local_s - 86400);
  int32_t after = zone_offset_at(zone, local_s + 86400);
  int count = 0;
  // The larger offset gives the earlier instant.
  int32_t offsets[2] = {before > after ? before : after, before > after ? after : before};
  for (int i = 0; i < (before == after ? 1 : 2); i++) {
    if (zone_offset_at(zone, local_s - offsets[i]) == offsets[i]) instants[count++] = local_s - offsets[i];
  }
  return count;
}

const char *human_stamp_problem(enum stamp_result result) {
  switch (result) {
  case STAMP_OK:
    return "";
  case STAMP_SKIPPED:
    return "this local time does not exist, the clocks are put forward over it; write another one or UTC with a Z";
  case STAMP_REPEATED:
    return "this local time exists twice, the clocks are put back; write it as UTC with a Z";
  case STAMP_MALFORMED:
    break;
  }
  return "not a date or time; write 2016-03-01, 2016-03-01 10:00 (local) or 2016-03-01T09:00:00Z";
}

char *human_stamp_format(int64_t utc_s, const struct zone *zone, char *to) {
  if (utc_s == 0) {
    to[0] = 0;
    return to;
  }
  struct civil_date date = zone_date_at(zone, utc_s);
  int64_t second = utc_s + zone_offset_at(zone, utc_s) - civil_to_days(date) * 86400;
  int length = snprintf(to, HUMAN_TEXT_SIZE, "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day,
                        (int)(second / 3600), (int)(second / 60 % 60));
  if (second % 60) snprintf(to + length, HUMAN_TEXT_SIZE - (size_t)length, ":%02d", (int)(second % 60));
  return to;
}

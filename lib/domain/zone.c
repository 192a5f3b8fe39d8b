// SPDX-License-Identifier: Apache-2.0
// Days and dates by the era method: 400-year eras of 146,097 days, years that begin in March, so that the leap day
// comes last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
#include "domain/zone.h"

enum { DAY_S = 86400 };

int64_t civil_to_days(struct civil_date date) {
  int64_t year = (int64_t)date.year - (date.month <= 2);
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct civil_date civil_from_days(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  int32_t day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1);
  month += month < 10 ? 3 : -9;
  return (struct civil_date){(int32_t)(year_of_era + era * 400 + (month <= 2)), (int32_t)month, day};
}

// Index of the transition in force, given at least one.
static size_t transition_at(const struct zone *zone, int64_t utc_s) {
  size_t low = 0, high = zone->count - 1;
  while (low < high) {
    size_t middle = high - (high - low) / 2;
    if (zone->transitions[middle].from_s <= utc_s) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

int32_t zone_offset_at(const struct zone *zone, int64_t utc_s) {
  return zone->count ? zone->transitions[transition_at(zone, utc_s)].offset_s : 0;
}

static int64_t local_day(const struct zone *zone, int64_t utc_s) {
  int64_t local_s = utc_s + zone_offset_at(zone, utc_s);
  return local_s / DAY_S - (local_s % DAY_S < 0);
}

struct civil_date zone_date_at(const struct zone *zone, int64_t utc_s) {
  return civil_from_days(local_day(zone, utc_s));
}

// A day before local midnight (read as UTC) the day has not begun anywhere; from there the transitions are few.
static int64_t start_of_day(const struct zone *zone, int64_t day) {
  int64_t local_s = day * DAY_S;
  if (zone->count == 0) return local_s;
  size_t i = transition_at(zone, local_s - DAY_S);
  for (;; i++) {
    int64_t begins_s = local_s - zone->transitions[i].offset_s; // midnight, if this offset is in force then
    int64_t from_s = zone->transitions[i].from_s;
    if (i > 0 && from_s > local_s - DAY_S && begins_s < from_s) begins_s = from_s; // a skipped midnight
    if (i + 1 == zone->count || begins_s < zone->transitions[i + 1].from_s) return begins_s;
  }
}

int64_t zone_day_start(const struct zone *zone, struct civil_date date) {
  return start_of_day(zone, civil_to_days(date));
}

int64_t zone_month_start(const struct zone *zone, int32_t year, int32_t month) {
  int32_t index = year * 12 + month - 1;
  return zone_day_start(zone, (struct civil_date){index / 12, index % 12 + 1, 1});
}

int64_t zone_month_start_at(const struct zone *zone, int64_t utc_s, int32_t months) {
  struct civil_date date = zone_date_at(zone, utc_s);
  return zone_month_start(zone, date.year, date.month + months);
}

int64_t zone_day_start_at(const struct zone *zone, int64_t utc_s, int32_t days) {
  return start_of_day(zone, local_day(zone, utc_s) + days);
}

static char *digits(char *to, int32_t value, int count) {
  for (int i = count - 1; i >= 0; i--, value /= 10) to[i] = (char)('0' + value % 10);
  return to + count;
}

void zone_format_month(const struct zone *zone, int64_t utc_s, char out[8]) {
  struct civil_date date = zone_date_at(zone, utc_s);
  char *to = digits(out, date.year, 4);
  *to++ = '-';
  *digits(to, date.month, 2) = '\0';
}

void zone_format_date(const struct zone *zone, int64_t utc_s, char out[11]) {
  struct civil_date date = zone_date_at(zone, utc_s);
  zone_format_month(zone, utc_s, out);
  out[7] = '-';
  *digits(out + 8, date.day, 2) = '\0';
}

// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/instant.h"

#include <stdbool.h>

struct reader {
  struct bytes text;
  size_t at;
};

struct date {
  int64_t year, month, day;
};

static bool take(struct reader *reader, char wanted);
static bool take_number(struct reader *reader, int digits, int64_t *value);
static bool take_date(struct reader *reader, struct date *date);
static bool take_time(struct reader *reader, int64_t *ms);
static bool take_fraction(struct reader *reader, int64_t *ms);
static bool take_zone(struct reader *reader, int64_t *ms);
static int64_t month_days(const struct date *date);
static int64_t days_since_1970(const struct date *date);

enum error instant_parse(struct bytes text, int64_t *ms) {
  struct reader reader = {.text = text};
  struct date date;
  int64_t time_ms, zone_ms;
  if (!take_date(&reader, &date)) return ERR_BAD_TIME;
  if (!take(&reader, 'T') && !take(&reader, 't') && !take(&reader, ' ')) return ERR_BAD_TIME;
  if (!take_time(&reader, &time_ms) || !take_zone(&reader, &zone_ms)) return ERR_BAD_TIME;
  if (reader.at != text.len) return ERR_BAD_TIME;
  *ms = days_since_1970(&date) * 86400000 + time_ms - zone_ms;
  return OK;
}

static bool take(struct reader *reader, char wanted) {
  if (reader->at == reader->text.len || reader->text.data[reader->at] != (uint8_t)wanted) return false;
  reader->at++;
  return true;
}

static bool take_number(struct reader *reader, int digits, int64_t *value) {
  *value = 0;
  for (; digits; digits--, reader->at++) {
    if (reader->at == reader->text.len) return false;
    uint8_t c = reader->text.data[reader->at];
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  return true;
}

static bool take_date(struct reader *reader, struct date *date) {
  if (!take_number(reader, 4, &date->year) || !take(reader, '-')) return false;
  if (!take_number(reader, 2, &date->month) || !take(reader, '-')) return false;
  if (!take_number(reader, 2, &date->day)) return false;
  return date->month >= 1 && date->month <= 12 && date->day >= 1 && date->day <= month_days(date);
}

static bool take_time(struct reader *reader, int64_t *ms) {
  int64_t hour, minute, second, fraction = 0;
  if (!take_number(reader, 2, &hour) || !take(reader, ':')) return false;
  if (!take_number(reader, 2, &minute) || !take(reader, ':')) return false;
  if (!take_number(reader, 2, &second)) return false;
  if (take(reader, '.') && !take_fraction(reader, &fraction)) return false;
  *ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  return hour <= 23 && minute <= 59 && second <= 60;
}

static bool take_fraction(struct reader *reader, int64_t *ms) {
  int64_t digit, weight = 100;
  if (!take_number(reader, 1, &digit)) return false;
  do {
    *ms += digit * weight;
    weight /= 10;
  } while (take_number(reader, 1, &digit));
  return true;
}

static bool take_zone(struct reader *reader, int64_t *ms) {
  *ms = 0;
  if (take(reader, 'Z') || take(reader, 'z')) return true;
  bool west = take(reader, '-');
  if (!west && !take(reader, '+')) return false;
  int64_t hours, minutes;
  if (!take_number(reader, 2, &hours) || !take(reader, ':') || !take_number(reader, 2, &minutes)) return false;
  *ms = (hours * 60 + minutes) * 60000 * (west ? -1 : 1);
  return hours <= 23 && minutes <= 59;
}

static bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_days(const struct date *date) {
  static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return date->month == 2 && is_leap(date->year) ? 29 : days[date->month - 1];
}

// Whole years since the year 0, then the months of this one.
static int64_t days_since_1970(const struct date *date) {
  enum { DAYS_FROM_YEAR_0_TO_1970 = 719528 };
  int64_t before = date->year ? date->year - 1 : 0; // the year 0 itself is a leap year
  int64_t days = date->year * 365 + (date->year ? before / 4 - before / 100 + before / 400 + 1 : 0);
  struct date month = {date->year, 1, 1};
  for (; month.month < date->month; month.month++) days += month_days(&month);
  return days + date->day - 1 - DAYS_FROM_YEAR_0_TO_1970;
}

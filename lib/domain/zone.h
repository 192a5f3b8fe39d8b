// SPDX-License-Identifier: Apache-2.0
// Local time of a site from its table of transitions, and its calendar. Pure look-ups: the table is made in the shell
// (riserctl) by a maintained library and travels with the site's record.
#ifndef RISER_DOMAIN_ZONE_H
#define RISER_DOMAIN_ZONE_H

#include <stddef.h>
#include <stdint.h>

struct zone_transition {
  int64_t from_s;   // UTC second from which on the offset holds
  int32_t offset_s; // local time = UTC + offset_s
};

// Transitions ascend by from_s; the first holds from the beginning of time on. count == 0 means UTC.
struct zone {
  const struct zone_transition *transitions;
  size_t count;
};

// A day of the proleptic Gregorian calendar. month 1..12, day 1..31.
struct civil_date {
  int32_t year;
  int32_t month;
  int32_t day;
};

int64_t civil_to_days(struct civil_date date); // days since 1970-01-01
struct civil_date civil_from_days(int64_t days);

int32_t zone_offset_at(const struct zone *zone, int64_t utc_s);
struct civil_date zone_date_at(const struct zone *zone, int64_t utc_s);

// UTC instant at which the local day begins. A midnight that a transition skips or repeats: the first instant of that
// day.
int64_t zone_day_start(const struct zone *zone, struct civil_date date);
// UTC instant at which the local month (of the date, day ignored) begins; month may be 13 or 0 and carries over.
int64_t zone_month_start(const struct zone *zone, int32_t year, int32_t month);
// UTC instant of the start of the local month that is `months` after the one that utc_s lies in (0: its own).
int64_t zone_month_start_at(const struct zone *zone, int64_t utc_s, int32_t months);
int64_t zone_day_start_at(const struct zone *zone, int64_t utc_s, int32_t days);

// "YYYY-MM" (8 bytes with NUL) and "YYYY-MM-DD" (11 bytes) of the local date at utc_s.
void zone_format_month(const struct zone *zone, int64_t utc_s, char out[8]);
void zone_format_date(const struct zone *zone, int64_t utc_s, char out[11]);

#endif

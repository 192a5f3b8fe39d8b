// SPDX-License-Identifier: Apache-2.0
// Nobody is cut off when no one can be reached to pay or to help: the usual protection of regulators.
#include "control/core/policy/policy.h"

#include <stdbool.h>

enum { HOUR_S = 3600, DAY_S = 86400, WEEK_DAYS = 7, EPOCH_WEEKDAY = 3 /* 1970-01-01: Thursday, Monday is 0 */ };

static int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

static bool day_allows(const struct policy_settings *settings, int64_t local_day) {
  int64_t weekday = (local_day + EPOCH_WEEKDAY) % WEEK_DAYS;
  if (weekday < 0) weekday += WEEK_DAYS;
  return settings->cut_days >> weekday & 1;
}

// The first instant at or after local second `local_s` at which a cut may happen; -1 if there is none in a week.
static int64_t next_allowed(const struct policy_settings *settings, int64_t local_s) {
  int64_t day = floor_divide(local_s, DAY_S);
  for (int64_t i = 0; i <= WEEK_DAYS; i++) {
    int64_t from_s = (day + i) * DAY_S + (int64_t)settings->cut_from_hour * HOUR_S;
    int64_t until_s = (day + i) * DAY_S + (int64_t)settings->cut_until_hour * HOUR_S;
    if (!day_allows(settings, day + i) || local_s >= until_s) continue;
    return local_s > from_s ? local_s : from_s;
  }
  return -1;
}

static struct policy_answer ask(const struct policy_question *question) {
  if (question->due->supply != SUPPLY_OFF) return (struct policy_answer){POLICY_ALLOW, "", 0};
  int64_t local_s = question->now_s + question->utc_offset_s;
  int64_t next_s = next_allowed(question->settings, local_s);
  if (next_s == local_s) return (struct policy_answer){POLICY_ALLOW, "", 0};
  if (next_s < 0) return (struct policy_answer){POLICY_REFUSE, "never-allowed", 0};
  // Across a change of the clocks this is an hour off; it is asked again then, with the offset of that time.
  return (struct policy_answer){POLICY_HOLD, "outside-hours", next_s - question->utc_offset_s};
}

const struct policy policy_calendar = {
    .name = "calendar",
    .help = "Disconnects only on the configured local days and hours; reconnects at any time.",
    .ask = ask,
};

// SPDX-License-Identifier: Apache-2.0
// GTimeZone does not list its transitions, but says which of its intervals holds at an instant. So: walk in steps of a
// day, and where the interval changes find the second by bisection.
#include "riserctl/zone_table.h"

#include <glib.h>
#include <string.h>

enum { STEP_S = 86400, TRANSITIONS_MAX = 1024 };
static const int64_t end_s = 4133980800; // 2101-01-01

static int64_t find_change(GTimeZone *zone, int64_t before_s, int64_t after_s);

static int interval_at(GTimeZone *zone, int64_t utc_s) {
  return g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s);
}

enum error zone_table_make(const char *name, struct arena *arena, struct zone *out) {
  if (name[0] == 0 || name[0] == '/' || name[0] == ':' || strstr(name, "..")) return ERR_NOT_FOUND;
  GTimeZone *zone = g_time_zone_new_identifier(name);
  if (!zone) return ERR_NOT_FOUND;
  struct zone_transition *table = arena_array(arena, TRANSITIONS_MAX, sizeof *table);
  size_t count = 0;
  int64_t at = 0;
  if (table) table[count++] = (struct zone_transition){0, g_time_zone_get_offset(zone, interval_at(zone, 0))};
  while (table && at < end_s && count < TRANSITIONS_MAX) {
    int64_t next = at + STEP_S;
    if (interval_at(zone, next) != interval_at(zone, at)) next = find_change(zone, at, next);
    int32_t offset = g_time_zone_get_offset(zone, interval_at(zone, next));
    if (offset != table[count - 1].offset_s) table[count++] = (struct zone_transition){next, offset};
    at = next;
  }
  g_time_zone_unref(zone);
  if (!table) return ERR_NO_MEMORY;
  *out = (struct zone){.transitions = table, .count = count};
  return OK;
}

// The first second whose interval is not that of before_s.
static int64_t find_change(GTimeZone *zone, int64_t before_s, int64_t after_s) {
  int before = interval_at(zone, before_s);
  while (after_s - before_s > 1) {
    int64_t middle = before_s + (after_s - before_s) / 2;
    if (interval_at(zone, middle) == before) {
      before_s = middle;
    } else {
      after_s = middle;
    }
  }
  return after_s;
}

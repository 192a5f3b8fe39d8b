// SPDX-License-Identifier: Apache-2.0
// Usage: by month as billing closed it, by day as billing keeps it, by hour derived from the read vectors.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riserctl/get.h"
#include "riserctl/human.h"
#include "riserctl/meter_chain.h"
#include "riserctl/table.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { HOURS_MAX = 25, KEY_MAX = 512, MONTH_SIZE = 8 };

static enum status each_point(struct get *get, struct table *table,
                              enum error (*add)(struct get *, const struct service_point *, struct table *));
static enum error add_months(struct get *get, const struct service_point *point, struct table *table);
static enum error add_days(struct get *get, const struct service_point *point, struct table *table);
static enum error add_month_days(struct get *get, const struct service_point *point, const char *key,
                                 struct table *table);
static enum error add_hours(struct get *get, const struct service_point *point, struct table *table);
static enum error add_hour_span(struct get *get, const struct service_point *point, int64_t from_s, int64_t until_s,
                                struct table *table);

enum status get_usage(struct get *get) {
  static const struct column months[] = {
      {"point", CELL_TEXT}, {"room", CELL_TEXT},       {"month", CELL_TEXT},
      {"from", CELL_TEXT},  {"until", CELL_TEXT},      {"usage", CELL_NUMBER},
      {"unit", CELL_TEXT},  {"revision", CELL_NUMBER}, {"lease", CELL_TEXT},
  };
  static const struct column parts[] = {{"point", CELL_TEXT},   {"room", CELL_TEXT}, {"from", CELL_TEXT},
                                        {"usage", CELL_NUMBER}, {"unit", CELL_TEXT}, {"quality", CELL_TEXT}};
  if (arguments_given(get->arguments, "hours")) return each_point(get, table_new(parts, COUNT(parts)), add_hours);
  if (arguments_given(get->arguments, "days")) return each_point(get, table_new(parts, COUNT(parts)), add_days);
  return each_point(get, table_new(months, COUNT(months)), add_months);
}

static enum status each_point(struct get *get, struct table *table,
                              enum error (*add)(struct get *, const struct service_point *, struct table *)) {
  enum error err = OK;
  for (size_t i = 0; i < get->site.point_count && !err; i++) {
    const struct service_point *point = &get->site.points[i];
    if (get_wants(get, "point", point->id) && get_wants(get, "room", point->room)) err = add(get, point, table);
  }
  if (!err) table_print(table, get->arguments->json);
  table_free(table);
  if (err == ERR_BAD_TIME) return ctl_misuse(get->ctl, "--hours needs a day like 2016-05-22");
  return err ? ctl_fail(get->ctl, err, "the usage can't be read") : STATUS_OK;
}

static enum error add_months(struct get *get, const struct service_point *point, struct table *table) {
  char text[HUMAN_TEXT_SIZE];
  struct point_state state = {.period_count = 0};
  const struct zone *zone = &get->site.site.zone;
  enum error err = state_point(get->ctl, get->site.site.id, point->id, &state);
  if (err && err != ERR_NOT_FOUND) return err;
  for (size_t i = 0; i < state.period_count; i++) {
    const struct period *period = &state.periods[i];
    snprintf(text, sizeof text, "%04" PRIu32 "-%02" PRIu32, period->month / 100, period->month % 100);
    if (!get_wants(get, "month", text) || !get_wants(get, "lease", period->lease)) continue;
    table_row(table);
    table_text(table, point->id);
    table_text(table, point->room);
    table_text(table, text);
    table_text(table, human_stamp_format(period->from_s, zone, text));
    table_text(table, human_stamp_format(period->until_s, zone, text));
    table_text(table, human_number_format(period->usage, point->commodity, text));
    table_text(table, human_unit(point->commodity));
    table_integer(table, period->revision);
    table_text(table, period->lease);
  }
  return OK;
}

static void add_part(const struct service_point *point, const char *from, int64_t usage, int quality,
                     struct table *table) {
  char text[HUMAN_TEXT_SIZE];
  table_row(table);
  table_text(table, point->id);
  table_text(table, point->room);
  table_text(table, from);
  table_text(table, quality == DAY_UNKNOWN ? "" : human_number_format(usage, point->commodity, text));
  table_text(table, human_unit(point->commodity));
  table_text(table, quality == DAY_UNKNOWN ? "unknown" : quality_name((enum quality)quality));
}

static enum error add_days(struct get *get, const struct service_point *point, struct table *table) {
  const char *const *keys;
  size_t count;
  const char *month = arguments_value(get->arguments, "month");
  const char *prefix = arena_printf(get->ctl->arena, "days:%s/%s/%s", get->site.site.id, point->id, month ? month : "");
  if (!prefix) return ERR_NO_MEMORY;
  enum error err = state_keys(get->ctl, state_partition(get->ctl, get->site.site.id), prefix, &keys, &count);
  for (size_t i = 0; i < count && !err; i++) err = add_month_days(get, point, keys[i], table);
  return err;
}

static enum error add_month_days(struct get *get, const struct service_point *point, const char *key,
                                 struct table *table) {
  const char *month = strrchr(key, '/') + 1;
  struct bytes days;
  enum error err = state_get(get->ctl, state_partition(get->ctl, get->site.site.id), key, get->ctl->arena, &days);
  if (err || days.len != DAYS_SIZE) return err ? err : ERR_CORRUPT;
  for (int i = 0; i < DAYS_MAX; i++) {
    const uint8_t *record = days.data + i * DAY_RECORD_SIZE;
    char day[MONTH_SIZE + 16];
    int quality = (int32_t)get_le32(record + 8);
    snprintf(day, sizeof day, "%s-%02d", month, i + 1);
    if (quality != DAY_UNKNOWN) add_part(point, day, (int64_t)get_le64(record), quality, table);
  }
  return OK;
}

static enum error add_hours(struct get *get, const struct service_point *point, struct table *table) {
  const struct zone *zone = &get->site.site.zone;
  int64_t from_s;
  if (human_stamp_parse(arguments_value(get->arguments, "hours"), zone, &from_s) != STAMP_OK) return ERR_BAD_TIME;
  int64_t until_s = zone_day_start_at(zone, from_s, 1);
  from_s = zone_day_start_at(zone, from_s, 0);
  return add_hour_span(get, point, from_s, until_s, table);
}

static enum error add_hour_span(struct get *get, const struct service_point *point, int64_t from_s, int64_t until_s,
                                struct table *table) {
  int64_t sums[HOURS_MAX] = {0};
  int qualities[HOURS_MAX];
  int hours = (int)((until_s - from_s) / 3600);
  for (int h = 0; h < HOURS_MAX; h++) qualities[h] = DAY_UNKNOWN;
  for (size_t i = 0; i < get->site.installation_count; i++) {
    const struct installation *meter = &get->site.installations[i];
    struct chain chain;
    if (strcmp(meter->service_point, point->id) != 0) continue;
    enum error err = meter_chain_load(get->ctl, get->site.site.id, meter, from_s, until_s, &chain);
    if (err) return err;
    for (int h = 0; h < hours && h < HOURS_MAX; h++) {
      int64_t usage;
      enum quality quality;
      int64_t hour_s = from_s + h * 3600;
      if (!meter_chain_usage(&chain, meter, hour_s, hour_s + 3600, &usage, &quality)) continue;
      sums[h] += usage;
      if (qualities[h] == DAY_UNKNOWN || !quality_is_actual(quality)) qualities[h] = (int)quality;
    }
  }
  for (int h = 0; h < hours && h < HOURS_MAX; h++) {
    char text[HUMAN_TEXT_SIZE];
    human_stamp_format(from_s + h * 3600, &get->site.site.zone, text);
    add_part(point, text, sums[h], qualities[h], table);
  }
  return OK;
}

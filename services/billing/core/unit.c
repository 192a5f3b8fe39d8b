// SPDX-License-Identifier: Apache-2.0
// Units and months.
#include <stdlib.h>
#include <string.h>

#include "billing/core/fold_parts.h"

enum { BUILDING_MARK = '~' }; // no id has it

const char *unit_name(struct fold *fold, const struct service_point *point) {
  if (point->room[0]) return point->room;
  char *name = arena_printf(fold->scratch, "%c%s", BUILDING_MARK, point->id);
  if (!name) fold_fail(fold, ERR_NO_MEMORY);
  return name ? name : "";
}

static int by_commodity_and_id(const void *left, const void *right) {
  const struct service_point *a = *(const struct service_point *const *)left;
  const struct service_point *b = *(const struct service_point *const *)right;
  if (a->commodity != b->commodity) return a->commodity < b->commodity ? -1 : 1;
  return strcmp(a->id, b->id);
}

static bool belongs(const struct service_point *point, const char *name) {
  if (name[0] == BUILDING_MARK) return !point->room[0] && strcmp(point->id, name + 1) == 0;
  return strcmp(point->room, name) == 0;
}

bool unit_need(struct fold *fold, struct entity *site_entity, const char *name, struct unit *out) {
  const struct site_state *site = entity_site(site_entity);
  *out = (struct unit){
      .site_entity = site_entity, .site = site, .name = name, .room = name[0] == BUILDING_MARK ? "" : name};
  out->points = arena_array(fold->scratch, site->point_count, sizeof *out->points);
  out->states = arena_array(fold->scratch, site->point_count, sizeof *out->states);
  if (!out->points || !out->states) {
    fold_fail(fold, ERR_NO_MEMORY);
    return false;
  }
  for (size_t i = 0; i < site->point_count; i++) {
    if (belongs(&site->points[i], name)) out->points[out->count++] = &site->points[i];
  }
  qsort(out->points, out->count, sizeof *out->points, by_commodity_and_id);
  bool all = out->count > 0;
  for (size_t i = 0; i < out->count; i++) {
    out->states[i] = need_point(fold, site->site.id, out->points[i]->id);
    if (!out->states[i]) all = false;
  }
  return all;
}

int64_t unit_closed_until(const struct unit *unit) {
  int64_t closed_s = 0;
  for (size_t i = 0; i < unit->count; i++) {
    int64_t one_s = entity_point(unit->states[i])->closed_until_s;
    if (one_s > closed_s) closed_s = one_s;
  }
  return closed_s;
}

int64_t unit_first_from(const struct unit *unit) {
  int64_t from_s = 0;
  for (size_t i = 0; i < unit->site->installation_count; i++) {
    const struct installation *one = &unit->site->installations[i];
    for (size_t k = 0; k < unit->count; k++) {
      bool here = strcmp(unit->points[k]->id, one->service_point) == 0;
      if (here && (from_s == 0 || one->from_s < from_s)) from_s = one->from_s;
    }
  }
  return from_s;
}

void point_dirty(struct fold *fold, const struct site_state *site, const struct service_point *point,
                 struct entity *state, int64_t from_s) {
  struct point_state *it = entity_point(state);
  bool pruned = it->period_count == POINT_PERIODS_MAX; // what is no longer kept cannot be closed anew
  if (pruned && from_s < it->periods[0].from_s) from_s = it->periods[0].from_s;
  if (it->dirty_from_s != 0 && it->dirty_from_s <= from_s) return;
  it->dirty_from_s = from_s;
  store_mark(fold->store, state);
  struct key member = due_member(DUE_AMEND, site->site.id, unit_name(fold, point), "");
  fold_fail(fold, store_due_set(fold->store, fold->now_s, member.text));
}

// ---- months

struct month month_at(const struct zone *zone, int64_t at_s) {
  struct civil_date date = zone_date_at(zone, at_s);
  return (struct month){
      .number = (uint32_t)(date.year * 100 + date.month),
      .from_s = zone_month_start(zone, date.year, date.month),
      .until_s = zone_month_start(zone, date.year, date.month + 1),
  };
}

struct month month_before(const struct zone *zone, struct month month) {
  return month_at(zone, month.from_s - 1);
}

const char *month_text(struct fold *fold, uint32_t month) {
  return fold_text(fold, "%04u-%02u", month / 100, month % 100);
}

// SPDX-License-Identifier: Apache-2.0
// What was applied, as billing has it.
#include <inttypes.h>
#include <string.h>

#include "billing/core/fold_parts.h"
#include "riserctl/get.h"
#include "riserctl/human.h"
#include "riserctl/table.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum error add_sites(struct get *get, int32_t partition, struct table *table);
static void add_site(struct table *table, const struct site_state *state, int32_t partition,
                     const struct partition_meta *meta);
static const struct lease *lease_of_room(const struct get *get, const char *room, int64_t at_s);
static enum error add_point(struct get *get, const struct service_point *point, int64_t now_s, struct table *table);
static void add_meter(struct get *get, const struct installation *meter, struct table *table);
static void add_tariff(struct get *get, const struct tariff *tariff, struct table *table);

static enum status finish(struct get *get, struct table *table, enum error err) {
  if (!err) table_print(table, get->arguments->json);
  table_free(table);
  return err ? ctl_fail(get->ctl, err, "billing's state can't be read") : STATUS_OK;
}

static void add_stamp(struct table *table, const struct site_state *site, int64_t utc_s) {
  char text[HUMAN_TEXT_SIZE];
  table_text(table, human_stamp_format(utc_s, &site->site.zone, text));
}

enum status get_sites(struct get *get) {
  static const struct column columns[] = {
      {"site", CELL_TEXT},        {"name", CELL_TEXT},          {"landlord", CELL_TEXT},
      {"zone", CELL_TEXT},        {"rooms", CELL_NUMBER},       {"meters", CELL_NUMBER},
      {"partition", CELL_NUMBER}, {"next_offset", CELL_NUMBER}, {"business_time", CELL_TEXT},
  };
  struct table *table = table_new(columns, COUNT(columns));
  enum error err = OK;
  for (int32_t p = 0; p < get->ctl->config.partitions && !err; p++) err = add_sites(get, p, table);
  return finish(get, table, err);
}

static enum error add_sites(struct get *get, int32_t partition, struct table *table) {
  const char *const *keys;
  size_t count;
  struct fence_view fence;
  enum error err = state_keys(get->ctl, partition, "site:", &keys, &count);
  if (!err) err = state_fence(get->ctl, partition, get->ctl->arena, &fence);
  for (size_t i = 0; i < count && !err; i++) {
    struct site_state state;
    err = state_site(get->ctl, keys[i] + strlen("site:"), &state);
    if (!err) add_site(table, &state, partition, &fence.meta);
  }
  return err;
}

static void add_site(struct table *table, const struct site_state *state, int32_t partition,
                     const struct partition_meta *meta) {
  table_row(table);
  table_text(table, state->site.id);
  table_text(table, state->site.name);
  table_text(table, state->site.landlord);
  table_text(table, state->site.zone_name);
  table_integer(table, (int64_t)state->room_count);
  table_integer(table, (int64_t)state->installation_count);
  table_integer(table, partition);
  table_integer(table, meta->next_offset);
  add_stamp(table, state, meta->business_time_s);
}

enum status get_rooms(struct get *get) {
  static const struct column columns[] = {
      {"room", CELL_TEXT}, {"name", CELL_TEXT}, {"points", CELL_NUMBER}, {"lease", CELL_TEXT}, {"persons", CELL_TEXT}};
  struct fence_view fence;
  enum error err = state_fence(get->ctl, state_partition(get->ctl, get->site.site.id), get->ctl->arena, &fence);
  struct table *table = table_new(columns, COUNT(columns));
  for (size_t i = 0; i < get->site.room_count && !err; i++) {
    const struct room *room = &get->site.rooms[i];
    const struct lease *lease = lease_of_room(get, room->id, fence.meta.business_time_s);
    int64_t points = 0;
    if (!get_wants(get, "room", room->id)) continue;
    for (size_t j = 0; j < get->site.point_count; j++) points += strcmp(get->site.points[j].room, room->id) == 0;
    table_row(table);
    table_text(table, room->id);
    table_text(table, room->name);
    table_integer(table, points);
    table_text(table, lease ? lease->id : "");
    table_text(table, lease && lease->person_count ? lease->persons[0] : "");
  }
  return finish(get, table, err);
}

// The one that holds at the instant; before the first tick (0) the first one.
static const struct lease *lease_of_room(const struct get *get, const char *room, int64_t at_s) {
  for (size_t i = 0; i < get->site.lease_count; i++) {
    const struct lease *lease = &get->site.leases[i];
    if (strcmp(lease->room, room) != 0) continue;
    if (at_s == 0 || (lease->from_s <= at_s && (lease->until_s == 0 || at_s < lease->until_s))) return lease;
  }
  return NULL;
}

static const char *supply_text(enum supply supply) {
  return supply == SUPPLY_ON ? "on" : supply == SUPPLY_OFF ? "off" : "";
}

enum status get_points(struct get *get) {
  static const struct column columns[] = {
      {"point", CELL_TEXT},        {"room", CELL_TEXT},   {"commodity", CELL_TEXT}, {"tariff", CELL_TEXT},
      {"closed_until", CELL_TEXT}, {"supply", CELL_TEXT}, {"desired", CELL_TEXT},
  };
  struct table *table = table_new(columns, COUNT(columns));
  struct fence_view fence;
  enum error err = state_fence(get->ctl, state_partition(get->ctl, get->site.site.id), get->ctl->arena, &fence);
  for (size_t i = 0; i < get->site.point_count && !err; i++) {
    err = add_point(get, &get->site.points[i], fence.meta.business_time_s, table);
  }
  return finish(get, table, err);
}

// The tariff is the one that holds now, which need not be the one that was applied last.
static enum error add_point(struct get *get, const struct service_point *point, int64_t now_s, struct table *table) {
  struct point_state state = {.closed_until_s = 0};
  if (!get_wants(get, "point", point->id) || !get_wants(get, "room", point->room)) return OK;
  enum error err = state_point(get->ctl, get->site.site.id, point->id, &state);
  if (err && err != ERR_NOT_FOUND) return err;
  table_row(table);
  table_text(table, point->id);
  table_text(table, point->room);
  table_text(table, commodity_name(point->commodity));
  table_text(table, point_tariff(&get->site, point->id, now_s));
  add_stamp(table, &get->site, state.closed_until_s);
  table_text(table, supply_text(state.supply));
  table_text(table, supply_text(state.desired));
  return OK;
}

enum status get_meters(struct get *get) {
  static const struct column columns[] = {
      {"meter", CELL_TEXT},        {"register", CELL_TEXT}, {"point", CELL_TEXT},      {"device", CELL_TEXT},
      {"from", CELL_TEXT},         {"until", CELL_TEXT},    {"multiplier", CELL_TEXT}, {"max_rate", CELL_TEXT},
      {"backflow_max", CELL_TEXT}, {"slack", CELL_TEXT},    {"switch", CELL_TEXT},
  };
  struct table *table = table_new(columns, COUNT(columns));
  for (size_t i = 0; i < get->site.installation_count; i++) {
    const struct service_point *point = state_service_point(&get->site, get->site.installations[i].service_point);
    if (!get_wants(get, "point", get->site.installations[i].service_point)) continue;
    if (!get_wants(get, "room", point ? point->room : "")) continue;
    add_meter(get, &get->site.installations[i], table);
  }
  return finish(get, table, OK);
}

static void add_meter(struct get *get, const struct installation *meter, struct table *table) {
  static const char *const switches[] = {"", "none", "relay", "valve"};
  enum commodity commodity = register_commodity(meter->reg);
  char text[HUMAN_TEXT_SIZE];
  table_row(table);
  table_text(table, meter->meter);
  table_text(table, register_name(meter->reg));
  table_text(table, meter->service_point);
  table_text(table, meter->device);
  add_stamp(table, &get->site, meter->from_s);
  add_stamp(table, &get->site, meter->until_s);
  table_printf(table, "%" PRId64 "/%" PRId64, meter->multiplier_num, meter->multiplier_den);
  table_printf(table, "%s/h", human_quantity_format(meter->max_rate_per_hour, commodity, text));
  table_text(table, human_quantity_format(meter->backflow_max, commodity, text));
  table_text(table, human_quantity_format(meter->slack, commodity, text));
  table_text(table, meter->switch_kind < COUNT(switches) ? switches[meter->switch_kind] : "");
}

enum status get_leases(struct get *get) {
  static const struct column columns[] = {
      {"lease", CELL_TEXT}, {"room", CELL_TEXT}, {"from", CELL_TEXT}, {"until", CELL_TEXT}, {"persons", CELL_TEXT}};
  struct table *table = table_new(columns, COUNT(columns));
  for (size_t i = 0; i < get->site.lease_count; i++) {
    const struct lease *lease = &get->site.leases[i];
    const char *persons = "";
    if (!get_wants(get, "lease", lease->id) || !get_wants(get, "room", lease->room)) continue;
    for (size_t j = 0; j < lease->person_count && persons; j++) {
      persons = arena_printf(get->ctl->arena, "%s%s%s", persons, j ? " " : "", lease->persons[j]);
    }
    table_row(table);
    table_text(table, lease->id);
    table_text(table, lease->room);
    add_stamp(table, &get->site, lease->from_s);
    add_stamp(table, &get->site, lease->until_s);
    table_text(table, persons);
  }
  return finish(get, table, OK);
}

enum status get_tariffs(struct get *get) {
  static const struct column columns[] = {
      {"tariff", CELL_TEXT}, {"name", CELL_TEXT},    {"commodity", CELL_TEXT},
      {"period", CELL_TEXT}, {"from", CELL_TEXT},    {"block", CELL_NUMBER},
      {"upto", CELL_TEXT},   {"price", CELL_NUMBER}, {"currency", CELL_TEXT},
  };
  struct table *table = table_new(columns, COUNT(columns));
  for (size_t i = 0; i < get->site.tariff_count; i++) add_tariff(get, &get->site.tariffs[i], table);
  return finish(get, table, OK);
}

static void add_tariff(struct get *get, const struct tariff *tariff, struct table *table) {
  char text[HUMAN_TEXT_SIZE];
  for (size_t i = 0; i < tariff->block_count; i++) {
    const struct tariff_block *block = &tariff->blocks[i];
    table_row(table);
    table_text(table, tariff->id);
    table_text(table, tariff->name);
    table_text(table, commodity_name(tariff->commodity));
    table_text(table, tariff->accumulation == ACCUMULATION_YEAR ? "year" : "month");
    add_stamp(table, &get->site, tariff->from_s);
    table_integer(table, (int64_t)i + 1);
    table_text(table, block->upto ? human_quantity_format(block->upto, tariff->commodity, text) : "");
    table_text(table, human_price_format(block->price_e8, text));
    table_text(table, get->site.site.currency);
  }
}

enum status get_parked(struct get *get) {
  static const struct column columns[] = {{"meter", CELL_TEXT}, {"register", CELL_TEXT}, {"device", CELL_TEXT}};
  struct table *table = table_new(columns, COUNT(columns));
  for (size_t i = 0; i < get->site.unknown_count; i++) {
    table_row(table);
    table_text(table, get->site.unknown[i].meter);
    table_text(table, register_name(get->site.unknown[i].reg));
    table_text(table, get->site.unknown[i].device);
  }
  return finish(get, table, OK);
}

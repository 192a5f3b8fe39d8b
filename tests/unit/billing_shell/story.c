// SPDX-License-Identifier: Apache-2.0
#include "story.h"

#include <inttypes.h>
#include <stdio.h>

#define SITE "house"

enum { ROOMS = 2, DAY_S = 86400, MARCH_S = 1456790400, DAYS = 95, CLOSING_EVENTS = 9, READ_EVERY_S = 6 * 3600 };

static void say(struct world *world, const char *id, struct fact fact) {
  fact.envelope = (struct envelope){.fact_id = id,
                                    .min_reader = 1,
                                    .landlord = "ada",
                                    .site = SITE,
                                    .source = "story",
                                    .actor = "",
                                    .supersedes = "",
                                    .traceparent = ""};
  world_write(world, SITE, &fact);
}

static void furnish(struct world *world) {
  static const struct zone_transition utc[] = {{0, 0}};
  static const struct tariff_block blocks[] = {{200000, 58800000}, {0, 63800000}};
  struct site site = {.id = SITE, .landlord = "ada", .name = "House", .zone_name = "UTC", .zone = {utc, 1},
                      .currency = "CNY", .minor_digits = 2, .language = "en", .grace_hours = 24, .due_days = 21,
                      .reminder_after_days = 7, .notice_after_days = 20, .disconnect_after_days = 30,
                      .notice_lead_days = 7, .landlord_person = "ada"};
  struct tariff tariff = {.id = "ladder", .name = "Ladder", .commodity = COMMODITY_ELECTRICITY, .kind = TARIFF_BLOCK,
                          .accumulation = ACCUMULATION_MONTH, .year_start_month = 1, .blocks = blocks,
                          .block_count = 2, .line_rounding = {10000, ROUNDING_HALF_UP}};
  say(world, "site", (struct fact){.kind = FACT_SITE, .site = site});
  say(world, "tariff", (struct fact){.kind = FACT_TARIFF, .tariff = tariff});
}

static void furnish_room(struct world *world, int number) {
  static const char *const persons[] = {"bob"};
  char room[16], point[16], meter[16], lease[16], id[32];
  snprintf(room, sizeof room, "room-%d", number);
  snprintf(point, sizeof point, "point-%d", number);
  snprintf(meter, sizeof meter, "m-%d", number);
  snprintf(lease, sizeof lease, "lease-%d", number);
  snprintf(id, sizeof id, "install-%d", number);
  say(world, room, (struct fact){.kind = FACT_ROOM, .room = {room, room}});
  say(world, point, (struct fact){.kind = FACT_SERVICE_POINT,
                                  .service_point = {point, room, COMMODITY_ELECTRICITY, "ladder"}});
  struct installation installation = {.id = id, .service_point = point, .meter = meter, .device = meter,
                                      .reg = REGISTER_ENERGY_IMPORT, .from_s = MARCH_S, .multiplier_num = 1,
                                      .multiplier_den = 1, .max_rate_per_hour = 100000, .slack = 10,
                                      .switch_kind = SWITCH_RELAY};
  say(world, id, (struct fact){.kind = FACT_INSTALLATION, .installation = installation});
  say(world, lease, (struct fact){.kind = FACT_LEASE, .lease = {lease, room, persons, 1, MARCH_S, 0}});
}

static void read_meters(struct world *world, int64_t time_s) {
  char id[32];
  struct reading readings[ROOMS + 1] = {
      {"m-0", REGISTER_ENERGY_IMPORT, time_s, (time_s - MARCH_S) / 10},
      {"m-1", REGISTER_ENERGY_IMPORT, time_s, 5000 + (time_s - MARCH_S) / 20},
      {"strange", REGISTER_VOLUME_COLD, time_s, 7},
  };
  snprintf(id, sizeof id, "read-%" PRId64, time_s);
  struct readings_fact fact = {.device = "gw", .readings = readings, .count = ROOMS + (time_s % DAY_S == 0)};
  say(world, id, (struct fact){.kind = FACT_READINGS, .readings = fact});
}

static void tick(struct world *world, int64_t time_s) {
  struct fact fact = {.envelope = {.fact_id = "tick", .min_reader = 1, .landlord = "", .site = "", .source = "story",
                                   .actor = "", .supersedes = "", .traceparent = ""},
                      .kind = FACT_TICK,
                      .tick = {time_s}};
  world_write(world, "@tick/0", &fact);
}

void story_write(struct world *world) {
  furnish(world);
  for (int room = 0; room < ROOMS; room++) furnish_room(world, room);
  for (int64_t day_s = MARCH_S; day_s < MARCH_S + (int64_t)DAYS * DAY_S; day_s += DAY_S) {
    for (int64_t s = day_s; s < day_s + DAY_S; s += READ_EVERY_S) read_meters(world, s);
    tick(world, day_s + DAY_S + 300);
    if (day_s != MARCH_S + 40 * DAY_S) continue;
    struct payment payment = {.id = "pay", .lease = "lease-0", .amount_e4 = 500000, .paid_at_s = day_s,
                              .method = "cash", .reference = ""};
    say(world, "pay", (struct fact){.kind = FACT_PAYMENT, .payment = payment});
  }
  for (int i = 0; i < CLOSING_EVENTS; i++)
    say(world, "event",
        (struct fact){.kind = FACT_DEVICE_EVENT, .device_event = {"gw", EVENT_DOOR, MARCH_S, "closed"}});
}

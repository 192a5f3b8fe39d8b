// SPDX-License-Identifier: Apache-2.0
#include "estate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "check.h"
#include "house.h"
#include "model.h"
#include "process.h"
#include "trace.h"
#include "wire/fact.h"
#include "wire/person.h"

enum {
  TENANCIES_MAX = 96,
  ID_SIZE = 64,
  ROOM_NAME_SIZE = 16,
  RECORD_MAX = 1 << 20,
  HOUR_MS = 3600000,
  RETRY_MS = 20000,
  FAR_OFF_S = 200000000,
  TWICE = 500, // in ten thousand
  SECOND_PERSON = 3000,
  OVERPAID_E4 = 5000000,
};

struct tenancy {
  size_t house, room;
  char lease[ID_SIZE];
  char persons[2][ID_SIZE];
  size_t person_count;
  int64_t from_s, until_s;
  enum { PAYS_AT_ONCE, PAYS_LATE, PAYS_HALF, PAYS_WHEN_CUT } habit;
};

// A record that Kafka has not accepted yet.
struct unsent {
  enum bus_topic topic;
  struct bytes key, value;
};

static struct tenancy tenancies[TENANCIES_MAX];
static size_t tenancy_count;
static struct tenancy *current[HOUSES][ROOMS];
static uint64_t numbers;
static bool calm;

static void life(void *ctx, uint64_t argument);

void estate_begin(void) {
  tenancy_count = 0;
  numbers = 0;
  calm = false;
}

// ---- writing

static void write_out(void *ctx, uint64_t argument) {
  struct unsent *unsent = ctx;
  (void)argument;
  if (!bus_write(unsent->topic, unsent->key, unsent->value)) {
    machine_in(RETRY_MS, write_out, unsent, 0);
    return;
  }
  if (!bus_is_calm() && chance_of(TWICE)) { // the answer got lost: once more
    machine_in((int64_t)chance_below(RETRY_MS), write_out, unsent, 0);
    return;
  }
  free((void *)(uintptr_t)unsent->key.data);
  free((void *)(uintptr_t)unsent->value.data);
  free(unsent);
}

static struct bytes copy_of(struct bytes from) {
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

static void write_record(enum bus_topic topic, struct bytes key, struct bytes value) {
  struct unsent *unsent = calloc(1, sizeof *unsent);
  if (!unsent) abort();
  *unsent = (struct unsent){topic, copy_of(key), copy_of(value)};
  write_out(unsent, 0);
}

static void say_as(const char *key, const char *site, const char *id, struct fact fact) {
  struct buffer value;
  fact.envelope = (struct envelope){.fact_id = id,
                                    .min_reader = 1,
                                    .landlord = "ada",
                                    .site = site,
                                    .event_time_ms = machine_now_ms(),
                                    .receive_time_ms = machine_now_ms(),
                                    .source = "operator",
                                    .actor = "",
                                    .supersedes = "",
                                    .traceparent = ""};
  buffer_init(&value, RECORD_MAX);
  if (wire_fact_encode(&fact, &value) != OK) abort();
  write_record(BUS_SITE, bytes_text(key), buffer_bytes(&value));
  buffer_fini(&value);
}

static void say(size_t house, const char *id, struct fact fact) {
  say_as(house_site(house), house_site(house), id, fact);
}

static void numbered(char id[ID_SIZE], const char *what) {
  snprintf(id, ID_SIZE, "%s-%llu", what, (unsigned long long)++numbers);
}

// ---- furnishing

static void furnish_house(size_t house) {
  static const struct zone_transition zones[HOUSES][1] = {{{0, 0}}, {{0, 28800}}};
  static const struct tariff_block blocks[] = {{MODEL_BLOCK_UPTO, MODEL_BLOCK_PRICE_1_E8}, {0, MODEL_BLOCK_PRICE_2_E8}};
  static const struct tariff_block flat[] = {{0, MODEL_WATER_PRICE_E8}};
  struct site site = {.id = house_site(house),
                      .landlord = "ada",
                      .name = "House",
                      .zone_name = house ? "Asia/Shanghai" : "UTC",
                      .zone = {zones[house], 1},
                      .currency = "CNY",
                      .minor_digits = 2,
                      .language = "en",
                      .grace_hours = ESTATE_GRACE_HOURS,
                      .due_days = ESTATE_DUE_DAYS,
                      .reminder_after_days = ESTATE_REMIND_DAYS,
                      .notice_after_days = ESTATE_NOTICE_DAYS,
                      .disconnect_after_days = ESTATE_CUT_DAYS,
                      .notice_lead_days = ESTATE_LEAD_DAYS,
                      .disconnectable = {false, true, true},
                      .landlord_person = "ada"};
  struct tariff power = {.id = "power",
                         .name = "Power",
                         .commodity = COMMODITY_ELECTRICITY,
                         .kind = TARIFF_BLOCK,
                         .accumulation = ACCUMULATION_MONTH,
                         .year_start_month = 1,
                         .blocks = blocks,
                         .block_count = 2,
                         .line_rounding = {MODEL_QUANTUM_E4, ROUNDING_HALF_UP}};
  struct tariff water = {.id = "water",
                         .name = "Water",
                         .commodity = COMMODITY_WATER,
                         .kind = TARIFF_FLAT,
                         .accumulation = ACCUMULATION_NONE,
                         .year_start_month = 1,
                         .blocks = flat,
                         .block_count = 1,
                         .line_rounding = {MODEL_QUANTUM_E4, ROUNDING_HALF_UP}};
  say(house, "site", (struct fact){.kind = FACT_SITE, .site = site});
  say(house, "power", (struct fact){.kind = FACT_TARIFF, .tariff = power});
  say(house, "water", (struct fact){.kind = FACT_TARIFF, .tariff = water});
}

static void room_name(size_t room, char name[ROOM_NAME_SIZE]) {
  snprintf(name, ROOM_NAME_SIZE, "room%zu", room);
}

static void point_name(size_t point, char name[ID_SIZE]) {
  snprintf(name, ID_SIZE, "%s-room%zu", house_is_water(point) ? "water" : "power", house_room_of(point));
}

static void install(const struct device *device, const char *meter, int64_t from_s, int64_t until_s) {
  char id[ID_SIZE], point[ID_SIZE];
  snprintf(id, ID_SIZE, "inst-%s", meter);
  point_name(device->point, point);
  struct installation installation = {.id = id,
                                      .service_point = point,
                                      .meter = meter,
                                      .device = meter,
                                      .reg = device->reg,
                                      .from_s = from_s,
                                      .until_s = until_s,
                                      .multiplier_num = 1,
                                      .multiplier_den = 1,
                                      .max_rate_per_hour = 1000000,
                                      .backflow_max = 1000,
                                      .slack = 1000,
                                      .switch_kind = house_is_water(device->point) ? SWITCH_VALVE : SWITCH_RELAY};
  char fact_id[2 * ID_SIZE];
  snprintf(fact_id, sizeof fact_id, "%s.%s", id, until_s ? "out" : "in");
  say(device->house, fact_id, (struct fact){.kind = FACT_INSTALLATION, .installation = installation});
}

static void read_by_hand(const struct device *device, const char *meter, struct reading reading) {
  char id[ID_SIZE];
  reading.meter = meter;
  numbered(id, "hand");
  struct readings_fact fact = {.device = meter, .readings = &reading, .count = 1, .by_hand = true};
  say(device->house, id, (struct fact){.kind = FACT_READINGS, .readings = fact});
}

static void furnish_point(struct device *device) {
  char room[ROOM_NAME_SIZE], point[ID_SIZE];
  int64_t now_s = machine_now_ms() / 1000;
  room_name(house_room_of(device->point), room);
  point_name(device->point, point);
  struct service_point service_point = {.id = point,
                                        .room = room,
                                        .commodity =
                                            house_is_water(device->point) ? COMMODITY_WATER : COMMODITY_ELECTRICITY,
                                        .tariff = house_is_water(device->point) ? "water" : "power"};
  say(device->house, point, (struct fact){.kind = FACT_SERVICE_POINT, .service_point = service_point});
  install(device, device->id, now_s, 0);
  read_by_hand(device, device->id, (struct reading){.reg = device->reg, .time_s = now_s, .value = device->value});
}

static void introduce(const char *id) {
  struct buffer value;
  char mail[2 * ID_SIZE];
  snprintf(mail, sizeof mail, "%s@example.org", id);
  struct person person = {.id = id,
                          .landlord = "ada",
                          .name = id,
                          .mail = mail,
                          .webhook_url = "",
                          .language = "en",
                          .webhook_secret_name = ""};
  buffer_init(&value, RECORD_MAX);
  if (wire_person_encode(&person, &value) != OK) abort();
  write_record(BUS_PERSON, bytes_text(id), buffer_bytes(&value));
  buffer_fini(&value);
}

static void say_lease(const struct tenancy *tenancy) {
  char room[ROOM_NAME_SIZE], id[2 * ID_SIZE];
  const char *persons[] = {tenancy->persons[0], tenancy->persons[1]};
  room_name(tenancy->room, room);
  struct lease lease = {.id = tenancy->lease,
                        .room = room,
                        .persons = persons,
                        .person_count = tenancy->person_count,
                        .from_s = tenancy->from_s,
                        .until_s = tenancy->until_s};
  snprintf(id, sizeof id, "%s.%s", tenancy->lease, tenancy->until_s ? "out" : "in");
  say(tenancy->house, id, (struct fact){.kind = FACT_LEASE, .lease = lease});
}

static void move_in(size_t house, size_t room, int64_t from_s) {
  if (tenancy_count == TENANCIES_MAX) return;
  struct tenancy *tenancy = &tenancies[tenancy_count++];
  *tenancy = (struct tenancy){.house = house, .room = room, .from_s = from_s, .habit = (int)chance_below(4)};
  snprintf(tenancy->lease, ID_SIZE, "lease-%zu", tenancy_count);
  tenancy->person_count = 1 + chance_of(SECOND_PERSON);
  for (size_t i = 0; i < tenancy->person_count; i++) {
    snprintf(tenancy->persons[i], ID_SIZE, "person-%zu-%zu", tenancy_count, i);
    introduce(tenancy->persons[i]);
  }
  say_lease(tenancy);
  current[house][room] = tenancy;
}

void estate_furnish(void) {
  introduce("ada");
  for (size_t h = 0; h < HOUSES; h++) {
    furnish_house(h);
    for (size_t r = 0; r < ROOMS; r++) {
      char room[ROOM_NAME_SIZE];
      room_name(r, room);
      say(h, room, (struct fact){.kind = FACT_ROOM, .room = {room, room}});
    }
    for (size_t p = 0; p < POINTS; p++) furnish_point(house_device(h, p));
    for (size_t r = 0; r < ROOMS; r++) move_in(h, r, machine_now_ms() / 1000);
  }
}

// ---- paying

static void pay(const struct tenancy *tenancy, enum commodity commodity, int64_t amount_e4) {
  char id[ID_SIZE];
  numbered(id, "pay");
  struct payment payment = {.id = id,
                            .lease = tenancy->lease,
                            .commodity = commodity,
                            .amount_e4 = amount_e4,
                            .paid_at_s = machine_now_ms() / 1000,
                            .method = "cash",
                            .reference = ""};
  say(tenancy->house, id, (struct fact){.kind = FACT_PAYMENT, .payment = payment});
}

static bool is_cut(const struct tenancy *tenancy) {
  for (size_t p = 0; p < POINTS; p++)
    if (house_room_of(p) == tenancy->room && house_device(tenancy->house, p)->contact.supply == SUPPLY_OFF) return true;
  return false;
}

static int64_t told(const struct tenancy *tenancy, enum commodity commodity) {
  return model_told(house_site(tenancy->house), tenancy->lease, commodity);
}

static void think_of_paying(void) {
  const struct tenancy *tenancy = &tenancies[chance_below(tenancy_count)];
  int64_t owed_e4 =
      told(tenancy, COMMODITY_NONE) + told(tenancy, COMMODITY_ELECTRICITY) + told(tenancy, COMMODITY_WATER);
  bool will = owed_e4 > 0;
  if (tenancy->habit == PAYS_LATE) will &= chance_of(300);
  if (tenancy->habit == PAYS_HALF) will &= chance_of(2000);
  if (tenancy->habit == PAYS_WHEN_CUT) will &= is_cut(tenancy) && chance_of(4000);
  enum commodity commodity = chance_of(8000)   ? COMMODITY_NONE
                             : chance_of(5000) ? COMMODITY_ELECTRICITY
                                               : COMMODITY_WATER;
  if (chance_of(100)) pay(tenancy, commodity, 1 + (int64_t)chance_below(OVERPAID_E4));
  if (!will) return;
  bool half = tenancy->habit == PAYS_HALF && chance_of(7000);
  pay(tenancy, commodity, half ? (owed_e4 + 1) / 2 : owed_e4);
}

bool estate_is_paid(void) {
  for (size_t i = 0; i < tenancy_count; i++)
    if (told(&tenancies[i], COMMODITY_ELECTRICITY) > 0 || told(&tenancies[i], COMMODITY_WATER) > 0) return false;
  return true;
}

static void pay_all(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  for (size_t i = 0; i < tenancy_count; i++)
    for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
      int64_t owed_e4 = told(&tenancies[i], (enum commodity)c);
      if (owed_e4 > 0) pay(&tenancies[i], (enum commodity)c, owed_e4);
    }
  machine_in(12 * HOUR_MS, pay_all, NULL, 0);
}

// ---- what else happens

static void edit(bool is_void) {
  struct reading reading;
  char meter[HOUSE_NAME_SIZE], id[ID_SIZE];
  size_t house;
  if (!check_some_read(&house, &reading, meter)) return;
  numbered(id, is_void ? "void" : "edit");
  int64_t value = reading.value - (int64_t)chance_below(3);
  struct read_edit edit = {.meter = meter,
                           .reg = reading.reg,
                           .time_s = reading.time_s,
                           .value = value < 0 ? 0 : value,
                           .is_void = is_void,
                           .revision = (uint32_t)(numbers % 250),
                           .reason = "looked again"};
  say(house, id, (struct fact){.kind = FACT_READ_EDIT, .read_edit = edit});
}

static struct device *some_device(void) {
  return house_device(chance_below(HOUSES), chance_below(POINTS));
}

static void swap(void) {
  struct device *device = some_device();
  struct reading last, first;
  char old[HOUSE_NAME_SIZE];
  int64_t old_from_s = device->installed_s;
  house_swap(device, &last, &first, old);
  if (first.time_s <= old_from_s) return;
  trace("meter %s is swapped for %s", old, device->id);
  read_by_hand(device, old, last);
  install(device, old, old_from_s, first.time_s);
  install(device, device->id, first.time_s, 0);
  read_by_hand(device, device->id, first);
  device->installed_s = first.time_s;
}

static void move_tenants(void) {
  size_t house = chance_below(HOUSES), room = chance_below(ROOMS);
  struct tenancy *old = current[house][room];
  int64_t now_s = machine_now_ms() / 1000;
  if (tenancy_count == TENANCIES_MAX || now_s - old->from_s < 86400) return;
  trace("%s moves out", old->lease);
  old->until_s = now_s;
  say_lease(old);
  move_in(house, room, now_s);
}

static void bounce(void) {
  char decision[4 * ID_SIZE], person[ID_SIZE], id[ID_SIZE];
  size_t house;
  if (!check_some_notice(&house, decision, sizeof decision, person, sizeof person)) return;
  numbered(id, "bounce");
  struct notice_delivered notice = {.decision_id = decision,
                                    .person = person,
                                    .channel = CHANNEL_MAIL,
                                    .delivery = DELIVERY_BOUNCED,
                                    .message_id = "",
                                    .time_s = machine_now_ms() / 1000,
                                    .detail = "no such mailbox"};
  say(house, id, (struct fact){.kind = FACT_NOTICE_DELIVERED, .notice_delivered = notice});
}

static void write_nonsense(void) {
  static const uint8_t noise[] = {0xff, 0x17, 0x00, 0x80, 0x2a};
  char id[ID_SIZE], key[ID_SIZE];
  size_t house = chance_below(HOUSES);
  numbered(id, "nonsense");
  struct payment payment = {.id = id, .lease = "nobody", .amount_e4 = 1, .method = "", .reference = ""};
  switch (chance_below(4)) {
  case 0:
    write_record(BUS_SITE, bytes_text(house_site(house)), bytes_make(noise, 1 + chance_below(sizeof noise)));
    break;
  case 1: // of another site under this one's key
    say_as(house_site(house), "elsewhere", id, (struct fact){.kind = FACT_PAYMENT, .payment = payment});
    break;
  case 2:
    say(house, id, (struct fact){.kind = FACT_PAYMENT, .payment = payment});
    break;
  default: // a clock that is years ahead
    snprintf(key, sizeof key, "@tick/%zu", house);
    say_as(
        key, "", id,
        (struct fact){.kind = FACT_TICK, .tick = {machine_now_ms() / 1000 + 600 + (int64_t)chance_below(FAR_OFF_S)}});
  }
}

static void life(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  if (calm) return;
  uint64_t what = chance_below(100);
  if (what < 76)
    think_of_paying();
  else if (what < 82)
    edit(false);
  else if (what < 85)
    edit(true);
  else if (what < 87)
    swap();
  else if (what < 89)
    move_tenants();
  else if (what < 93)
    bounce();
  else if (what < 97)
    write_nonsense();
  else if (some_device()->contact.last_id[0]) {
    struct device *device = some_device();
    if (device->contact.last_id[0]) house_force(device, chance_of(5000) ? SUPPLY_OFF : SUPPLY_ON);
  }
  machine_in(1 + (int64_t)chance_below(6 * HOUR_MS), life, NULL, 0);
}

void estate_open(void) {
  machine_in(HOUR_MS, life, NULL, 0);
}

void estate_calm(void) {
  calm = true;
  pay_all(NULL, 0);
}

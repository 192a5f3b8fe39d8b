// SPDX-License-Identifier: Apache-2.0
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"

enum { READS_MAX = 20000 };

// Europe/Madrid, as far as the cases reach (IANA time zone database).
static const struct zone_transition madrid[] = {
    {INT64_MIN, 3600},  {1427590800, 7200}, {1445734800, 3600}, {1459040400, 7200},
    {1477789200, 3600}, {1490490000, 7200}, {1509238800, 3600}, {1521939600, 7200},
};

void script_init(struct script *script) {
  *script = (struct script){.arena = arena_new((size_t)256 << 20), .site = "s"};
  script->zone = (struct zone){madrid, sizeof madrid / sizeof madrid[0]};
  assert_non_null(script->arena);
}

void script_fini(struct script *script) {
  arena_free(script->arena);
}

// ---- words

void words_split(char *line, struct words *words) {
  char *rest = NULL;
  words->count = 0;
  for (char *word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
    assert_true(words->count < SCRIPT_WORDS_MAX);
    words->word[words->count++] = word;
  }
}

const char *words_option(const struct words *words, int first, const char *key) {
  size_t len = strlen(key);
  for (int i = first; i < words->count; i++) {
    if (strncmp(words->word[i], key, len) == 0 && words->word[i][len] == '=') return words->word[i] + len + 1;
  }
  return NULL;
}

static const char *word(const struct words *words, int index) {
  if (index >= words->count) fail_msg("a word is missing after '%s'", words->word[0]);
  return words->word[index];
}

static const char *copy(struct script *script, const char *text) {
  const char *own = arena_strdup(script->arena, text);
  assert_non_null(own);
  return own;
}

static const char *own_word(struct script *script, const struct words *words, int index) {
  return copy(script, word(words, index));
}

static bool is(const struct words *words, const char *name) {
  return strcmp(words->word[0], name) == 0;
}

static int64_t number(const char *text, int scale) {
  int64_t value;
  if (decimal_parse(bytes_text(text), scale, &value) != OK) fail_msg("'%s' is no such number", text);
  return value;
}

static uint32_t option_number(const struct words *words, const char *key, uint32_t otherwise) {
  const char *text = words_option(words, 1, key);
  return text ? (uint32_t)number(text, 0) : otherwise;
}

int64_t script_quantity(const char *text, enum commodity commodity) {
  return number(text, commodity == COMMODITY_WATER ? 6 : 3);
}

int64_t script_time(const struct script *script, const char *text) {
  int year, month, day, hour = 0, minute = 0, second = 0;
  if (sscanf(text, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second) < 3) {
    fail_msg("'%s' is no time", text);
  }
  int64_t wall_s = civil_to_days((struct civil_date){year, month, day}) * 86400 + hour * 3600 + minute * 60 + second;
  if (text[strlen(text) - 1] == 'Z') return wall_s;
  int64_t utc_s = wall_s - zone_offset_at(&script->zone, wall_s);
  return wall_s - zone_offset_at(&script->zone, utc_s);
}

enum supply script_supply(const char *text) {
  if (strcmp(text, "on") == 0) return SUPPLY_ON;
  if (strcmp(text, "off") == 0) return SUPPLY_OFF;
  assert_string_equal(text, "unknown");
  return SUPPLY_UNKNOWN;
}

// ---- the catalogue

static void read_site(struct script *script, const struct words *words, struct site *site) {
  const char *disconnectable = words_option(words, 1, "disconnectable");
  const char *tolerance = words_option(words, 1, "tolerance");
  const char *landlord = words_option(words, 1, "landlord");
  if (!disconnectable) disconnectable = "electricity";
  const char *least = words_option(words, 1, "least");
  if (words_option(words, 1, "zone")) script->zone = (struct zone){NULL, 0};
  script->site = own_word(script, words, 1);
  *site = (struct site){
      .id = script->site,
      .landlord = "owner",
      .name = "Site",
      .zone_name = script->zone.count ? "Europe/Madrid" : "UTC",
      .zone = script->zone,
      .currency = "CNY",
      .minor_digits = 2,
      .language = "en",
      .grace_hours = option_number(words, "grace", 24),
      .due_days = option_number(words, "due", 21),
      .reminder_after_days = option_number(words, "reminder", 7),
      .notice_after_days = option_number(words, "notice", 20),
      .disconnect_after_days = option_number(words, "disconnect", 30),
      .notice_lead_days = option_number(words, "lead", 7),
      .landlord_person = landlord ? copy(script, landlord) : "",
      .least_debt_e4 = least ? number(least, 6) : 0,
  };
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    site->disconnectable[c] = strstr(disconnectable, commodity_name((enum commodity)c)) != NULL;
    site->rebill_tolerance[c] = tolerance ? script_quantity(tolerance, (enum commodity)c) : 0;
  }
}

static void read_accumulation(const struct words *words, struct tariff *tariff) {
  const char *over = word(words, 4);
  if (strcmp(over, "month") == 0) {
    tariff->accumulation = ACCUMULATION_MONTH;
    return;
  }
  assert_int_equal(strncmp(over, "year/", 5), 0);
  tariff->accumulation = ACCUMULATION_YEAR;
  tariff->year_start_month = (uint32_t)number(over + 5, 0);
}

static void read_blocks(struct script *script, const struct words *words, struct tariff *tariff) {
  struct tariff_block *blocks = arena_array(script->arena, TARIFF_BLOCKS_MAX, sizeof *blocks);
  assert_non_null(blocks);
  tariff->blocks = blocks;
  if (strcmp(word(words, 3), "flat") == 0) {
    tariff->kind = TARIFF_FLAT;
    tariff->block_count = 1;
    blocks[0].price_e8 = number(word(words, 4), 8);
    return;
  }
  assert_string_equal(word(words, 3), "block");
  tariff->kind = TARIFF_BLOCK;
  read_accumulation(words, tariff);
  for (int i = 5; i < words->count && strchr(words->word[i], ':'); i++) {
    char *upto = words->word[i], *price = strchr(upto, ':');
    assert_true(tariff->block_count < TARIFF_BLOCKS_MAX);
    struct tariff_block *block = &blocks[tariff->block_count++];
    block->price_e8 = number(price + 1, 8);
    *price = 0;
    block->upto = strcmp(upto, "-") == 0 ? 0 : script_quantity(upto, tariff->commodity);
    *price = ':';
  }
}

static void read_tariff(struct script *script, const struct words *words, struct tariff *tariff) {
  const char *from = words_option(words, 3, "from");
  *tariff = (struct tariff){
      .id = own_word(script, words, 1),
      .name = own_word(script, words, 1),
      .commodity = commodity_from_name(word(words, 2)),
      .line_rounding = {10000, ROUNDING_HALF_UP},
      .from_s = from ? script_time(script, from) : 0,
  };
  read_blocks(script, words, tariff);
}

static void read_point(struct script *script, const struct words *words, struct service_point *point) {
  const char *room = word(words, 2), *tariff = word(words, 4), *from = words_option(words, 5, "from");
  *point = (struct service_point){
      .id = own_word(script, words, 1),
      .room = strcmp(room, "-") == 0 ? "" : copy(script, room),
      .commodity = commodity_from_name(word(words, 3)),
      .tariff = strcmp(tariff, "-") == 0 ? "" : copy(script, tariff),
      .from_s = from ? script_time(script, from) : 0,
  };
}

static int64_t option_quantity(const struct words *words, const char *key, enum commodity commodity,
                               int64_t otherwise) {
  const char *text = words_option(words, 5, key);
  return text ? script_quantity(text, commodity) : otherwise;
}

static void read_installation(struct script *script, const struct words *words, struct installation *to) {
  const char *until = words_option(words, 5, "until"), *device = words_option(words, 5, "device");
  const char *by = words_option(words, 5, "switch"), *times = words_option(words, 5, "x");
  enum meter_register reg = register_from_name(word(words, 4));
  enum commodity commodity = register_commodity(reg);
  bool water = commodity == COMMODITY_WATER;
  *to = (struct installation){
      .id = own_word(script, words, 1),
      .service_point = own_word(script, words, 2),
      .meter = own_word(script, words, 3),
      .device = device ? copy(script, device) : own_word(script, words, 3),
      .reg = reg,
      .from_s = script_time(script, word(words, 5)),
      .until_s = until ? script_time(script, until) : 0,
      .multiplier_num = 1,
      .multiplier_den = 1,
      .rollover = option_quantity(words, "rollover", commodity, 0),
      .max_rate_per_hour = option_quantity(words, "rate", commodity, water ? 5000000 : 30000),
      .backflow_max = option_quantity(words, "backflow", commodity, water ? 200000 : 0),
      .slack = option_quantity(words, "slack", commodity, water ? 100000 : 10),
      .switch_kind = SWITCH_NONE,
  };
  if (by) to->switch_kind = strcmp(by, "valve") == 0 ? SWITCH_VALVE : SWITCH_RELAY;
  if (!times) return;
  const char *slash = strchr(times, '/');
  to->multiplier_den = slash ? number(slash + 1, 0) : 1;
  to->multiplier_num = strtoll(times, NULL, 10);
}

static void read_lease(struct script *script, const struct words *words, struct lease *lease) {
  const char *until = words_option(words, 5, "until");
  char *names = (char *)own_word(script, words, 3), *rest = NULL;
  const char **persons = arena_array(script->arena, 16, sizeof *persons);
  assert_non_null(persons);
  *lease = (struct lease){
      .id = own_word(script, words, 1),
      .room = own_word(script, words, 2),
      .persons = persons,
      .from_s = script_time(script, word(words, 4)),
      .until_s = until ? script_time(script, until) : 0,
  };
  for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
    assert_true(lease->person_count < 16);
    persons[lease->person_count++] = name;
  }
}

static bool catalogue(struct script *script, const struct words *words, struct fact *fact) {
  if (is(words, "site")) {
    fact->kind = FACT_SITE;
    read_site(script, words, &fact->site);
  } else if (is(words, "tariff")) {
    fact->kind = FACT_TARIFF;
    read_tariff(script, words, &fact->tariff);
  } else if (is(words, "room")) {
    fact->kind = FACT_ROOM;
    fact->room = (struct room){own_word(script, words, 1), "Room"};
  } else if (is(words, "point")) {
    fact->kind = FACT_SERVICE_POINT;
    read_point(script, words, &fact->service_point);
  } else if (is(words, "install")) {
    fact->kind = FACT_INSTALLATION;
    read_installation(script, words, &fact->installation);
  } else if (is(words, "lease")) {
    fact->kind = FACT_LEASE;
    read_lease(script, words, &fact->lease);
  } else {
    return false;
  }
  return true;
}

// ---- reads

static void read_one(struct script *script, const struct words *words, int at, struct reading *reading) {
  enum meter_register reg = register_from_name(word(words, at + 1));
  *reading = (struct reading){
      .meter = own_word(script, words, at),
      .reg = reg,
      .time_s = script_time(script, word(words, at + 2)),
      .value = script_quantity(word(words, at + 3), register_commodity(reg)),
  };
}

static void read_readings(struct script *script, const struct words *words, struct readings_fact *fact) {
  struct reading *list = arena_array(script->arena, SCRIPT_WORDS_MAX, sizeof *list);
  assert_non_null(list);
  *fact = (struct readings_fact){.device = "gw", .readings = list};
  fact->by_hand = is(words, "hand");
  fact->clock_suspect = is(words, "doubtful");
  for (int at = 1; at < words->count; at += 5) {
    if (at > 1) assert_string_equal(word(words, at - 1), "|");
    read_one(script, words, at, &list[fact->count++]);
  }
}

static void read_hourly(struct script *script, const struct words *words, struct readings_fact *fact) {
  struct reading *list = arena_array(script->arena, READS_MAX, sizeof *list);
  assert_non_null(list);
  *fact = (struct readings_fact){.device = "gw", .readings = list};
  const char *meter = own_word(script, words, 1);
  enum meter_register reg = register_from_name(word(words, 2));
  int64_t from_s = script_time(script, word(words, 3)), until_s = script_time(script, word(words, 4));
  int64_t low = script_quantity(word(words, 5), register_commodity(reg));
  int64_t high = script_quantity(word(words, 6), register_commodity(reg));
  for (int64_t at_s = from_s; at_s <= until_s; at_s += 3600) {
    assert_true(fact->count < READS_MAX);
    int64_t value = until_s == from_s ? low : low + (high - low) * (at_s - from_s) / (until_s - from_s);
    list[fact->count++] = (struct reading){meter, reg, at_s, value};
  }
}

static void read_edit(struct script *script, const struct words *words, struct read_edit *edit) {
  enum meter_register reg = register_from_name(word(words, 2));
  bool is_void = strcmp(word(words, 4), "void") == 0;
  *edit = (struct read_edit){
      .meter = own_word(script, words, 1),
      .reg = reg,
      .time_s = script_time(script, word(words, 3)),
      .is_void = is_void,
      .value = is_void ? 0 : script_quantity(word(words, 4), register_commodity(reg)),
      .revision = (uint32_t)number(word(words, 5), 0),
      .reason = "test",
  };
}

static bool reads(struct script *script, const struct words *words, struct fact *fact) {
  if (is(words, "read") || is(words, "hand") || is(words, "doubtful")) {
    fact->kind = FACT_READINGS;
    read_readings(script, words, &fact->readings);
  } else if (is(words, "hourly")) {
    fact->kind = FACT_READINGS;
    read_hourly(script, words, &fact->readings);
  } else if (is(words, "edit")) {
    fact->kind = FACT_READ_EDIT;
    read_edit(script, words, &fact->read_edit);
  } else {
    return false;
  }
  return true;
}

// ---- money and messages

static void read_payment(struct script *script, const struct words *words, struct payment *payment) {
  *payment = (struct payment){
      .id = own_word(script, words, 1),
      .lease = own_word(script, words, 2),
      .commodity = commodity_from_name(word(words, 3)),
      .amount_e4 = number(word(words, 4), 6),
      .method = "cash",
      .reference = "",
  };
}

static enum outcome outcome_from(const char *name) {
  static const char *const names[] = {"", "confirmed", "failed", "refused", "expired", "superseded"};
  for (int i = 1; i < 6; i++) {
    if (strcmp(name, names[i]) == 0) return (enum outcome)i;
  }
  fail_msg("'%s' is no outcome", name);
  return OUTCOME_NONE;
}

static bool messages(struct script *script, const struct words *words, struct fact *fact) {
  bool delivered = is(words, "delivered"), bounced = is(words, "bounced");
  if (is(words, "pay")) {
    fact->kind = FACT_PAYMENT;
    read_payment(script, words, &fact->payment);
  } else if (delivered || bounced || is(words, "failed")) {
    fact->kind = FACT_NOTICE_DELIVERED;
    fact->notice_delivered = (struct notice_delivered){.decision_id = own_word(script, words, 1),
                                                       .person = own_word(script, words, 2),
                                                       .channel = CHANNEL_MAIL,
                                                       .delivery = delivered ? DELIVERY_DELIVERED
                                                                   : bounced ? DELIVERY_BOUNCED
                                                                             : DELIVERY_FAILED,
                                                       .message_id = "",
                                                       .detail = ""};
  } else if (is(words, "intent")) {
    fact->kind = FACT_DISCONNECT_INTENT;
    fact->disconnect_intent = (struct disconnect_intent){.command_id = own_word(script, words, 1),
                                                         .decision_id = own_word(script, words, 1),
                                                         .service_point = own_word(script, words, 2),
                                                         .supply = script_supply(word(words, 3))};
  } else if (is(words, "outcome")) {
    fact->kind = FACT_COMMAND_OUTCOME;
    fact->command_outcome = (struct command_outcome){.command_id = own_word(script, words, 1),
                                                     .decision_id = own_word(script, words, 1),
                                                     .service_point = own_word(script, words, 2),
                                                     .device = "",
                                                     .supply = script_supply(word(words, 3)),
                                                     .outcome = outcome_from(word(words, 4)),
                                                     .reason = ""};
  } else if (is(words, "key")) {
    bool none = strcmp(word(words, 2), "-") == 0;
    fact->kind = FACT_DEVICE_KEY;
    fact->device_key = (struct device_key){.device = own_word(script, words, 1),
                                           .wrapped = none ? "" : own_word(script, words, 2),
                                           .previous = words->count > 3 ? own_word(script, words, 3) : ""};
  } else if (is(words, "state")) {
    fact->kind = FACT_DEVICE_STATE;
    fact->device_state = (struct device_state_fact){.device = own_word(script, words, 1),
                                                    .online = strcmp(word(words, 2), "online") == 0,
                                                    .supply = script_supply(word(words, 3)),
                                                    .time_s = words_option(words, 1, "clock")
                                                                  ? script_time(script, words_option(words, 1, "clock"))
                                                                  : script->fact_count};
  } else {
    return false;
  }
  return true;
}

bool script_fact(struct script *script, const struct words *words, struct fact *out) {
  const char *fact_id = words_option(words, 1, "fact");
  script->fact_count++;
  *out = (struct fact){.kind = FACT_NONE};
  bool known = catalogue(script, words, out) || reads(script, words, out) || messages(script, words, out);
  if (!known && is(words, "tick")) {
    out->kind = FACT_TICK;
    out->tick.time_s = script_time(script, word(words, 1));
    known = true;
  }
  out->envelope = (struct envelope){.fact_id = fact_id ? copy(script, fact_id)
                                                       : arena_printf(script->arena, "f%u", script->fact_count),
                                    .min_reader = 1,
                                    .landlord = "owner",
                                    .site = out->kind == FACT_TICK ? "" : script->site,
                                    .receive_time_ms = INT64_C(1000) * script->fact_count,
                                    .source = "test",
                                    .actor = "",
                                    .supersedes = "",
                                    .traceparent = ""};
  return known;
}

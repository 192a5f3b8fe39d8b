// SPDX-License-Identifier: Apache-2.0
// The sections that stand for themselves: the site's settings, its tariffs, persons.
#include <string.h>

#include "riserctl/site_file/site_reader.h"
#include "riserctl/zone_table.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void read_names(struct site_reader *reader, const struct yaml_map *map, struct site *site);
static void read_zone(struct site_reader *reader, struct yaml_at at, struct site *site);
static void read_currency(struct yaml_at at, struct site *site);
static void read_disconnectable(struct yaml_at at, struct site *site);
static void read_tolerance(struct yaml_at at, struct site *site);
static void read_blocks(struct site_reader *reader, const struct yaml_map *map, struct tariff *tariff);
static void read_block(struct yaml_at at, bool last, struct tariff *tariff, struct tariff_block *block);
static struct rounding read_rounding(struct yaml_at at, uint32_t minor_digits);
static enum accumulation read_accumulation(const struct yaml_map *map, struct tariff *tariff);

void read_site(struct site_reader *reader, struct yaml_at at) {
  static const struct yaml_key keys[] = {
      {"id", true},
      {"landlord", true},
      {"name", true},
      {"zone", true},
      {"currency", true},
      {"minor_digits", false},
      {"language", false},
      {"grace_hours", false},
      {"due_days", false},
      {"reminder_after_days", false},
      {"notice_after_days", false},
      {"disconnect_after_days", false},
      {"notice_lead_days", false},
      {"disconnectable", false},
      {"rebill_tolerance", false},
      {"least_debt", false},
      {"landlord_person", false},
  };
  struct yaml_map map;
  struct site *site = &reader->out->site;
  *site = (struct site){
      .id = "", .landlord = "", .name = "", .zone_name = "", .currency = "", .language = "", .landlord_person = ""};
  if (!yaml_map_open(at, "site", keys, COUNT(keys), &map)) return;
  read_names(reader, &map, site);
  site->minor_digits = (uint32_t)value_integer(yaml_get(&map, "minor_digits"), 0, 4, 2);
  site->grace_hours = (uint32_t)value_integer(yaml_get(&map, "grace_hours"), 0, 24 * 31, 24);
  site->due_days = (uint32_t)value_integer(yaml_get(&map, "due_days"), 0, 365, 21);
  site->reminder_after_days = (uint32_t)value_integer(yaml_get(&map, "reminder_after_days"), 0, 365, 7);
  site->notice_after_days = (uint32_t)value_integer(yaml_get(&map, "notice_after_days"), 0, 365, 20);
  site->disconnect_after_days = (uint32_t)value_integer(yaml_get(&map, "disconnect_after_days"), 0, 3650, 30);
  site->notice_lead_days = (uint32_t)value_integer(yaml_get(&map, "notice_lead_days"), 0, 365, 7);
  read_disconnectable(yaml_get(&map, "disconnectable"), site);
  read_tolerance(yaml_get(&map, "rebill_tolerance"), site);
  site->least_debt_e4 = value_money(yaml_get(&map, "least_debt"), site->minor_digits, 0);
}

// A site is also the user name of its gateways at the MQTT broker, where these are the services'.
static void read_site_id(struct yaml_at at, struct site *site) {
  static const char services[] = "riser-";
  site->id = value_id(at, "");
  if (strncmp(site->id, services, sizeof services - 1) != 0) return;
  yaml_complain(at, "\"%s\" can't be a site: names that begin with %s are the services' at the broker", site->id,
                services);
}

static void read_names(struct site_reader *reader, const struct yaml_map *map, struct site *site) {
  read_site_id(yaml_get(map, "id"), site);
  site->landlord = value_id(yaml_get(map, "landlord"), "");
  site->name = value_text(yaml_get(map, "name"), "");
  site->language = value_text(yaml_get(map, "language"), "en");
  site->landlord_person = value_id(yaml_get(map, "landlord_person"), "");
  read_zone(reader, yaml_get(map, "zone"), site);
  read_currency(yaml_get(map, "currency"), site);
}

static void read_zone(struct site_reader *reader, struct yaml_at at, struct site *site) {
  site->zone_name = value_text(at, "");
  enum error err = zone_table_make(site->zone_name, reader->arena, &site->zone);
  if (err == ERR_NOT_FOUND) {
    yaml_complain(at, "tzdata knows no zone \"%s\"; names are like Europe/Madrid or Asia/Shanghai (package tzdata)",
                  site->zone_name);
  } else if (err) {
    yaml_complain(at, "the zone's table can't be made: %s", error_name(err));
  }
}

static void read_currency(struct yaml_at at, struct site *site) {
  site->currency = value_text(at, "");
  if (strlen(site->currency) == 3 && strspn(site->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3) return;
  yaml_complain(at, "\"%s\" is no currency; write its three letters by ISO 4217, like CNY", site->currency);
}

static void read_disconnectable(struct yaml_at at, struct site *site) {
  size_t count = yaml_items(at, "disconnectable");
  for (size_t i = 0; i < count; i++) {
    enum commodity commodity = value_commodity(yaml_item(at, i));
    if (commodity != COMMODITY_NONE) site->disconnectable[commodity] = true;
  }
}

static void read_tolerance(struct yaml_at at, struct site *site) {
  static const struct yaml_key keys[] = {{"electricity", false}, {"water", false}};
  struct yaml_map map;
  if (!at.node || !yaml_map_open(at, "rebill_tolerance", keys, COUNT(keys), &map)) return;
  for (enum commodity c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    site->rebill_tolerance[c] = value_quantity(yaml_get(&map, commodity_name(c)), c, 0);
  }
}

void read_tariff(struct site_reader *reader, struct yaml_at at) {
  static const struct yaml_key keys[] = {
      {"id", true},      {"name", false},        {"commodity", true}, {"price", false},         {"blocks", false},
      {"period", false}, {"year_starts", false}, {"from", false},     {"line_rounding", false},
  };
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a tariff", keys, COUNT(keys), &map)) return;
  struct tariff *tariff = READER_PUSH(reader, at, out->tariffs, out->tariff_count);
  if (!tariff) return;
  tariff->id = value_id(yaml_get(&map, "id"), "");
  tariff->name = value_text(yaml_get(&map, "name"), tariff->id);
  tariff->commodity = value_commodity(yaml_get(&map, "commodity"));
  tariff->from_s = value_instant(yaml_get(&map, "from"), &out->site.zone, 0);
  tariff->line_rounding = read_rounding(yaml_get(&map, "line_rounding"), out->site.minor_digits);
  tariff->accumulation = read_accumulation(&map, tariff);
  for (size_t i = 0; i + 1 < out->tariff_count; i++) {
    const struct tariff *other = &out->tariffs[i];
    if (strcmp(other->id, tariff->id) != 0 || other->from_s != tariff->from_s) continue;
    yaml_complain(at, "there are two tariffs \"%s\" that begin at the same time", tariff->id);
  }
  names_add(reader->names, commodity_name(tariff->commodity), tariff->id);
  read_blocks(reader, &map, tariff);
}

static enum accumulation read_accumulation(const struct yaml_map *map, struct tariff *tariff) {
  static const char *const periods[] = {"month", "year", NULL};
  struct yaml_at starts = yaml_get(map, "year_starts");
  int period = value_choice(yaml_get(map, "period"), periods, 0);
  if (starts.node && period == 0) yaml_complain(starts, "year_starts needs period: year");
  tariff->year_start_month = period == 1 ? (uint32_t)value_integer(starts, 1, 12, 1) : 0;
  return period == 1 ? ACCUMULATION_YEAR : ACCUMULATION_MONTH;
}

static void read_blocks(struct site_reader *reader, const struct yaml_map *map, struct tariff *tariff) {
  struct yaml_at price = yaml_get(map, "price");
  struct yaml_at list = yaml_get(map, "blocks");
  size_t count = yaml_items(list, "blocks");
  if ((price.node != NULL) == (list.node != NULL)) {
    yaml_complain(map->at, "a tariff has either a price or a list of blocks");
    return;
  }
  if (list.node && (count == 0 || count > TARIFF_BLOCKS_MAX)) {
    yaml_complain(list, "a tariff has 1 to %d blocks", TARIFF_BLOCKS_MAX);
    return;
  }
  size_t block_count = price.node ? 1 : count;
  struct tariff_block *blocks = arena_array(reader->arena, block_count, sizeof *blocks);
  if (!blocks) {
    yaml_complain(map->at, "the file is too large to be read into memory");
    return;
  }
  tariff->kind = price.node ? TARIFF_FLAT : TARIFF_BLOCK;
  tariff->blocks = blocks;
  tariff->block_count = block_count;
  if (price.node) blocks[0].price_e8 = value_price(price);
  for (size_t i = 0; i < count; i++) read_block(yaml_item(list, i), i + 1 == count, tariff, &blocks[i]);
}

static void read_block(struct yaml_at at, bool last, struct tariff *tariff, struct tariff_block *block) {
  static const struct yaml_key keys[] = {{"upto", false}, {"price", true}};
  struct yaml_map map;
  if (!yaml_map_open(at, "a block", keys, COUNT(keys), &map)) return;
  struct yaml_at upto = yaml_get(&map, "upto");
  block->price_e8 = value_price(yaml_get(&map, "price"));
  block->upto = value_quantity(upto, tariff->commodity, 0);
  if (last && upto.node) yaml_complain(upto, "the last block has no bound: leave upto away");
  if (!last && !upto.node) yaml_complain(at, "a block that is not the last one needs upto");
  if (!last && upto.node && block > tariff->blocks && block->upto <= block[-1].upto) {
    yaml_complain(upto, "the blocks' bounds must rise");
  }
}

static struct rounding read_rounding(struct yaml_at at, uint32_t minor_digits) {
  static const struct yaml_key keys[] = {{"to", false}, {"mode", false}};
  static const char *const modes[] = {"half-up", "half-even", "down", "up", "floor", "ceiling", NULL};
  struct rounding rounding = {.quantum_e4 = 10000, .mode = ROUNDING_HALF_UP};
  struct yaml_map map;
  if (!at.node || !yaml_map_open(at, "line_rounding", keys, COUNT(keys), &map)) return rounding;
  struct yaml_at to = yaml_get(&map, "to");
  int mode = value_choice(yaml_get(&map, "mode"), modes, 0);
  rounding.quantum_e4 = value_money(to, minor_digits, rounding.quantum_e4);
  if (rounding.quantum_e4 <= 0) yaml_complain(to, "must be more than 0, like 0.01");
  rounding.mode = (enum rounding_mode)(ROUNDING_HALF_UP + (mode < 0 ? 0 : mode));
  return rounding;
}

void read_person(struct site_reader *reader, struct yaml_at at) {
  static const struct yaml_key keys[] = {
      {"id", true}, {"name", true}, {"mail", false}, {"webhook", false}, {"webhook_secret", false}, {"language", false},
  };
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a person", keys, COUNT(keys), &map)) return;
  struct person *person = READER_PUSH(reader, at, out->persons, out->person_count);
  if (!person) return;
  struct yaml_at mail = yaml_get(&map, "mail");
  struct yaml_at webhook = yaml_get(&map, "webhook");
  *person = (struct person){
      .id = value_id(yaml_get(&map, "id"), ""),
      .landlord = reader->landlord,
      .name = value_text(yaml_get(&map, "name"), ""),
      .mail = value_text(mail, ""),
      .webhook_url = value_text(webhook, ""),
      .webhook_secret_name = value_text(yaml_get(&map, "webhook_secret"), ""),
      .language = value_text(yaml_get(&map, "language"), ""),
  };
  reader_claim(reader, yaml_get(&map, "id"), "person", person->id);
  const char *sign = strchr(person->mail, '@');
  if (mail.node && (!sign || sign == person->mail || !sign[1] || strpbrk(person->mail, " \t\r\n<>,;\""))) {
    yaml_complain(mail, "\"%s\" is no mail address; write it like name@example.org", person->mail);
  }
  if (webhook.node && strncmp(person->webhook_url, "https://", 8) && strncmp(person->webhook_url, "http://", 7)) {
    yaml_complain(webhook, "\"%s\" is no URL; write it like https://example.org/hook", person->webhook_url);
  }
}

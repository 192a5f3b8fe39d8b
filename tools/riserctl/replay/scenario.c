// SPDX-License-Identifier: Apache-2.0
#include "riserctl/replay/scenario.h"

#include <string.h>

#include "riserctl/human.h"
#include "riserctl/site_file/values.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { SOURCES_MAX = 64, VALUES_MAX = 200, METERS_MAX = 100000, PAYERS_MAX = 10000 };

struct reading_scenario {
  struct scenario *out;
  const struct zone *zone;
  const char *folder;
  struct arena *arena;
};

static const struct value_unit units[] = {
    {"wh", 0, COMMODITY_ELECTRICITY}, {"kwh", 3, COMMODITY_ELECTRICITY}, {"ml", 0, COMMODITY_WATER},
    {"l", 3, COMMODITY_WATER},        {"m3", 6, COMMODITY_WATER},
};
static const char *const unit_names[] = {"Wh", "kWh", "ml", "l", "m3", NULL};
static const enum meter_register registers[] = {
    REGISTER_ENERGY_IMPORT,    REGISTER_ENERGY_EXPORT,    REGISTER_ENERGY_IMPORT_T1, REGISTER_ENERGY_IMPORT_T2,
    REGISTER_ENERGY_IMPORT_T3, REGISTER_ENERGY_IMPORT_T4, REGISTER_VOLUME_COLD,      REGISTER_VOLUME_HOT};

static const struct yaml_key top_keys[] = {
    {"site", true},     {"ticks", true},      {"seed", false},   {"twice", false},
    {"delayed", false}, {"malformed", false}, {"sources", true}, {"payments", false},
};

static const char *folder_of(const char *path, struct arena *arena);
static void read_top(struct reading_scenario *reading, const struct yaml_map *map);
static void read_ticks(struct reading_scenario *reading, struct yaml_at at);
static void read_delayed(struct reading_scenario *reading, struct yaml_at at);
static void read_sources(struct reading_scenario *reading, struct yaml_at at);
static void read_source(struct reading_scenario *reading, struct yaml_at at, struct source *source);
static void read_time(struct yaml_at at, struct source *source);
static void read_long(struct reading_scenario *reading, const struct yaml_map *map, struct source *source);
static void read_meters(struct reading_scenario *reading, struct yaml_at at, struct source *source);
static void read_wide(struct reading_scenario *reading, struct yaml_at at, struct source *source);
static void read_unit(const struct yaml_map *map, struct value_column *value);
static void read_payments(struct reading_scenario *reading, struct yaml_at at);
static void read_payer(struct reading_scenario *reading, struct yaml_at at, struct payer *payer);

const char *scenario_site(const char *path, struct arena *arena, struct complaints *complaints) {
  struct yaml_file file;
  struct yaml_map map;
  const char *site = NULL;
  if (yaml_file_load(&file, path, complaints, arena) &&
      yaml_map_open(yaml_root(&file), "the scenario", top_keys, COUNT(top_keys), &map)) {
    site = value_id(yaml_get(&map, "site"), NULL);
  }
  yaml_file_close(&file);
  return complaints->count ? NULL : site;
}

bool scenario_read(const char *path, const char *data, const struct zone *zone, struct arena *arena,
                   struct complaints *complaints, struct scenario *out) {
  struct yaml_file file;
  struct yaml_map map;
  struct reading_scenario reading = {
      .out = out, .zone = zone, .folder = data ? data : folder_of(path, arena), .arena = arena};
  *out = (struct scenario){.site = ""};
  if (yaml_file_load(&file, path, complaints, arena) &&
      yaml_map_open(yaml_root(&file), "the scenario", top_keys, COUNT(top_keys), &map)) {
    read_top(&reading, &map);
  }
  yaml_file_close(&file);
  return complaints->count == 0;
}

static const char *folder_of(const char *path, struct arena *arena) {
  const char *slash = strrchr(path, '/');
  const char *folder = slash ? arena_text(arena, bytes_make(path, (size_t)(slash - path))) : ".";
  return folder ? folder : ".";
}

static void *array(struct reading_scenario *reading, struct yaml_at at, size_t count, size_t size) {
  void *made = arena_array(reading->arena, count, size);
  if (!made) yaml_complain(at, "the file is too large to be read into memory");
  return made;
}

static void read_top(struct reading_scenario *reading, const struct yaml_map *map) {
  struct scenario *out = reading->out;
  out->site = value_id(yaml_get(map, "site"), "");
  out->seed = (uint64_t)value_integer(yaml_get(map, "seed"), 0, INT64_MAX, 1);
  out->twice_ppm = value_share(yaml_get(map, "twice"), 0);
  out->malformed = (uint32_t)value_integer(yaml_get(map, "malformed"), 0, 100000, 0);
  read_ticks(reading, yaml_get(map, "ticks"));
  read_delayed(reading, yaml_get(map, "delayed"));
  read_sources(reading, yaml_get(map, "sources"));
  read_payments(reading, yaml_get(map, "payments"));
}

static void read_ticks(struct reading_scenario *reading, struct yaml_at at) {
  static const struct yaml_key keys[] = {{"from", true}, {"until", true}, {"at", false}};
  struct scenario *out = reading->out;
  struct yaml_map map;
  if (!yaml_map_open(at, "ticks", keys, COUNT(keys), &map)) return;
  out->first_tick_day_s = value_instant(yaml_get(&map, "from"), reading->zone, 0);
  out->last_tick_day_s = value_instant(yaml_get(&map, "until"), reading->zone, 0);
  out->tick_second = 5 * 60;
  struct yaml_at clock = yaml_get(&map, "at");
  const char *text = value_text(clock, "00:05");
  static const struct zone utc = {.count = 0};
  const char *stamp = arena_printf(reading->arena, "1970-01-01 %s", text);
  if (!stamp || human_stamp_parse(stamp, &utc, &out->tick_second) != STAMP_OK) {
    yaml_complain(clock, "\"%s\" is no time of day; write it like \"00:05\"", text);
  }
  if (out->last_tick_day_s < out->first_tick_day_s) yaml_complain(at, "until is before from");
}

static void read_delayed(struct reading_scenario *reading, struct yaml_at at) {
  static const struct yaml_key keys[] = {{"share", true}, {"up_to", true}};
  struct yaml_map map;
  if (!at.node || !yaml_map_open(at, "delayed", keys, COUNT(keys), &map)) return;
  reading->out->late_ppm = value_share(yaml_get(&map, "share"), 0);
  reading->out->late_max_s = value_span(yaml_get(&map, "up_to"), 1);
}

static void read_sources(struct reading_scenario *reading, struct yaml_at at) {
  size_t count = yaml_items(at, "sources");
  if (count == 0 || count > SOURCES_MAX) {
    yaml_complain(at, "a scenario has 1 to %d sources", SOURCES_MAX);
    return;
  }
  struct source *sources = array(reading, at, count, sizeof *sources);
  if (!sources) return;
  for (size_t i = 0; i < count; i++) read_source(reading, yaml_item(at, i), &sources[i]);
  reading->out->sources = sources;
  reading->out->source_count = count;
}

static void read_source(struct reading_scenario *reading, struct yaml_at at, struct source *source) {
  static const struct yaml_key keys[] = {
      {"file", true},   {"separator", false}, {"time", true},     {"payload", false},
      {"meter", false}, {"value", false},     {"columns", false},
  };
  static const char *const payloads[] = {"json", "pb", NULL};
  struct yaml_map map;
  if (!yaml_map_open(at, "a source", keys, COUNT(keys), &map)) return;
  const char *file = value_text(yaml_get(&map, "file"), "");
  const char *separator = value_text(yaml_get(&map, "separator"), ",");
  int payload = value_choice(yaml_get(&map, "payload"), payloads, PAYLOAD_JSON);
  source->path = file[0] == '/' ? file : arena_printf(reading->arena, "%s/%s", reading->folder, file);
  source->separator = separator[0];
  source->payload = payload == PAYLOAD_PB ? PAYLOAD_PB : PAYLOAD_JSON;
  if (strlen(separator) != 1) yaml_complain(yaml_get(&map, "separator"), "the separator must be one character");
  read_time(yaml_get(&map, "time"), source);
  bool wide = yaml_has(&map, "columns");
  if (wide == (yaml_has(&map, "meter") && yaml_has(&map, "value"))) {
    yaml_complain(at, "a source has either meter and value, or columns");
  } else if (wide) {
    read_wide(reading, yaml_get(&map, "columns"), source);
  } else {
    read_long(reading, &map, source);
  }
}

static void read_time(struct yaml_at at, struct source *source) {
  static const struct yaml_key keys[] = {{"column", true}, {"format", true}, {"zone", false}};
  static const char *const zones[] = {"utc", "local", NULL};
  struct yaml_map map;
  if (!yaml_map_open(at, "time", keys, COUNT(keys), &map)) return;
  source->time_column = value_text(yaml_get(&map, "column"), "");
  source->time_format = value_text(yaml_get(&map, "format"), "");
  source->time_is_local = value_choice(yaml_get(&map, "zone"), zones, 0) == 1;
}

static void read_long(struct reading_scenario *reading, const struct yaml_map *map, struct source *source) {
  static const struct yaml_key meter_keys[] = {{"column", true}, {"ids", true}};
  static const struct yaml_key value_keys[] = {{"column", true}, {"register", true}, {"unit", true}};
  struct yaml_map meter, value;
  struct value_column *column = array(reading, map->at, 1, sizeof *column);
  if (!column) return;
  if (yaml_map_open(yaml_get(map, "meter"), "meter", meter_keys, COUNT(meter_keys), &meter)) {
    source->meter_column = value_text(yaml_get(&meter, "column"), "");
    read_meters(reading, yaml_get(&meter, "ids"), source);
  }
  if (yaml_map_open(yaml_get(map, "value"), "value", value_keys, COUNT(value_keys), &value)) {
    column->column = value_text(yaml_get(&value, "column"), "");
    read_unit(&value, column);
  }
  source->values = column;
  source->value_count = 1;
}

static void read_meters(struct reading_scenario *reading, struct yaml_at at, struct source *source) {
  size_t count = yaml_pairs(at, "ids");
  struct meter_name *meters = count && count <= METERS_MAX ? array(reading, at, count, sizeof *meters) : NULL;
  if (!meters) {
    yaml_complain(at, "ids has 1 to %d lines \"what the file says: meter id\"", METERS_MAX);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct yaml_at key, value;
    yaml_pair(at, i, &key, &value);
    meters[i] = (struct meter_name){value_text(key, ""), value_id(value, "")};
  }
  source->meters = meters;
  source->meter_count = count;
}

static void read_wide(struct reading_scenario *reading, struct yaml_at at, struct source *source) {
  static const struct yaml_key keys[] = {{"meter", true}, {"register", true}, {"unit", true}};
  size_t count = yaml_pairs(at, "columns");
  struct value_column *values = count && count <= VALUES_MAX ? array(reading, at, count, sizeof *values) : NULL;
  if (!values) {
    yaml_complain(at, "columns has 1 to %d lines \"column: {meter, register, unit}\"", VALUES_MAX);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct yaml_at key, value;
    struct yaml_map map;
    yaml_pair(at, i, &key, &value);
    values[i].column = value_text(key, "");
    if (!yaml_map_open(value, "a column", keys, COUNT(keys), &map)) continue;
    values[i].meter = value_id(yaml_get(&map, "meter"), "");
    read_unit(&map, &values[i]);
  }
  source->values = values;
  source->value_count = count;
}

static void read_unit(const struct yaml_map *map, struct value_column *value) {
  const char *names[COUNT(registers) + 1] = {NULL};
  for (size_t i = 0; i < COUNT(registers); i++) names[i] = register_name(registers[i]);
  int reg = value_choice(yaml_get(map, "register"), names, -1);
  int unit = value_choice(yaml_get(map, "unit"), unit_names, -1);
  if (reg < 0 || unit < 0) return;
  value->reg = registers[reg];
  value->unit = &units[unit];
  if (register_commodity(value->reg) != value->unit->commodity) {
    yaml_complain(yaml_get(map, "unit"), "%s is no unit of %s", unit_names[unit], names[reg]);
  }
}

static void read_payments(struct reading_scenario *reading, struct yaml_at at) {
  static const struct yaml_key keys[] = {{"default", true}, {"leases", false}};
  struct yaml_map map;
  if (!at.node || !yaml_map_open(at, "payments", keys, COUNT(keys), &map)) return;
  struct yaml_at leases = yaml_get(&map, "leases");
  size_t count = yaml_pairs(leases, "leases");
  struct payer *payers = count < PAYERS_MAX ? array(reading, at, count + 1, sizeof *payers) : NULL;
  if (!payers) return;
  read_payer(reading, yaml_get(&map, "default"), &payers[0]);
  for (size_t i = 0; i < count; i++) {
    struct yaml_at key, value;
    yaml_pair(leases, i, &key, &value);
    payers[i + 1].lease = value_id(key, "");
    read_payer(reading, value, &payers[i + 1]);
  }
  reading->out->payers = payers;
  reading->out->payer_count = count + 1;
}

static void read_payer(struct reading_scenario *reading, struct yaml_at at, struct payer *payer) {
  static const struct yaml_key keys[] = {{"after", true}, {"not_before", false}};
  struct yaml_map map;
  if (at.node && at.node->type == YAML_SCALAR_NODE && strcmp(value_text(at, ""), "never") == 0) return;
  if (!yaml_map_open(at, "a payer (or the word never)", keys, COUNT(keys), &map)) return;
  payer->pays = true;
  payer->after_s = value_span(yaml_get(&map, "after"), 0);
  payer->not_before_s = value_instant(yaml_get(&map, "not_before"), reading->zone, 0);
}

// SPDX-License-Identifier: Apache-2.0
// The sections that hang together: rooms, their service points, the meters there, the leases.
#include <stdio.h>
#include <string.h>

#include "riserctl/nearest.h"
#include "riserctl/site_file/site_reader.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { NEARBY_MAX = 256 };

static const enum meter_register registers[] = {
    REGISTER_ENERGY_IMPORT,    REGISTER_ENERGY_EXPORT,    REGISTER_ENERGY_IMPORT_T1, REGISTER_ENERGY_IMPORT_T2,
    REGISTER_ENERGY_IMPORT_T3, REGISTER_ENERGY_IMPORT_T4, REGISTER_VOLUME_COLD,      REGISTER_VOLUME_HOT,
};
static const enum switch_kind switches[] = {SWITCH_NONE, SWITCH_RELAY, SWITCH_VALVE};

static void read_leases(struct site_reader *reader, struct yaml_at at, const char *room);
static void read_lease(struct site_reader *reader, struct yaml_at at, const char *room);
static void read_lease_persons(struct site_reader *reader, struct yaml_at at, struct lease *lease);
static void read_point(struct site_reader *reader, struct yaml_at at, const char *room);
static void check_tariff(struct site_reader *reader, struct yaml_at at, const struct service_point *point);
static void read_meter(struct site_reader *reader, struct yaml_at at, const struct service_point *point);
static void read_traits(const struct yaml_map *map, enum commodity commodity, struct meter_type *traits);
static enum meter_register read_register(struct yaml_at at, enum meter_register fallback);
static const struct meter_type *find_type(struct site_reader *reader, struct yaml_at at);
static void check_meter(struct site_reader *reader, struct yaml_at at, const struct installation *added,
                        enum commodity commodity);

#define TRAIT_KEYS                                                                                                     \
  {"register", false}, {"rollover", false}, {"max_rate", false}, {"backflow_max", false}, {"slack", false},            \
      {"multiplier", false}, {                                                                                         \
    "switch", false                                                                                                    \
  }

void read_room(struct site_reader *reader, struct yaml_at at) {
  static const struct yaml_key keys[] = {{"id", true}, {"name", false}, {"points", false}, {"leases", false}};
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a room", keys, COUNT(keys), &map)) return;
  struct room *room = READER_PUSH(reader, at, out->rooms, out->room_count);
  if (!room) return;
  room->id = value_id(yaml_get(&map, "id"), "");
  room->name = value_text(yaml_get(&map, "name"), room->id);
  reader_claim(reader, yaml_get(&map, "id"), "room", room->id);
  const char *id = room->id;
  read_points(reader, yaml_get(&map, "points"), id);
  read_leases(reader, yaml_get(&map, "leases"), id);
}

static void read_leases(struct site_reader *reader, struct yaml_at at, const char *room) {
  size_t count = yaml_items(at, "leases");
  for (size_t i = 0; i < count; i++) read_lease(reader, yaml_item(at, i), room);
}

static void read_lease(struct site_reader *reader, struct yaml_at at, const char *room) {
  static const struct yaml_key keys[] = {{"id", true}, {"persons", true}, {"from", true}, {"until", false}};
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a lease", keys, COUNT(keys), &map)) return;
  struct lease *lease = READER_PUSH(reader, at, out->leases, out->lease_count);
  if (!lease) return;
  lease->id = value_id(yaml_get(&map, "id"), "");
  lease->room = room;
  lease->from_s = value_instant(yaml_get(&map, "from"), &out->site.zone, 0);
  lease->until_s = value_instant(yaml_get(&map, "until"), &out->site.zone, 0);
  reader_claim(reader, yaml_get(&map, "id"), "lease", lease->id);
  read_lease_persons(reader, yaml_get(&map, "persons"), lease);
  if (lease->until_s && lease->until_s <= lease->from_s) yaml_complain(at, "the lease ends before it begins");
  for (size_t i = 0; i + 1 < out->lease_count; i++) {
    const struct lease *other = &out->leases[i];
    if (strcmp(other->room, room) != 0 || (other->until_s && other->until_s <= lease->from_s)) continue;
    if (lease->until_s && lease->until_s <= other->from_s) continue;
    yaml_complain(at, "the leases \"%s\" and \"%s\" of room %s overlap; give the earlier one an until", other->id,
                  lease->id, room);
  }
}

static void read_lease_persons(struct site_reader *reader, struct yaml_at at, struct lease *lease) {
  size_t count = yaml_items(at, "persons");
  if (count == 0 || count > LEASE_PERSONS_MAX) {
    yaml_complain(at, "a lease has 1 to %d persons", LEASE_PERSONS_MAX);
    return;
  }
  const char **persons = arena_array(reader->arena, count, sizeof *persons);
  for (size_t i = 0; persons && i < count; i++) {
    struct yaml_at item = yaml_item(at, i);
    persons[i] = value_id(item, "");
    // Persons may have been applied before; but when the files name some, a slip is more likely.
    if (reader->out->person_count && persons[i][0] && !names_has(reader->names, "person", persons[i])) {
      yaml_complain(item, "none of the files' persons is \"%s\"", persons[i]);
    }
  }
  lease->persons = persons;
  lease->person_count = persons ? count : 0;
  if (!persons) yaml_complain(at, "the file is too large to be read into memory");
}

void read_points(struct site_reader *reader, struct yaml_at at, const char *room) {
  size_t count = yaml_items(at, "points");
  for (size_t i = 0; i < count; i++) read_point(reader, yaml_item(at, i), room);
}

static void read_point(struct site_reader *reader, struct yaml_at at, const char *room) {
  static const struct yaml_key keys[] = {
      {"id", true}, {"commodity", true}, {"tariff", false}, {"tariff_from", false}, {"meters", false}};
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a service point", keys, COUNT(keys), &map)) return;
  struct service_point *point = READER_PUSH(reader, at, out->points, out->point_count);
  if (!point) return;
  struct yaml_at tariff = yaml_get(&map, "tariff");
  point->id = value_id(yaml_get(&map, "id"), "");
  point->room = room;
  point->commodity = value_commodity(yaml_get(&map, "commodity"));
  point->tariff = value_id(tariff, "");
  point->from_s = value_instant(yaml_get(&map, "tariff_from"), &out->site.zone, 0);
  reader_claim(reader, yaml_get(&map, "id"), "service point", point->id);
  if (room[0] && !tariff.node) yaml_complain(at, "a service point of a room needs a tariff");
  if (tariff.node) check_tariff(reader, tariff, point);
  struct service_point copy = *point; // the array may move
  read_meters(reader, yaml_get(&map, "meters"), &copy);
}

static void check_tariff(struct site_reader *reader, struct yaml_at at, const struct service_point *point) {
  const struct site_file *out = reader->out;
  const char *known[NEARBY_MAX];
  size_t count = 0;
  for (size_t i = 0; i < out->tariff_count; i++) {
    const struct tariff *tariff = &out->tariffs[i];
    if (count < NEARBY_MAX) known[count++] = tariff->id;
    if (strcmp(tariff->id, point->tariff) != 0) continue;
    if (tariff->commodity != point->commodity && tariff->commodity && point->commodity) {
      yaml_complain(at, "the tariff \"%s\" is for %s, the service point for %s", tariff->id,
                    commodity_name(tariff->commodity), commodity_name(point->commodity));
    }
    return;
  }
  const char *near = nearest_word(point->tariff, known, count);
  if (near) {
    yaml_complain(at, "there is no tariff \"%s\"; did you mean \"%s\"?", point->tariff, near);
  } else if (point->tariff[0]) {
    yaml_complain(at, "there is no tariff \"%s\"; add it to tariffs", point->tariff);
  }
}

void read_meters(struct site_reader *reader, struct yaml_at at, const struct service_point *point) {
  size_t count = yaml_items(at, "meters");
  for (size_t i = 0; i < count; i++) read_meter(reader, yaml_item(at, i), point);
}

static void read_meter(struct site_reader *reader, struct yaml_at at, const struct service_point *point) {
  static const struct yaml_key keys[] = {
      {"meter", true}, {"from", true}, {"until", false}, {"device", false}, {"type", false}, {"id", false}, TRAIT_KEYS,
  };
  struct yaml_map map;
  struct site_file *out = reader->out;
  if (!yaml_map_open(at, "a meter", keys, COUNT(keys), &map)) return;
  struct installation *added = READER_PUSH(reader, at, out->installations, out->installation_count);
  const struct meter_type *type = find_type(reader, yaml_get(&map, "type"));
  if (!added) return;
  // A type that is missing is complained of already.
  struct meter_type traits = type ? *type : (struct meter_type){.broken = yaml_has(&map, "type")};
  read_traits(&map, point->commodity, &traits);
  const char *meter = value_id(yaml_get(&map, "meter"), "");
  const char *id = arena_printf(reader->arena, "%s.%s", point->id, meter);
  *added = (struct installation){
      .id = value_id(yaml_get(&map, "id"), id ? id : ""),
      .service_point = point->id,
      .meter = meter,
      .device = value_id(yaml_get(&map, "device"), meter),
      .reg = traits.reg,
      .from_s = value_instant(yaml_get(&map, "from"), &out->site.zone, 0),
      .until_s = value_instant(yaml_get(&map, "until"), &out->site.zone, 0),
      .multiplier_num = traits.multiplier_num ? traits.multiplier_num : 1,
      .multiplier_den = traits.multiplier_den ? traits.multiplier_den : 1,
      .rollover = traits.rollover,
      .max_rate_per_hour = traits.max_rate_per_hour,
      .backflow_max = traits.backflow_max,
      .slack = traits.slack,
      .switch_kind = traits.switch_kind ? traits.switch_kind : SWITCH_NONE,
  };
  if (!traits.broken) check_meter(reader, at, added, point->commodity);
}

static void check_meter(struct site_reader *reader, struct yaml_at at, const struct installation *added,
                        enum commodity commodity) {
  const struct site_file *out = reader->out;
  if (!id_is_valid(added->id)) yaml_complain(at, "\"%s\" is too long; give the meter an id of its own", added->id);
  reader_claim(reader, at, "installation", added->id);
  if (added->reg == REGISTER_NONE) yaml_complain(at, "the meter needs a register, here or in its type");
  if (added->reg && commodity && register_commodity(added->reg) != commodity) {
    yaml_complain(at, "the register %s does not measure %s", register_name(added->reg), commodity_name(commodity));
  }
  if (added->max_rate_per_hour == 0) {
    yaml_complain(at, "the meter needs max_rate, here or in its type: the most that can flow through it");
  }
  if (added->until_s && added->until_s <= added->from_s) yaml_complain(at, "until is not after from");
  for (size_t i = 0; i + 1 < out->installation_count; i++) {
    const struct installation *other = &out->installations[i];
    if (other->reg != added->reg || strcmp(other->meter, added->meter) != 0) continue;
    if (other->until_s && other->until_s <= added->from_s) continue;
    if (added->until_s && added->until_s <= other->from_s) continue;
    yaml_complain(at, "meter \"%s\" already hangs at \"%s\" at that time", added->meter, other->service_point);
  }
}

void read_meter_type(struct site_reader *reader, struct yaml_at name, struct yaml_at at) {
  static const struct yaml_key keys[] = {TRAIT_KEYS};
  struct yaml_map map;
  if (reader->type_count == METER_TYPES_MAX) {
    yaml_complain(at, "there are more than %d meter types", METER_TYPES_MAX);
    return;
  }
  struct meter_type *type = &reader->types[reader->type_count++];
  *type = (struct meter_type){.name = value_id(name, ""), .broken = true};
  reader_claim(reader, name, "meter type", type->name);
  if (!yaml_map_open(at, "a meter type", keys, COUNT(keys), &map)) return;
  // The units of its quantities follow from the register.
  enum commodity commodity = register_commodity(read_register(yaml_get(&map, "register"), REGISTER_NONE));
  if (commodity == COMMODITY_NONE) {
    if (!yaml_has(&map, "register")) yaml_complain(at, "a meter type needs a register");
    return;
  }
  size_t complaints = at.file->complaints->count;
  read_traits(&map, commodity, type);
  type->broken = at.file->complaints->count > complaints;
}

static void read_traits(const struct yaml_map *map, enum commodity commodity, struct meter_type *traits) {
  static const char *const switch_names[] = {"none", "relay", "valve", NULL};
  int choice = value_choice(yaml_get(map, "switch"), switch_names, -1);
  if (choice >= 0) traits->switch_kind = switches[choice];
  traits->reg = read_register(yaml_get(map, "register"), traits->reg);
  traits->rollover = value_quantity(yaml_get(map, "rollover"), commodity, traits->rollover);
  traits->max_rate_per_hour = value_rate(yaml_get(map, "max_rate"), commodity, traits->max_rate_per_hour);
  traits->backflow_max = value_quantity(yaml_get(map, "backflow_max"), commodity, traits->backflow_max);
  traits->slack = value_quantity(yaml_get(map, "slack"), commodity, traits->slack);
  value_ratio(yaml_get(map, "multiplier"), &traits->multiplier_num, &traits->multiplier_den);
}

static enum meter_register read_register(struct yaml_at at, enum meter_register fallback) {
  const char *names[COUNT(registers) + 1] = {NULL};
  for (size_t i = 0; i < COUNT(registers); i++) names[i] = register_name(registers[i]);
  int choice = value_choice(at, names, -1);
  return choice < 0 ? fallback : registers[choice];
}

static const struct meter_type *find_type(struct site_reader *reader, struct yaml_at at) {
  const char *known[METER_TYPES_MAX];
  const char *name = value_id(at, NULL);
  if (!name) return NULL;
  for (size_t i = 0; i < reader->type_count; i++) {
    known[i] = reader->types[i].name;
    if (strcmp(known[i], name) == 0) return &reader->types[i];
  }
  const char *near = nearest_word(name, known, reader->type_count);
  if (near) {
    yaml_complain(at, "there is no meter type \"%s\"; did you mean \"%s\"?", name, near);
  } else {
    yaml_complain(at, "there is no meter type \"%s\"; add it to meter_types", name);
  }
  return NULL;
}

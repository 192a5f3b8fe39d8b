// SPDX-License-Identifier: Apache-2.0
// Sections are read in the order in which they refer to each other, whatever their order in the files: site, tariffs,
// meter types, persons, building, rooms. So every reference can be checked where it stands.
#include "riserctl/site_file/site_file.h"

#include <string.h>

#include "riserctl/site_file/site_reader.h"

struct sources {
  struct yaml_file files[SITE_FILES_MAX];
  struct yaml_map maps[SITE_FILES_MAX];
  size_t count;
};

static const struct yaml_key top_keys[] = {
    {"site", false},  {"tariffs", false}, {"meter_types", false}, {"building", false},
    {"rooms", false}, {"persons", false}, {"landlord", false},
};

static bool open_sources(struct sources *sources, const char *const *paths, size_t count, struct arena *arena,
                         struct complaints *complaints);
static void read_the_site(struct site_reader *reader, struct sources *sources);
static void read_list(struct site_reader *reader, struct sources *sources, const char *key,
                      void (*read)(struct site_reader *, struct yaml_at));
static void read_meter_types(struct site_reader *reader, struct sources *sources);
static void read_buildings(struct site_reader *reader, struct sources *sources);

bool site_file_read(const char *const *paths, size_t count, struct arena *arena, struct complaints *complaints,
                    struct site_file *out) {
  struct sources *sources = arena_alloc(arena, sizeof *sources);
  struct site_reader *reader = arena_alloc(arena, sizeof *reader);
  struct names *names = names_new();
  *out = (struct site_file){.has_site = false};
  if (!sources || !reader || !names) {
    complain(complaints, (struct place){.file = paths[0]}, "no memory to read it");
  } else if (open_sources(sources, paths, count, arena, complaints)) {
    *reader = (struct site_reader){.out = out, .arena = arena, .names = names, .landlord = ""};
    read_the_site(reader, sources);
    // Without a site nothing else but persons can be understood.
    if (out->has_site) read_list(reader, sources, "tariffs", read_tariff);
    if (out->has_site) read_meter_types(reader, sources);
    read_list(reader, sources, "persons", read_person);
    if (out->has_site) read_buildings(reader, sources);
    if (out->has_site) read_list(reader, sources, "rooms", read_room);
  }
  for (size_t i = 0; sources && i < count; i++) yaml_file_close(&sources->files[i]);
  names_free(names);
  return complaints->count == 0;
}

static bool open_sources(struct sources *sources, const char *const *paths, size_t count, struct arena *arena,
                         struct complaints *complaints) {
  for (size_t i = 0; i < count && i < SITE_FILES_MAX; i++) {
    struct yaml_map *map = &sources->maps[sources->count];
    if (!yaml_file_load(&sources->files[i], paths[i], complaints, arena)) continue;
    if (yaml_map_open(yaml_root(&sources->files[i]), "the file", top_keys, sizeof top_keys / sizeof top_keys[0], map)) {
      sources->count++;
    }
  }
  return sources->count == count;
}

static void read_the_site(struct site_reader *reader, struct sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    struct yaml_at at = yaml_get(&sources->maps[i], "site");
    struct yaml_at landlord = yaml_get(&sources->maps[i], "landlord");
    if (landlord.node) reader->landlord = value_id(landlord, "");
    if (at.node && reader->out->has_site) {
      yaml_complain(at, "there are two sites; apply them one after the other");
    } else if (at.node) {
      reader->out->has_site = true;
      read_site(reader, at);
    }
  }
  if (reader->out->has_site && !reader->landlord[0]) reader->landlord = reader->out->site.landlord;
  for (size_t i = 0; !reader->out->has_site && i < sources->count; i++) {
    struct yaml_at root = sources->maps[i].at;
    bool others = yaml_has(&sources->maps[i], "rooms") || yaml_has(&sources->maps[i], "tariffs") ||
                  yaml_has(&sources->maps[i], "building") || yaml_has(&sources->maps[i], "meter_types");
    if (others) yaml_complain(root, "rooms, tariffs and the like belong to a site: the key \"site\" is missing");
    if (!others && !reader->landlord[0]) yaml_complain(root, "persons without a site need the key \"landlord\"");
  }
}

static void read_list(struct site_reader *reader, struct sources *sources, const char *key,
                      void (*read)(struct site_reader *, struct yaml_at)) {
  for (size_t i = 0; i < sources->count; i++) {
    struct yaml_at list = yaml_get(&sources->maps[i], key);
    size_t count = yaml_items(list, key);
    for (size_t j = 0; j < count; j++) read(reader, yaml_item(list, j));
  }
}

static void read_meter_types(struct site_reader *reader, struct sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    struct yaml_at types = yaml_get(&sources->maps[i], "meter_types");
    size_t count = yaml_pairs(types, "meter_types");
    for (size_t j = 0; j < count; j++) {
      struct yaml_at name, value;
      yaml_pair(types, j, &name, &value);
      read_meter_type(reader, name, value);
    }
  }
}

static void read_buildings(struct site_reader *reader, struct sources *sources) {
  static const struct yaml_key keys[] = {{"points", true}};
  for (size_t i = 0; i < sources->count; i++) {
    struct yaml_at at = yaml_get(&sources->maps[i], "building");
    struct yaml_map map;
    if (!at.node || !yaml_map_open(at, "the building", keys, 1, &map)) continue;
    read_points(reader, yaml_get(&map, "points"), "");
  }
}

void *reader_grow(struct site_reader *reader, struct yaml_at at, void *array, size_t count, size_t size) {
  // Room doubles whenever the count reaches a power of two.
  if (array && (count & (count - 1)) != 0) return array;
  void *larger = arena_array(reader->arena, count ? count * 2 : 1, size);
  if (!larger) yaml_complain(at, "the file is too large to be read into memory");
  if (larger && count) memcpy(larger, array, count * size);
  return larger;
}

void reader_claim(struct site_reader *reader, struct yaml_at at, const char *kind, const char *id) {
  if (id[0] && !names_add(reader->names, kind, id)) yaml_complain(at, "there are two %ss \"%s\"", kind, id);
}

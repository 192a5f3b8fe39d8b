// SPDX-License-Identifier: Apache-2.0
// A YAML file as a tree of mappings, lists and values, each of which knows its line and column. Mappings state their
// keys: an unknown one is refused and the nearest known one suggested, a double or missing one is refused. All mistakes
// go to the complaints; a value that can't be read is complained of and reads as empty, so that reading can go on.
// One thread owns a reader. Texts live in its arena. Files up to YAML_FILE_MAX bytes.
#ifndef RISER_RISERCTL_SITE_FILE_YAML_READER_H
#define RISER_RISERCTL_SITE_FILE_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "base/arena.h"
#include "riserctl/site_file/complaints.h"

enum { YAML_FILE_MAX = 64 * 1024 * 1024, YAML_KEYS_MAX = 40 };

struct yaml_file {
  const char *name;
  yaml_document_t document;
  bool loaded;
  struct complaints *complaints;
  struct arena *arena;
};

// A place in a file. node NULL: nothing is there.
struct yaml_at {
  struct yaml_file *file;
  yaml_node_t *node;
};

struct yaml_key {
  const char *name;
  bool required;
};

// A mapping whose keys have been checked.
struct yaml_map {
  struct yaml_at at;
};

// False after a complaint (can't be opened, not YAML, empty). yaml_file_close in either case.
bool yaml_file_load(struct yaml_file *file, const char *path, struct complaints *complaints, struct arena *arena);
void yaml_file_close(struct yaml_file *file);
struct yaml_at yaml_root(struct yaml_file *file);

// `what` names it in complaints: "a room". False: not a mapping, or a required key is missing.
bool yaml_map_open(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count,
                   struct yaml_map *out);
// The value of a key; node NULL when it is not there (or null).
struct yaml_at yaml_get(const struct yaml_map *map, const char *key);
bool yaml_has(const struct yaml_map *map, const char *key);

// Any keys: the number of pairs, and one of them. 0 after a complaint when it is not a mapping; 0 for no node.
size_t yaml_pairs(struct yaml_at at, const char *what);
void yaml_pair(struct yaml_at at, size_t index, struct yaml_at *key, struct yaml_at *value);

// The number of items of a list; 0 after a complaint when it is not one; 0 for no node.
size_t yaml_items(struct yaml_at at, const char *what);
struct yaml_at yaml_item(struct yaml_at at, size_t index);

// The text of a scalar in the arena; NULL after a complaint when it is not one, or too long (at most 1000 bytes).
const char *yaml_text(struct yaml_at at);

void yaml_complain(struct yaml_at at, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

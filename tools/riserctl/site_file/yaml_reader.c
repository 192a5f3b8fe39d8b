// SPDX-License-Identifier: Apache-2.0
// libyaml's document interface: it resolves anchors and aliases and keeps the marks. Depth is bounded by libyaml.
#include "riserctl/site_file/yaml_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "riserctl/nearest.h"

enum { TEXT_LIMIT = 1000 };

static void load_problem(struct yaml_file *file, const yaml_parser_t *parser);
static bool read_document(struct yaml_file *file, FILE *stream);
static bool check_keys(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count);
static bool check_required(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count);
static void complain_unknown_key(struct yaml_at key, const char *what, const struct yaml_key *keys, size_t key_count);
static yaml_node_t *find(struct yaml_at at, const char *key);
static bool scalar_is(const yaml_node_t *node, const char *text);
static bool is_null(const yaml_node_t *node);

bool yaml_file_load(struct yaml_file *file, const char *path, struct complaints *complaints, struct arena *arena) {
  *file = (struct yaml_file){.name = path, .complaints = complaints, .arena = arena};
  FILE *stream = fopen(path, "rb");
  if (!stream) {
    complain(complaints, (struct place){.file = path}, "can't be opened: %s", strerror(errno));
    return false;
  }
  bool loaded = read_document(file, stream);
  fclose(stream);
  if (!loaded || yaml_document_get_root_node(&file->document)) return loaded;
  complain(complaints, (struct place){.file = path}, "is empty");
  return false;
}

static bool read_document(struct yaml_file *file, FILE *stream) {
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) {
    complain(file->complaints, (struct place){.file = file->name}, "no memory to read it");
    return false;
  }
  if (fseek(stream, 0, SEEK_END) == 0 && ftell(stream) > YAML_FILE_MAX) {
    complain(file->complaints, (struct place){.file = file->name}, "is larger than %d bytes", YAML_FILE_MAX);
    yaml_parser_delete(&parser);
    return false;
  }
  rewind(stream);
  yaml_parser_set_input_file(&parser, stream);
  file->loaded = yaml_parser_load(&parser, &file->document);
  if (!file->loaded) load_problem(file, &parser);
  yaml_parser_delete(&parser);
  return file->loaded;
}

static void load_problem(struct yaml_file *file, const yaml_parser_t *parser) {
  struct place place = {file->name, parser->problem_mark.line + 1, parser->problem_mark.column + 1};
  complain(file->complaints, place, "not YAML: %s%s%s", parser->problem ? parser->problem : "no memory",
           parser->context ? " " : "", parser->context ? parser->context : "");
}

void yaml_file_close(struct yaml_file *file) {
  if (file->loaded) yaml_document_delete(&file->document);
  file->loaded = false;
}

struct yaml_at yaml_root(struct yaml_file *file) {
  return (struct yaml_at){file, yaml_document_get_root_node(&file->document)};
}

void yaml_complain(struct yaml_at at, const char *format, ...) {
  va_list list;
  struct place place = {.file = at.file->name};
  if (at.node) place.line = at.node->start_mark.line + 1, place.column = at.node->start_mark.column + 1;
  va_start(list, format);
  complain_list(at.file->complaints, place, format, list);
  va_end(list);
}

static struct yaml_at node_at(struct yaml_at at, int index) {
  return (struct yaml_at){at.file, yaml_document_get_node(&at.file->document, index)};
}

bool yaml_map_open(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count,
                   struct yaml_map *out) {
  assert(key_count <= YAML_KEYS_MAX);
  if (!at.node || at.node->type != YAML_MAPPING_NODE) {
    yaml_complain(at, "%s must be a mapping (key: value)", what);
    return false;
  }
  out->at = at;
  bool known = check_keys(at, what, keys, key_count);
  return check_required(at, what, keys, key_count) && known;
}

static bool check_keys(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count) {
  bool seen[YAML_KEYS_MAX] = {false};
  bool fine = true;
  yaml_node_pair_t *pairs = at.node->data.mapping.pairs.start;
  for (; pairs < at.node->data.mapping.pairs.top; pairs++) {
    struct yaml_at key = node_at(at, pairs->key);
    size_t i = 0;
    while (i < key_count && !scalar_is(key.node, keys[i].name)) i++;
    if (i < key_count && !seen[i]) {
      seen[i] = true;
      continue;
    }
    fine = false;
    if (i == key_count) complain_unknown_key(key, what, keys, key_count);
    if (i < key_count) yaml_complain(key, "%s has the key \"%s\" twice", what, keys[i].name);
  }
  return fine;
}

static void complain_unknown_key(struct yaml_at key, const char *what, const struct yaml_key *keys, size_t key_count) {
  const char *names[YAML_KEYS_MAX];
  const char *word = yaml_text(key);
  if (!word) return;
  for (size_t i = 0; i < key_count; i++) names[i] = keys[i].name;
  const char *near = nearest_word(word, names, key_count);
  if (near) {
    yaml_complain(key, "%s has no key \"%s\"; did you mean \"%s\"?", what, word, near);
    return;
  }
  struct buffer list;
  buffer_init(&list, 4096);
  for (size_t i = 0; i < key_count; i++) {
    if (buffer_printf(&list, "%s%s", i ? ", " : "", names[i])) break; // then the list is cut short
  }
  yaml_complain(key, "%s has no key \"%s\"; it has %s", what, word, buffer_text(&list));
  buffer_fini(&list);
}

static bool check_required(struct yaml_at at, const char *what, const struct yaml_key *keys, size_t key_count) {
  bool fine = true;
  for (size_t i = 0; i < key_count; i++) {
    if (!keys[i].required || find(at, keys[i].name)) continue;
    yaml_complain(at, "%s needs the key \"%s\"", what, keys[i].name);
    fine = false;
  }
  return fine;
}

struct yaml_at yaml_get(const struct yaml_map *map, const char *key) {
  return (struct yaml_at){map->at.file, find(map->at, key)};
}

bool yaml_has(const struct yaml_map *map, const char *key) {
  return find(map->at, key) != NULL;
}

static yaml_node_t *find(struct yaml_at at, const char *key) {
  yaml_node_pair_t *pairs = at.node->data.mapping.pairs.start;
  for (; pairs < at.node->data.mapping.pairs.top; pairs++) {
    if (!scalar_is(node_at(at, pairs->key).node, key)) continue;
    yaml_node_t *value = node_at(at, pairs->value).node;
    return is_null(value) ? NULL : value;
  }
  return NULL;
}

static bool scalar_is(const yaml_node_t *node, const char *text) {
  size_t len = strlen(text);
  return node->type == YAML_SCALAR_NODE && node->data.scalar.length == len &&
         memcmp(node->data.scalar.value, text, len) == 0;
}

static bool is_null(const yaml_node_t *node) {
  if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
  return node->data.scalar.length == 0 || scalar_is(node, "~") || scalar_is(node, "null");
}

size_t yaml_pairs(struct yaml_at at, const char *what) {
  if (!at.node) return 0;
  if (at.node->type != YAML_MAPPING_NODE) {
    yaml_complain(at, "%s must be a mapping (key: value)", what);
    return 0;
  }
  return (size_t)(at.node->data.mapping.pairs.top - at.node->data.mapping.pairs.start);
}

void yaml_pair(struct yaml_at at, size_t index, struct yaml_at *key, struct yaml_at *value) {
  yaml_node_pair_t *pair = at.node->data.mapping.pairs.start + index;
  *key = node_at(at, pair->key);
  *value = node_at(at, pair->value);
}

size_t yaml_items(struct yaml_at at, const char *what) {
  if (!at.node) return 0;
  if (at.node->type != YAML_SEQUENCE_NODE) {
    yaml_complain(at, "%s must be a list (lines that begin with \"- \", or [a, b])", what);
    return 0;
  }
  return (size_t)(at.node->data.sequence.items.top - at.node->data.sequence.items.start);
}

struct yaml_at yaml_item(struct yaml_at at, size_t index) {
  return node_at(at, at.node->data.sequence.items.start[index]);
}

const char *yaml_text(struct yaml_at at) {
  if (!at.node || at.node->type != YAML_SCALAR_NODE) {
    yaml_complain(at, "a single value is expected here");
    return NULL;
  }
  struct bytes text = bytes_make(at.node->data.scalar.value, at.node->data.scalar.length);
  if (text.len > TEXT_LIMIT || memchr(text.data, 0, text.len)) {
    yaml_complain(at, "a text of at most %d bytes without a zero is expected here", TEXT_LIMIT);
    return NULL;
  }
  const char *copy = arena_text(at.file->arena, text);
  if (!copy) yaml_complain(at, "the file is too large to be read into memory");
  return copy;
}

// SPDX-License-Identifier: Apache-2.0
// Bounds and defaults are written in the table as a person would write them and go through the same parser, so the
// printed documentation can't say anything else than the code does.
#include "run/config_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

struct unit {
  const char *name;
  int64_t factor;
};

static const struct unit *units_of(enum config_type type);
static enum error set_number(const struct config_entry *entry, const char *text, int64_t *value, char *problem);
static enum error set_bool(const char *text, bool *value, char *problem);
static enum error set_enum(const struct config_entry *entry, const char *text, int *value, char *problem);
static enum error set_file(const char *path, const char **value, char **owned, char *problem);
static char *read_file(const char *path, size_t max);

enum error config_parse_number(enum config_type type, const char *text, int64_t *value) {
  size_t digits = text[0] == '-';
  while (isdigit((unsigned char)text[digits])) digits++;
  int64_t number;
  if (decimal_parse(bytes_make(text, digits), 0, &number)) return ERR_BAD_VALUE;
  for (const struct unit *unit = units_of(type); unit->name; unit++) {
    if (strcmp(unit->name, text + digits) != 0) continue;
    return __builtin_mul_overflow(number, unit->factor, value) ? ERR_BAD_VALUE : OK;
  }
  return ERR_BAD_VALUE;
}

enum error config_set(const struct config_entry *entry, const char *text, void *settings, char **owned, char *problem) {
  void *member = (char *)settings + entry->offset;
  *owned = NULL;
  if (entry->required && text[0] == 0) {
    snprintf(problem, CONFIG_PROBLEM_SIZE, "is empty, but the service can't do without it; set it");
    return ERR_CONFIG;
  }
  switch (entry->type) {
  case CONFIG_TYPE_STRING:
    *(const char **)member = text;
    return OK;
  case CONFIG_TYPE_INT:
  case CONFIG_TYPE_DURATION:
  case CONFIG_TYPE_BYTES:
    return set_number(entry, text, member, problem);
  case CONFIG_TYPE_BOOL:
    return set_bool(text, member, problem);
  case CONFIG_TYPE_ENUM:
    return set_enum(entry, text, member, problem);
  case CONFIG_TYPE_FILE:
    return set_file(text, member, owned, problem);
  }
  return ERR_INTERNAL;
}

static enum error set_number(const struct config_entry *entry, const char *text, int64_t *value, char *problem) {
  static const char *const examples[] = {
      [CONFIG_TYPE_INT] = "a whole number",
      [CONFIG_TYPE_DURATION] = "a duration such as 250ms, 30s, 5m, 24h or 30d",
      [CONFIG_TYPE_BYTES] = "a size such as 4096, 64KiB, 256MiB or 1GiB",
  };
  int64_t min, max, number = 0;
  enum error bad_table = config_parse_number(entry->type, entry->min, &min);
  if (!bad_table) bad_table = config_parse_number(entry->type, entry->max, &max);
  assert(!bad_table);
  enum error err = config_parse_number(entry->type, text, &number);
  if (!err && number >= min && number <= max) {
    *value = number;
    return OK;
  }
  snprintf(problem, CONFIG_PROBLEM_SIZE, "%s; write %s from %s to %s", err ? "can't be read" : "is out of bounds",
           examples[entry->type], entry->min, entry->max);
  return ERR_CONFIG;
}

static enum error set_bool(const char *text, bool *value, char *problem) {
  *value = strcmp(text, "true") == 0;
  if (*value || strcmp(text, "false") == 0) return OK;
  snprintf(problem, CONFIG_PROBLEM_SIZE, "is neither; write true or false");
  return ERR_CONFIG;
}

static enum error set_enum(const struct config_entry *entry, const char *text, int *value, char *problem) {
  size_t len = strlen(text);
  int index = 0;
  for (const char *word = entry->choices; word; index++) {
    size_t word_len = strcspn(word, "|");
    if (word_len == len && memcmp(word, text, len) == 0) {
      *value = index;
      return OK;
    }
    word = word[word_len] ? word + word_len + 1 : NULL;
  }
  snprintf(problem, CONFIG_PROBLEM_SIZE, "is none of the choices; write one of %s", entry->choices);
  return ERR_CONFIG;
}

static enum error set_file(const char *path, const char **value, char **owned, char *problem) {
  *value = "";
  if (path[0] == 0) return OK;
  errno = 0;
  char *content = read_file(path, CONFIG_FILE_MAX);
  if (!content) {
    snprintf(problem, CONFIG_PROBLEM_SIZE, "can't be read (%s); name a readable file of at most %d bytes",
             errno ? strerror(errno) : "too large, or holds a zero byte", CONFIG_FILE_MAX);
    return ERR_CONFIG;
  }
  size_t len = strlen(content);
  if (len && content[len - 1] == '\n') content[--len] = 0;
  if (len && content[len - 1] == '\r') content[--len] = 0;
  *value = *owned = content;
  return OK;
}

static char *read_file(const char *path, size_t max) {
  FILE *file = fopen(path, "re");
  char *content = file ? malloc(max + 2) : NULL;
  size_t len = content ? fread(content, 1, max + 1, file) : 0;
  bool good = content && !ferror(file) && len <= max && !memchr(content, 0, len);
  if (good) content[len] = 0;
  int keep = errno;
  if (file) fclose(file);
  errno = keep;
  if (good) return content;
  free(content);
  return NULL;
}

void config_variable(const struct config_entry *entry, char *name) {
  if (entry->env) {
    snprintf(name, CONFIG_NAME_SIZE, "%s", entry->env);
    return;
  }
  snprintf(name, CONFIG_NAME_SIZE, "RISER_%s", entry->key);
  for (char *c = name; *c; c++) *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
}

const char *config_type_name(enum config_type type) {
  static const char *const names[] = {"text", "whole number", "duration", "size", "true or false", "choice", "file"};
  return names[type];
}

enum error config_bounds(const struct config_entry *entry, struct buffer *to) {
  if (entry->min) return buffer_printf(to, "%s to %s", entry->min, entry->max);
  if (entry->required) return buffer_printf(to, "required");
  if (!entry->choices) return OK;
  const char *word = entry->choices;
  enum error err = OK;
  while (!err && *word) {
    size_t len = strcspn(word, "|");
    err = buffer_printf(to, "%s%.*s", word == entry->choices ? "" : ", ", (int)len, word);
    word += len + (word[len] == '|');
  }
  return err;
}

static const struct unit *units_of(enum config_type type) {
  static const struct unit plain[] = {{"", 1}, {NULL, 0}};
  static const struct unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                          {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
  static const struct unit sizes[] = {{"", 1},          {"B", 1},           {"KiB", 1 << 10}, {"MiB", 1 << 20},
                                      {"GiB", 1 << 30}, {"TiB", 1LL << 40}, {NULL, 0}};
  if (type == CONFIG_TYPE_DURATION) return durations;
  return type == CONFIG_TYPE_BYTES ? sizes : plain;
}

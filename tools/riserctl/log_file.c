// SPDX-License-Identifier: Apache-2.0
#include "riserctl/log_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

enum { SCRATCH_MAX = 64 * 1024 * 1024, WORDS = 4 };

static enum error number(const char *word, int64_t max, int64_t *out) {
  enum error err = decimal_parse(bytes_text(word), 0, out);
  return err || *out < 0 || *out > max ? ERR_BAD_VALUE : OK;
}

static enum error content(const char *word, struct arena *arena, struct bytes *out) {
  size_t digits = strlen(word);
  *out = (struct bytes){NULL, 0};
  if (strcmp(word, "-") == 0) return OK;
  uint8_t *bytes = arena_alloc_raw(arena, digits / 2 + 1);
  if (!bytes) return ERR_LIMIT;
  *out = bytes_make(bytes, digits / 2);
  return hex_decode(bytes_text(word), bytes, digits / 2);
}

static enum error parse(char *text, struct arena *arena, struct kafka_record *out) {
  char *words[WORDS], *rest = NULL;
  int64_t partition, offset;
  size_t count = 0;
  for (char *word = strtok_r(text, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
    if (count == WORDS) return ERR_BAD_VALUE;
    words[count++] = word;
  }
  if (count != WORDS) return ERR_BAD_VALUE;
  enum error err = number(words[0], INT32_MAX, &partition);
  if (!err) err = number(words[1], INT64_MAX, &offset);
  *out = (struct kafka_record){.timestamp_ms = -1};
  if (!err) err = content(words[2], arena, &out->key);
  if (!err) err = content(words[3], arena, &out->value);
  if (err) return err;
  out->partition = (int32_t)partition;
  out->offset = offset;
  return OK;
}

static enum error read_lines(FILE *file, struct arena *arena, const struct log_reader *reader, size_t *line) {
  char *text = NULL;
  size_t room = 0;
  enum error err = OK;
  while (!err && getline(&text, &room, file) >= 0) {
    struct kafka_record record;
    ++*line;
    if (text[strspn(text, " \t\r\n")] == 0 || text[0] == '#') continue;
    arena_reset(arena);
    err = parse(text, arena, &record);
    if (!err) err = reader->visit(reader->ctx, &record, arena);
  }
  if (!err && ferror(file)) err = ERR_IO;
  free(text);
  return err;
}

enum error log_file_read(const char *path, const struct log_reader *reader, size_t *line) {
  *line = 0;
  FILE *file = fopen(path, "r");
  struct arena *arena = arena_new(SCRATCH_MAX);
  enum error err = !file ? ERR_NOT_FOUND : !arena ? ERR_NO_MEMORY : read_lines(file, arena, reader, line);
  if (file) fclose(file);
  arena_free(arena);
  return err;
}

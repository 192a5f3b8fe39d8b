// SPDX-License-Identifier: Apache-2.0
// zlib's gzgets reads plain files as well. Fields are cut in place.
#include "riserctl/replay/csv.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct csv {
  gzFile file;
  char separator;
  size_t line;
  char **names;
  size_t name_count;
  char text[CSV_LINE_MAX];
  const char *fields[CSV_FIELDS_MAX];
};

static enum error read_line(struct csv *csv, size_t *count);
static enum error cut(struct csv *csv, size_t *count);
static char *cut_quoted(char *at);
static enum error keep_names(struct csv *csv, size_t count);

enum error csv_open(const char *path, char separator, struct csv **out) {
  size_t count = 0;
  struct csv *csv = calloc(1, sizeof *csv);
  if (!csv) return ERR_NO_MEMORY;
  csv->separator = separator;
  csv->file = gzopen(path, "rb");
  enum error err = csv->file ? read_line(csv, &count) : ERR_NOT_FOUND;
  if (!err && count == 0) err = ERR_EMPTY;
  if (!err) err = keep_names(csv, count);
  if (err) {
    csv_close(csv);
    return err;
  }
  *out = csv;
  return OK;
}

static enum error keep_names(struct csv *csv, size_t count) {
  csv->names = calloc(count, sizeof *csv->names);
  for (size_t i = 0; csv->names && i < count; i++, csv->name_count++) {
    csv->names[i] = strdup(csv->fields[i]);
    if (!csv->names[i]) return ERR_NO_MEMORY;
  }
  return csv->names ? OK : ERR_NO_MEMORY;
}

void csv_close(struct csv *csv) {
  if (!csv) return;
  if (csv->file) gzclose(csv->file);
  for (size_t i = 0; i < csv->name_count; i++) free(csv->names[i]);
  free(csv->names);
  free(csv);
}

int csv_column(const struct csv *csv, const char *name) {
  for (size_t i = 0; i < csv->name_count; i++) {
    if (strcmp(csv->names[i], name) == 0) return (int)i;
  }
  return -1;
}

enum error csv_next(struct csv *csv, const char *const **fields, size_t *count) {
  *fields = csv->fields;
  return read_line(csv, count);
}

size_t csv_line(const struct csv *csv) {
  return csv->line;
}

static enum error read_line(struct csv *csv, size_t *count) {
  int err = Z_OK;
  *count = 0;
  if (!gzgets(csv->file, csv->text, CSV_LINE_MAX)) {
    gzerror(csv->file, &err);
    return err == Z_OK || err == Z_STREAM_END ? OK : ERR_IO;
  }
  csv->line++;
  size_t len = strlen(csv->text);
  if (len == CSV_LINE_MAX - 1 && csv->text[len - 1] != '\n') return ERR_BAD_VALUE;
  while (len && (csv->text[len - 1] == '\n' || csv->text[len - 1] == '\r')) csv->text[--len] = 0;
  return cut(csv, count);
}

static enum error cut(struct csv *csv, size_t *count) {
  char *at = csv->text;
  for (;;) {
    if (*count == CSV_FIELDS_MAX) return ERR_BAD_VALUE;
    char *end;
    if (*at == '"') {
      csv->fields[(*count)++] = at;
      end = cut_quoted(at);
      if (!end || (*end && *end != csv->separator)) return ERR_BAD_VALUE;
    } else {
      csv->fields[(*count)++] = at;
      end = strchr(at, csv->separator);
    }
    if (!end || *end == 0) return OK;
    *end = 0;
    at = end + 1;
  }
}

// Takes the quotes off in place; gives what stands behind the closing one, NULL if there is none.
static char *cut_quoted(char *at) {
  char *to = at;
  for (char *from = at + 1; *from; from++) {
    if (*from == '"' && from[1] == '"') {
      from++;
    } else if (*from == '"') {
      char *behind = from + 1;
      if (to < behind) *to = 0;
      return behind;
    }
    *to++ = *from;
  }
  return NULL;
}

// SPDX-License-Identifier: Apache-2.0
// Everything is kept as text; the kind of a column decides how it is aligned and what it is in JSON. Widths count
// characters as a terminal shows them: of UTF-8 the leading bytes, two for wide (CJK) ones.
#include "riserctl/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

struct table {
  const struct column *columns;
  size_t column_count;
  char **cells;
  size_t cell_count;
  size_t cell_capacity;
};

static void add_cell(struct table *table, char *text);
static void *must(void *memory);
static void print_aligned(const struct table *table);
static void print_cell(const char *text, size_t width, bool right, bool last);
static size_t display_width(const char *text);
static void print_json(const struct table *table);

struct table *table_new(const struct column *columns, size_t count) {
  struct table *table = must(calloc(1, sizeof *table));
  table->columns = columns;
  table->column_count = count;
  return table;
}

void table_free(struct table *table) {
  if (!table) return;
  for (size_t i = 0; i < table->cell_count; i++) free(table->cells[i]);
  free(table->cells);
  free(table);
}

void table_row(struct table *table) {
  assert(table->cell_count % table->column_count == 0);
}

void table_text(struct table *table, const char *text) {
  add_cell(table, must(strdup(text ? text : "")));
}

void table_printf(struct table *table, const char *format, ...) {
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  int len = vsnprintf(NULL, 0, format, list);
  assert(len >= 0);
  char *text = must(malloc((size_t)len + 1));
  vsnprintf(text, (size_t)len + 1, format, again);
  va_end(again);
  va_end(list);
  add_cell(table, text);
}

void table_integer(struct table *table, int64_t value) {
  table_printf(table, "%" PRId64, value);
}

static void add_cell(struct table *table, char *text) {
  if (table->cell_count == table->cell_capacity) {
    table->cell_capacity = table->cell_capacity ? table->cell_capacity * 2 : 256;
    table->cells = must(realloc(table->cells, table->cell_capacity * sizeof *table->cells));
  }
  table->cells[table->cell_count++] = text;
}

static void *must(void *memory) {
  if (memory) return memory;
  fprintf(stderr, "riserctl: no memory for what is to be printed\n");
  exit(4);
}

void table_print(const struct table *table, bool json) {
  assert(table->cell_count % table->column_count == 0);
  if (json) {
    print_json(table);
  } else {
    print_aligned(table);
  }
}

static void print_aligned(const struct table *table) {
  size_t columns = table->column_count;
  size_t *widths = must(calloc(columns, sizeof *widths));
  for (size_t i = 0; i < columns; i++) widths[i] = strlen(table->columns[i].name);
  for (size_t i = 0; i < table->cell_count; i++) {
    size_t width = display_width(table->cells[i]);
    if (width > widths[i % columns]) widths[i % columns] = width;
  }
  for (size_t i = 0; i < columns; i++) {
    char title[64];
    snprintf(title, sizeof title, "%s", table->columns[i].name);
    for (char *at = title; *at; at++) *at = *at == '_' ? ' ' : *at;
    print_cell(title, widths[i], table->columns[i].kind == CELL_NUMBER, i + 1 == columns);
  }
  for (size_t i = 0; i < table->cell_count; i++) {
    bool right = table->columns[i % columns].kind == CELL_NUMBER;
    print_cell(table->cells[i], widths[i % columns], right, (i + 1) % columns == 0);
  }
  free(widths);
}

static void print_cell(const char *text, size_t width, bool right, bool last) {
  int padding = (int)(width - display_width(text));
  if (right) printf("%*s", padding, "");
  fputs(text, stdout);
  if (!right && !last) printf("%*s", padding, "");
  fputs(last ? "\n" : "  ", stdout);
}

static size_t display_width(const char *text) {
  size_t width = 0;
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if ((*at & 0xc0) == 0x80) continue;
    width += *at >= 0xe3 && *at <= 0xed ? 2 : 1; // U+3000..U+DFFF: nearly all of it is wide
  }
  return width;
}

static struct json_object *json_cell(const struct column *column, const char *text) {
  if (!text[0]) return NULL;
  if (column->kind == CELL_TEXT) return must(json_object_new_string(text));
  return must(json_object_new_double_s(0, text)); // printed as it is: no floating point is involved
}

static void print_json(const struct table *table) {
  struct json_object *rows = must(json_object_new_array());
  for (size_t i = 0; i < table->cell_count; i += table->column_count) {
    struct json_object *row = must(json_object_new_object());
    for (size_t j = 0; j < table->column_count; j++) {
      json_object_object_add(row, table->columns[j].name, json_cell(&table->columns[j], table->cells[i + j]));
    }
    json_object_array_add(rows, row);
  }
  puts(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
  json_object_put(rows);
}

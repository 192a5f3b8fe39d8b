// SPDX-License-Identifier: Apache-2.0
// What a command prints: rows under named columns, as an aligned table for people or a JSON array for programs.
// Cells are copied. One thread; the owner frees. Running out of memory ends the process with a message: a command that
// can't print is at its end anyway.
#ifndef RISER_RISERCTL_TABLE_H
#define RISER_RISERCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_kind {
  CELL_TEXT,   // left
  CELL_NUMBER, // right; the text is an exact decimal number and becomes a JSON number
};

struct column {
  const char *name; // in JSON, snake_case; as the title with spaces
  enum cell_kind kind;
};

struct table;

struct table *table_new(const struct column *columns, size_t count); // the columns are borrowed
void table_free(struct table *table);

// Begins a row; then one call a column, in their order. NULL or "" is an empty cell (JSON null).
void table_row(struct table *table);
void table_text(struct table *table, const char *text);
void table_printf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_integer(struct table *table, int64_t value);

void table_print(const struct table *table, bool json);

#endif

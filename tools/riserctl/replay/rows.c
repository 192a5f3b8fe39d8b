// SPDX-License-Identifier: Apache-2.0
#include "riserctl/replay/rows.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "riserctl/replay/csv.h"
#include "riserctl/replay/local_time.h"

enum { VALUE_COLUMNS_MAX = 200 };

struct reader {
  const struct source *source;
  const struct zone *zone;
  struct arena *arena;
  struct complaints *complaints;
  struct rows *out;
  struct csv *csv;
  struct meter_name *meters; // sorted by what the file says
  int time_column;
  int meter_column;
  int value_columns[VALUE_COLUMNS_MAX];
  size_t first; // of this source in out
};

static bool read_source(struct reader *reader);
static bool find_columns(struct reader *reader);
static int find_column(struct reader *reader, const char *name);
static bool sort_meters(struct reader *reader);
static void read_line(struct reader *reader, const char *const *fields, size_t count);
static const char *meter_named(const struct reader *reader, const char *name);
static void read_value(struct reader *reader, const struct row *like, const char *text);
static bool resolve_local(struct reader *reader);
static bool resolve_meter(struct reader *reader, size_t *indices, size_t count);
static struct place here(const struct reader *reader);

bool rows_read(const struct scenario *scenario, const struct zone *zone, struct arena *arena,
               struct complaints *complaints, struct rows *out) {
  *out = (struct rows){.count = 0};
  for (size_t i = 0; i < scenario->source_count; i++) {
    struct reader reader = {
        .source = &scenario->sources[i],
        .zone = zone,
        .arena = arena,
        .complaints = complaints,
        .out = out,
        .first = out->count,
    };
    if (!read_source(&reader)) return false;
  }
  return complaints->count == 0;
}

static bool read_source(struct reader *reader) {
  const char *const *fields;
  size_t count = 0;
  enum error err = csv_open(reader->source->path, reader->source->separator, &reader->csv);
  if (err) {
    complain(reader->complaints, (struct place){.file = reader->source->path}, "can't be read (%s)", error_name(err));
    return false;
  }
  bool fine = find_columns(reader) && sort_meters(reader);
  while (fine && reader->complaints->count < COMPLAINTS_MAX) {
    err = csv_next(reader->csv, &fields, &count);
    if (err) complain(reader->complaints, here(reader), "the line can't be read (%s)", error_name(err));
    if (err || count == 0) break;
    read_line(reader, fields, count);
  }
  csv_close(reader->csv);
  reader->csv = NULL;
  fine = fine && reader->complaints->count == 0;
  return fine && (!reader->source->time_is_local || resolve_local(reader));
}

static struct place here(const struct reader *reader) {
  return (struct place){reader->source->path, reader->csv ? csv_line(reader->csv) : 0, 1};
}

static bool find_columns(struct reader *reader) {
  const struct source *source = reader->source;
  reader->time_column = find_column(reader, source->time_column);
  reader->meter_column = source->meter_column ? find_column(reader, source->meter_column) : -1;
  for (size_t i = 0; i < source->value_count && i < VALUE_COLUMNS_MAX; i++) {
    reader->value_columns[i] = find_column(reader, source->values[i].column);
  }
  return reader->complaints->count == 0;
}

static int find_column(struct reader *reader, const char *name) {
  int column = csv_column(reader->csv, name);
  if (column < 0) complain(reader->complaints, here(reader), "there is no column \"%s\"", name);
  return column;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const struct meter_name *)a)->in_file, ((const struct meter_name *)b)->in_file);
}

static bool sort_meters(struct reader *reader) {
  const struct source *source = reader->source;
  reader->meters = arena_array(reader->arena, source->meter_count, sizeof *reader->meters);
  if (!reader->meters) return false;
  if (source->meter_count) memcpy(reader->meters, source->meters, source->meter_count * sizeof *reader->meters);
  qsort(reader->meters, source->meter_count, sizeof *reader->meters, compare_names);
  return true;
}

static const char *meter_named(const struct reader *reader, const char *name) {
  const struct meter_name wanted = {.in_file = name};
  const struct meter_name *found =
      bsearch(&wanted, reader->meters, reader->source->meter_count, sizeof wanted, compare_names);
  return found ? found->meter : NULL;
}

static void read_line(struct reader *reader, const char *const *fields, size_t count) {
  const struct source *source = reader->source;
  struct row row = {.source = source};
  if ((size_t)reader->time_column >= count || (reader->meter_column >= 0 && (size_t)reader->meter_column >= count)) {
    complain(reader->complaints, here(reader), "the line has only %zu fields", count);
    return;
  }
  if (!stamp_by_format(source->time_format, fields[reader->time_column], &row.time_s)) {
    complain(reader->complaints, here(reader), "\"%s\" is not of the format %s", fields[reader->time_column],
             source->time_format);
    return;
  }
  if (reader->meter_column >= 0) row.meter = meter_named(reader, fields[reader->meter_column]);
  if (reader->meter_column >= 0 && !row.meter) {
    complain(reader->complaints, here(reader), "the scenario's ids have no \"%s\"", fields[reader->meter_column]);
    return;
  }
  for (size_t i = 0; i < source->value_count && i < VALUE_COLUMNS_MAX; i++) {
    if ((size_t)reader->value_columns[i] >= count) continue;
    row.column = &source->values[i];
    if (reader->meter_column < 0) row.meter = source->values[i].meter;
    read_value(reader, &row, fields[reader->value_columns[i]]);
  }
}

// An empty value is no read.
static void read_value(struct reader *reader, const struct row *like, const char *text) {
  struct rows *out = reader->out;
  if (text[0] == 0) return;
  if (out->count == out->capacity) {
    size_t capacity = out->capacity ? out->capacity * 2 : 1024;
    struct row *larger = capacity <= ROWS_MAX ? arena_array(reader->arena, capacity, sizeof *larger) : NULL;
    if (!larger) {
      complain(reader->complaints, here(reader), "there are more rows than can be held");
      return;
    }
    if (out->count) memcpy(larger, out->items, out->count * sizeof *larger);
    out->items = larger;
    out->capacity = capacity;
  }
  struct row *row = &out->items[out->count];
  *row = *like;
  row->device = row->meter;
  row->text = arena_strdup(reader->arena, text);
  enum error err = decimal_parse(bytes_text(text), like->column->unit->scale, &row->value);
  if (err || row->value < 0 || !row->text) {
    complain(reader->complaints, here(reader), "\"%s\" is no register of whole Wh or ml (%s)", text,
             error_name(err ? err : ERR_BAD_VALUE));
    return;
  }
  out->count++;
}

void rows_name_devices(struct rows *rows, const struct installation *installations, size_t count) {
  const char *meter = NULL, *device = NULL;
  for (size_t i = 0; i < rows->count; i++) {
    struct row *row = &rows->items[i];
    if (row->meter != meter) { // rows of a meter mostly stand together
      meter = device = row->meter;
      for (size_t j = 0; j < count; j++) {
        if (strcmp(installations[j].meter, meter) == 0) device = installations[j].device;
      }
    }
    row->device = device;
  }
}

bool stamp_by_format(const char *format, const char *text, int64_t *seconds) {
  static const char letters[] = "YMDhms";
  int parts[6] = {1970, 1, 1, 0, 0, 0};
  bool seen[6] = {false};
  for (; *format; format++, text++) {
    const char *letter = strchr(letters, *format);
    if (!letter) {
      if (*format != *text) return false;
      continue;
    }
    size_t part = (size_t)(letter - letters);
    if (!isdigit((unsigned char)*text)) return false;
    parts[part] = (seen[part] ? parts[part] * 10 : 0) + (*text - '0');
    seen[part] = true;
  }
  const struct civil_date date = {.year = parts[0], .month = parts[1], .day = parts[2]};
  if (*text || date.month < 1 || date.month > 12 || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return false;
  struct civil_date again = civil_from_days(civil_to_days(date));
  if (again.month != date.month || again.day != date.day) return false;
  *seconds = civil_to_days(date) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5];
  return true;
}

// ---------------------------------------------------------------- local time, meter by meter

struct meter_row {
  const char *meter;
  size_t index;
};

static int compare_meter_rows(const void *a, const void *b) {
  const struct meter_row *x = a, *y = b;
  if (x->meter != y->meter) return strcmp(x->meter, y->meter);
  return x->index < y->index ? -1 : x->index > y->index;
}

static bool resolve_local(struct reader *reader) {
  size_t count = reader->out->count - reader->first;
  struct meter_row *order = arena_array(reader->arena, count, sizeof *order);
  size_t *indices = arena_array(reader->arena, count, sizeof *indices);
  if (!order || !indices) return false;
  for (size_t i = 0; i < count; i++) {
    order[i] = (struct meter_row){reader->out->items[reader->first + i].meter, reader->first + i};
  }
  qsort(order, count, sizeof *order, compare_meter_rows);
  for (size_t i = 0; i < count; i++) indices[i] = order[i].index;
  for (size_t from = 0; from < count;) {
    size_t until = from + 1;
    while (until < count && order[until].meter == order[from].meter) until++;
    if (!resolve_meter(reader, indices + from, until - from)) return false;
    from = until;
  }
  return true;
}

static bool resolve_meter(struct reader *reader, size_t *indices, size_t count) {
  struct row *rows = reader->out->items;
  struct local_row *local = arena_array(reader->arena, count, sizeof *local);
  size_t bad = 0;
  enum error err = local ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; !err && i < count; i++) {
    local[i] = (struct local_row){.local_s = rows[indices[i]].time_s, .value = rows[indices[i]].value};
  }
  if (!err) err = local_time_resolve(local, count, reader->zone, reader->arena, &bad);
  for (size_t i = 0; !err && i < count; i++) rows[indices[i]].time_s = local[i].utc_s;
  if (err) {
    complain(reader->complaints, (struct place){.file = reader->source->path},
             "a stamp of meter %s (its row %zu) can't be made UTC: %s", rows[indices[bad]].meter, bad + 1,
             err == ERR_BAD_TIME ? "the clocks skip that hour" : error_name(err));
  }
  return !err;
}

// SPDX-License-Identifier: Apache-2.0
// Lines of fields from a file, plain or gzip: RFC 4180 with a separator of one's own choice. The first line names the
// columns. One thread; the owner closes. Lines up to CSV_LINE_MAX bytes, CSV_FIELDS_MAX fields.
#ifndef RISER_RISERCTL_REPLAY_CSV_H
#define RISER_RISERCTL_REPLAY_CSV_H

#include <stddef.h>

#include "base/error.h"

enum { CSV_LINE_MAX = 64 * 1024, CSV_FIELDS_MAX = 512 };

struct csv;

// ERR_NOT_FOUND: can't be opened; ERR_EMPTY: no header.
enum error csv_open(const char *path, char separator, struct csv **out) MUST_USE;
void csv_close(struct csv *csv);

// Which column has that name; -1 if none has.
int csv_column(const struct csv *csv, const char *name);

// The next line's fields, borrowed until the next call. *count 0 at the end. ERR_BAD_VALUE: a quote that doesn't end,
// too many fields, too long; ERR_IO.
enum error csv_next(struct csv *csv, const char *const **fields, size_t *count) MUST_USE;
size_t csv_line(const struct csv *csv); // number of the line last read, from 1

#endif

// SPDX-License-Identifier: Apache-2.0
// The reads that a scenario's files hold, each with its UTC instant and exact value. All in memory, in the arena.
#ifndef RISER_RISERCTL_REPLAY_ROWS_H
#define RISER_RISERCTL_REPLAY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "domain/site.h"
#include "riserctl/replay/scenario.h"

struct row {
  const struct source *source;
  const struct value_column *column;
  const char *meter;
  const char *device; // that speaks for it; the meter itself unless rows_name_devices knows better
  const char *text;   // the value as it stands in the file
  int64_t time_s;
  int64_t value;
};

enum { ROWS_MAX = 50 * 1000 * 1000 };

struct rows {
  struct row *items; // source by source, in the order of the files
  size_t count;
  size_t capacity;
};

// False after complaints, each with file and line.
bool rows_read(const struct scenario *scenario, const struct zone *zone, struct arena *arena,
               struct complaints *complaints, struct rows *out);

// Gives each row the device that the installations say.
void rows_name_devices(struct rows *rows, const struct installation *installations, size_t count);

// Seconds since 1970 of a stamp in the format of a source, as if it were UTC. False: it doesn't fit.
bool stamp_by_format(const char *format, const char *text, int64_t *seconds);

#endif

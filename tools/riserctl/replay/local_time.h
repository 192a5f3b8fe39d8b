// SPDX-License-Identifier: Apache-2.0
// Local stamps of a meter's file to UTC, also in the hour that occurs twice: the rule of tests/data/README.md, "From
// local time to UTC". Pure.
#ifndef RISER_RISERCTL_REPLAY_LOCAL_TIME_H
#define RISER_RISERCTL_REPLAY_LOCAL_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "domain/zone.h"

struct local_row {
  int64_t local_s; // the stamp, as if it were UTC
  int64_t value;
  int64_t utc_s; // filled in
};

// The rows of ONE meter, in the order of the file. ERR_BAD_TIME: rows[*bad] has a stamp in an hour that is skipped;
// ERR_NO_MEMORY: the arena is full.
enum error local_time_resolve(struct local_row *rows, size_t count, const struct zone *zone, struct arena *arena,
                              size_t *bad) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// What a replay is made of: which files hold which meters' reads, when the clock ticks, what goes wrong on the way, who
// pays when. Read from YAML; format: docs/riserctl.md, "Scenario".
#ifndef RISER_RISERCTL_REPLAY_SCENARIO_H
#define RISER_RISERCTL_REPLAY_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "domain/reading.h"
#include "domain/zone.h"
#include "riserctl/site_file/complaints.h"

enum payload { PAYLOAD_JSON, PAYLOAD_PB };

// How a column's numbers become Wh or ml.
struct value_unit {
  const char *json; // end of the key in up/json: "l" of "volume_l"
  int scale;        // stored = number * 10^scale
  enum commodity commodity;
};

// A column of registers of one meter, or (meter NULL) the column of all, where `meter_column` says whose it is.
struct value_column {
  const char *column;
  const char *meter;
  enum meter_register reg;
  const struct value_unit *unit;
};

struct meter_name {
  const char *in_file;
  const char *meter;
};

struct source {
  const char *path;
  char separator;
  const char *time_column;
  const char *time_format; // YYYY MM DD hh mm ss stand for digits, anything else for itself
  bool time_is_local;
  enum payload payload;
  const char *meter_column; // NULL: each value column has its meter
  const struct meter_name *meters;
  size_t meter_count;
  const struct value_column *values;
  size_t value_count;
};

// How a lease pays: what it owes, so long after each bill, but nothing before an instant.
struct payer {
  const char *lease; // NULL: everybody else
  bool pays;
  int64_t after_s;
  int64_t not_before_s;
};

struct scenario {
  const char *site;
  int64_t first_tick_day_s; // instants within the local days of the first and the last tick
  int64_t last_tick_day_s;
  int64_t tick_second; // of the local day
  uint64_t seed;
  int64_t twice_ppm;
  int64_t late_ppm;
  int64_t late_max_s;
  uint32_t malformed;
  const struct source *sources;
  size_t source_count;
  const struct payer *payers; // the first is everybody else's
  size_t payer_count;
};

// Only the site's id, which tells where its zone is to be found. NULL after a complaint.
const char *scenario_site(const char *path, struct arena *arena, struct complaints *complaints);

// `data` (may be NULL) is where the sources' files are looked for, else beside the scenario. False after complaints.
bool scenario_read(const char *path, const char *data, const struct zone *zone, struct arena *arena,
                   struct complaints *complaints, struct scenario *out);

#endif

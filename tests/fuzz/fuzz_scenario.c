// SPDX-License-Identifier: Apache-2.0
// Scenarios of a replay, and the files of reads that they name: input is the YAML, a line of dashes, then the CSV,
// which a scenario may name as reads.csv.
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "riserctl/replay/csv.h"
#include "riserctl/replay/rows.h"
#include "riserctl/replay/scenario.h"

enum { ARENA_MAX = 64 << 20 };
static const char BREAK[] = "\n----\n";

static struct zone zone_of_no_change(void) {
  return (struct zone){.count = 0};
}

static void try_csv(const char *path) {
  struct csv *csv;
  const char *const *fields;
  size_t count;
  if (csv_open(path, ';', &csv)) return;
  (void)csv_column(csv, "time");
  while (csv_next(csv, &fields, &count) == OK && count)
    for (size_t i = 0; i < count; i++) FUZZ_HOLDS(strlen(fields[i]) <= CSV_LINE_MAX);
  csv_close(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *cut = memmem(data, size, BREAK, sizeof BREAK - 1);
  struct bytes yaml = bytes_make(data, cut ? (size_t)(cut - data) : size), csv = {NULL, 0};
  if (cut) csv = bytes_make(cut + sizeof BREAK - 1, size - yaml.len - (sizeof BREAK - 1));
  struct arena *arena = arena_new(ARENA_MAX);
  struct complaints complaints;
  struct scenario scenario;
  struct rows rows;
  struct zone zone = zone_of_no_change();
  const char *folder = folder_empty();
  try_csv(folder_put("reads.csv", csv));
  char *path = strdup(folder_put("scenario.yaml", yaml));
  complaints_init(&complaints);
  bool fine = scenario_read(path, folder, &zone, arena, &complaints, &scenario);
  FUZZ_HOLDS(fine == (complaints.count == 0));
  if (fine && !rows_read(&scenario, &zone, arena, &complaints, &rows)) FUZZ_HOLDS(complaints.count > 0);
  complaints_fini(&complaints);
  free(path);
  arena_free(arena);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Site files and persons files: input is the YAML. What is taken can be encoded as facts are; what is not is complained
// of.
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "riserctl/site_file/site_file.h"
#include "riserctl/site_file/values.h"

enum { ARENA_MAX = 64 << 20 };

static void check(const struct site_file *file) {
  for (size_t i = 0; i < file->room_count; i++) FUZZ_HOLDS(id_is_valid(file->rooms[i].id));
  for (size_t i = 0; i < file->lease_count; i++) {
    FUZZ_HOLDS(id_is_valid(file->leases[i].id));
    FUZZ_HOLDS(file->leases[i].person_count > 0);
  }
  for (size_t i = 0; i < file->installation_count; i++) {
    FUZZ_HOLDS(id_is_valid(file->installations[i].meter));
    FUZZ_HOLDS(file->installations[i].multiplier_den > 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena *arena = arena_new(ARENA_MAX);
  struct complaints complaints;
  struct site_file file;
  folder_empty();
  const char *path = folder_put("site.yaml", bytes_make(data, size));
  complaints_init(&complaints);
  bool fine = site_file_read(&path, 1, arena, &complaints, &file);
  FUZZ_HOLDS(fine == (complaints.count == 0));
  if (fine) check(&file);
  complaints_fini(&complaints);
  arena_free(arena);
  return 0;
}

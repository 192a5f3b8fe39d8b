// SPDX-License-Identifier: Apache-2.0
// The site file: what an operator says about one site and its persons, read from YAML and checked as a whole. Format:
// docs/site-file.md, docs/schemas/site-file.schema.json. Several files are read as if they were one.
#ifndef RISER_RISERCTL_SITE_FILE_SITE_FILE_H
#define RISER_RISERCTL_SITE_FILE_SITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "domain/person.h"
#include "domain/site.h"
#include "domain/tariff.h"
#include "riserctl/site_file/complaints.h"

// Everything lives in the arena it was read into.
struct site_file {
  bool has_site; // false: persons alone
  struct site site;
  struct tariff *tariffs;
  size_t tariff_count;
  struct room *rooms;
  size_t room_count;
  struct service_point *points;
  size_t point_count;
  struct installation *installations;
  size_t installation_count;
  struct lease *leases;
  size_t lease_count;
  struct person *persons;
  size_t person_count;
};

enum { SITE_FILES_MAX = 64 };

// False: there are complaints, and *out is not to be used.
bool site_file_read(const char *const *paths, size_t count, struct arena *arena, struct complaints *complaints,
                    struct site_file *out);

#endif

// SPDX-License-Identifier: Apache-2.0
// A zone's transition table, from the system's tzdata by GLib's GTimeZone. It travels with the site's record, so that
// all services agree on local time whatever their own tzdata says.
#ifndef RISER_RISERCTL_ZONE_TABLE_H
#define RISER_RISERCTL_ZONE_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "domain/zone.h"

// Transitions of the years 1970 to 2100 into the arena. ERR_NOT_FOUND: tzdata has no zone of that name.
enum error zone_table_make(const char *name, struct arena *arena, struct zone *out) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// A set of ids, by kind. One thread; the owner frees. Bounded by the files that name them.
#ifndef RISER_RISERCTL_SITE_FILE_NAMES_H
#define RISER_RISERCTL_SITE_FILE_NAMES_H

#include <stdbool.h>

struct names;

struct names *names_new(void); // NULL without memory
void names_free(struct names *names);

// False: it is there already (or there is no memory: then it can't be told apart, and refusing is safe).
bool names_add(struct names *names, const char *kind, const char *id);
bool names_has(const struct names *names, const char *kind, const char *id);

#endif

// SPDX-License-Identifier: Apache-2.0
// The known word that somebody most likely meant who wrote another one. Pure.
#ifndef RISER_RISERCTL_NEAREST_H
#define RISER_RISERCTL_NEAREST_H

#include <stddef.h>

// By the optimal string alignment distance (insertions, deletions, substitutions, swaps of neighbours),
// upper and lower case alike; NULL when even
// the nearest is further away than a third of its letters, and at least one.
const char *nearest_word(const char *word, const char *const *known, size_t count);

#endif

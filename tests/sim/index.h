// SPDX-License-Identifier: Apache-2.0
// Texts to numbers: an open hash that only grows. 0 is the number of what was not there.
#ifndef RISER_TESTS_SIM_INDEX_H
#define RISER_TESTS_SIM_INDEX_H

#include <stddef.h>

struct index {
  struct index_entry {
    char *key;
    size_t number;
  } *entries;
  size_t count, room;
};

size_t *index_slot(struct index *index, const char *key); // made if new; valid until the next call
void index_fini(struct index *index);

#endif

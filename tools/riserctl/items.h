// SPDX-License-Identifier: Apache-2.0
// Keys and values in memory, owned by the set. Of the due index each member is an item of its own elsewhere; here it is
// one value, its members in order, each as "member\ninstant\n". One thread; bounded by what a partition's state takes.
#ifndef RISER_RISERCTL_ITEMS_H
#define RISER_RISERCTL_ITEMS_H

#include <stdbool.h>

#include <uthash.h>

#include "base/bytes.h"
#include "base/error.h"

struct item {
  UT_hash_handle hh; // .next: the next one of the set
  struct bytes value;
  bool seen; // the owner's own mark
  char key[];
};

// A set is a pointer to its first item; NULL is the empty one.
struct item *items_find(struct item *set, const char *key);                            // NULL if there is none
enum error items_put(struct item **set, const char *key, struct bytes value) MUST_USE; // copies; replaces
void items_remove(struct item **set, const char *key);
void items_sort(struct item **set); // by key
void items_free(struct item **set);

#endif

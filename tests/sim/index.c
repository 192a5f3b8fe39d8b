// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct index_entry *place(struct index_entry *entries, size_t room, const char *key) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (const char *c = key; *c; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  size_t at = hash & (room - 1);
  while (entries[at].key && strcmp(entries[at].key, key) != 0) at = (at + 1) & (room - 1);
  return &entries[at];
}

static void grow(struct index *index) {
  size_t room = index->room ? 2 * index->room : 1024;
  struct index_entry *entries = calloc(room, sizeof *entries);
  if (!entries) abort();
  for (size_t i = 0; i < index->room; i++)
    if (index->entries[i].key) *place(entries, room, index->entries[i].key) = index->entries[i];
  free(index->entries);
  index->entries = entries;
  index->room = room;
}

size_t *index_slot(struct index *index, const char *key) {
  if (2 * (index->count + 1) > index->room) grow(index);
  struct index_entry *entry = place(index->entries, index->room, key);
  if (!entry->key) {
    entry->key = strdup(key);
    if (!entry->key) abort();
    index->count++;
  }
  return &entry->number;
}

void index_fini(struct index *index) {
  for (size_t i = 0; i < index->room; i++) free(index->entries[i].key);
  free(index->entries);
  *index = (struct index){.entries = NULL};
}

// SPDX-License-Identifier: Apache-2.0
#include "io/redis_store.h"

#include <stdlib.h>
#include <string.h>

static struct bytes copy_bytes(struct bytes from);
static void drop_bytes(struct bytes bytes);
static size_t entry_place(const struct store *store, struct bytes key, bool *found);
static size_t member_place(const struct store_entry *entry, struct bytes name, bool *found);
static void *grow(void *array, size_t count, size_t size, size_t at);

void twin_fini(struct store *store) {
  while (store->count) twin_remove(store, store->entries[store->count - 1].key);
  free(store->entries);
  store->entries = NULL;
}

struct store_entry *twin_find(const struct store *store, struct bytes key) {
  bool found;
  size_t at = entry_place(store, key, &found);
  return found ? &store->entries[at] : NULL;
}

struct store_entry *twin_make(struct store *store, struct bytes key, enum store_type type) {
  bool found;
  size_t at = entry_place(store, key, &found);
  if (found) return &store->entries[at];
  store->entries = grow(store->entries, store->count++, sizeof *store->entries, at);
  store->entries[at] = (struct store_entry){.key = copy_bytes(key), .type = type};
  return &store->entries[at];
}

bool twin_remove(struct store *store, struct bytes key) {
  bool found;
  size_t at = entry_place(store, key, &found);
  if (!found) return false;
  struct store_entry entry = store->entries[at];
  memmove(store->entries + at, store->entries + at + 1, (--store->count - at) * sizeof entry);
  for (size_t i = 0; i < entry.count; i++) {
    drop_bytes(entry.members[i].name);
    drop_bytes(entry.members[i].value);
  }
  free(entry.members);
  drop_bytes(entry.key);
  return true;
}

struct store_member *twin_member_find(const struct store_entry *entry, struct bytes name) {
  bool found;
  size_t at = member_place(entry, name, &found);
  return found ? &entry->members[at] : NULL;
}

bool twin_member_put(struct store_entry *entry, struct bytes name, struct bytes value, int64_t score) {
  bool found;
  size_t at = member_place(entry, name, &found);
  struct bytes copy = copy_bytes(value); // before the old one goes: it may be a part of it
  if (found) {
    drop_bytes(entry->members[at].value);
  } else {
    entry->members = grow(entry->members, entry->count++, sizeof *entry->members, at);
    entry->members[at].name = copy_bytes(name);
  }
  entry->members[at].value = copy;
  entry->members[at].score = score;
  return !found;
}

bool twin_member_remove(struct store_entry *entry, struct bytes name) {
  bool found;
  size_t at = member_place(entry, name, &found);
  if (!found) return false;
  drop_bytes(entry->members[at].name);
  drop_bytes(entry->members[at].value);
  memmove(entry->members + at, entry->members + at + 1, (--entry->count - at) * sizeof *entry->members);
  return true;
}

static size_t entry_place(const struct store *store, struct bytes key, bool *found) {
  size_t low = 0, high = store->count;
  *found = false;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = bytes_compare(store->entries[middle].key, key);
    if (order == 0) *found = true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static size_t member_place(const struct store_entry *entry, struct bytes name, bool *found) {
  size_t low = 0, high = entry->count;
  *found = false;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = bytes_compare(entry->members[middle].name, name);
    if (order == 0) *found = true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Room for one more element, at `at`.
static void *grow(void *array, size_t count, size_t size, size_t at) {
  char *grown = realloc(array, (count + 1) * size);
  if (!grown) abort();
  memmove(grown + (at + 1) * size, grown + at * size, (count - at) * size);
  memset(grown + at * size, 0, size);
  return grown;
}

static struct bytes copy_bytes(struct bytes from) {
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  if (from.len) memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

static void drop_bytes(struct bytes bytes) {
  free((void *)(uintptr_t)bytes.data);
}

// SPDX-License-Identifier: Apache-2.0
#include "riserctl/items.h"

#include <stdlib.h>
#include <string.h>

static void drop_value(struct item *item) {
  free((void *)(uintptr_t)item->value.data);
}

struct item *items_find(struct item *set, const char *key) {
  struct item *item = NULL;
  HASH_FIND_STR(set, key, item);
  return item;
}

static struct item *add(struct item **set, const char *key) {
  size_t len = strlen(key);
  struct item *item = calloc(1, sizeof *item + len + 1);
  if (!item) return NULL;
  memcpy(item->key, key, len + 1);
  HASH_ADD_KEYPTR(hh, *set, item->key, len, item);
  return item;
}

enum error items_put(struct item **set, const char *key, struct bytes value) {
  uint8_t *copy = malloc(value.len + 1);
  struct item *item = copy ? items_find(*set, key) : NULL;
  if (copy && !item) item = add(set, key);
  if (!item) {
    free(copy);
    return ERR_NO_MEMORY;
  }
  if (value.len) memcpy(copy, value.data, value.len);
  copy[value.len] = 0;
  drop_value(item);
  item->value = bytes_make(copy, value.len);
  return OK;
}

void items_remove(struct item **set, const char *key) {
  struct item *item = items_find(*set, key);
  if (!item) return;
  HASH_DEL(*set, item);
  drop_value(item);
  free(item);
}

static int by_key(const struct item *a, const struct item *b) {
  return strcmp(a->key, b->key);
}

void items_sort(struct item **set) {
  HASH_SORT(*set, by_key);
}

void items_free(struct item **set) {
  struct item *item = *set;
  HASH_CLEAR(hh, *set);
  while (item) {
    struct item *next = item->hh.next;
    drop_value(item);
    free(item);
    item = next;
  }
}

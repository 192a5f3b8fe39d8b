// SPDX-License-Identifier: Apache-2.0
// Interned strings: ids and names recur everywhere, so one copy of each is kept for the life of the store; and the
// growth of arrays.
#include <stdlib.h>
#include <string.h>

#include "billing/core/store_parts.h"

struct string {
  UT_hash_handle hh;
  char text[];
};

const char *strings_intern(struct strings *strings, const char *text) {
  size_t len = strlen(text);
  struct string *string;
  HASH_FIND(hh, strings->table, text, len, string);
  if (string) return string->text;
  string = calloc(1, sizeof *string + len + 1);
  if (!string) return NULL;
  memcpy(string->text, text, len);
  HASH_ADD_KEYPTR(hh, strings->table, string->text, len, string);
  if (!string->hh.tbl) {
    free(string);
    return NULL;
  }
  strings->bytes += sizeof *string + len + 1;
  return string->text;
}

void strings_fini(struct strings *strings) {
  struct string *string, *next;
  HASH_ITER(hh, strings->table, string, next) {
    HASH_DEL(strings->table, string);
    free(string);
  }
}

// The capacity is at least the next power of two, so the count alone tells when to grow.
void *store_grow(void *array, size_t count, size_t element_size) {
  bool is_power = count > 0 && (count & (count - 1)) == 0;
  if (array && !is_power) return array;
  return realloc(array, (count ? 2 * count : 1) * element_size);
}

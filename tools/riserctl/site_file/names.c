// SPDX-License-Identifier: Apache-2.0
#include "riserctl/site_file/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum { KEY_SIZE = 160 };

struct name {
  UT_hash_handle hh;
  char key[KEY_SIZE]; // "kind/id"
};

struct names {
  struct name *table;
};

static void make_key(char *to, const char *kind, const char *id) {
  snprintf(to, KEY_SIZE, "%s/%s", kind, id);
}

struct names *names_new(void) {
  return calloc(1, sizeof(struct names));
}

void names_free(struct names *names) {
  if (!names) return;
  struct name *name = names->table;
  HASH_CLEAR(hh, names->table);
  while (name) {
    struct name *next = name->hh.next;
    free(name);
    name = next;
  }
  free(names);
}

bool names_has(const struct names *names, const char *kind, const char *id) {
  char key[KEY_SIZE];
  struct name *found = NULL;
  make_key(key, kind, id);
  HASH_FIND_STR(names->table, key, found);
  return found != NULL;
}

bool names_add(struct names *names, const char *kind, const char *id) {
  if (names_has(names, kind, id)) return false;
  struct name *name = calloc(1, sizeof *name);
  if (!name) return false;
  make_key(name->key, kind, id);
  HASH_ADD_STR(names->table, key, name);
  return true;
}

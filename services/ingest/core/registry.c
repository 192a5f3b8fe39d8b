// SPDX-License-Identifier: Apache-2.0
// Two hash tables: what is known, by "site/device"; and how many sites of a landlord have a device of that name, by
// "landlord/device", so that a message under the wrong site is recognised without a search.
#include "ingest/core/registry.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 // an entry that was not added has no hh.tbl
#include <uthash.h>

#include "ingest/core/topic.h"

enum { KEY_MAX = 2 * ID_MAX + 2 };

struct known {
  UT_hash_handle hh;
  char *landlord;
  struct device_keys *keys; // NULL: none
  size_t key_len;
  char key[]; // "site/device"
};

struct name {
  UT_hash_handle hh;
  size_t sites;
  size_t key_len;
  char key[]; // "landlord/device"
};

struct registry {
  struct known *known;
  struct name *names;
  size_t max, count, sites;
};

struct key {
  char text[KEY_MAX];
  size_t len;
};

static struct key key_of(struct bytes left, struct bytes right);
static struct known *find(const struct registry *registry, struct bytes key);
static enum error add(struct registry *registry, struct key key, char *landlord, struct known **out);
static enum error set_keys(struct known *known, const struct device_keys *keys);
static enum error name_count(struct registry *registry, const struct known *known);
static void name_uncount(struct registry *registry, const struct known *known);
static void drop(struct registry *registry, struct known *known);
static struct bytes device_of(const struct known *known);
static struct name *name_find(const struct registry *registry, const char *landlord, struct bytes device);

struct registry *registry_new(size_t entries_max) {
  struct registry *registry = calloc(1, sizeof *registry);
  if (registry) registry->max = entries_max;
  return registry;
}

void registry_free(struct registry *registry) {
  if (!registry) return;
  struct known *known, *next;
  HASH_ITER(hh, registry->known, known, next) drop(registry, known);
  free(registry);
}

enum error registry_put(struct registry *registry, const struct registry_entry *entry) {
  if (!id_is_valid(entry->site) || entry->landlord.len > ID_MAX) return ERR_BAD_VALUE;
  if (entry->device.len && !id_is_valid(entry->device)) return ERR_BAD_VALUE;
  struct key key = key_of(entry->site, entry->device);
  struct known *old = find(registry, bytes_make(key.text, key.len));
  if (old && bytes_equal_text(entry->landlord, old->landlord)) return set_keys(old, entry->keys);
  if (!old && registry->count == registry->max) return ERR_LIMIT;
  char *landlord = malloc(entry->landlord.len + 1);
  if (!landlord) return ERR_NO_MEMORY;
  if (entry->landlord.len) memcpy(landlord, entry->landlord.data, entry->landlord.len);
  landlord[entry->landlord.len] = 0;
  if (old) drop(registry, old);
  struct known *known;
  enum error err = add(registry, key, landlord, &known);
  if (err) free(landlord);
  return err ? err : set_keys(known, entry->keys);
}

static enum error set_keys(struct known *known, const struct device_keys *keys) {
  if (keys && !known->keys) known->keys = malloc(sizeof *known->keys);
  if (keys && !known->keys) return ERR_NO_MEMORY;
  if (keys) {
    *known->keys = *keys;
  } else {
    free(known->keys);
    known->keys = NULL;
  }
  return OK;
}

// Takes the landlord on OK.
static enum error add(struct registry *registry, struct key key, char *landlord, struct known **out) {
  struct known *known = calloc(1, sizeof *known + key.len + 1);
  if (!known) return ERR_NO_MEMORY;
  memcpy(known->key, key.text, key.len);
  known->key_len = key.len;
  known->landlord = landlord;
  enum error err = device_of(known).len ? name_count(registry, known) : OK;
  if (err) {
    free(known);
    return err;
  }
  HASH_ADD_KEYPTR(hh, registry->known, known->key, known->key_len, known);
  if (!known->hh.tbl) {
    if (device_of(known).len) name_uncount(registry, known);
    free(known);
    return ERR_NO_MEMORY;
  }
  registry->count++;
  registry->sites += device_of(known).len == 0;
  *out = known;
  return OK;
}

static enum error name_count(struct registry *registry, const struct known *known) {
  struct bytes device = device_of(known);
  struct name *name = name_find(registry, known->landlord, device);
  if (!name) {
    struct key key = key_of(bytes_text(known->landlord), device);
    name = calloc(1, sizeof *name + key.len + 1);
    if (!name) return ERR_NO_MEMORY;
    memcpy(name->key, key.text, key.len);
    name->key_len = key.len;
    HASH_ADD_KEYPTR(hh, registry->names, name->key, name->key_len, name);
    if (!name->hh.tbl) {
      free(name);
      return ERR_NO_MEMORY;
    }
  }
  name->sites++;
  return OK;
}

static void name_uncount(struct registry *registry, const struct known *known) {
  struct name *name = name_find(registry, known->landlord, device_of(known));
  if (!name || --name->sites) return;
  HASH_DEL(registry->names, name);
  free(name);
}

void registry_remove(struct registry *registry, struct bytes key) {
  struct known *known = find(registry, key);
  if (known) drop(registry, known);
}

static void drop(struct registry *registry, struct known *known) {
  bool site = device_of(known).len == 0;
  if (!site) name_uncount(registry, known);
  registry->sites -= site;
  registry->count--;
  HASH_DEL(registry->known, known);
  free(known->landlord);
  free(known->keys);
  free(known);
}

const char *registry_landlord(const struct registry *registry, struct bytes site) {
  struct key key = key_of(site, bytes_make(NULL, 0));
  struct known *known = find(registry, bytes_make(key.text, key.len));
  return known ? known->landlord : NULL;
}

const struct device_keys *registry_keys(const struct registry *registry, struct bytes site, struct bytes device) {
  struct key key = key_of(site, device);
  struct known *known = find(registry, bytes_make(key.text, key.len));
  return known ? known->keys : NULL;
}

bool registry_knows(const struct registry *registry, struct bytes site, struct bytes device) {
  struct key key = key_of(site, device);
  return find(registry, bytes_make(key.text, key.len)) != NULL;
}

bool registry_is_foreign(const struct registry *registry, struct bytes site, struct bytes device) {
  if (registry_knows(registry, site, device)) return false;
  const char *landlord = registry_landlord(registry, site);
  return landlord && name_find(registry, landlord, device) != NULL;
}

size_t registry_sites(const struct registry *registry) {
  return registry->sites;
}

size_t registry_devices(const struct registry *registry) {
  return registry->count - registry->sites;
}

static struct known *find(const struct registry *registry, struct bytes key) {
  struct known *known = NULL;
  if (key.len && key.len < KEY_MAX) HASH_FIND(hh, registry->known, key.data, key.len, known);
  return known;
}

static struct name *name_find(const struct registry *registry, const char *landlord, struct bytes device) {
  struct key key = key_of(bytes_text(landlord), device);
  struct name *name = NULL;
  HASH_FIND(hh, registry->names, key.text, key.len, name);
  return name;
}

// Both have at most ID_MAX bytes: of a topic that was parsed, or checked in registry_put.
static struct key key_of(struct bytes left, struct bytes right) {
  struct key key = {.len = left.len + 1 + right.len};
  if (left.len) memcpy(key.text, left.data, left.len);
  key.text[left.len] = '/';
  if (right.len) memcpy(key.text + left.len + 1, right.data, right.len);
  return key;
}

static struct bytes device_of(const struct known *known) {
  const char *slash = memchr(known->key, '/', known->key_len);
  return bytes_make(slash + 1, known->key_len - (size_t)(slash + 1 - known->key));
}

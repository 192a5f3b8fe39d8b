// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/devices.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/core/topic.h"

struct devices {
  struct heard *table;
  size_t max, count;
};

static struct heard *add(struct devices *devices, const char *key, size_t key_len);
static bool forget_one(struct devices *devices);

struct devices *devices_new(size_t max) {
  struct devices *devices = calloc(1, sizeof *devices);
  if (devices) devices->max = max;
  return devices;
}

void devices_free(struct devices *devices) {
  if (!devices) return;
  struct heard *heard, *next;
  HASH_ITER(hh, devices->table, heard, next) {
    HASH_DEL(devices->table, heard);
    free(heard);
  }
  free(devices);
}

size_t devices_count(const struct devices *devices) {
  return devices->count;
}

struct heard *devices_get(struct devices *devices, struct bytes site, struct bytes device) {
  char key[2 * ID_MAX + 1];
  size_t key_len = site.len + 1 + device.len;
  memcpy(key, site.data, site.len);
  key[site.len] = '/';
  memcpy(key + site.len + 1, device.data, device.len);
  struct heard *heard = NULL;
  HASH_FIND(hh, devices->table, key, key_len, heard);
  return heard ? heard : add(devices, key, key_len);
}

static struct heard *add(struct devices *devices, const char *key, size_t key_len) {
  if (devices->count == devices->max && !forget_one(devices)) return NULL;
  struct heard *heard = calloc(1, sizeof *heard + key_len + 1);
  if (!heard) return NULL;
  memcpy(heard->key, key, key_len);
  heard->key_len = key_len;
  HASH_ADD_KEYPTR(hh, devices->table, heard->key, heard->key_len, heard);
  if (!heard->hh.tbl) {
    free(heard);
    return NULL;
  }
  devices->count++;
  return heard;
}

// uthash keeps the order of adding.
static bool forget_one(struct devices *devices) {
  struct heard *heard = devices->table;
  while (heard && heard->pins) heard = heard->hh.next;
  if (!heard) return false;
  HASH_DEL(devices->table, heard);
  free(heard);
  devices->count--;
  return true;
}

void devices_each(const struct devices *devices, void (*visit)(void *ctx, const struct heard *heard), void *ctx) {
  for (struct heard *heard = devices->table; heard; heard = heard->hh.next) visit(ctx, heard);
}

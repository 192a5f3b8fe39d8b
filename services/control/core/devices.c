// SPDX-License-Identifier: Apache-2.0
// riser.device.v1 is billing's echo of the states that control reads itself, late and written for other reasons too; so
// what was heard from the device itself outweighs it.
#include "control/core/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct device_entry {
  struct device_view view;
  enum presence recorded; // by riser.device.v1
  enum presence heard;    // from the device; UNKNOWN: nothing yet
  UT_hash_handle hh;
  char key[]; // site/device: a site's id holds no slash
};

struct devices {
  struct device_entry *table;
  size_t max;
};

struct devices *devices_new(size_t max) {
  struct devices *devices = calloc(1, sizeof *devices);
  if (devices) devices->max = max;
  return devices;
}

void devices_free(struct devices *devices) {
  if (!devices) return;
  struct device_entry *entry, *next;
  HASH_ITER(hh, devices->table, entry, next) {
    HASH_DEL(devices->table, entry);
    free(entry);
  }
  free(devices);
}

enum { KEY_MAX = 512 };

static struct device_entry *find(const struct devices *devices, const char *site, const char *device) {
  char key[KEY_MAX];
  struct device_entry *entry = NULL;
  int len = snprintf(key, sizeof key, "%s/%s", site, device);
  if (len < (int)sizeof key) HASH_FIND(hh, devices->table, key, (unsigned)len, entry);
  return entry;
}

static enum error find_or_add(struct devices *devices, const char *site, const char *device,
                              struct device_entry **out) {
  *out = find(devices, site, device);
  if (*out) return OK;
  size_t len = strlen(site) + 1 + strlen(device);
  if (HASH_COUNT(devices->table) >= devices->max || len >= KEY_MAX) return ERR_LIMIT;
  struct device_entry *entry = calloc(1, sizeof *entry + len + 1);
  if (!entry) return ERR_NO_MEMORY;
  snprintf(entry->key, len + 1, "%s/%s", site, device);
  HASH_ADD(hh, devices->table, key, (unsigned)len, entry);
  *out = entry;
  return OK;
}

const struct device_view *devices_find(const struct devices *devices, const char *site, const char *device) {
  const struct device_entry *entry = find(devices, site, device);
  return entry ? &entry->view : NULL;
}

static void conclude(struct device_entry *entry) {
  entry->view.presence = entry->heard != PRESENCE_UNKNOWN ? entry->heard : entry->recorded;
}

// A record that is not online and knows of no supply is of a device that never said anything.
static enum presence presence_of(const struct device *record) {
  if (record->online) return PRESENCE_ONLINE;
  return record->reported_supply != SUPPLY_UNKNOWN ? PRESENCE_OFFLINE : PRESENCE_UNKNOWN;
}

enum error devices_put(struct devices *devices, const struct device *record, const struct device_keys *keys) {
  struct device_entry *entry;
  enum error err = find_or_add(devices, record->site, record->device, &entry);
  if (err) return err;
  snprintf(entry->view.codec, sizeof entry->view.codec, "%s", record->codec);
  entry->view.keys = keys ? *keys : (struct device_keys){.count = 0};
  entry->recorded = presence_of(record);
  conclude(entry);
  return OK;
}

void devices_drop(struct devices *devices, const char *site, const char *device) {
  struct device_entry *entry = find(devices, site, device);
  if (!entry) return;
  HASH_DEL(devices->table, entry);
  free(entry);
}

void devices_state(struct devices *devices, const char *site, const struct device_state_fact *state) {
  struct device_entry *entry = find(devices, site, state->device);
  if (!entry) return;
  entry->heard = state->online ? PRESENCE_ONLINE : PRESENCE_OFFLINE;
  conclude(entry);
}

void devices_forget_states(struct devices *devices) {
  struct device_entry *entry, *next;
  HASH_ITER(hh, devices->table, entry, next) {
    entry->heard = PRESENCE_UNKNOWN;
    conclude(entry);
  }
}

size_t devices_count(const struct devices *devices) {
  return HASH_COUNT(devices->table);
}

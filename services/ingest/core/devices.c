// SPDX-License-Identifier: Apache-2.0
// Any name under a known site is a device to us, and whoever has a site's password may name a new one in each message.
// So the entries of each site are a list of its own, and when the table is full a site that holds its share of it loses
// an entry of its own: it cannot make us forget the others' devices.
#include "ingest/core/devices.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/core/topic.h"

enum { TRIES_MAX = 8 }; // pinned entries that are looked at, so that it costs the same however many there are

struct heard_site {
  struct heard *oldest, *newest;
  size_t count; // above 0
  UT_hash_handle hh;
  size_t name_len;
  char name[];
};

struct devices {
  struct heard *table;
  struct heard_site *sites;
  struct heard_site *turn; // whose share is looked at next; NULL: the first one's
  size_t max, count;
};

static struct heard *add(struct devices *devices, const char *key, size_t key_len, size_t site_len);
static struct heard_site *site_of(struct devices *devices, const char *name, size_t len);
static bool make_room(struct devices *devices, const char *site, size_t site_len);
static bool forget_one(struct devices *devices, struct heard_site *site);
static void link_newest(struct heard_site *site, struct heard *heard);
static void unlink_heard(struct heard *heard);
static void drop_if_empty(struct devices *devices, struct heard_site *site);

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
  struct heard_site *site, *other;
  HASH_ITER(hh, devices->sites, site, other) {
    HASH_DEL(devices->sites, site);
    free(site);
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
  return heard ? heard : add(devices, key, key_len, site.len);
}

static struct heard *add(struct devices *devices, const char *key, size_t key_len, size_t site_len) {
  if (devices->count == devices->max && !make_room(devices, key, site_len)) return NULL;
  struct heard_site *site = site_of(devices, key, site_len);
  struct heard *heard = site ? calloc(1, sizeof *heard + key_len + 1) : NULL;
  if (heard) {
    memcpy(heard->key, key, key_len);
    heard->key_len = key_len;
    HASH_ADD_KEYPTR(hh, devices->table, heard->key, heard->key_len, heard);
  }
  if (heard && heard->hh.tbl) {
    link_newest(site, heard);
    devices->count++;
    return heard;
  }
  free(heard);
  if (site) drop_if_empty(devices, site);
  return NULL;
}

static struct heard_site *site_find(const struct devices *devices, const char *name, size_t len) {
  struct heard_site *site = NULL;
  HASH_FIND(hh, devices->sites, name, len, site);
  return site;
}

// The site's list, made if need be; NULL without memory.
static struct heard_site *site_of(struct devices *devices, const char *name, size_t len) {
  struct heard_site *site = site_find(devices, name, len);
  if (site) return site;
  site = calloc(1, sizeof *site + len + 1);
  if (!site) return NULL;
  memcpy(site->name, name, len);
  site->name_len = len;
  HASH_ADD_KEYPTR(hh, devices->sites, site->name, site->name_len, site);
  if (site->hh.tbl) return site;
  free(site);
  return NULL;
}

// For one more device of that site: its own oldest goes if it has its share, else that of the next site that has.
static bool make_room(struct devices *devices, const char *site, size_t site_len) {
  size_t sites = HASH_COUNT(devices->sites), share = sites ? devices->max / sites : 0;
  struct heard_site *own = site_find(devices, site, site_len);
  if (own && own->count >= share) return forget_one(devices, own);
  for (size_t i = 0; i < sites; i++) {
    struct heard_site *next = devices->turn ? devices->turn : devices->sites;
    devices->turn = next->hh.next;
    if (next->count >= share && forget_one(devices, next)) return true;
  }
  return false;
}

// The one that was met first; what is pinned goes to the end, as if it were met now.
static bool forget_one(struct devices *devices, struct heard_site *site) {
  for (int i = 0; i < TRIES_MAX; i++) {
    struct heard *heard = site->oldest;
    unlink_heard(heard);
    if (heard->pins) {
      link_newest(site, heard);
      continue;
    }
    HASH_DEL(devices->table, heard);
    free(heard);
    devices->count--;
    drop_if_empty(devices, site);
    return true;
  }
  return false;
}

static void link_newest(struct heard_site *site, struct heard *heard) {
  heard->site = site;
  heard->newer = NULL;
  heard->older = site->newest;
  if (site->newest)
    site->newest->newer = heard;
  else
    site->oldest = heard;
  site->newest = heard;
  site->count++;
}

static void unlink_heard(struct heard *heard) {
  struct heard_site *site = heard->site;
  *(heard->older ? &heard->older->newer : &site->oldest) = heard->newer;
  *(heard->newer ? &heard->newer->older : &site->newest) = heard->older;
  site->count--;
}

static void drop_if_empty(struct devices *devices, struct heard_site *site) {
  if (site->count) return;
  if (devices->turn == site) devices->turn = site->hh.next;
  HASH_DEL(devices->sites, site);
  free(site);
}

void devices_each(const struct devices *devices, void (*visit)(void *ctx, const struct heard *heard), void *ctx) {
  for (struct heard *heard = devices->table; heard; heard = heard->hh.next) visit(ctx, heard);
}

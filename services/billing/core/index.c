// SPDX-License-Identifier: Apache-2.0
// The readings' way costs one hash look-up each: meter and register lead to a slot that caches the point and the vector
// they led to last. The index is derived from the site's state and thrown away when that changes.
#include <stdlib.h>
#include <string.h>

#include "billing/core/fold_parts.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { SLOT_KEY_MAX = 66 };

struct slot {
  struct meter_slot meter; // first: what others see
  UT_hash_handle hh;
  char key[SLOT_KEY_MAX];
};

struct point_entry {
  struct point_slot point; // first
  UT_hash_handle hh;
};

struct site_index {
  struct slot *slots;
  struct point_entry *points; // by id
  uint64_t generation;        // of the store: another one voids the cached entities
};

static size_t slot_key(const char *meter, enum meter_register reg, char key[SLOT_KEY_MAX]) {
  size_t len = strnlen(meter, SLOT_KEY_MAX - 1);
  memcpy(key, meter, len);
  key[len] = (char)reg;
  return len + 1;
}

struct meter_slot *index_find(struct site_index *index, const char *meter, enum meter_register reg) {
  char key[SLOT_KEY_MAX];
  size_t len = slot_key(meter, reg, key);
  struct slot *slot;
  HASH_FIND(hh, index->slots, key, len, slot);
  return slot ? &slot->meter : NULL;
}

struct meter_slot *index_add(struct site_index *index, const char *meter, enum meter_register reg) {
  struct meter_slot *there = index_find(index, meter, reg);
  if (there) return there;
  struct slot *slot = calloc(1, sizeof *slot);
  if (!slot) return NULL;
  size_t len = slot_key(meter, reg, slot->key);
  HASH_ADD(hh, index->slots, key[0], len, slot);
  if (slot->hh.tbl) return &slot->meter;
  free(slot);
  return NULL;
}

static void index_free(void *extra) {
  struct site_index *index = extra;
  if (!index) return;
  struct slot *slot, *next;
  HASH_ITER(hh, index->slots, slot, next) {
    HASH_DEL(index->slots, slot);
    free(slot->meter.installations);
    free(slot->meter.points);
    free(slot);
  }
  struct point_entry *point, *next_point;
  HASH_ITER(hh, index->points, point, next_point) {
    HASH_DEL(index->points, point);
    free(point->point.installations);
    free(point);
  }
  free(index);
}

static bool add_installation(struct meter_slot *slot, const struct installation *installation) {
  const struct installation **installations = store_grow(slot->installations, slot->count, sizeof *installations);
  if (!installations) return false;
  slot->installations = installations;
  struct entity **points = store_grow(slot->points, slot->count, sizeof *points);
  if (!points) return false;
  slot->points = points;
  installations[slot->count] = installation;
  points[slot->count++] = NULL;
  return true;
}

static struct point_entry *find_point(struct site_index *index, const char *id) {
  struct point_entry *entry;
  HASH_FIND_STR(index->points, id, entry);
  return entry;
}

const struct point_slot *index_point(struct site_index *index, const char *point) {
  struct point_entry *entry = find_point(index, point);
  return entry ? &entry->point : NULL;
}

static bool add_point(struct site_index *index, const struct service_point *point) {
  struct point_entry *entry = calloc(1, sizeof *entry);
  if (!entry) return false;
  entry->point.point = point;
  HASH_ADD_KEYPTR(hh, index->points, point->id, strlen(point->id), entry);
  if (entry->hh.tbl) return true;
  free(entry);
  return false;
}

static bool add_to_point(struct site_index *index, const struct installation *installation) {
  struct point_entry *entry = find_point(index, installation->service_point);
  if (!entry) return true;
  struct point_slot *slot = &entry->point;
  const struct installation **list = store_grow(slot->installations, slot->count, sizeof *list);
  if (!list) return false;
  slot->installations = list;
  list[slot->count++] = installation;
  return true;
}

static bool build(struct site_index *index, const struct site_state *site) {
  for (size_t i = 0; i < site->point_count; i++) {
    if (!add_point(index, &site->points[i])) return false;
  }
  for (size_t i = 0; i < site->installation_count; i++) {
    const struct installation *installation = &site->installations[i];
    struct meter_slot *slot = index_add(index, installation->meter, installation->reg);
    if (!slot || !add_installation(slot, installation) || !add_to_point(index, installation)) return false;
  }
  for (size_t i = 0; i < site->unknown_count; i++) {
    struct meter_slot *slot = index_add(index, site->unknown[i].meter, site->unknown[i].reg);
    if (!slot) return false;
    slot->unknown = true;
  }
  return true;
}

static void forget_entities(struct site_index *index) {
  for (struct slot *slot = index->slots; slot; slot = slot->hh.next) {
    slot->meter.reads = NULL;
    for (size_t i = 0; i < slot->meter.count; i++) slot->meter.points[i] = NULL;
  }
}

struct site_index *site_index_of(struct fold *fold, struct entity *site_entity) {
  void **extra = entity_extra(site_entity, index_free);
  struct site_index *index = *extra;
  if (!index) {
    index = calloc(1, sizeof *index);
    if (!index || !build(index, entity_site(site_entity))) {
      index_free(index);
      return NULL;
    }
    *extra = index;
  }
  if (index->generation != store_generation(fold->store)) {
    forget_entities(index);
    index->generation = store_generation(fold->store);
  }
  return index;
}

void site_index_drop(struct entity *site_entity) {
  void **extra = entity_extra(site_entity, index_free);
  index_free(*extra);
  *extra = NULL;
}

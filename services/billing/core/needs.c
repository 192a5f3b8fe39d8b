// SPDX-License-Identifier: Apache-2.0
// Look-ups. Lists of a site are short and searched in order; only readings have an index of their own.
#include <string.h>

#include "billing/core/fold_parts.h"

struct entity *need_entity(struct fold *fold, enum store_kind kind, struct key key) {
  struct entity *entity = NULL;
  if (store_find(fold->store, kind, key.text, &entity) != NOT_LOADED) return entity;
  fold->missing = true;
  return NULL;
}

// An entity that must be present.
static struct entity *present(struct entity *entity) {
  return entity && entity_present(entity) ? entity : NULL;
}

// The slot that the name has for itself now; NULL: no name of a site.
static struct site_slot *slot_of(struct fold *fold, const char *name) {
  size_t len = strnlen(name, SITE_NAME_MAX + 1);
  if (len == 0 || len > SITE_NAME_MAX) return NULL;
  struct site_slot *slot = &fold->slots[(len + (unsigned char)name[len - 1]) % SITE_SLOTS];
  uint64_t generation = store_generation(fold->store);
  if (slot->generation == generation && strcmp(slot->name, name) == 0) return slot;
  *slot = (struct site_slot){.generation = generation};
  memcpy(slot->name, name, len);
  return slot;
}

// What was found is kept; what is not loaded must be asked for again.
struct entity *need_site(struct fold *fold, const char *site) {
  struct site_slot *slot = slot_of(fold, site);
  if (slot && slot->site) store_touch(fold->store, slot->site);
  if (slot && slot->site) return present(slot->site);
  struct entity *entity = need_entity(fold, STORE_SITE, key_site(site));
  if (slot) slot->site = entity;
  return present(entity);
}

struct entity *need_seal(struct fold *fold, const char *chain) {
  struct site_slot *slot = slot_of(fold, chain);
  if (slot && slot->seal) store_touch(fold->store, slot->seal);
  if (slot && slot->seal) return slot->seal;
  struct entity *entity = need_entity(fold, STORE_SEAL, key_seal(chain));
  if (slot) slot->seal = entity;
  return entity;
}

struct entity *need_point(struct fold *fold, const char *site, const char *point) {
  return present(need_entity(fold, STORE_POINT, key_point(site, point)));
}

struct entity *need_account(struct fold *fold, const char *site, const char *lease) {
  return present(need_entity(fold, STORE_ACCOUNT, key_account(site, lease)));
}

const struct room *site_room(const struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->room_count; i++) {
    if (strcmp(site->rooms[i].id, id) == 0) return &site->rooms[i];
  }
  return NULL;
}

const struct service_point *site_point(const struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->point_count; i++) {
    if (strcmp(site->points[i].id, id) == 0) return &site->points[i];
  }
  return NULL;
}

const struct device_key *site_device_key(const struct site_state *site, const char *device) {
  for (size_t i = 0; i < site->key_count; i++) {
    if (strcmp(site->keys[i].device, device) == 0) return site->keys[i].wrapped[0] ? &site->keys[i] : NULL;
  }
  return NULL;
}

const struct lease *site_lease(const struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->lease_count; i++) {
    if (strcmp(site->leases[i].id, id) == 0) return &site->leases[i];
  }
  return NULL;
}

const struct tariff *site_tariff(const struct site_state *site, const char *id, int64_t at_s) {
  const struct tariff *best = NULL;
  for (size_t i = 0; i < site->tariff_count; i++) {
    const struct tariff *tariff = &site->tariffs[i];
    if (strcmp(tariff->id, id) != 0) continue;
    bool holds = tariff->from_s <= at_s, best_holds = best && best->from_s <= at_s;
    bool better =
        holds ? !best_holds || tariff->from_s > best->from_s : !best || (!best_holds && tariff->from_s < best->from_s);
    if (better) best = tariff;
  }
  return best;
}

const char *point_tariff(const struct site_state *site, const char *point, int64_t at_s) {
  const struct service_point *best = NULL;
  for (size_t i = 0; i < site->priced_count; i++) {
    const struct service_point *one = &site->priced[i];
    if (strcmp(one->id, point) != 0) continue;
    bool holds = one->from_s <= at_s, best_holds = best && best->from_s <= at_s;
    bool better =
        holds ? !best_holds || one->from_s > best->from_s : !best || (!best_holds && one->from_s < best->from_s);
    if (better) best = one;
  }
  return best ? best->tariff : "";
}

bool installation_covers(const struct installation *installation, int64_t at_s) {
  return installation->from_s <= at_s && (installation->until_s == 0 || at_s < installation->until_s);
}

bool installation_overlaps(const struct installation *installation, int64_t from_s, int64_t until_s) {
  return installation->from_s < until_s && (installation->until_s == 0 || from_s < installation->until_s);
}

bool lease_covers(const struct lease *lease, int64_t at_s) {
  return lease->from_s <= at_s && (lease->until_s == 0 || at_s < lease->until_s);
}

const struct installation *point_switch(const struct site_state *site, const char *point, int64_t at_s) {
  for (size_t i = 0; i < site->installation_count; i++) {
    const struct installation *installation = &site->installations[i];
    bool switches = installation->switch_kind == SWITCH_RELAY || installation->switch_kind == SWITCH_VALVE;
    if (!switches || strcmp(installation->service_point, point) != 0) continue;
    if (installation_covers(installation, at_s)) return installation;
  }
  return NULL;
}

const struct lease *room_lease(const struct site_state *site, const char *room, int64_t at_s) {
  for (size_t i = 0; i < site->lease_count; i++) {
    const struct lease *lease = &site->leases[i];
    if (strcmp(lease->room, room) == 0 && lease_covers(lease, at_s)) return lease;
  }
  return NULL;
}

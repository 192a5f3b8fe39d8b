// SPDX-License-Identifier: Apache-2.0
// What a site consists of: site, rooms, service points, tariffs. Each fact is checked, then takes the place of an
// earlier one of the same id. Installations and leases, which have windows in time, are in windows.c.
#include <string.h>

#include "billing/core/fold_parts.h"
#include "billing/core/tariff/tariff.h"

enum { DAYS_SETTING_MAX = 3650, OFFSET_MAX_S = 18 * HOUR_S, MINOR_DIGITS_MAX = 4, TRANSITIONS_MAX = 4096 };

// The site's entity for a fact about one of its parts; NULL: not loaded, or the exception has been made.
static struct entity *site_of_fact(struct fold *fold) {
  struct entity *entity = need_site(fold, fold->fact->envelope.site);
  if (!fold_waits(fold) && !entity) fold_exception(fold, NULL, "unknown-site", fold->fact->envelope.site);
  return entity;
}

static enum error answer(const struct fold *fold) {
  return fold_waits(fold) ? ERR_AGAIN : OK;
}

static enum error refuse(struct fold *fold, const struct site_state *site, const char *reason, const char *what) {
  fold_exception(fold, &site->site, reason, what);
  return OK;
}

static int64_t updated_s(const struct fold *fold) {
  return fold->fact->envelope.event_time_ms / 1000;
}

// ---- site

static bool zone_sound(const struct zone *zone) {
  if (zone->count > TRANSITIONS_MAX) return false;
  for (size_t i = 0; i < zone->count; i++) {
    int32_t offset_s = zone->transitions[i].offset_s;
    if (offset_s > OFFSET_MAX_S || offset_s < -OFFSET_MAX_S) return false;
    if (i > 0 && zone->transitions[i].from_s <= zone->transitions[i - 1].from_s) return false;
  }
  return true;
}

static const char *refuse_site(const struct fold *fold, const struct site *site) {
  if (!id_valid(site->id) || strcmp(site->id, fold->fact->envelope.site) != 0) return "bad-site";
  if (!zone_sound(&site->zone)) return "bad-zone";
  if (site->minor_digits > MINOR_DIGITS_MAX) return "bad-currency";
  bool bounded = site->grace_hours <= 24 * DAYS_SETTING_MAX && site->due_days <= DAYS_SETTING_MAX &&
                 site->reminder_after_days <= DAYS_SETTING_MAX && site->notice_after_days <= DAYS_SETTING_MAX &&
                 site->disconnect_after_days <= DAYS_SETTING_MAX && site->notice_lead_days <= DAYS_SETTING_MAX &&
                 site->least_debt_e4 >= 0;
  for (size_t i = 0; i < COMMODITY_COUNT; i++) bounded = bounded && site->rebill_tolerance[i] >= 0;
  return bounded ? NULL : "bad-setting";
}

enum error fold_site(struct fold *fold, const struct site *site) {
  const char *reason = refuse_site(fold, site);
  if (reason) {
    fold_exception(fold, NULL, reason, site->id);
    return OK;
  }
  struct entity *entity = need_entity(fold, STORE_SITE, key_site(site->id));
  if (fold_waits(fold)) return ERR_AGAIN;
  bool used = entity_present(entity) && entity_site(entity)->installation_count > 0;
  if (used && strcmp(entity_site(entity)->site.zone_name, site->zone_name) != 0) { // months would overlap or gape
    return refuse(fold, entity_site(entity), "zone-in-use", site->zone_name);
  }
  if (!entity_present(entity)) {
    enum error err = store_create(fold->store, entity);
    if (err != OK) return err;
  }
  struct site own = *site;
  enum error err = store_own_site(fold->store, &own);
  if (err != OK) return err;
  store_disown_site(&entity_site(entity)->site);
  entity_site(entity)->site = own;
  store_mark(fold->store, entity);
  device_emit(fold, entity_site(entity), "", updated_s(fold));
  return OK;
}

// ---- room

enum error fold_room(struct fold *fold, const struct room *room) {
  struct entity *entity = site_of_fact(fold);
  if (!entity) return answer(fold);
  struct site_state *site = entity_site(entity);
  if (!id_valid(room->id)) return refuse(fold, site, "bad-room", room->id);

  struct room own = *room;
  enum error err = store_own_room(fold->store, &own);
  if (err != OK) return err;
  struct room *there = (struct room *)site_room(site, room->id);
  if (!there) {
    struct room *list = store_grow(site->rooms, site->room_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->rooms = list;
    there = &list[site->room_count++];
  }
  *there = own;
  store_mark(fold->store, entity);
  return OK;
}

// ---- service point. Its tariffs over time are kept beside it, so that what is closed keeps its price.

static bool same_price(const struct site_state *site, const struct service_point *point) {
  return site_point(site, point->id) && strcmp(point_tariff(site, point->id, point->from_s), point->tariff) == 0;
}

// The price asked for holds at its instant already, and from a later one on another does: taking the fact would change
// nothing, where somebody may think that he goes back to an earlier tariff.
static bool superseded(const struct site_state *site, const struct service_point *point) {
  return same_price(site, point) && strcmp(point_tariff(site, point->id, INT64_MAX), point->tariff) != 0;
}

static const char *refuse_point(const struct site_state *site, const struct service_point *point,
                                const struct entity *state) {
  if (!id_valid(point->id)) return "bad-service-point";
  if (point->from_s < 0) return "bad-window";
  if (point->commodity != COMMODITY_ELECTRICITY && point->commodity != COMMODITY_WATER) return "bad-commodity";
  if (point->room[0] && !site_room(site, point->room)) return "unknown-room";
  const struct tariff *tariff = site_tariff(site, point->tariff, INT64_MAX);
  if (!tariff && (point->room[0] || point->tariff[0])) return "unknown-tariff";
  if (tariff && tariff->commodity != point->commodity) return "foreign-tariff";
  const struct service_point *there = site_point(site, point->id);
  if (!there || !entity_present(state)) return NULL;
  const struct point_state *used = entity_point((struct entity *)state);
  bool moved = strcmp(there->room, point->room) != 0 || there->commodity != point->commodity;
  if (moved && used->scheduled) return "point-in-use";
  if (superseded(site, point)) return "tariff-superseded";
  return !same_price(site, point) && point->from_s < used->closed_until_s ? "tariff-of-closed-period" : NULL;
}

// The version that begins when the point's does; one more when there is none. The tariff is the store's own.
static enum error put_price(struct site_state *site, const struct service_point *own) {
  for (size_t i = 0; i < site->priced_count; i++) {
    struct service_point *there = &site->priced[i];
    if (there->from_s != own->from_s || strcmp(there->id, own->id) != 0) continue;
    *there = *own;
    return OK;
  }
  struct service_point *list = store_grow(site->priced, site->priced_count, sizeof *list);
  if (!list) return ERR_NO_MEMORY;
  site->priced = list;
  list[site->priced_count++] = *own;
  return OK;
}

enum error fold_service_point(struct fold *fold, const struct service_point *point) {
  struct entity *entity = site_of_fact(fold);
  if (!entity) return answer(fold);
  struct site_state *site = entity_site(entity);
  struct entity *state = need_entity(fold, STORE_POINT, key_point(site->site.id, point->id));
  if (fold_waits(fold)) return ERR_AGAIN;
  const char *reason = refuse_point(site, point, state);
  if (reason) return refuse(fold, site, reason, point->id);

  struct service_point own = *point;
  enum error err = store_own_point(fold->store, &own);
  if (err == OK && !entity_present(state)) err = store_create(fold->store, state);
  if (err == OK && !same_price(site, &own)) err = put_price(site, &own);
  if (err != OK) return err;
  entity_point(state)->id = own.id;
  struct service_point *there = (struct service_point *)site_point(site, point->id);
  if (!there) {
    struct service_point *list = store_grow(site->points, site->point_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->points = list;
    there = &list[site->point_count++];
  }
  *there = own;
  site_index_drop(entity);
  store_mark(fold->store, entity);
  return OK;
}

// ---- tariff: a version is known by its id and the instant from which its prices hold

static struct tariff *tariff_version(struct site_state *site, const struct tariff *tariff) {
  for (size_t i = 0; i < site->tariff_count; i++) {
    struct tariff *there = &site->tariffs[i];
    if (there->from_s == tariff->from_s && strcmp(there->id, tariff->id) == 0) return there;
  }
  return NULL;
}

static const char *refuse_tariff(const struct site_state *site, const struct tariff *tariff) {
  if (!id_valid(tariff->id)) return "bad-tariff";
  const struct tariff *there = site_tariff(site, tariff->id, INT64_MAX);
  if (there && there->commodity != tariff->commodity) return "bad-commodity";
  return tariff_refuse(tariff);
}

enum error fold_tariff(struct fold *fold, const struct tariff *tariff) {
  struct entity *entity = site_of_fact(fold);
  if (!entity) return answer(fold);
  struct site_state *site = entity_site(entity);
  const char *reason = refuse_tariff(site, tariff);
  if (reason) return refuse(fold, site, reason, tariff->id);

  struct tariff own = *tariff;
  enum error err = store_own_tariff(fold->store, &own);
  if (err != OK) return err;
  struct tariff *there = tariff_version(site, tariff);
  if (there) {
    store_disown_tariff(there);
  } else {
    struct tariff *list = store_grow(site->tariffs, site->tariff_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->tariffs = list;
    there = &list[site->tariff_count++];
  }
  *there = own;
  store_mark(fold->store, entity);
  return OK;
}

// ---- the keys of devices

enum error fold_device_key(struct fold *fold, const struct device_key *key) {
  struct entity *entity = site_of_fact(fold);
  if (!entity) return answer(fold);
  struct site_state *site = entity_site(entity);
  if (!id_valid(key->device)) return refuse(fold, site, "bad-device", key->device);
  device_need(fold, site, key->device);
  if (fold_waits(fold)) return ERR_AGAIN;

  struct device_key own = *key;
  enum error err = store_own_device_key(fold->store, &own);
  if (err != OK) return err;
  struct device_key *there = NULL;
  for (size_t i = 0; i < site->key_count; i++) {
    if (strcmp(site->keys[i].device, key->device) == 0) there = &site->keys[i];
  }
  if (!there) {
    struct device_key *list = store_grow(site->keys, site->key_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->keys = list;
    there = &list[site->key_count++];
  }
  *there = own;
  store_mark(fold->store, entity);
  device_emit(fold, site, own.device, updated_s(fold));
  return OK;
}

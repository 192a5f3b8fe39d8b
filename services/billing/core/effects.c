// SPDX-License-Identifier: Apache-2.0
// Decisions and device records, appended in order. What they point to lives in the batch's arena or, as an interned
// string, as long as the store.
#include <string.h>

#include "billing/core/fold_parts.h"

// A decision's instants lie within these many days of its business time.
enum { FIRST_ROOM = 64, ZONE_BACK_DAYS = 800, ZONE_AHEAD_DAYS = 400 };
enum { EXCEPTION_TEXT_MAX = 128 };

void effects_init(struct effects *effects, struct arena *arena, size_t decision_max, size_t write_max) {
  *effects = (struct effects){.arena = arena, .decision_max = decision_max, .write_max = write_max};
}

const char *fold_keep_text(struct fold *fold, char *text) {
  if (text) return text;
  fold_fail(fold, ERR_NO_MEMORY);
  return "";
}

void *fold_array(struct fold *fold, size_t count, size_t element_size) {
  void *array = arena_array(fold->out->arena, count, element_size);
  if (!array) fold_fail(fold, ERR_NO_MEMORY);
  return array;
}

const char *const *fold_persons(struct fold *fold, const struct lease *lease) {
  const char **persons = fold_array(fold, lease->person_count, sizeof *persons);
  for (size_t i = 0; persons && i < lease->person_count; i++) persons[i] = lease->persons[i];
  return persons;
}

// The array with room for one more; the old one stays in the arena.
static void *room_for_one(struct fold *fold, void *array, size_t count, size_t *room, size_t element_size) {
  if (count < *room) return array;
  size_t wanted = *room ? 2 * *room : FIRST_ROOM;
  void *larger = fold_array(fold, wanted, element_size);
  if (!larger) return NULL;
  if (count) memcpy(larger, array, count * element_size);
  *room = wanted;
  return larger;
}

// The part of the zone's table around the business time; a copy, since a later fact may replace the site.
static struct zone zone_around(struct fold *fold, const struct zone *zone) {
  size_t first = 0, behind = 0;
  for (size_t i = 0; i < zone->count; i++) {
    if (zone->transitions[i].from_s <= fold->now_s - ZONE_BACK_DAYS * (int64_t)DAY_S) first = i;
    if (zone->transitions[i].from_s <= fold->now_s + ZONE_AHEAD_DAYS * (int64_t)DAY_S) behind = i + 1;
  }
  if (behind <= first + 1) return (struct zone){0}; // one offset throughout
  struct zone_transition *part = fold_array(fold, behind - first, sizeof *part);
  if (!part) return (struct zone){0};
  memcpy(part, zone->transitions + first, (behind - first) * sizeof *part);
  return (struct zone){part, behind - first};
}

struct decision *fold_decide(struct fold *fold, const struct site *site, enum decision_kind kind, const char *id) {
  struct effects *out = fold->out;
  struct decision *list = room_for_one(fold, out->decisions, out->decision_count, &out->decision_room, sizeof *list);
  if (list) out->decisions = list;
  struct decision *decision = list ? &list[out->decision_count++] : &fold->spare_decision;
  *decision = (struct decision){
      .id = id,
      .cause = fold->cause,
      .landlord = site ? site->landlord : "",
      .site = site ? site->id : "",
      .site_name = site ? site->name : "",
      .business_time_s = fold->now_s,
      .currency = site ? site->currency : "",
      .minor_digits = site ? site->minor_digits : 0,
      .language = site ? site->language : "",
      .utc_offset_s = site ? zone_offset_at(&site->zone, fold->now_s) : 0,
      .kind = kind,
  };
  if (site) decision->zone = zone_around(fold, &site->zone);
  fold->cause.index++;
  return decision;
}

// The text or, of a long one, its beginning, which ends with a whole character.
static const char *shortened(struct fold *fold, const char *text) {
  size_t len = strnlen(text, EXCEPTION_TEXT_MAX + 1);
  if (len <= EXCEPTION_TEXT_MAX) return fold_text(fold, "%s", text);
  while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
  return fold_text(fold, "%.*s...", (int)len, text);
}

void fold_exception(struct fold *fold, const struct site *site, const char *reason, const char *detail) {
  const struct envelope *envelope = &fold->fact->envelope;
  const char *fact_id = shortened(fold, envelope->fact_id);
  struct decision *decision =
      fold_decide(fold, site, DECISION_FACT_EXCEPTION, fold_text(fold, "exception:%s", fact_id));
  if (!site) {
    decision->site = shortened(fold, envelope->site);
    decision->landlord = shortened(fold, envelope->landlord);
  }
  decision->fact_exception = (struct fact_exception){
      .fact_id = fact_id,
      .kind = fact_kind_name(fold->fact->kind),
      .reason = reason,
      .detail = shortened(fold, detail),
  };
}

// ---- devices

// The installation by which a device switches a supply, at the business time or, before any, whenever.
static const struct installation *device_switch(const struct site_state *site, const char *device) {
  const struct installation *latest = NULL;
  for (size_t i = 0; i < site->installation_count; i++) {
    const struct installation *one = &site->installations[i];
    bool switches = one->switch_kind == SWITCH_RELAY || one->switch_kind == SWITCH_VALVE;
    if (!switches || strcmp(one->device, device) != 0) continue;
    if (!latest || one->from_s > latest->from_s) latest = one;
  }
  return latest;
}

void device_need(struct fold *fold, const struct site_state *site, const char *device) {
  const struct installation *by = device_switch(site, device);
  if (by) need_point(fold, site->site.id, by->service_point);
}

static bool speaks_for(const struct fold *fold, const struct installation *one, const char *device) {
  return strcmp(one->device, device) == 0 && (one->until_s == 0 || one->until_s > fold->now_s);
}

// The device's meters, each once, in the order of installation; of a gateway with very many the first.
static size_t device_meters(struct fold *fold, const struct site_state *site, const char *device,
                            const char *const **out) {
  size_t count = 0;
  const char **meters = fold_array(fold, DEVICE_METERS_MAX, sizeof *meters);
  for (size_t i = 0; meters && i < site->installation_count && count < DEVICE_METERS_MAX; i++) {
    const struct installation *one = &site->installations[i];
    if (!speaks_for(fold, one, device)) continue;
    size_t seen = 0;
    while (seen < count && strcmp(meters[seen], one->meter) != 0) seen++;
    if (seen == count) meters[count++] = one->meter;
  }
  *out = meters;
  return count;
}

static struct device *next_device(struct fold *fold) {
  struct effects *out = fold->out;
  struct device *list = room_for_one(fold, out->devices, out->device_count, &out->device_room, sizeof *list);
  if (!list) return &fold->spare_device;
  out->devices = list;
  return &list[out->device_count++];
}

void device_emit(struct fold *fold, const struct site_state *site, const char *device, int64_t updated_s) {
  struct device *record = next_device(fold);
  *record = (struct device){
      .site = site->site.id,
      .device = device,
      .landlord = site->site.landlord,
      .codec = "",
      .wrapped_key = "",
      .previous_key = "",
      .updated_s = updated_s,
  };
  if (!device[0]) return;
  const struct device_key *key = site_device_key(site, device);
  if (key) record->wrapped_key = key->wrapped;
  if (key) record->previous_key = key->previous;
  record->meter_count = device_meters(fold, site, device, &record->meters);
  for (size_t i = 0; i < site->device_count; i++) {
    if (strcmp(site->devices[i].device, device) != 0) continue;
    record->reported_supply = site->devices[i].supply;
    record->online = site->devices[i].online;
  }
  const struct installation *by = device_switch(site, device);
  struct entity *point = by ? need_point(fold, site->site.id, by->service_point) : NULL;
  if (!point) return;
  record->desired_supply = entity_point(point)->desired;
  record->desired_version = entity_point(point)->desired_version;
}

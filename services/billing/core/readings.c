// SPDX-License-Identifier: Apache-2.0
// Reads go into the vector of their meter, register and UTC month, whether or not anybody has installed the meter; what
// they mean is found out when a period closes. One that falls behind a closed period's closing makes the point dirty.
#include <string.h>

#include "billing/core/fold_parts.h"
#include "domain/reads.h"

#define READ_TIME_MAX 253402300799 // the end of the year 9999

// A chain looks into the months beside a period's. So far before and behind an installation a read can move its edges;
// and of a meter that nobody has installed no more than that is kept.
enum { REACH_S = 62 * DAY_S };

// Where one reading goes.
struct target {
  struct meter_slot *slot; // NULL: a meter never heard of
  bool sound;              // else nothing of it is
  bool hangs;              // an installation of the slot reaches so far
  struct entity *reads;    // NULL: the reading is not taken
  uint32_t month;
  uint32_t second;
};

static bool sound(const struct reading *reading) {
  return register_commodity(reading->reg) != COMMODITY_NONE && reading->value >= 0 &&
         reading->value <= READING_VALUE_MAX && reading->time_s >= 0 && reading->time_s <= READ_TIME_MAX &&
         id_valid(reading->meter);
}

static bool reaches(const struct installation *installation, int64_t time_s) {
  return time_s >= installation->from_s - REACH_S &&
         (installation->until_s == 0 || time_s < installation->until_s + REACH_S);
}

static bool recent(const struct fold *fold, int64_t time_s) {
  return fold->business_time_s == 0 ||
         (time_s >= fold->business_time_s - REACH_S && time_s <= fold->business_time_s + REACH_S);
}

static struct entity *vector(struct fold *fold, const char *site, const struct reading *reading, struct target *to) {
  if (to->slot && to->slot->reads && to->slot->month == to->month) return to->slot->reads;
  struct entity *reads = need_entity(fold, STORE_READS, key_reads(site, reading->meter, reading->reg, to->month));
  if (!to->slot || !reads) return reads;
  to->slot->month = to->month;
  to->slot->reads = reads;
  return reads;
}

// Finds everything that the reading touches.
static void resolve(struct fold *fold, const struct site_state *site, struct site_index *index,
                    const struct reading *reading, struct target *to) {
  to->sound = true;
  to->slot = index_find(index, reading->meter, reading->reg);
  to->month = reads_month(reading->time_s, &to->second);
  for (size_t i = 0; to->slot && i < to->slot->count; i++) {
    const struct installation *installation = to->slot->installations[i];
    if (!reaches(installation, reading->time_s)) continue;
    to->hangs = true;
    if (!to->slot->points[i]) to->slot->points[i] = need_point(fold, site->site.id, installation->service_point);
  }
  bool kept = recent(fold, reading->time_s) && ((to->slot && to->slot->unknown) || !site->unknown_full);
  if (to->hangs || kept) to->reads = vector(fold, site->site.id, reading, to);
}

// The start of the installation's earliest closed period of which a read at this instant can change an edge; 0: it
// comes in time.
static int64_t late_from(const struct point_state *point, const struct installation *installation, int64_t time_s) {
  int64_t from_s = 0;
  for (size_t i = point->period_count; i > 0; i--) {
    const struct period *period = &point->periods[i - 1];
    if (!installation_overlaps(installation, period->from_s, period->until_s)) continue;
    int64_t last_s = period->until_s - 1;
    for (size_t k = 0; k < period->meter_count; k++) {
      const struct period_meter *meter = &period->meters[k];
      bool same = strcmp(meter->installation, installation->id) == 0;
      if (same && meter->closing_after_s > last_s) last_s = meter->closing_after_s;
    }
    if (time_s > last_s) return from_s;
    from_s = period->from_s;
  }
  bool within = installation_covers(installation, time_s) && time_s < point->closed_until_s;
  return from_s == 0 && within ? time_s : from_s;
}

// Of all installations of the meter: what is read before one begins or after it has ended can be the read that its edge
// rests on.
static void check_late(struct fold *fold, const struct site_state *site, const struct target *to, int64_t time_s) {
  for (size_t i = 0; i < to->slot->count; i++) {
    const struct installation *installation = to->slot->installations[i];
    struct entity *entity = to->slot->points[i];
    if (!entity || !reaches(installation, time_s)) continue;
    int64_t from_s = late_from(entity_point(entity), installation, time_s);
    const struct service_point *point = from_s ? site_point(site, installation->service_point) : NULL;
    if (point) point_dirty(fold, site, point, entity, from_s);
  }
}

// Remembers a meter that nobody has installed; false: there are too many already.
static bool remember(struct fold *fold, struct entity *site_entity, const struct reading *reading, const char *device) {
  struct site_state *site = entity_site(site_entity);
  if (site->unknown_count >= SITE_UNKNOWN_METERS_MAX) {
    if (!site->unknown_full) fold_exception(fold, &site->site, "unknown-meters-full", reading->meter);
    site->unknown_full = true;
    store_mark(fold->store, site_entity);
    return false;
  }
  struct unknown_meter *list = store_grow(site->unknown, site->unknown_count, sizeof *list);
  const char *meter = store_intern(fold->store, reading->meter);
  const char *by = store_intern(fold->store, device);
  if (list) site->unknown = list;
  if (!list || !meter || !by) {
    fold_fail(fold, ERR_NO_MEMORY);
    return false;
  }
  list[site->unknown_count++] = (struct unknown_meter){.meter = meter, .device = by, .reg = reading->reg};
  store_mark(fold->store, site_entity);
  const char *id = fold_text(fold, "unknown:%s:%s:%s", site->site.id, meter, register_name(reading->reg));
  fold_decide(fold, &site->site, DECISION_UNKNOWN_METER, id)->unknown_meter = list[site->unknown_count - 1];
  return true;
}

// A reading of a meter that is not installed at that time; false: it is not taken.
static bool park(struct fold *fold, struct entity *site_entity, struct site_index *index, const struct reading *reading,
                 struct target *to) {
  if (!to->slot) to->slot = index_find(index, reading->meter, reading->reg); // an earlier one of this record made it
  if (to->slot && to->slot->unknown) return true;
  if (!remember(fold, site_entity, reading, fold->fact->readings.device)) return false;
  if (!to->slot) to->slot = index_add(index, reading->meter, reading->reg);
  if (!to->slot) {
    fold_fail(fold, ERR_NO_MEMORY);
    return false;
  }
  to->slot->unknown = true;
  return true;
}

static bool is_covered(const struct meter_slot *slot, int64_t time_s) {
  for (size_t i = 0; i < slot->count; i++) {
    if (installation_covers(slot->installations[i], time_s)) return true;
  }
  return false;
}

// A meter that hangs at a device with a key is believed from that device alone, or from a person. Where it hung then is
// what counts; where it hung before or afterwards only of an instant at which it hung nowhere.
static bool is_foreign(const struct fold *fold, const struct site_state *site, const struct target *to,
                       int64_t time_s) {
  const struct readings_fact *fact = &fold->fact->readings;
  bool keyed = false;
  if (site->key_count == 0 || fact->by_hand || !to->slot) return false;
  bool covered = is_covered(to->slot, time_s);
  for (size_t i = 0; i < to->slot->count; i++) {
    const struct installation *installation = to->slot->installations[i];
    if (covered ? !installation_covers(installation, time_s) : !reaches(installation, time_s)) continue;
    if (strcmp(installation->device, fact->device) == 0) return false;
    keyed = keyed || site_device_key(site, installation->device);
  }
  return keyed;
}

static enum error take(struct fold *fold, struct entity *site_entity, struct site_index *index,
                       const struct reading *reading, struct target *to) {
  const struct readings_fact *fact = &fold->fact->readings;
  uint16_t rank = fact->clock_suspect ? RANK_CLOCK_SUSPECT : fact->by_hand ? RANK_HAND : RANK_DEVICE;
  if (!to->sound) return OK;
  if (!to->hangs && !park(fold, site_entity, index, reading, to)) return OK;
  if (!to->reads) return OK;
  bool changed;
  enum error err = store_merge_read(fold->store, to->reads, to->second, rank, reading->value, &changed);
  if (err == OK && changed && to->hangs) check_late(fold, entity_site(site_entity), to, reading->time_s);
  return err;
}

enum error fold_readings(struct fold *fold, const struct readings_fact *readings) {
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!site_entity) {
    fold_exception(fold, NULL, "unknown-site", fold->fact->envelope.site);
    return OK;
  }
  struct site_index *index = site_index_of(fold, site_entity);
  struct target *targets = arena_array(fold->scratch, readings->count, sizeof *targets);
  if (!index || !targets) return ERR_NO_MEMORY;
  const struct site_state *site = entity_site(site_entity);
  size_t unsound = 0;
  for (size_t i = 0; i < readings->count; i++) {
    if (sound(&readings->readings[i])) {
      resolve(fold, site, index, &readings->readings[i], &targets[i]);
    } else {
      unsound++;
    }
  }
  if (fold_waits(fold)) return ERR_AGAIN;
  size_t foreign = 0;
  for (size_t i = 0; i < readings->count; i++) {
    if (targets[i].sound && is_foreign(fold, site, &targets[i], readings->readings[i].time_s)) {
      foreign++;
      continue;
    }
    enum error err = take(fold, site_entity, index, &readings->readings[i], &targets[i]);
    if (err != OK) return err;
  }
  if (unsound > 0) fold_exception(fold, &site->site, "bad-reading", readings->device);
  if (foreign > 0) fold_exception(fold, &site->site, "foreign-device", readings->device);
  return OK;
}

void fold_want(struct fold *fold, const struct fact *fact) {
  if (fact->kind != FACT_READINGS) return;
  if (fact->mark.chain) need_seal(fold, fact->mark.chain);
  struct entity *site_entity = need_site(fold, fact->envelope.site);
  struct site_index *index = site_entity ? site_index_of(fold, site_entity) : NULL;
  for (size_t i = 0; i < fact->readings.count; i++) {
    const struct reading *reading = &fact->readings.readings[i];
    struct target to = {0};
    if (!sound(reading)) continue;
    if (index) {
      resolve(fold, entity_site(site_entity), index, reading, &to);
    } else {
      to.month = reads_month(reading->time_s, &to.second);
      (void)vector(fold, fact->envelope.site, reading, &to);
    }
  }
}

// ---- edits

static const char *refuse_edit(const struct read_edit *edit, const struct reading *reading) {
  if (edit->revision > 255) return "bad-revision";
  return sound(reading) ? NULL : "bad-reading";
}

enum error fold_read_edit(struct fold *fold, const struct read_edit *edit) {
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  struct reading reading = {edit->meter, edit->reg, edit->time_s, edit->value};
  const struct site_state *site = site_entity ? entity_site(site_entity) : NULL;
  const char *reason = site ? refuse_edit(edit, &reading) : "unknown-site";
  struct site_index *index = site ? site_index_of(fold, site_entity) : NULL;
  if (site && !index) return ERR_NO_MEMORY;
  if (!reason && !index_find(index, edit->meter, edit->reg)) reason = "unknown-meter";
  if (reason) {
    fold_exception(fold, site ? &site->site : NULL, reason, edit->meter);
    return OK;
  }
  struct target to = {0};
  resolve(fold, site, index, &reading, &to);
  if (!to.reads) to.reads = vector(fold, site->site.id, &reading, &to);
  if (fold_waits(fold)) return ERR_AGAIN;
  bool changed = false;
  uint16_t rank = read_edit_rank(edit->revision, edit->is_void);
  enum error err = store_merge_read(fold->store, to.reads, to.second, rank, edit->value, &changed);
  if (err == ERR_LIMIT) {
    fold_exception(fold, &site->site, "too-many-edits", edit->meter);
    return OK;
  }
  if (err == OK && changed && to.hangs) check_late(fold, site, &to, edit->time_s);
  return err;
}

// SPDX-License-Identifier: Apache-2.0
// Installations and leases: what holds for a window of time. One that reaches back into closed periods makes their
// points dirty, so that late news of a meter or a tenant is billed as if it had been known.
#include <string.h>

#include "billing/core/fold_parts.h"

enum { MULTIPLIER_MAX = 1000000 };
#define WINDOW_FROM_MIN 946684800 // 2000-01-01; what is read before is refused by ingest too

static bool window_sound(int64_t from_s, int64_t until_s) {
  return from_s >= WINDOW_FROM_MIN && (until_s == 0 || until_s > from_s);
}

static bool windows_overlap(int64_t a_from, int64_t a_until, int64_t b_from, int64_t b_until) {
  return (b_until == 0 || a_from < b_until) && (a_until == 0 || b_from < a_until);
}

static int64_t earlier(int64_t a_s, int64_t b_s) { // of two instants of which 0 means never
  if (a_s == 0) return b_s;
  return b_s != 0 && b_s < a_s ? b_s : a_s;
}

static int64_t later(int64_t a_s, int64_t b_s) {
  return a_s > b_s ? a_s : b_s;
}

static enum error refuse(struct fold *fold, const struct site_state *site, const char *reason, const char *what) {
  fold_exception(fold, site ? &site->site : NULL, reason, what);
  return OK;
}

// ---- installations

static struct installation *find_installation(struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->installation_count; i++) {
    if (strcmp(site->installations[i].id, id) == 0) return &site->installations[i];
  }
  return NULL;
}

static bool switches(const struct installation *installation) {
  return installation->switch_kind == SWITCH_RELAY || installation->switch_kind == SWITCH_VALVE;
}

// Whether another installation stands in the way: the same register elsewhere at the same time, or a second supply
// behind one device's switch (a command names the device only).
static const char *refuse_beside(const struct site_state *site, const struct installation *new) {
  for (size_t i = 0; i < site->installation_count; i++) {
    const struct installation *other = &site->installations[i];
    if (strcmp(other->id, new->id) == 0) continue;
    if (!windows_overlap(new->from_s, new->until_s, other->from_s, other->until_s)) continue;
    if (other->reg == new->reg && strcmp(other->meter, new->meter) == 0) return "meter-installed-elsewhere";
    bool both_switch = switches(new) && switches(other) && strcmp(other->device, new->device) == 0;
    if (both_switch && strcmp(other->service_point, new->service_point) != 0) return "device-switches-elsewhere";
  }
  return NULL;
}

static bool within(int64_t value, int64_t least) {
  return value >= least && value <= READING_VALUE_MAX;
}

// Without a rate every step would be a reset, and nothing usage.
static bool limits_sound(const struct installation *new) {
  return within(new->max_rate_per_hour, 1) && within(new->rollover, 0) && within(new->backflow_max, 0) &&
         within(new->slack, 0);
}

static const char *refuse_installation(const struct site_state *site, const struct installation *new,
                                       const struct installation *old) {
  const struct service_point *point = site_point(site, new->service_point);
  if (!id_valid(new->id) || !id_valid(new->meter) || !id_valid(new->device)) return "bad-installation";
  if (!point) return "unknown-service-point";
  if (register_commodity(new->reg) != point->commodity) return "bad-register";
  if (!window_sound(new->from_s, new->until_s)) return "bad-window";
  bool multiplier = new->multiplier_num >= 1 && new->multiplier_num <= MULTIPLIER_MAX &&new->multiplier_den >= 1 &&
                    new->multiplier_den <= MULTIPLIER_MAX;
  if (!multiplier) return "bad-multiplier";
  if (!limits_sound(new)) return "bad-limit";
  bool moved = old && (strcmp(old->service_point, new->service_point) != 0 || strcmp(old->meter, new->meter) != 0 ||
                       old->reg != new->reg);
  return moved ? "installation-moved" : refuse_beside(site, new);
}

// The instant from which on the new word says something else than the old one; 0: nowhere.
static int64_t installation_changes_from(const struct installation *old, const struct installation *new) {
  if (!old) return new->from_s;
  bool same = old->from_s == new->from_s && old->multiplier_num == new->multiplier_num &&
              old->multiplier_den == new->multiplier_den && old->rollover == new->rollover &&
              old->max_rate_per_hour == new->max_rate_per_hour && old->backflow_max == new->backflow_max &&
              old->slack == new->slack;
  if (!same) return earlier(old->from_s, new->from_s);
  return old->until_s == new->until_s ? 0 : earlier(old->until_s, new->until_s);
}

static void forget_unknown(struct site_state *site, const struct installation *installation) {
  for (size_t i = 0; i < site->unknown_count; i++) {
    struct unknown_meter *unknown = &site->unknown[i];
    if (unknown->reg != installation->reg || strcmp(unknown->meter, installation->meter) != 0) continue;
    memmove(unknown, unknown + 1, (site->unknown_count - i - 1) * sizeof *unknown);
    site->unknown_count--;
    site->unknown_full = false;
    return;
  }
}

static void schedule(struct fold *fold, const struct unit *unit, size_t index, int64_t from_s) {
  const struct site *site = &unit->site->site;
  struct point_state *point = entity_point(unit->states[index]);
  int64_t closed_s = unit_closed_until(unit);
  if (closed_s == 0) {
    struct month first = month_at(&site->zone, unit_first_from(unit));
    int64_t close_s = later(first.until_s + (int64_t)site->grace_hours * HOUR_S, fold->now_s);
    struct key member = due_member(DUE_CLOSE, site->id, unit->name, "");
    fold_fail(fold, store_due_set(fold->store, close_s, member.text));
  }
  if (point->scheduled) return;
  point->scheduled = true;
  point->closed_until_s = closed_s;
  store_mark(fold->store, unit->states[index]);
  struct key member = due_member(DUE_DAY, site->id, point->id, "");
  int64_t midnight_s = zone_day_start_at(&site->zone, later(from_s, fold->now_s), 1);
  fold_fail(fold, store_due_set(fold->store, midnight_s, member.text));
}

static enum error put_installation(struct fold *fold, struct entity *site_entity, const struct installation *new) {
  struct site_state *site = entity_site(site_entity);
  struct installation own = *new;
  enum error err = store_own_installation(fold->store, &own);
  if (err != OK) return err;
  struct installation *there = find_installation(site, new->id);
  if (!there) {
    struct installation *list = store_grow(site->installations, site->installation_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->installations = list;
    there = &list[site->installation_count++];
  }
  *there = own;
  forget_unknown(site, new);
  store_mark(fold->store, site_entity);
  site_index_drop(site_entity);
  return OK;
}

enum error fold_installation(struct fold *fold, const struct installation *installation) {
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!site_entity) return refuse(fold, NULL, "unknown-site", fold->fact->envelope.site);
  struct site_state *site = entity_site(site_entity);
  struct installation new = *installation;
  if (new.multiplier_num == 0 && new.multiplier_den == 0) new.multiplier_num = new.multiplier_den = 1;
  const struct installation *old = find_installation(site, new.id);
  const char *reason = refuse_installation(site, &new, old);
  if (reason) return refuse(fold, site, reason, new.id);

  const struct service_point *point = site_point(site, new.service_point);
  struct unit unit;
  bool whole = unit_need(fold, site_entity, unit_name(fold, point), &unit);
  device_need(fold, site, new.device);
  if (fold_waits(fold)) return ERR_AGAIN;
  size_t index = 0;
  while (index < unit.count && unit.points[index] != point) index++;
  if (!whole || index == unit.count) return ERR_CORRUPT; // points are made with their state

  int64_t changes_s = installation_changes_from(old, &new);
  enum error err = put_installation(fold, site_entity, &new);
  if (err != OK) return err;
  schedule(fold, &unit, index, new.from_s);
  if (changes_s != 0 && changes_s < unit_closed_until(&unit)) {
    point_dirty(fold, site, point, unit.states[index], changes_s);
  }
  device_emit(fold, site, find_installation(site, new.id)->device, fold->fact->envelope.event_time_ms / 1000);
  return OK;
}

// ---- leases

static const char *refuse_lease(const struct site_state *site, const struct lease *new, const struct lease *old) {
  if (!id_valid(new->id)) return "bad-lease";
  if (!site_room(site, new->room)) return "unknown-room";
  if (!window_sound(new->from_s, new->until_s)) return "bad-window";
  if (new->person_count > LEASE_PERSONS_MAX) return "too-many-persons";
  for (size_t i = 0; i < new->person_count; i++) {
    if (!id_valid(new->persons[i])) return "bad-person";
  }
  if (old && strcmp(old->room, new->room) != 0) return "lease-moved";
  for (size_t i = 0; i < site->lease_count; i++) {
    const struct lease *other = &site->leases[i];
    if (strcmp(other->id, new->id) == 0 || strcmp(other->room, new->room) != 0) continue;
    if (windows_overlap(new->from_s, new->until_s, other->from_s, other->until_s)) return "lease-overlaps";
  }
  return NULL;
}

static int64_t lease_changes_from(const struct lease *old, const struct lease *new) {
  if (!old) return new->from_s;
  if (old->from_s != new->from_s) return earlier(old->from_s, new->from_s);
  return old->until_s == new->until_s ? 0 : earlier(old->until_s, new->until_s);
}

static bool fact_applied(const struct account_state *account, const char *fact_id) {
  for (size_t i = 0; i < account->fact_count; i++) {
    if (strcmp(account->facts[i], fact_id) == 0) return true;
  }
  return false;
}

static enum error put_lease(struct fold *fold, struct entity *site_entity, const struct lease *new) {
  struct site_state *site = entity_site(site_entity);
  struct lease own = *new;
  enum error err = store_own_lease(fold->store, &own);
  if (err != OK) return err;
  struct lease *there = (struct lease *)site_lease(site, new->id);
  if (there) {
    store_disown_lease(there);
  } else {
    struct lease *list = store_grow(site->leases, site->lease_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    site->leases = list;
    there = &list[site->lease_count++];
  }
  *there = own;
  store_mark(fold->store, site_entity);
  return OK;
}

static enum error remember_fact(struct fold *fold, struct entity *account_entity, const struct lease *lease) {
  if (!entity_present(account_entity)) {
    enum error err = store_create(fold->store, account_entity);
    if (err != OK) return err;
  }
  struct account_state *account = entity_account(account_entity);
  const char **facts = store_grow(account->facts, account->fact_count, sizeof *facts);
  if (!facts) return ERR_NO_MEMORY;
  account->facts = facts;
  const char *fact_id = store_intern(fold->store, fold->fact->envelope.fact_id);
  const char *id = store_intern(fold->store, lease->id);
  if (!fact_id || !id) return ERR_NO_MEMORY;
  account->lease = id;
  facts[account->fact_count++] = fact_id;
  store_mark(fold->store, account_entity);
  return OK;
}

enum error fold_lease(struct fold *fold, const struct lease *lease) {
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!site_entity) return refuse(fold, NULL, "unknown-site", fold->fact->envelope.site);
  struct site_state *site = entity_site(site_entity);
  const struct lease *old = site_lease(site, lease->id);
  struct entity *account = need_entity(fold, STORE_ACCOUNT, key_account(site->site.id, lease->id));
  struct unit unit;
  unit_need(fold, site_entity, lease->room, &unit);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (entity_present(account) && fact_applied(entity_account(account), fold->fact->envelope.fact_id)) return OK;
  const char *reason = refuse_lease(site, lease, old);
  if (reason) return refuse(fold, site, reason, lease->id);

  int64_t changes_s = lease_changes_from(old, lease);
  enum error err = put_lease(fold, site_entity, lease);
  if (err == OK) err = remember_fact(fold, account, lease);
  if (err != OK) return err;
  for (size_t i = 0; changes_s != 0 && i < unit.count; i++) {
    if (unit.states[i] && changes_s < entity_point(unit.states[i])->closed_until_s) {
      point_dirty(fold, site, unit.points[i], unit.states[i], changes_s);
    }
  }
  struct key member = due_member(DUE_BEGIN, site->site.id, lease->id, "");
  return store_due_set(fold->store, later(lease->from_s, fold->now_s), member.text);
}

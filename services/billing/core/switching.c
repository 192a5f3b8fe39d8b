// SPDX-License-Identifier: Apache-2.0
// Supplies: the desired state of a point with its version, control's question whether it still holds, and what the
// meter's own state confirmed. A higher version supersedes; so the answer depends on the order of the log alone.
#include <stdlib.h>
#include <string.h>

#include "billing/core/accounts.h"

#include "base/canary.h"

static bool switches(const struct installation *installation) {
  return installation->switch_kind == SWITCH_RELAY || installation->switch_kind == SWITCH_VALVE;
}

void switches_need(struct fold *fold, const struct unit *unit) {
  for (size_t i = 0; i < unit->site->installation_count; i++) {
    const struct installation *installation = &unit->site->installations[i];
    if (!switches(installation)) continue;
    for (size_t k = 0; k < unit->count; k++) {
      bool here = strcmp(unit->points[k]->id, installation->service_point) == 0;
      if (here) device_need(fold, unit->site, installation->device);
    }
  }
}

static const char *switch_id(struct fold *fold, const char *site, const struct point_state *point) {
  const char *kind = point->desired == SUPPLY_OFF ? "disconnect" : "reconnect";
  return fold_text(fold, "%s:%s:%s:v%llu", kind, site, point->id, (unsigned long long)point->desired_version);
}

void switch_to(struct fold *fold, const struct tenancy *tenancy, size_t index, enum supply supply) {
  const struct service_point *where = tenancy->room.points[index];
  struct point_state *point = entity_point(tenancy->room.states[index]);
  const struct installation *by = point_switch(tenancy->site, where->id, fold->now_s);
  point->desired = supply;
  point->desired_version++;
  point->desired_lease = tenancy->lease->id;
  store_mark(fold->store, tenancy->room.states[index]);
  if (!by) return; // what could switch it has been taken away
  const char *id = switch_id(fold, tenancy->site->site.id, point);
  fold_decide(fold, &tenancy->site->site, DECISION_SWITCH_DUE, id)->switch_due = (struct switch_due){
      .service_point = point->id,
      .room = where->room,
      .lease = tenancy->lease->id,
      .commodity = where->commodity,
      .supply = supply,
      .meter = by->meter,
      .device = by->device,
      .switch_kind = by->switch_kind,
      .version = point->desired_version,
      .owed_e4 = account_overdue(tenancy->account, where->commodity, fold->now_s),
  };
  device_emit(fold, tenancy->site, by->device, fold->now_s);
}

// ---- intents

// The version that a decision's id names, if it is one of this point's; 0: it is not.
static uint64_t version_of(const char *id, const char *site, const char *point) {
  size_t kind = strcspn(id, ":");
  bool known = strncmp(id, "disconnect", kind) == 0 || strncmp(id, "reconnect", kind) == 0;
  const char *rest = id + kind;
  const char *const parts[] = {site, point};
  for (size_t i = 0; known && i < 2; i++) {
    size_t len = strlen(parts[i]);
    known = rest[0] == ':' && strncmp(rest + 1, parts[i], len) == 0;
    if (known) rest += 1 + len;
  }
  if (!known || rest[0] != ':' || rest[1] != 'v') return 0;
  uint64_t version = 0;
  for (rest += 2; *rest >= '0' && *rest <= '9' && version < UINT64_MAX / 100; rest++) {
    version = version * 10 + (uint64_t)(*rest - '0');
  }
  return *rest ? 0 : version;
}

// Why an intent to switch off does not hold, apart from its version; NULL: it does.
static const char *refuse_off(const struct fold *fold, const struct tenancy *tenancy, enum commodity commodity) {
  const struct arrears *arrears = &tenancy->account->arrears[commodity];
  if (!account_in_arrears(tenancy, commodity, fold->now_s) && !CANARY(PAID_BUT_CUT)) return "paid";
  if (!arrears->noticed || arrears->receipt_count == 0) return "no-notice";
  return lease_covers(tenancy->lease, fold->now_s) ? NULL : "superseded";
}

static const char *refuse_intent(struct fold *fold, const struct disconnect_intent *intent, const char *site,
                                 const struct service_point *where, const struct point_state *point,
                                 const struct tenancy *tenancy) {
  uint64_t version = version_of(intent->decision_id, site, point->id);
  if (version == 0 || version > point->desired_version) return "unknown";
  bool off = strncmp(intent->decision_id, "disconnect:", strlen("disconnect:")) == 0;
  const char *reason = off && tenancy ? refuse_off(fold, tenancy, where->commodity) : NULL;
  if (reason) return reason;
  return strcmp(intent->decision_id, switch_id(fold, site, point)) == 0 ? NULL : "superseded";
}

enum error fold_disconnect_intent(struct fold *fold, const struct disconnect_intent *intent) {
  const char *site_id = fold->fact->envelope.site;
  struct entity *site_entity = need_site(fold, site_id);
  struct entity *state = need_point(fold, site_id, intent->service_point);
  if (fold_waits(fold)) return ERR_AGAIN;
  const struct site_state *site = site_entity ? entity_site(site_entity) : NULL;
  const struct service_point *where = site ? site_point(site, intent->service_point) : NULL;
  struct tenancy tenancy;
  bool leased = where && state && tenancy_need(fold, site_id, entity_point(state)->desired_lease, &tenancy);
  if (fold_waits(fold)) return ERR_AGAIN;

  const char *reason = "unknown";
  if (where && state) {
    reason = refuse_intent(fold, intent, site->site.id, where, entity_point(state), leased ? &tenancy : NULL);
  }
  const char *id = fold_text(fold, "answer:%s", intent->command_id);
  struct decision *decision = fold_decide(fold, site ? &site->site : NULL, DECISION_INTENT_ANSWER, id);
  if (!site) decision->site = fold_text(fold, "%s", site_id);
  decision->intent_answer = (struct intent_answer){
      .command_id = fold_text(fold, "%s", intent->command_id),
      .decision_id = fold_text(fold, "%s", intent->decision_id),
      .service_point = fold_text(fold, "%s", intent->service_point),
      .confirmed = !reason,
      .reason = reason ? reason : "",
  };
  return OK;
}

// ---- outcomes

static void tell(struct fold *fold, const struct tenancy *tenancy, const struct service_point *where, uint64_t version,
                 enum supply supply) {
  const char *word = supply == SUPPLY_OFF ? "suspended" : "restored";
  const char *id =
      fold_text(fold, "%s:%s:%s:v%llu", word, tenancy->site->site.id, where->id, (unsigned long long)version);
  notice_decide(fold, tenancy, where->commodity, supply == SUPPLY_OFF ? NOTICE_SUSPENDED : NOTICE_RESTORED, id);
}

enum error fold_command_outcome(struct fold *fold, const struct command_outcome *outcome) {
  const char *site_id = fold->fact->envelope.site;
  bool confirmed =
      outcome->outcome == OUTCOME_CONFIRMED && (outcome->supply == SUPPLY_ON || outcome->supply == SUPPLY_OFF);
  if (!confirmed) return OK; // control keeps the trail; what is desired stays so
  struct entity *site_entity = need_site(fold, site_id);
  struct entity *state = need_point(fold, site_id, outcome->service_point);
  if (fold_waits(fold)) return ERR_AGAIN;
  const struct site_state *site = site_entity ? entity_site(site_entity) : NULL;
  const struct service_point *where = site ? site_point(site, outcome->service_point) : NULL;
  if (!where || !state) {
    fold_exception(fold, site ? &site->site : NULL, "unknown-service-point", outcome->service_point);
    return OK;
  }
  struct point_state *point = entity_point(state);
  struct tenancy tenancy;
  bool leased = tenancy_need(fold, site_id, point->desired_lease, &tenancy);
  if (fold_waits(fold)) return ERR_AGAIN;
  uint64_t version = version_of(outcome->decision_id, site->site.id, point->id);
  if (version == 0 || version > point->desired_version) {
    fold_exception(fold, &site->site, "unknown-decision", outcome->decision_id);
    return OK;
  }
  if (version <= point->confirmed_version) return OK; // told before, or overtaken
  bool was_off = point->supply == SUPPLY_OFF, changed = point->supply != outcome->supply;
  point->supply = outcome->supply;
  point->confirmed_version = version;
  store_mark(fold->store, state);
  // Of a superseded command nobody is told: it was about another debt, perhaps of another tenant. "Restored" is said
  // only to those who were without.
  bool tells = changed && version == point->desired_version && (outcome->supply == SUPPLY_OFF || was_off);
  if (leased && tells) tell(fold, &tenancy, where, version, outcome->supply);
  return OK;
}

// ---- devices

static struct device_shown *device_of(struct fold *fold, struct site_state *site, const char *device) {
  for (size_t i = 0; i < site->device_count; i++) {
    if (strcmp(site->devices[i].device, device) == 0) return &site->devices[i];
  }
  if (site->device_count >= site->installation_count + SITE_UNKNOWN_METERS_MAX) return NULL;
  struct device_shown *list = store_grow(site->devices, site->device_count, sizeof *list);
  const char *own = store_intern(fold->store, device);
  if (list) site->devices = list;
  if (!list || !own) {
    fold_fail(fold, ERR_NO_MEMORY);
    return NULL;
  }
  list[site->device_count] = (struct device_shown){.device = own, .updated_s = INT64_MIN};
  return &list[site->device_count++];
}

enum error fold_device_state(struct fold *fold, const struct device_state_fact *state) {
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!site_entity || !id_valid(state->device)) {
    fold_exception(fold, NULL, site_entity ? "bad-device" : "unknown-site", state->device);
    return OK;
  }
  struct site_state *site = entity_site(site_entity);
  device_need(fold, site, state->device);
  if (fold_waits(fold)) return ERR_AGAIN;
  struct device_shown *shown = device_of(fold, site, state->device);
  // By arrival: the device's own clock may be off, and its last will has none.
  int64_t heard_s = fold->fact->envelope.receive_time_ms / 1000;
  if (!shown || heard_s < shown->updated_s) return OK; // too many strangers, or older than what is known
  bool new = shown->updated_s == INT64_MIN || shown->online != state->online ||
             (state->supply != SUPPLY_UNKNOWN && shown->supply != state->supply);
  if (!new) return OK;
  shown->online = state->online;
  if (state->supply != SUPPLY_UNKNOWN) shown->supply = state->supply;
  shown->updated_s = heard_s;
  store_mark(fold->store, site_entity);
  device_emit(fold, site, shown->device, state->time_s);
  return OK;
}

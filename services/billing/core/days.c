// SPDX-License-Identifier: Apache-2.0
// Daily usage and the alert that a month exceeds the one before. A day's record is written anew with its whole month,
// since a late read may move any edge within it.
#include <string.h>

#include "base/bytes.h"
#include "billing/core/periods.h"

// The local days of a month: begins_s[day - 1], and the end behind the last.
struct calendar {
  int64_t begins_s[DAYS_MAX + 1];
  size_t count;
};

static struct calendar calendar_of(const struct zone *zone, struct month month) {
  struct calendar calendar = {.count = 0};
  for (int64_t at_s = month.from_s; at_s < month.until_s && calendar.count < DAYS_MAX;) {
    calendar.begins_s[calendar.count++] = at_s;
    at_s = zone_day_start_at(zone, at_s, 1);
  }
  calendar.begins_s[calendar.count] = month.until_s;
  return calendar;
}

struct day {
  int64_t usage;
  bool known;
  bool estimated;
};

// What the installation adds to the day; nothing when its opening is not known.
static void add_day(const struct chain *chain, const struct installation *installation, int64_t from_s, int64_t until_s,
                    struct day *day) {
  struct opening opening;
  struct boundary closing;
  if (installation->from_s > from_s) from_s = installation->from_s;
  if (installation->until_s != 0 && installation->until_s < until_s) until_s = installation->until_s;
  if (from_s >= until_s || !opening_of(chain, NULL, from_s, until_s, &opening)) return;
  if (!chain_at(chain, until_s, &closing)) return;
  day->usage += usage_of(installation, boundary_total(&closing) - opening.value - opening.offset);
  day->known = true;
  if (!quality_is_actual(opening.quality) || !quality_is_actual(closing.quality)) day->estimated = true;
}

static void days_of(struct fold *fold, const struct question *question, const struct installation *installation,
                    const struct calendar *calendar, struct day *days) {
  struct chain chain;
  if (!chain_around(fold, question, installation, NULL, &chain)) return;
  for (size_t i = 0; i < calendar->count; i++) {
    add_day(&chain, installation, calendar->begins_s[i], calendar->begins_s[i + 1], &days[i]);
  }
}

void days_write(struct fold *fold, const struct question *question, int64_t until_s) {
  struct calendar calendar = calendar_of(&question->site->site.zone, question->month);
  struct day days[DAYS_MAX] = {0};
  while (calendar.count > 0 && calendar.begins_s[calendar.count] > until_s) calendar.count--;
  for (size_t i = 0; i < question->slot->count; i++) {
    const struct installation *installation = question->slot->installations[i];
    if (!installation_overlaps(installation, question->month.from_s, until_s)) continue;
    days_of(fold, question, installation, &calendar, days);
  }
  uint8_t record[DAYS_SIZE];
  for (size_t i = 0; i < DAYS_MAX; i++) {
    bool known = i < calendar.count && days[i].known;
    int32_t quality = !known ? DAY_UNKNOWN : days[i].estimated ? QUALITY_ESTIMATED_LINEAR : QUALITY_VALID;
    put_le64(record + i * DAY_RECORD_SIZE, known ? (uint64_t)days[i].usage : 0);
    put_le32(record + i * DAY_RECORD_SIZE + 8, (uint32_t)quality);
  }
  struct key key = key_days(question->site->site.id, question->point->id, question->month.number);
  fold_fail(fold, store_set_days(fold->store, key.text, record));
}

// ---- alert

// The whole month before, closed, under the same lease.
static const struct period *month_to_compare(const struct question *question, const char *lease) {
  struct month before = month_before(&question->site->site.zone, question->month);
  size_t count, first = periods_of_month(question->state, before.number, &count);
  if (count != 1) return NULL;
  const struct period *period = &question->state->periods[first];
  bool whole = period->from_s == before.from_s && period->until_s == before.until_s && period->meter_count > 0;
  return whole && strcmp(period->lease, lease) == 0 ? period : NULL;
}

static bool *alerted(const struct question *question, struct point_state *state) {
  size_t count, first = periods_of_month(state, question->month.number, &count);
  return count ? &state->periods[first].alerted : NULL;
}

static void alert_persons(struct fold *fold, const struct question *question, const struct lease *lease,
                          struct usage_alert *alert) {
  if (lease) {
    alert->persons = fold_persons(fold, lease);
    alert->person_count = alert->persons ? lease->person_count : 0;
  } else if (question->site->site.landlord_person[0]) {
    const char **persons = fold_array(fold, 1, sizeof *persons);
    if (persons) persons[0] = question->site->site.landlord_person;
    alert->persons = persons;
    alert->person_count = persons ? 1 : 0;
  }
}

void alert_check(struct fold *fold, const struct question *question, struct entity *point, int64_t usage,
                 const char *lease) {
  struct point_state *state = entity_point(point);
  bool *given = alerted(question, state);
  const struct period *before = month_to_compare(question, lease);
  bool again = given ? *given : state->alerted_month == question->month.number;
  if (again || !before || usage <= before->usage) return;
  if (given) {
    *given = true;
  } else {
    state->alerted_month = question->month.number;
  }
  store_mark(fold->store, point);
  const char *month = month_text(fold, question->month.number);
  const struct site *site = &question->site->site;
  const char *id = fold_text(fold, "alert:%s:%s:%s", site->id, state->id, month);
  struct decision *decision = fold_decide(fold, site, DECISION_USAGE_ALERT, id);
  decision->usage_alert = (struct usage_alert){
      .service_point = state->id,
      .room = question->point->room,
      .lease = lease,
      .commodity = question->point->commodity,
      .period = month,
      .usage = usage,
      .last_usage = before->usage,
  };
  alert_persons(fold, question, site_lease(question->site, lease), &decision->usage_alert);
}

// ---- the close of a day

// Usage since the month's beginning, up to the last accepted read before the instant.
static int64_t usage_to_date(struct fold *fold, const struct question *question, int64_t until_s) {
  int64_t usage = 0;
  for (size_t i = 0; i < question->slot->count; i++) {
    const struct installation *installation = question->slot->installations[i];
    int64_t from_s = question->month.from_s;
    if (!installation_overlaps(installation, from_s, until_s)) continue;
    if (installation->from_s > from_s) from_s = installation->from_s;
    const struct bill_meter *frozen =
        frozen_closing(question->state->periods, question->state->period_count, installation->id, from_s);
    struct chain chain;
    struct opening opening;
    if (!chain_around(fold, question, installation, frozen, &chain)) continue;
    if (!opening_of(&chain, frozen, from_s, until_s, &opening)) continue;
    int64_t end_s = installation->until_s != 0 && installation->until_s < until_s ? installation->until_s : until_s;
    const struct chain_read *last = chain_last_before(&chain, end_s);
    if (!last || last->time_s < from_s) continue;
    usage += usage_of(installation, last->value + last->offset - opening.value - opening.offset);
  }
  return usage;
}

enum error step_day(struct fold *fold, const struct step *step) {
  struct entity *site_entity = need_site(fold, step->due.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  const struct site_state *site = site_entity ? entity_site(site_entity) : NULL;
  struct site_index *index = site ? site_index_of(fold, site_entity) : NULL;
  if (site && !index) return ERR_NO_MEMORY;
  const struct point_slot *slot = index ? index_point(index, step->due.what) : NULL;
  if (!slot) return store_due_remove(fold->store, step->member);
  const struct service_point *point = slot->point;
  struct entity *state = need_point(fold, site->site.id, point->id);
  struct month month = month_at(&site->site.zone, step->instant_s - 1);
  vectors_need_point(fold, site, slot, month);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!state) return store_due_remove(fold->store, step->member);

  struct question question = {site, point, slot, entity_point(state), month};
  days_write(fold, &question, step->instant_s);
  const struct lease *lease = point->room[0] ? room_lease(site, point->room, step->instant_s - 1) : NULL;
  alert_check(fold, &question, state, usage_to_date(fold, &question, step->instant_s), lease ? lease->id : "");
  int64_t next_s = zone_day_start_at(&site->site.zone, step->instant_s, 1);
  return store_due_set(fold->store, next_s, step->member);
}

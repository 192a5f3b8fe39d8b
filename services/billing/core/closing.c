// SPDX-License-Identifier: Apache-2.0
// The close of a month, and its cancelling and closing anew when late reads or late news moved it. Both go over one
// unit and one month a step, so a step's memory and writes are bounded.
#include <string.h>

#include "billing/core/bills.h"

// What both steps work on.
struct closing {
  struct unit unit;
  struct month month;
  struct segment *segments;
  size_t segment_count;
  struct tenancy *tenancies; // of all leases of the room, in the order of the site
  bool *moved;               // of each of them: closing anew changed a period of it
  size_t tenancy_count;
};

static struct question question_of(struct fold *fold, const struct closing *closing, size_t at) {
  const struct unit *unit = &closing->unit;
  struct site_index *index = site_index_of(fold, unit->site_entity); // it is there: closing_need has used it
  const struct service_point *point = unit->points[at];
  return (struct question){unit->site, point, index_point(index, point->id), entity_point(unit->states[at]),
                           closing->month};
}

// Looks up everything of the unit and its month; false: not loaded, or nothing to do any more.
static bool closing_need(struct fold *fold, struct closing *closing) {
  const struct unit *unit = &closing->unit;
  closing->segments = segments_of(fold, unit, closing->month, &closing->segment_count);
  closing->tenancies = arena_array(fold->scratch, unit->site->lease_count, sizeof *closing->tenancies);
  closing->moved = arena_array(fold->scratch, unit->site->lease_count, sizeof *closing->moved);
  if (!closing->segments || !closing->tenancies || !closing->moved) {
    fold_fail(fold, ERR_NO_MEMORY);
    return false;
  }
  vectors_need(fold, unit, closing->month);
  switches_need(fold, unit);
  for (size_t i = 0; unit->room[0] && i < unit->site->lease_count; i++) {
    const struct lease *lease = &unit->site->leases[i];
    if (strcmp(lease->room, unit->room) != 0) continue;
    struct tenancy *tenancy = &closing->tenancies[closing->tenancy_count];
    if (tenancy_of_unit(fold, unit, lease, tenancy)) closing->tenancy_count++;
  }
  return !fold_waits(fold) && fold->error == OK;
}

static const char *lease_at_end(const struct closing *closing) {
  return closing->segment_count ? closing->segments[closing->segment_count - 1].lease : "";
}

// Freezes the drafts as the point's month and says so.
static void freeze(struct fold *fold, const struct closing *closing, size_t index, struct period *drafts,
                   size_t count) {
  struct entity *entity = closing->unit.states[index];
  struct point_state *state = entity_point(entity);
  size_t kept, first = periods_of_month(state, closing->month.number, &kept);
  uint32_t revision = kept ? state->periods[first].revision + 1 : 0;
  bool alerted = kept ? state->periods[first].alerted : state->alerted_month == closing->month.number;
  for (size_t i = 0; i < count; i++) {
    drafts[i].revision = revision;
    drafts[i].alerted = alerted;
  }
  periods_replace(fold, entity, closing->month.number, drafts, count);
  if (fold->error != OK || count == 0) return;

  const struct site *site = &closing->unit.site->site;
  const char *month = month_text(fold, closing->month.number);
  const char *id = fold_text(fold, "usage:%s:%s:%s:r%u", site->id, state->id, month, revision);
  fold_decide(fold, site, DECISION_USAGE_CLOSED, id)->usage_closed = (struct usage_closed){
      .service_point = state->id,
      .room = closing->unit.points[index]->room,
      .commodity = closing->unit.points[index]->commodity,
      .from_s = drafts[0].from_s,
      .until_s = drafts[count - 1].until_s,
      .usage = periods_usage(drafts, count),
      .quality = periods_quality(drafts, count),
      .revision = revision,
  };
  struct question question = question_of(fold, closing, index);
  if (count == 1) alert_check(fold, &question, entity, drafts[0].usage, lease_at_end(closing));
}

// ---- the first close

static void close_point(struct fold *fold, const struct closing *closing, size_t index) {
  struct question question = question_of(fold, closing, index);
  struct point_state *state = entity_point(closing->unit.states[index]);
  size_t count;
  struct period *drafts = periods_draft(fold, &question, closing->segments, closing->segment_count, &count);
  if (drafts && count > 0) freeze(fold, closing, index, drafts, count);
  if (count > 0) days_write(fold, &question, closing->month.until_s);
  state->closed_until_s = closing->month.until_s;
  store_mark(fold->store, closing->unit.states[index]);
}

enum error step_close(struct fold *fold, const struct step *step) {
  struct entity *site_entity = need_site(fold, step->due.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  struct closing closing = {.tenancy_count = 0};
  bool there = site_entity && unit_need(fold, site_entity, step->due.what, &closing.unit);
  if (fold_waits(fold)) return ERR_AGAIN;
  int64_t from_s = there ? unit_closed_until(&closing.unit) : 0;
  if (there && from_s == 0) from_s = unit_first_from(&closing.unit);
  if (from_s == 0) return store_due_remove(fold->store, step->member);
  const struct site *site = &closing.unit.site->site;
  closing.month = month_at(&site->zone, from_s);
  if (!closing_need(fold, &closing)) return fold_waits(fold) ? ERR_AGAIN : fold->error;

  for (size_t i = 0; i < closing.unit.count; i++) close_point(fold, &closing, i);
  vectors_rewrite(fold, &closing.unit, closing.month);
  for (size_t i = 0; i < closing.tenancy_count; i++) {
    bill_issue(fold, &closing.tenancies[i], closing.month, step->instant_s, true);
  }
  struct month next = month_at(&site->zone, closing.month.until_s);
  int64_t next_s = next.until_s + (int64_t)site->grace_hours * HOUR_S;
  if (next_s < step->instant_s) next_s = step->instant_s; // catching up: never before what it follows
  return store_due_set(fold->store, next_s, step->member);
}

// ---- closing anew

static int64_t dirty_from(const struct unit *unit) {
  int64_t from_s = 0;
  for (size_t i = 0; i < unit->count; i++) {
    int64_t one_s = entity_point(unit->states[i])->dirty_from_s;
    if (one_s != 0 && (from_s == 0 || one_s < from_s)) from_s = one_s;
  }
  return from_s;
}

static const struct period *of_lease(const struct period *periods, size_t count, const char *lease) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(periods[i].lease, lease) == 0) return &periods[i];
  }
  return NULL;
}

// Notes which leases' periods the drafts change.
static void note_moved(struct closing *closing, const struct point_state *state, const struct period *drafts,
                       size_t count) {
  size_t kept, first = periods_of_month(state, closing->month.number, &kept);
  for (size_t i = 0; i < closing->tenancy_count; i++) {
    const char *lease = closing->tenancies[i].lease->id;
    const struct period *was = kept ? of_lease(state->periods + first, kept, lease) : NULL;
    if (period_differs(was, of_lease(drafts, count, lease), 0)) closing->moved[i] = true;
  }
}

// No meter hangs there any more, but the month was closed: that nothing was used is told with its next revision.
static size_t empty_month(const struct closing *closing, const struct point_state *state, struct period *drafts) {
  size_t kept;
  periods_of_month(state, closing->month.number, &kept);
  const struct month *month = &closing->month;
  drafts[0] =
      (struct period){.month = month->number, .from_s = month->from_s, .until_s = month->until_s, .lease = ""};
  return kept > 0;
}

// Closes a dirty point's month anew.
static void reclose_point(struct fold *fold, struct closing *closing, size_t index) {
  struct question question = question_of(fold, closing, index);
  struct point_state *state = entity_point(closing->unit.states[index]);
  if (state->dirty_from_s == 0 || state->dirty_from_s >= closing->month.until_s) return;
  int64_t tolerance = closing->unit.site->site.rebill_tolerance[question.point->commodity];
  size_t count;
  struct period *drafts = periods_draft(fold, &question, closing->segments, closing->segment_count, &count);
  if (!drafts || fold->error != OK) return;
  if (count == 0) count = empty_month(closing, state, drafts);
  if (periods_moved(state, drafts, count, closing->month.number, tolerance)) {
    note_moved(closing, state, drafts, count);
    freeze(fold, closing, index, drafts, count);
  } else {
    periods_keep(fold, closing->unit.states[index], closing->month.number, drafts, count);
  }
  days_write(fold, &question, closing->month.until_s);
  state->dirty_from_s = closing->month.until_s < state->closed_until_s ? closing->month.until_s : 0;
  store_mark(fold->store, closing->unit.states[index]);
}

enum error step_amend(struct fold *fold, const struct step *step) {
  struct entity *site_entity = need_site(fold, step->due.site);
  if (fold_waits(fold)) return ERR_AGAIN;
  struct closing closing = {.tenancy_count = 0};
  bool there = site_entity && unit_need(fold, site_entity, step->due.what, &closing.unit);
  if (fold_waits(fold)) return ERR_AGAIN;
  int64_t from_s = there ? dirty_from(&closing.unit) : 0;
  if (from_s == 0) return store_due_remove(fold->store, step->member);
  closing.month = month_at(&closing.unit.site->site.zone, from_s);
  if (!closing_need(fold, &closing)) return fold_waits(fold) ? ERR_AGAIN : fold->error;

  for (size_t i = 0; i < closing.unit.count; i++) reclose_point(fold, &closing, i);
  for (size_t i = 0; i < closing.tenancy_count; i++) {
    bill_issue(fold, &closing.tenancies[i], closing.month, fold->now_s, !closing.moved[i]);
  }
  if (dirty_from(&closing.unit) != 0) return store_due_set(fold->store, step->instant_s, step->member);
  return store_due_remove(fold->store, step->member);
}

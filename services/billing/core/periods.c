// SPDX-License-Identifier: Apache-2.0
// Where a period's meter stood: at its opening the frozen closing of the period before, at its closing the boundary of
// the chain. So windows sum exactly to the register's difference, whatever arrives later.
#include "billing/core/periods.h"

#include <stdlib.h>
#include <string.h>

#include "domain/reads.h"

__extension__ typedef __int128 wide;

#define USAGE_MAX 1000000000000000 // a section's quantity is held within, so that its amounts have room

// ---- segments

// The lease of the room that holds at or begins first behind the instant, before the end.
static const struct lease *next_lease(const struct unit *unit, int64_t at_s, int64_t end_s) {
  const struct lease *next = NULL;
  if (!unit->room[0]) return NULL;
  for (size_t i = 0; i < unit->site->lease_count; i++) {
    const struct lease *lease = &unit->site->leases[i];
    if (strcmp(lease->room, unit->room) != 0) continue;
    if ((lease->until_s != 0 && lease->until_s <= at_s) || lease->from_s >= end_s) continue;
    if (!next || lease->from_s < next->from_s) next = lease;
  }
  return next;
}

struct segment *segments_of(struct fold *fold, const struct unit *unit, struct month month, size_t *count) {
  struct segment *segments = arena_array(fold->scratch, 2 * unit->site->lease_count + 1, sizeof *segments);
  *count = 0;
  if (!segments) {
    fold_fail(fold, ERR_NO_MEMORY);
    return NULL;
  }
  for (int64_t at_s = month.from_s; at_s < month.until_s;) {
    const struct lease *lease = next_lease(unit, at_s, month.until_s);
    int64_t from_s = lease ? lease->from_s : month.until_s;
    if (from_s > at_s) {
      segments[(*count)++] = (struct segment){at_s, from_s, ""};
      at_s = from_s;
    }
    if (!lease) break;
    int64_t until_s = lease->until_s != 0 && lease->until_s < month.until_s ? lease->until_s : month.until_s;
    segments[(*count)++] = (struct segment){at_s, until_s, lease->id};
    at_s = until_s;
  }
  return segments;
}

// ---- vectors: a local month lies within its UTC month and the ones beside it, with the reads around its edges

enum { MONTHS_AROUND = 3 };

static struct key vector_key(const struct site_state *site, const struct installation *installation, struct month month,
                             int32_t shift) {
  return key_reads(site->site.id, installation->meter, installation->reg, reads_month_add(month.number, shift));
}

void vectors_need_point(struct fold *fold, const struct site_state *site, const struct point_slot *slot,
                        struct month month) {
  for (size_t i = 0; i < slot->count; i++) {
    if (!installation_overlaps(slot->installations[i], month.from_s, month.until_s)) continue;
    for (int32_t shift = -1; shift <= 1; shift++) {
      need_entity(fold, STORE_READS, vector_key(site, slot->installations[i], month, shift));
    }
  }
}

void vectors_need(struct fold *fold, const struct unit *unit, struct month month) {
  struct site_index *index = site_index_of(fold, unit->site_entity);
  if (!index) fold_fail(fold, ERR_NO_MEMORY);
  for (size_t i = 0; index && i < unit->count; i++) {
    vectors_need_point(fold, unit->site, index_point(index, unit->points[i]->id), month);
  }
}

static void rewrite_point(struct fold *fold, const struct site_state *site, const struct point_slot *slot,
                          struct month month) {
  for (size_t i = 0; i < slot->count; i++) {
    if (!installation_overlaps(slot->installations[i], month.from_s, month.until_s)) continue;
    struct entity *reads = need_entity(fold, STORE_READS, vector_key(site, slot->installations[i], month, 0));
    if (reads && entity_present(reads)) store_rewrite_reads(fold->store, reads);
  }
}

void vectors_rewrite(struct fold *fold, const struct unit *unit, struct month month) {
  struct site_index *index = site_index_of(fold, unit->site_entity);
  if (!index) fold_fail(fold, ERR_NO_MEMORY);
  for (size_t i = 0; index && i < unit->count; i++) {
    rewrite_point(fold, unit->site, index_point(index, unit->points[i]->id), month);
  }
}

static struct chain_month load(struct fold *fold, const struct question *question,
                               const struct installation *installation, int32_t shift) {
  struct key key = vector_key(question->site, installation, question->month, shift);
  struct entity *reads = need_entity(fold, STORE_READS, key);
  struct chain_month month = {.month = reads_month_add(question->month.number, shift)};
  if (reads) month.vector = entity_reads(reads);
  return month;
}

// The opening as a vector of one read, in the fold's chain arena.
static bool opening_as_read(struct fold *fold, const struct bill_meter *opening, struct chain_month *out) {
  uint32_t second;
  struct buffer vector;
  struct reads_change change;
  out->month = reads_month(opening->present_time_s, &second);
  buffer_init(&vector, READ_SIZE);
  int64_t value = opening->present_value > 0 ? opening->present_value : 0;
  enum error err = reads_merge(&vector, (struct read){second, RANK_DEVICE, value}, &change);
  if (err == OK) out->vector = arena_bytes(fold->chains, buffer_bytes(&vector));
  buffer_fini(&vector);
  if (err != OK || !out->vector.data) fold_fail(fold, ERR_NO_MEMORY);
  return fold->error == OK;
}

bool chain_around(struct fold *fold, const struct question *question, const struct installation *installation,
                  const struct bill_meter *opening, struct chain *out) {
  arena_reset(fold->chains);
  struct chain_month months[1 + MONTHS_AROUND];
  for (int32_t shift = -1; shift <= 1; shift++) months[2 + shift] = load(fold, question, installation, shift);
  struct chain_limits limits = {installation->max_rate_per_hour, installation->backflow_max, installation->slack,
                                installation->rollover};
  enum error err = chain_build(months + 1, MONTHS_AROUND, &limits, fold->chains, out);
  if (err == OK && opening && !chain_last_before(out, opening->present_time_s + 1)) {
    if (!opening_as_read(fold, opening, &months[0])) return false;
    err = chain_build(months, 1 + MONTHS_AROUND, &limits, fold->chains, out);
  }
  fold_fail(fold, err);
  return err == OK;
}

// ---- edges

const struct bill_meter *frozen_closing(const struct period *periods, size_t count, const char *installation,
                                        int64_t at_s) {
  for (size_t i = count; i > 0; i--) {
    const struct period *period = &periods[i - 1];
    for (size_t k = 0; k < period->meter_count; k++) {
      const struct period_meter *meter = &period->meters[k];
      if (meter->shown.present_time_s == at_s && strcmp(meter->installation, installation) == 0) return &meter->shown;
    }
  }
  return NULL;
}

bool opening_of(const struct chain *chain, const struct bill_meter *frozen, int64_t from_s, int64_t until_s,
                struct opening *out) {
  struct boundary boundary;
  bool bounded = chain_at(chain, from_s, &boundary);
  if (bounded) *out = (struct opening){from_s, boundary.value, boundary.offset, boundary.quality};
  if (bounded && frozen) {
    out->value = frozen->present_value;
    out->quality = frozen->present_quality;
  }
  if (bounded) return true;
  const struct chain_read *first = chain_first_from(chain, from_s);
  if (!first || first->time_s >= until_s) return false;
  enum quality quality = first->rank >= RANK_EDIT_0 ? QUALITY_EDITED : QUALITY_VALID;
  *out = (struct opening){first->time_s, first->value, first->offset, quality};
  return true;
}

int64_t usage_of(const struct installation *installation, int64_t difference) {
  wide product = (wide)difference * installation->multiplier_num;
  wide usage = product / installation->multiplier_den - (product % installation->multiplier_den < 0);
  if (usage > USAGE_MAX) return USAGE_MAX;
  return usage < -USAGE_MAX ? -USAGE_MAX : (int64_t)usage;
}

// Up to where a read can still move a closing: the read that it rests on last, and those behind that can unmake it; or
// as far as the chain looks when none has come.
static int64_t bracket(const struct question *question, const struct boundary *closing, int64_t at_s) {
  if (closing->before_s == at_s) return at_s + CHAIN_LOOKAHEAD_S;
  if (closing->after_s) return closing->after_s + CHAIN_LOOKAHEAD_S;
  return reads_month_start(reads_month_add(question->month.number, 2)) - 1;
}

// Both edges of an installation between two instants; false: its opening is not known, so it counts nothing.
static bool measure(struct fold *fold, const struct question *question, const struct installation *installation,
                    const struct bill_meter *frozen, const struct segment *within, struct period_meter *out) {
  struct chain chain;
  struct opening opening;
  struct boundary closing;
  if (!chain_around(fold, question, installation, frozen, &chain)) return false;
  if (!opening_of(&chain, frozen, within->from_s, within->until_s, &opening)) return false;
  if (!chain_at(&chain, within->until_s, &closing)) return false;
  int64_t difference = boundary_total(&closing) - opening.value - opening.offset;
  *out = (struct period_meter){
      .installation = installation->id,
      .closing_after_s = bracket(question, &closing, within->until_s),
      .shown =
          {
              .meter = installation->meter,
              .reg = installation->reg,
              .previous_time_s = opening.time_s,
              .previous_value = opening.value,
              .previous_quality = opening.quality,
              .present_time_s = within->until_s,
              .present_value = closing.value,
              .present_quality = closing.quality,
              .multiplier_num = installation->multiplier_num,
              .multiplier_den = installation->multiplier_den,
              .carried = closing.offset - opening.offset,
              .quantity = usage_of(installation, difference),
          },
  };
  return true;
}

// ---- drafts

struct drafts {
  struct period *periods;
  size_t count;
};

// The closing that an installation goes on from: of an earlier draft of the month, or of an earlier month.
static const struct bill_meter *predecessor(const struct question *question, const struct drafts *drafts,
                                            const char *installation, int64_t at_s) {
  const struct bill_meter *found = frozen_closing(drafts->periods, drafts->count, installation, at_s);
  if (found) return found;
  size_t kept, before = periods_of_month(question->state, question->month.number, &kept);
  return frozen_closing(question->state->periods, before, installation, at_s);
}

static void draft_segment(struct fold *fold, const struct question *question, const struct segment *segment,
                          struct drafts *drafts) {
  const struct point_slot *slot = question->slot;
  struct period_meter *meters = arena_array(fold->scratch, slot->count, sizeof *meters);
  if (!meters) fold_fail(fold, ERR_NO_MEMORY);
  struct period period = {.month = question->month.number,
                          .from_s = segment->from_s,
                          .until_s = segment->until_s,
                          .lease = segment->lease,
                          .meters = meters};
  bool hangs = false;
  for (size_t i = 0; meters && i < slot->count; i++) {
    const struct installation *installation = slot->installations[i];
    if (!installation_overlaps(installation, segment->from_s, segment->until_s)) continue;
    struct segment within = *segment;
    if (installation->from_s > within.from_s) within.from_s = installation->from_s;
    if (installation->until_s != 0 && installation->until_s < within.until_s) within.until_s = installation->until_s;
    const struct bill_meter *frozen = predecessor(question, drafts, installation->id, within.from_s);
    hangs = true;
    if (!measure(fold, question, installation, frozen, &within, &meters[period.meter_count])) continue;
    period.usage += meters[period.meter_count++].shown.quantity;
  }
  if (hangs) drafts->periods[drafts->count++] = period;
}

struct period *periods_draft(struct fold *fold, const struct question *question, const struct segment *segments,
                             size_t segment_count, size_t *count) {
  struct drafts drafts = {arena_array(fold->scratch, segment_count, sizeof *drafts.periods), 0};
  *count = 0;
  if (!drafts.periods) {
    fold_fail(fold, ERR_NO_MEMORY);
    return NULL;
  }
  for (size_t i = 0; i < segment_count; i++) draft_segment(fold, question, &segments[i], &drafts);
  *count = drafts.count;
  return drafts.periods;
}

// ---- stored periods

size_t periods_of_month(const struct point_state *state, uint32_t month, size_t *count) {
  size_t first = 0;
  while (first < state->period_count && state->periods[first].month < month) first++;
  *count = 0;
  while (first + *count < state->period_count && state->periods[first + *count].month == month) (*count)++;
  return first;
}

int64_t periods_usage(const struct period *periods, size_t count) {
  int64_t usage = 0;
  for (size_t i = 0; i < count; i++) usage += periods[i].usage;
  return usage;
}

static int badness(enum quality quality) {
  switch (quality) {
  case QUALITY_VALID:
    return 0;
  case QUALITY_VALIDATED:
    return 1;
  case QUALITY_EDITED:
    return 2;
  case QUALITY_DERIVED:
    return 3;
  case QUALITY_ESTIMATED_REFERENCE_DAY:
    return 4;
  case QUALITY_ESTIMATED_LINEAR:
    return 5;
  case QUALITY_QUESTIONABLE:
    return 6;
  }
  return 6;
}

static enum quality worse(enum quality a, enum quality b) {
  return badness(a) >= badness(b) ? a : b;
}

enum quality periods_quality(const struct period *periods, size_t count) {
  enum quality worst = QUALITY_VALID;
  size_t meters = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < periods[i].meter_count; k++, meters++) {
      const struct bill_meter *shown = &periods[i].meters[k].shown;
      worst = worse(worst, worse(shown->previous_quality, shown->present_quality));
    }
  }
  return meters ? worst : QUALITY_ESTIMATED_LINEAR; // nothing was read: the zero is a guess
}

static bool apart(int64_t a, int64_t b, int64_t tolerance) {
  return a - b > tolerance || b - a > tolerance;
}

static bool meter_differs(const struct period_meter *was, const struct period_meter *is, int64_t tolerance) {
  const struct bill_meter *a = &was->shown, *b = &is->shown;
  return strcmp(was->installation, is->installation) != 0 || a->carried != b->carried ||
         apart(a->previous_value, b->previous_value, tolerance) || apart(a->present_value, b->present_value, tolerance);
}

bool period_differs(const struct period *was, const struct period *is, int64_t tolerance) {
  if (!was || !is) return was != is;
  if (was->from_s != is->from_s || was->until_s != is->until_s || strcmp(was->lease, is->lease) != 0) return true;
  if (was->meter_count != is->meter_count || apart(was->usage, is->usage, tolerance)) return true;
  for (size_t i = 0; i < was->meter_count; i++) {
    if (meter_differs(&was->meters[i], &is->meters[i], tolerance)) return true;
  }
  return false;
}

// Whether a meter opens elsewhere than the month before, closed anew, now closes.
static bool reopened(const struct point_state *state, size_t first, const struct period *period) {
  for (size_t i = 0; i < period->meter_count; i++) {
    const struct period_meter *meter = &period->meters[i];
    const struct bill_meter *opens =
        frozen_closing(state->periods, first, meter->installation, meter->shown.previous_time_s);
    if (opens && opens->present_value != meter->shown.previous_value) return true;
  }
  return false;
}

bool periods_moved(const struct point_state *state, const struct period *drafts, size_t count, uint32_t month,
                   int64_t tolerance) {
  size_t kept, first = periods_of_month(state, month, &kept);
  if (kept != count) return true;
  for (size_t i = 0; i < count; i++) {
    const struct period *was = &state->periods[first + i];
    if (period_differs(was, &drafts[i], tolerance) || reopened(state, first, was)) return true;
  }
  return false;
}

void periods_keep(struct fold *fold, struct entity *point, uint32_t month, const struct period *drafts, size_t count) {
  struct point_state *state = entity_point(point);
  size_t kept, first = periods_of_month(state, month, &kept);
  for (size_t i = 0; i < kept && i < count; i++) {
    struct period *period = &state->periods[first + i];
    for (size_t k = 0; k < period->meter_count && k < drafts[i].meter_count; k++) {
      struct period_meter *was = &period->meters[k];
      const struct bill_meter *is = &drafts[i].meters[k].shown;
      was->closing_after_s = drafts[i].meters[k].closing_after_s;
      if (was->shown.previous_value == is->previous_value) was->shown.previous_quality = is->previous_quality;
      if (was->shown.present_value == is->present_value) was->shown.present_quality = is->present_quality;
    }
  }
  store_mark(fold->store, point);
}

static bool own_period(struct period *period) {
  const struct period_meter *from = period->meters;
  period->meters = malloc((period->meter_count ? period->meter_count : 1) * sizeof *from);
  if (!period->meters) return false;
  if (period->meter_count) memcpy(period->meters, from, period->meter_count * sizeof *from);
  return true;
}

void periods_replace(struct fold *fold, struct entity *point, uint32_t month, const struct period *drafts,
                     size_t count) {
  struct point_state *state = entity_point(point);
  size_t kept, first = periods_of_month(state, month, &kept);
  size_t behind = state->period_count - first - kept, total = first + count + behind;
  struct period *list = malloc((total ? total : 1) * sizeof *list);
  if (!list) {
    fold_fail(fold, ERR_NO_MEMORY);
    return;
  }
  for (size_t i = 0; i < kept; i++) free(state->periods[first + i].meters);
  if (first) memcpy(list, state->periods, first * sizeof *list);
  for (size_t i = 0; i < count; i++) {
    list[first + i] = drafts[i];
    if (!own_period(&list[first + i])) fold_fail(fold, ERR_NO_MEMORY);
  }
  if (behind) memcpy(list + first + count, state->periods + first + kept, behind * sizeof *list);
  size_t surplus = total > POINT_PERIODS_MAX ? total - POINT_PERIODS_MAX : 0;
  for (size_t i = 0; i < surplus; i++) free(list[i].meters);
  if (surplus) memmove(list, list + surplus, (total - surplus) * sizeof *list);
  free(state->periods);
  state->periods = list;
  state->period_count = total - surplus;
  store_mark(fold->store, point);
}

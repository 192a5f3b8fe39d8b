// SPDX-License-Identifier: Apache-2.0
// Heads, and so the checks, differ from the first altered record on. So the first check that differs is its place. To
// tell a change from a gap the walk goes on from a head behind it, which is known, over the records that it has kept
// from the place on: where the next checks agree again, the distance says how many were removed or put in between.
#include "riserctl/seal_trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
  WINDOW = 4 * SEAL_SPAN, // records kept from the place on
  SHIFT_MAX = SEAL_SPAN,  // longer gaps and insertions are told by numbers alone
  AGREE_MAX = 8,          // checks in a row that are looked at
  WINDOW_BYTES = 256 * 1024 * 1024,
};

const char *const seal_verdicts[] = {
    [SEAL_WHOLE] = "whole",       [SEAL_CHANGED] = "changed", [SEAL_REMOVED] = "removed",
    [SEAL_INSERTED] = "inserted", [SEAL_ALTERED] = "altered", [SEAL_UNKNOWN] = "unknown",
};

struct check {
  uint8_t bytes[SEAL_CHECK];
  bool known;
};

struct head {
  struct seal seal;
  const char *source;
};

struct seal_trail {
  const char *chain;
  struct check *checks; // of record i at [i - 1]
  size_t check_count;
  struct head *heads;
  size_t head_count, next_head;
  bool sorted;
  int64_t folded_until;
  // The walk.
  struct arena *arena;
  struct seal seal;
  struct seal_place before; // the record before the one that is looked at
  struct buffer before_value;
  struct seal_place agreed;   // the last one up to which a head agreed
  struct seal_finding found;  // CHANGED: where a check differed; ALTERED: a head only
  struct seal_record *window; // from where a check differed on
  size_t window_count;
  uint64_t window_from;     // the number of the first
  struct seal_place folded; // the last record below folded_until
  struct seal_place ended;  // the last record
};

struct seal_trail *seal_trail_new(const char *chain) {
  struct seal_trail *trail = calloc(1, sizeof *trail);
  if (!trail) return NULL;
  trail->chain = chain;
  trail->arena = arena_new(WINDOW_BYTES);
  buffer_init(&trail->before_value, WINDOW_BYTES);
  trail->window = calloc(WINDOW, sizeof *trail->window);
  if (trail->arena && trail->window) return trail;
  seal_trail_free(trail);
  return NULL;
}

void seal_trail_free(struct seal_trail *trail) {
  if (!trail) return;
  arena_free(trail->arena);
  buffer_fini(&trail->before_value);
  free(trail->window);
  free(trail->checks);
  free(trail->heads);
  free(trail);
}

// ---- what is known

enum error seal_trail_checks(struct seal_trail *trail, uint64_t until, struct bytes checks) {
  size_t count = checks.len / SEAL_CHECK;
  if (checks.len % SEAL_CHECK || count > until || until > SEAL_RECORDS_MAX) return ERR_CORRUPT;
  if (until > trail->check_count) {
    size_t room = (size_t)until + until / 2;
    struct check *larger = realloc(trail->checks, room * sizeof *larger);
    if (!larger) return ERR_NO_MEMORY;
    memset(larger + trail->check_count, 0, (room - trail->check_count) * sizeof *larger);
    trail->checks = larger;
    trail->check_count = room;
  }
  for (size_t i = 0; i < count; i++) {
    struct check *check = &trail->checks[until - count + i];
    memcpy(check->bytes, checks.data + i * SEAL_CHECK, SEAL_CHECK);
    check->known = true;
  }
  return OK;
}

enum error seal_trail_head(struct seal_trail *trail, const struct seal *seal, const char *source) {
  if (seal->records == 0) return OK;
  if (seal->records > SEAL_RECORDS_MAX) return ERR_CORRUPT;
  if ((trail->head_count & (trail->head_count - 1)) == 0) { // full: at every power of two
    struct head *larger = realloc(trail->heads, (trail->head_count ? 2 * trail->head_count : 1) * sizeof *larger);
    if (!larger) return ERR_NO_MEMORY;
    trail->heads = larger;
  }
  trail->heads[trail->head_count++] = (struct head){*seal, source};
  return OK;
}

void seal_trail_folded(struct seal_trail *trail, int64_t until_offset) {
  trail->folded_until = until_offset;
}

static int by_records(const void *left, const void *right) {
  const struct head *a = left, *b = right;
  return (a->seal.records > b->seal.records) - (a->seal.records < b->seal.records);
}

static const struct check *check_of(const struct seal_trail *trail, uint64_t number) {
  if (number == 0 || number > trail->check_count || !trail->checks[number - 1].known) return NULL;
  return &trail->checks[number - 1];
}

static uint64_t last_known(const struct seal_trail *trail) {
  uint64_t last = trail->head_count ? trail->heads[trail->head_count - 1].seal.records : 0;
  for (uint64_t i = trail->check_count; i > last; i--)
    if (trail->checks[i - 1].known) return i;
  return last;
}

// ---- the walk

static enum error keep(struct seal_trail *trail, const struct seal_record *record) {
  if (trail->window_count == WINDOW) return OK;
  struct seal_record *kept = &trail->window[trail->window_count];
  *kept = *record;
  kept->value = arena_bytes(trail->arena, record->value);
  if (record->value.data && !kept->value.data) return ERR_LIMIT;
  trail->window_count++;
  return OK;
}

static void compare(struct seal_trail *trail, const struct seal_place *here) {
  struct seal_finding *found = &trail->found;
  const struct check *check = check_of(trail, here->number);
  bool same = !check || memcmp(check->bytes, trail->seal.head, SEAL_CHECK) == 0;
  found->checks += check != NULL;
  if (!same) {
    found->verdict = SEAL_CHANGED;
    found->first = *here;
    trail->window_from = here->number;
    return;
  }
  for (; trail->next_head < trail->head_count; trail->next_head++) {
    const struct head *head = &trail->heads[trail->next_head];
    if (head->seal.records > here->number) return;
    found->heads++;
    if (memcmp(head->seal.head, trail->seal.head, SEAL_SIZE) != 0) {
      found->verdict = SEAL_ALTERED;
      found->source = head->source;
      found->last = *here;
      return;
    }
    trail->agreed = *here;
  }
}

enum error seal_trail_walk(struct seal_trail *trail, const struct seal_record *record) {
  if (!trail->sorted && trail->head_count) qsort(trail->heads, trail->head_count, sizeof *trail->heads, by_records);
  trail->sorted = true;
  seal_add(&trail->seal, bytes_text(trail->chain), record->value);
  struct seal_place here = {trail->seal.records, *record};
  here.record.value = (struct bytes){NULL, 0};
  if (trail->found.verdict == SEAL_WHOLE) compare(trail, &here);
  trail->ended = here;
  if (record->offset < trail->folded_until) trail->folded = here;
  if (trail->found.verdict == SEAL_CHANGED) return keep(trail, record);
  if (trail->found.verdict == SEAL_ALTERED) return OK;
  trail->before = here;
  buffer_clear(&trail->before_value);
  return buffer_append(&trail->before_value, record->value.data, record->value.len);
}

// ---- what it was

// The record of that number in the log, if it was kept.
static const struct seal_record *kept(const struct seal_trail *trail, uint64_t number) {
  uint64_t first = trail->window_from;
  return number >= first && number - first < trail->window_count ? &trail->window[number - first] : NULL;
}

// Whether the log goes on behind its record `number` as it did behind the sealed one.
static bool goes_on(const struct seal_trail *trail, const struct seal *sealed, uint64_t number) {
  struct seal seal = *sealed;
  for (int i = 0; i < AGREE_MAX; i++) {
    const struct seal_record *record = kept(trail, ++number);
    const struct check *check = check_of(trail, seal.records + 1);
    if (!record || !check) return i > 0;
    seal_add(&seal, bytes_text(trail->chain), record->value);
    if (memcmp(check->bytes, seal.head, SEAL_CHECK) != 0) return false;
  }
  return true;
}

// Where the log agrees again, behind a head: by how many records it is longer or shorter than it was.
static bool find_shift(const struct seal_trail *trail, int64_t *shift) {
  uint64_t first = trail->window_from;
  for (size_t i = trail->next_head; i < trail->head_count; i++) {
    const struct seal *sealed = &trail->heads[i].seal;
    if (sealed->records < first) continue;
    if (sealed->records > first + WINDOW) return false;
    for (int64_t s = 0; s <= SHIFT_MAX; s = s > 0 ? -s : 1 - s) {
      int64_t number = (int64_t)sealed->records + s;
      if (number + 1 < (int64_t)first || !goes_on(trail, sealed, (uint64_t)number)) continue;
      *shift = s;
      return true;
    }
  }
  return false;
}

static void name_place(struct seal_trail *trail, struct seal_place *place) {
  const struct seal_record *record = kept(trail, place->number);
  if (record) place->record.value = record->value;
}

// The place is known by a check; what happened there follows from how far the log is shifted behind it.
static void tell(struct seal_trail *trail) {
  struct seal_finding *found = &trail->found;
  int64_t shift = (int64_t)(found->records - found->sealed);
  bool known = find_shift(trail, &shift);
  if (!known && trail->folded.number < found->records) { // the log has gone on, so its length says nothing
    found->verdict = SEAL_ALTERED;
    found->last = trail->ended;
  } else if (shift == 0) {
    found->last = found->first;
  } else if (shift > 0) {
    found->verdict = SEAL_INSERTED;
    found->count = (uint64_t)shift;
    found->last = (struct seal_place){.number = found->first.number + found->count - 1};
    const struct seal_record *record = kept(trail, found->last.number);
    if (record) found->last.record = *record;
  } else {
    found->verdict = SEAL_REMOVED;
    found->count = (uint64_t)-shift;
    found->last = found->first;
    found->first = trail->before;
    found->first.record.value = buffer_bytes(&trail->before_value);
  }
  if (found->verdict != SEAL_REMOVED) name_place(trail, &found->first);
  name_place(trail, &found->last);
}

void seal_trail_end(struct seal_trail *trail, struct seal_finding *out) {
  struct seal_finding *found = &trail->found;
  found->records = trail->seal.records;
  found->sealed = last_known(trail);
  found->seal = trail->seal;
  if (found->verdict == SEAL_CHANGED) {
    tell(trail);
  } else if (found->verdict == SEAL_ALTERED) {
    found->first = trail->agreed;              // up to there it agreed
  } else if (found->records < found->sealed) { // the end is missing
    found->verdict = SEAL_REMOVED;
    found->count = found->sealed - found->records;
    found->first = trail->before;
    found->first.record.value = buffer_bytes(&trail->before_value);
  } else if (trail->folded.number > found->sealed) {
    found->verdict = SEAL_INSERTED;
    found->count = trail->folded.number - found->sealed;
    found->first = found->last = trail->folded;
  } else if (found->checks + found->heads == 0) {
    found->verdict = SEAL_UNKNOWN;
  }
  *out = *found;
}

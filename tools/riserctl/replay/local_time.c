// SPDX-License-Identifier: Apache-2.0
// Rows outside a repeated hour stand for themselves. Those within one are gathered by day, and within a day the hour
// turns where the rule says so.
#include "riserctl/replay/local_time.h"

#include <stdbool.h>

#include "riserctl/human.h"

enum { DAY_S = 86400 };

// A row of a repeated hour.
struct doubtful {
  struct local_row *row;
  int64_t first_s; // the two instants that it may mean
  int64_t second_s;
  size_t copies; // rows with the same stamp and value, itself included
  bool is_last;  // of its copies
  bool turned;
};

static void resolve_day(struct doubtful *rows, size_t count);
static bool same(const struct doubtful *a, const struct doubtful *b);
static void turn_copies(struct doubtful *rows, size_t count, const struct doubtful *of, bool but_the_first);

enum error local_time_resolve(struct local_row *rows, size_t count, const struct zone *zone, struct arena *arena,
                              size_t *bad) {
  struct doubtful *doubtful = NULL;
  size_t doubts = 0;
  for (size_t i = 0; i < count; i++) {
    int64_t instants[2];
    int found = human_local_instants(rows[i].local_s, zone, instants);
    *bad = i;
    if (found == 0) return ERR_BAD_TIME;
    rows[i].utc_s = instants[0];
    if (found == 1) continue;
    if (!doubtful) doubtful = arena_array(arena, count - i, sizeof *doubtful);
    if (!doubtful) return ERR_NO_MEMORY;
    doubtful[doubts++] = (struct doubtful){.row = &rows[i], .first_s = instants[0], .second_s = instants[1]};
  }
  // A meter's rows ascend, but for single ones, so the rows of one day's hour stand together.
  for (size_t from = 0; from < doubts;) {
    size_t until = from + 1;
    while (until < doubts && doubtful[until].row->local_s / DAY_S == doubtful[from].row->local_s / DAY_S) until++;
    resolve_day(doubtful + from, until - from);
    from = until;
  }
  return OK;
}

static void resolve_day(struct doubtful *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rows[i].is_last = true;
    for (size_t j = 0; j < count; j++) {
      if (!same(&rows[i], &rows[j])) continue;
      rows[i].copies++;
      if (j > i) rows[i].is_last = false;
    }
  }
  // The distinct entries, each where its last copy stands.
  const struct doubtful *before = NULL;
  bool turned = false;
  for (size_t i = 0; i < count; i++) {
    struct doubtful *entry = &rows[i];
    if (!entry->is_last) continue;
    if (!before) {
      turned = entry->copies > 1;
      turn_copies(rows, count, entry, true);
    } else if (turned || entry->copies > 1 || entry->row->local_s <= before->row->local_s) {
      turned = true;
      turn_copies(rows, count, entry, false);
    }
    before = entry;
  }
  for (size_t i = 0; i < count; i++) rows[i].row->utc_s = rows[i].turned ? rows[i].second_s : rows[i].first_s;
}

static bool same(const struct doubtful *a, const struct doubtful *b) {
  return a->row->local_s == b->row->local_s && a->row->value == b->row->value;
}

static void turn_copies(struct doubtful *rows, size_t count, const struct doubtful *of, bool but_the_first) {
  bool first = true;
  for (size_t i = 0; i < count; i++) {
    if (!same(&rows[i], of)) continue;
    rows[i].turned = !(first && but_the_first);
    first = false;
  }
}

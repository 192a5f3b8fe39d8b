// SPDX-License-Identifier: Apache-2.0
// One pass over the reads in time order. The look-ahead runs only where a step is not plausible, which is rare.
#include "domain/chain.h"

#include "domain/reads.h"

__extension__ typedef __int128 wide;

// The step from a to b, by the physical-limit rule. *rolled: only with the rollover added.
static bool plausible(const struct chain_read *a, const struct chain_read *b, const struct chain_limits *limits,
                      bool *rolled) {
  wide most = (wide)limits->max_rate_per_hour * (b->time_s - a->time_s) / 3600 + limits->slack;
  wide step = (wide)b->value - a->value;
  *rolled = false;
  if (step >= -(wide)limits->backflow_max && step <= most) return true;
  if (limits->rollover <= 0 || step >= 0) return false;
  step += limits->rollover;
  *rolled = step >= 0 && step <= most;
  return *rolled;
}

static bool is_edit(const struct chain_read *read) {
  return read->rank >= RANK_EDIT_0;
}

// Index of the first read behind `next` (exclusive) that is plausible from a, no later than the look-ahead; `count` if
// there is none. An edit is not skipped.
static size_t find_return(const struct chain_read *reads, size_t count, const struct chain_read *a, size_t next,
                          const struct chain_limits *limits) {
  int64_t until_s = reads[next].time_s + CHAIN_LOOKAHEAD_S;
  for (size_t i = next + 1; i < count && reads[i].time_s <= until_s; i++) {
    if (reads[i].verdict == CHAIN_VOID) continue;
    bool rolled;
    if (is_edit(&reads[i])) return count;
    if (plausible(a, &reads[i], limits, &rolled)) return i;
  }
  return count;
}

// Accepts reads[i] behind a (NULL: it is the first) with the given verdict and the offset that follows from it.
static void accept(const struct chain_read *a, struct chain_read *read, enum chain_verdict verdict,
                   const struct chain_limits *limits) {
  read->verdict = verdict;
  read->offset = a ? a->offset : 0;
  if (verdict == CHAIN_ROLLED_OVER) read->offset += limits->rollover;
  if (verdict == CHAIN_RESET) read->offset = a->value + a->offset - read->value;
}

static void judge(struct chain_read *reads, size_t count, const struct chain_limits *limits) {
  const struct chain_read *a = NULL;
  for (size_t i = 0; i < count; i++) {
    if (reads[i].verdict == CHAIN_VOID) continue;
    bool rolled = false;
    if (a && !plausible(a, &reads[i], limits, &rolled) && !is_edit(&reads[i])) {
      size_t back = find_return(reads, count, a, i, limits);
      if (back == count) {
        accept(a, &reads[i], CHAIN_RESET, limits);
      } else {
        for (; i < back; i++) {
          if (reads[i].verdict != CHAIN_VOID) reads[i].verdict = CHAIN_QUESTIONABLE;
        }
        (void)plausible(a, &reads[i], limits, &rolled);
        accept(a, &reads[i], rolled ? CHAIN_ROLLED_OVER : CHAIN_ACCEPTED, limits);
      }
    } else {
      accept(a, &reads[i], rolled ? CHAIN_ROLLED_OVER : CHAIN_ACCEPTED, limits);
    }
    a = &reads[i];
  }
}

static void unpack(const struct chain_month *month, struct chain_read *reads) {
  int64_t start_s = reads_month_start(month->month);
  for (size_t i = 0; i < reads_count(month->vector); i++) {
    struct read read = reads_get(month->vector, i);
    reads[i] = (struct chain_read){.time_s = start_s + read.second, .value = read.value, .rank = read.rank};
    reads[i].verdict = read_is_void(read) ? CHAIN_VOID : CHAIN_ACCEPTED;
  }
}

enum error chain_build(const struct chain_month *months, size_t count, const struct chain_limits *limits,
                       struct arena *arena, struct chain *out) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += reads_count(months[i].vector);
  struct chain_read *reads = arena_array(arena, total, sizeof *reads);
  const struct chain_read **accepted = arena_array(arena, total, sizeof *accepted);
  if (!reads || !accepted) return ERR_NO_MEMORY;

  size_t filled = 0;
  for (size_t i = 0; i < count; i++) {
    unpack(&months[i], reads + filled);
    filled += reads_count(months[i].vector);
  }
  judge(reads, total, limits);

  size_t accepted_count = 0;
  for (size_t i = 0; i < total; i++) {
    if (reads[i].verdict <= CHAIN_RESET) accepted[accepted_count++] = &reads[i];
  }
  *out = (struct chain){reads, total, accepted, accepted_count};
  return OK;
}

// How many accepted reads lie at or before the instant.
static size_t count_through(const struct chain *chain, int64_t time_s) {
  size_t low = 0, high = chain->accepted_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (chain->accepted[middle]->time_s <= time_s) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static enum quality quality_over(int64_t seconds) {
  return seconds <= CHAIN_DERIVED_MAX_S ? QUALITY_DERIVED : QUALITY_ESTIMATED_LINEAR;
}

static int64_t floor_div(wide numerator, wide denominator) { // denominator > 0
  wide quotient = numerator / denominator;
  return (int64_t)(quotient - (numerator % denominator < 0));
}

bool chain_at(const struct chain *chain, int64_t time_s, struct boundary *out) {
  size_t through = count_through(chain, time_s);
  if (through == 0) return false;
  const struct chain_read *a = chain->accepted[through - 1];
  const struct chain_read *b = through < chain->accepted_count ? chain->accepted[through] : NULL;
  *out = (struct boundary){.value = a->value, .offset = a->offset, .before_s = a->time_s, .after_s = b ? b->time_s : 0};
  if (a->time_s == time_s) {
    out->quality = is_edit(a) ? QUALITY_EDITED : QUALITY_VALID;
    return true;
  }
  if (!b) {
    out->quality = quality_over(time_s - a->time_s);
    return true;
  }
  wide rise = (wide)b->value + b->offset - a->value - a->offset;
  out->value += floor_div(rise * (time_s - a->time_s), b->time_s - a->time_s);
  int64_t rollover = b->verdict == CHAIN_ROLLED_OVER ? b->offset - a->offset : 0;
  if (rollover > 0 && out->value >= rollover) { // no dial shows more
    out->value -= rollover;
    out->offset += rollover;
  }
  out->quality = quality_over(b->time_s - a->time_s);
  return true;
}

const struct chain_read *chain_first_from(const struct chain *chain, int64_t time_s) {
  size_t before = count_through(chain, time_s - 1);
  return before < chain->accepted_count ? chain->accepted[before] : NULL;
}

const struct chain_read *chain_last_before(const struct chain *chain, int64_t time_s) {
  size_t before = count_through(chain, time_s - 1);
  return before > 0 ? chain->accepted[before - 1] : NULL;
}

// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/sequence.h"

#include "base/canary.h"

#include <string.h>

static bool begins_again(const struct sequence_head *head, uint64_t boot, uint64_t number);
static void step_back(struct sequence *sequence, uint64_t number);
static size_t claim_of(const struct sequence *sequence, struct sequence_run run, uint64_t low, uint64_t high,
                       struct receipt *out);
static bool contains(const struct sequence *sequence, uint64_t number);
static void insert(struct sequence *sequence, uint64_t first, uint64_t last);
static void absorb(struct sequence *sequence);

struct sequence_gap sequence_advance(struct sequence_head *head, uint64_t boot, uint64_t number) {
  struct sequence_gap gap = {0, 0};
  if (begins_again(head, boot, number)) {
    *head = (struct sequence_head){boot, number};
  } else if (number > head->newest) {
    if (number - head->newest > 1) gap = (struct sequence_gap){head->newest + 1, number - 1};
    head->newest = number;
  }
  return gap;
}

void sequence_seen(struct sequence *sequence, uint64_t boot, uint64_t number) {
  if (begins_again(&sequence->head, boot, number)) {
    *sequence = (struct sequence){.head = {boot, number}, .first = number, .received = number};
    return;
  }
  sequence_advance(&sequence->head, boot, number);
  if (number < sequence->first)
    step_back(sequence, number);
  else if (number - 1 == sequence->received)
    sequence->received++;
  else if (number > sequence->received && !contains(sequence, number))
    insert(sequence, number, number);
  absorb(sequence);
}

size_t sequence_receipts(const struct sequence *sequence, uint64_t low, uint64_t high,
                         struct receipt out[SEQUENCE_RECEIPTS_MAX]) {
  size_t count = 0;
  struct sequence_run begin = {sequence->first, CANARY(RECEIPT_OVER_A_GAP) ? high : sequence->received};
  count += claim_of(sequence, begin, low, high, &out[count]);
  for (uint32_t i = 0; i < sequence->run_count; i++)
    count += claim_of(sequence, sequence->runs[i], low, high, &out[count]);
  return count;
}

static size_t claim_of(const struct sequence *sequence, struct sequence_run run, uint64_t low, uint64_t high,
                       struct receipt *out) {
  if (run.last < low || run.first > high) return 0;
  *out =
      (struct receipt){.boot = sequence->head.boot, .first = run.first, .sequence = run.last < high ? run.last : high};
  return 1;
}

static bool begins_again(const struct sequence_head *head, uint64_t boot, uint64_t number) {
  if (head->newest == 0 || boot != head->boot) return true;
  return boot == 0 && number == 1;
}

// Something came that is older than all that was heard: it is the beginning now, and what was heard is a run beyond.
static void step_back(struct sequence *sequence, uint64_t number) {
  if (number < sequence->first - 1) {
    insert(sequence, sequence->first, sequence->received);
    sequence->received = number;
  }
  sequence->first = number;
}

static bool contains(const struct sequence *sequence, uint64_t number) {
  for (uint32_t i = 0; i < sequence->run_count; i++)
    if (number >= sequence->runs[i].first && number <= sequence->runs[i].last) return true;
  return false;
}

// Numbers that are in no run: they extend one, join two, or are one.
static void insert(struct sequence *sequence, uint64_t first, uint64_t last) {
  struct sequence_run *runs = sequence->runs;
  uint32_t at = 0;
  while (at < sequence->run_count && runs[at].last < first) at++;
  bool after = at > 0 && runs[at - 1].last + 1 == first;
  bool before = at < sequence->run_count && runs[at].first - 1 == last;
  if (after)
    runs[at - 1].last = before ? runs[at].last : last;
  else if (before)
    runs[at].first = first;
  if (after && before) {
    sequence->run_count--;
    memmove(runs + at, runs + at + 1, (sequence->run_count - at) * sizeof *runs);
  }
  if (after || before) return;
  if (sequence->run_count == SEQUENCE_RUNS_MAX) {
    if (at == 0) return; // it is the lowest itself
    memmove(runs, runs + 1, --at * sizeof *runs);
  } else {
    memmove(runs + at + 1, runs + at, (sequence->run_count++ - at) * sizeof *runs);
  }
  runs[at] = (struct sequence_run){first, last};
}

static void absorb(struct sequence *sequence) {
  if (!sequence->run_count || sequence->runs[0].first - 1 != sequence->received) return;
  sequence->received = sequence->runs[0].last;
  sequence->run_count--;
  memmove(sequence->runs, sequence->runs + 1, sequence->run_count * sizeof *sequence->runs);
}

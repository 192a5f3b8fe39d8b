// SPDX-License-Identifier: Apache-2.0
// A number that was seen before is a repetition if it is near the newest one, and a new beginning if it is far below.
// Which of the two a near one is can't be told, nor need it: a receipt never claims more than the number that asked for
// it (see judge.c).
#include "ingest/core/sequence.h"

#include <string.h>

enum { FAR = 64 };

static bool begins_again(const struct sequence *sequence, uint64_t number);
static uint64_t newest(const struct sequence *sequence);
static bool contains(const struct sequence *sequence, uint64_t number);
static void insert(struct sequence *sequence, uint64_t number);
static void give_up_oldest_gap(struct sequence *sequence);
static void absorb(struct sequence *sequence);

void sequence_seen(struct sequence *sequence, uint64_t number, struct sequence_gap *gap) {
  *gap = (struct sequence_gap){0, 0};
  bool first = sequence->complete == 0 || begins_again(sequence, number);
  if (first) {
    sequence->complete = sequence->received = number;
    sequence->run_count = 0;
    return;
  }
  uint64_t last = newest(sequence);
  if (number > last && number - last > 1) *gap = (struct sequence_gap){last + 1, number - 1};
  if (sequence->received < sequence->complete && number == sequence->received + 1) sequence->received++;
  if (number <= sequence->complete || contains(sequence, number)) return;
  insert(sequence, number);
  absorb(sequence);
}

static bool begins_again(const struct sequence *sequence, uint64_t number) {
  uint64_t last = newest(sequence);
  if (number > last || last - number < FAR) return false;
  return number <= sequence->complete || contains(sequence, number);
}

static uint64_t newest(const struct sequence *sequence) {
  return sequence->run_count ? sequence->runs[sequence->run_count - 1].last : sequence->complete;
}

static bool contains(const struct sequence *sequence, uint64_t number) {
  for (uint32_t i = 0; i < sequence->run_count; i++)
    if (number >= sequence->runs[i].first && number <= sequence->runs[i].last) return true;
  return false;
}

// A number in no run: extends one, joins two, or begins one.
static void insert(struct sequence *sequence, uint64_t number) {
  struct sequence_run *runs = sequence->runs;
  uint32_t at = 0;
  while (at < sequence->run_count && runs[at].last < number) at++;
  bool after = at > 0 && runs[at - 1].last + 1 == number;
  bool before = at < sequence->run_count && runs[at].first - 1 == number;
  if (after)
    runs[at - 1].last = before ? runs[at].last : number;
  else if (before)
    runs[at].first = number;
  if (after && before) {
    sequence->run_count--;
    memmove(runs + at, runs + at + 1, (sequence->run_count - at) * sizeof *runs);
  }
  if (after || before) return;
  if (sequence->run_count == SEQUENCE_RUNS_MAX) {
    give_up_oldest_gap(sequence);
    if (at-- == 0) return; // it was the one in the gap
  }
  memmove(runs + at + 1, runs + at, (sequence->run_count - at) * sizeof *runs);
  runs[at] = (struct sequence_run){number, number};
  sequence->run_count++;
}

static void give_up_oldest_gap(struct sequence *sequence) {
  sequence->complete = sequence->runs[0].last;
  sequence->run_count--;
  memmove(sequence->runs, sequence->runs + 1, sequence->run_count * sizeof *sequence->runs);
}

static void absorb(struct sequence *sequence) {
  bool whole = sequence->received == sequence->complete;
  while (sequence->run_count && sequence->runs[0].first <= sequence->complete + 1) {
    if (sequence->runs[0].last > sequence->complete) sequence->complete = sequence->runs[0].last;
    sequence->run_count--;
    memmove(sequence->runs, sequence->runs + 1, sequence->run_count * sizeof *sequence->runs);
  }
  if (whole) sequence->received = sequence->complete;
}

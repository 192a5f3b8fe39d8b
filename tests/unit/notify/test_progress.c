// SPDX-License-Identifier: Apache-2.0
// The marks that keep notify from repeating or forgetting: cases, and a random run with crashes against a plain model.
// RISER_SEED=n ./test_notify_progress repeats a random run.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/core/progress.h"
#include "notify/core/retry.h"

static enum progress_verdict take(struct progress *progress, int64_t offset, int64_t cause, bool message,
                                  uint32_t *done) {
  enum progress_verdict verdict;
  struct cause at = {.partition = 3, .offset = cause};
  assert_int_equal(progress_take(progress, offset, at, message, &verdict, done), OK);
  return verdict;
}

static void notes_are_as_documented(void **state) {
  (void)state;
  struct progress progress;
  char note[PROGRESS_NOTE_SIZE];
  uint32_t done;
  progress_init(&progress, 3);
  assert_int_equal(progress_offset(&progress), 0);
  progress_note(&progress, note);
  assert_string_equal(note, "1 0 -");
  assert_int_equal(take(&progress, 10, 100, true, &done), PROGRESS_WORK);
  assert_int_equal(take(&progress, 11, 101, false, &done), PROGRESS_SKIP);
  assert_int_equal(take(&progress, 17, 102, true, &done), PROGRESS_WORK);
  assert_int_equal(take(&progress, 20, 103, true, &done), PROGRESS_WORK);
  progress_deliver(&progress, 20, 0);
  progress_deliver(&progress, 20, 31);
  progress_finish(&progress, 17);
  assert_int_equal(progress_offset(&progress), 10);
  progress_note(&progress, note);
  assert_string_equal(note, "1 21 103.0 0,10:80000001");

  struct progress again = {.mark.partition = 3};
  assert_int_equal(progress_resume(&again, 10, note), OK);
  assert_int_equal(take(&again, 10, 100, true, &done), PROGRESS_WORK);
  assert_int_equal(done, 0);
  assert_int_equal(take(&again, 11, 101, false, &done), PROGRESS_SKIP);
  assert_int_equal(take(&again, 17, 102, true, &done), PROGRESS_SKIP);
  assert_int_equal(take(&again, 20, 103, true, &done), PROGRESS_WORK);
  assert_int_equal(done, 0x80000001);
  assert_int_equal(take(&again, 21, 103, true, &done), PROGRESS_SKIP); // published a second time
  assert_int_equal(take(&again, 22, 104, true, &done), PROGRESS_WORK);
}

static void anything_else_is_corrupt(void **state) {
  (void)state;
  static const char *const notes[] = {"2 10 -",
                                      "1",
                                      "1 ",
                                      "1 10",
                                      "1 10 5",
                                      "1 10 5.",
                                      "1 10 - 11",
                                      "1 10 - 5,0",
                                      "1 10 - 5;6",
                                      "1 10 - 5,",
                                      "1 10 - 5:",
                                      "1 10 - 5:g",
                                      "x",
                                      "1 10 - 5:100000000",
                                      "1 99999999999999999999 -",
                                      "1 4 -",
                                      "1 10 - 0,"};
  for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
    struct progress progress = {.mark.partition = 3};
    assert_int_equal(progress_resume(&progress, 5, notes[i]), ERR_CORRUPT);
  }
}

static void a_log_without_an_unfinished_decision_is_corrupt(void **state) {
  (void)state;
  struct progress progress = {.mark.partition = 3};
  assert_int_equal(progress_resume(&progress, 5, "1 10 9.0 0,2"), OK);
  uint32_t done;
  enum progress_verdict verdict;
  assert_int_equal(take(&progress, 5, 3, true, &done), PROGRESS_WORK);
  assert_int_equal(progress_take(&progress, 8, (struct cause){3, 8, 0}, true, &verdict, &done), ERR_CORRUPT);
}

static void full_means_full_and_its_note_fits(void **state) {
  (void)state;
  struct progress progress;
  progress_init(&progress, 3);
  uint32_t done;
  enum progress_verdict verdict;
  for (int64_t i = 0; i < PROGRESS_MAX; i++) {
    assert_int_equal(take(&progress, i * 9999999999, i, true, &done), PROGRESS_WORK);
    for (unsigned slot = 0; slot < PROGRESS_SLOTS; slot++) progress_deliver(&progress, i * 9999999999, slot);
  }
  struct cause next = {3, 9999, 0};
  int64_t behind = PROGRESS_MAX * 9999999999;
  assert_int_equal(progress_take(&progress, behind, next, true, &verdict, &done), ERR_LIMIT);
  char note[PROGRESS_NOTE_SIZE];
  progress_note(&progress, note);
  assert_true(strlen(note) < PROGRESS_NOTE_SIZE);
  struct progress again = {.mark.partition = 3};
  assert_int_equal(progress_resume(&again, 0, note), OK);
  assert_int_equal(again.count, PROGRESS_MAX);
}

// ---- a random run

enum { RECORDS = 400, SLOTS = 3 };

struct run {
  bool message[RECORDS];
  bool wanted[RECORDS]; // a message that is not a repetition
  int64_t cause[RECORDS];
  int delivered[RECORDS][SLOTS]; // as committed: with the note that knows of it
  struct progress progress;
  int64_t offset; // committed
  char note[PROGRESS_NOTE_SIZE];
  int64_t next;
};

static void commit(struct run *run) {
  run->offset = progress_offset(&run->progress);
  progress_note(&run->progress, run->note);
}

static void crash(struct run *run) {
  run->progress = (struct progress){.mark.partition = 3};
  assert_int_equal(progress_resume(&run->progress, run->offset, run->note), OK);
  run->next = run->offset;
}

// Delivers some of a random unfinished decision and commits with it, as one transaction does.
static void deliver_some(struct run *run) {
  if (run->progress.count == 0) return;
  struct progress_item *item = &run->progress.items[(size_t)rand() % run->progress.count];
  int64_t offset = item->offset;
  if (!item->taken) return;
  uint32_t done = item->done;
  for (unsigned slot = 0; slot < SLOTS; slot++) {
    if (done & 1u << slot || rand() % 2) continue;
    progress_deliver(&run->progress, offset, slot);
    run->delivered[offset][slot]++;
    done |= 1u << slot;
  }
  if (done == (1u << SLOTS) - 1) progress_finish(&run->progress, offset);
  commit(run);
}

static void random_runs_deliver_each_once(void **state) {
  (void)state;
  static struct run run;
  const char *given = getenv("RISER_SEED");
  unsigned seed = given ? (unsigned)atoi(given) : 20160301u;
  print_message("seed %u\n", seed);
  srand(seed);
  for (int64_t i = 0, cause = 0; i < RECORDS; i++) {
    bool repetition = i > 0 && rand() % 10 == 0;
    cause += repetition ? 0 : 1;
    run.cause[i] = cause;
    run.message[i] = rand() % 3 > 0;
    run.wanted[i] = run.message[i] && !repetition;
  }
  progress_init(&run.progress, 3);
  commit(&run);
  while (run.next < RECORDS || run.progress.count > 0) {
    int what = rand() % 20;
    if (what == 0)
      crash(&run);
    else if (what < 8 && run.next < RECORDS && run.progress.count < 50) {
      uint32_t done;
      take(&run.progress, run.next, run.cause[run.next], run.message[run.next], &done);
      run.next++;
    } else {
      deliver_some(&run);
    }
  }
  for (int i = 0; i < RECORDS; i++) {
    for (int slot = 0; slot < SLOTS; slot++) assert_int_equal(run.delivered[i][slot], run.wanted[i] ? 1 : 0);
  }
}

static void pauses_double_up_to_the_longest_and_end_with_age(void **state) {
  (void)state;
  const struct retry_policy policy = {.first_ms = 100, .longest_ms = 1000, .age_ms = 10000};
  static const int64_t pauses[] = {100, 200, 400, 800, 1000, 1000};
  int64_t pause;
  for (uint32_t i = 0; i < 6; i++) {
    assert_true(retry_next(&policy, i + 1, 0, 0, 0, &pause));
    assert_int_equal(pause, pauses[i]);
    assert_true(retry_next(&policy, i + 1, 0, 4095, 0, &pause));
    assert_in_range(pause, pauses[i] * 3 / 4, pauses[i]);
  }
  assert_true(retry_next(&policy, UINT32_MAX, 0, 0, 0, &pause));
  assert_int_equal(pause, 1000);
  assert_true(retry_next(&policy, 1, 0, 0, 700, &pause)); // as the receiver asks
  assert_int_equal(pause, 700);
  assert_true(retry_next(&policy, 1, 0, 0, 5000, &pause));
  assert_int_equal(pause, 1000);
  assert_true(retry_next(&policy, 1, 9900, 0, 0, &pause));
  assert_false(retry_next(&policy, 1, 9901, 0, 0, &pause));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(notes_are_as_documented),
      cmocka_unit_test(anything_else_is_corrupt),
      cmocka_unit_test(a_log_without_an_unfinished_decision_is_corrupt),
      cmocka_unit_test(full_means_full_and_its_note_fits),
      cmocka_unit_test(random_runs_deliver_each_once),
      cmocka_unit_test(pauses_double_up_to_the_longest_and_end_with_age),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

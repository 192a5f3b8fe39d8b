// SPDX-License-Identifier: Apache-2.0
// riser-sim: runs seed after seed. A seed that breaks a promise is run once more, with its last steps written down.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "canary.h"
#include "check.h"
#include "story.h"

enum { DEFAULT_STEPS = 200000, SHOWN_LINES = 40, NUMBER_BASE = 10 };

struct options {
  uint64_t seed, seeds, steps;
  enum canary canary;
  bool trace, twice, quiet;
};

static int usage(const char *wrong) {
  if (wrong) fprintf(stderr, "riser-sim: %s\n", wrong);
  fprintf(stderr, "usage: riser-sim [--seed S] [--seeds N] [--steps N] [--trace] [--twice] [--quiet] [--canary NAME]\n"
                  "  --seed S      the first seed (default: from the clock, printed)\n"
                  "  --seeds N     so many runs, S, S+1, ... (default 1)\n"
                  "  --steps N     steps under faults of each run (default 200000)\n"
                  "  --trace       print what happens\n"
                  "  --twice       each run twice, which must come to the same\n"
                  "  --quiet       print only what is wrong, and a line at the end\n"
                  "  --canary C    break a means on purpose: fence, outbox, marks, spool, notice\n");
  return 2;
}

static bool number_of(const char *text, uint64_t *number) {
  char *end;
  errno = 0;
  *number = text ? strtoull(text, &end, NUMBER_BASE) : 0;
  return text && *text && !*end && !errno;
}

static bool canary_of(const char *text, enum canary *canary) {
  for (int i = 0; text && i < CANARY_COUNT; i++) {
    if (strcmp(canary_names[i], text) != 0) continue;
    *canary = (enum canary)i;
    return true;
  }
  return false;
}

static const char *parse(int argc, char **argv, struct options *options) {
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    bool good = true;
    if (strcmp(argv[i], "--trace") == 0) {
      options->trace = true;
    } else if (strcmp(argv[i], "--twice") == 0) {
      options->twice = true;
    } else if (strcmp(argv[i], "--quiet") == 0) {
      options->quiet = true;
    } else {
      uint64_t *number = strcmp(argv[i], "--seed") == 0    ? &options->seed
                         : strcmp(argv[i], "--seeds") == 0 ? &options->seeds
                         : strcmp(argv[i], "--steps") == 0 ? &options->steps
                                                           : NULL;
      if (number)
        good = number_of(value, number);
      else if (strcmp(argv[i], "--canary") == 0)
        good = canary_of(value, &options->canary);
      else
        return "there is no such option";
      i++;
    }
    if (!good) return "an option's value cannot be read";
  }
  return NULL;
}

static int fail(const struct options *options, struct story *story) {
  char promise[64];
  snprintf(promise, sizeof promise, "%s", violated_promise());
  printf("seed %" PRIu64 ": BROKEN: %s\n  %s\nthe last steps:\n", story->seed, promise, violated_detail());
  if (!options->trace) {
    story->trace = TRACE_KEEP;
    story_run(story);
    trace_print_kept(SHOWN_LINES);
  }
  if (strcmp(promise, violated_promise()) != 0)
    printf("run again, it did not come to the same: %s\n", violated_promise());
  printf("again: riser-sim --seed %" PRIu64 " --steps %" PRIu64 "%s%s%s\n", story->seed, options->steps,
         options->canary ? " --canary " : "", options->canary ? canary_names[options->canary] : "", " --trace");
  return 1;
}

static void print_tally(const struct options *options, uint64_t steps, int64_t days, int64_t took_ms) {
  double seconds = took_ms > 0 ? (double)took_ms / 1000 : 0.001;
  printf("%" PRIu64 " runs, %" PRIu64 " steps in %.1f s (%.0f a second), %" PRId64 " simulated days\n", options->seeds,
         steps, seconds, (double)steps / seconds, days);
  printf("facts %" PRIu64 ", decisions %" PRIu64 " (repeated %" PRIu64 "), commits %" PRIu64 ", bills %" PRIu64
         " (again %" PRIu64 "), balances %" PRIu64 ", payments %" PRIu64 ", mails %" PRIu64 " (again %" PRIu64 ")\n",
         tally.facts, tally.decisions, tally.repeated, tally.commits, tally.bills, tally.rebills, tally.balances,
         tally.payments, tally.mails, tally.mails_again);
  printf("cuts sent %" PRIu64 ", reconnects sent %" PRIu64 ", contacts moved %" PRIu64 ", folds again %" PRIu64
         ", exceptions %" PRIu64 ", ends by themselves %" PRIu64 "\n",
         tally.cuts, tally.reconnects, tally.moves, tally.folds, tally.exceptions, tally.deaths);
}

static int run_all(const struct options *options, const char *folder) {
  int64_t began_ms = clock_mono_ms(), days = 0;
  uint64_t steps = 0;
  for (uint64_t i = 0; i < options->seeds; i++) {
    struct story story = {.seed = options->seed + i,
                          .steps = options->steps,
                          .trace = options->trace ? TRACE_PRINT : TRACE_OFF,
                          .folder = folder};
    struct story_end end = story_run(&story);
    if (is_violated()) return fail(options, &story);
    steps += end.steps;
    days += end.days;
    if (!options->quiet)
      printf("seed %" PRIu64 ": kept, %" PRIu64 " steps, %" PRId64 " days, digest %016" PRIx64 "\n", story.seed,
             end.steps, end.days, end.digest);
    fflush(stdout);
    if (!options->twice) continue;
    struct story_end other = story_run(&story);
    if (other.digest == end.digest) continue;
    printf("seed %" PRIu64 ": BROKEN: the same seed, the same run\n", story.seed);
    return 1;
  }
  print_tally(options, steps, days, clock_mono_ms() - began_ms);
  return 0;
}

int main(int argc, char **argv) {
  struct options options = {.seed = (uint64_t)clock_wall_ms(), .seeds = 1, .steps = DEFAULT_STEPS};
  const char *wrong = parse(argc, argv, &options);
  if (wrong) return usage(wrong);
  canary_choose(options.canary);
  char folder[] = "/tmp/riser-sim-XXXXXX", file[sizeof folder + 32];
  if (!mkdtemp(folder)) {
    perror("riser-sim: a folder in /tmp");
    return 1;
  }
  int status = run_all(&options, folder);
  snprintf(file, sizeof file, "%s/sequences", folder);
  unlink(file);
  snprintf(file, sizeof file, "%s/sequences.new", folder);
  unlink(file);
  rmdir(folder);
  return status;
}

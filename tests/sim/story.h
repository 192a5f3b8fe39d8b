// SPDX-License-Identifier: Apache-2.0
// One run: a world is set up, lives under faults for so many steps, is healed, comes to rest, and is looked at.
#ifndef RISER_TESTS_SIM_STORY_H
#define RISER_TESTS_SIM_STORY_H

#include <stdint.h>

#include "trace.h"

struct story {
  uint64_t seed;
  uint64_t steps; // under faults
  enum trace_mode trace;
  const char *folder; // for files; one run at a time
};

struct story_end {
  uint64_t steps;
  uint64_t digest;
  int64_t days; // of simulated time
};

// What was broken is in violated_promise().
struct story_end story_run(const struct story *story);

#endif

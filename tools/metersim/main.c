// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "metersim/sim.h"
#include "run/life.h"

enum { DRAIN_DEADLINE_MS = 15000 };

int main(int argc, char **argv) {
  struct options options;
  struct sim *sim = NULL;
  int exit_code;
  if (!options_parse(&options, argc, argv, &exit_code)) return exit_code;
  if (options.seed == 0) options.seed = clock_wall_ms() % 1000000 + 1;
  fprintf(stderr, "metersim: seed %" PRId64 "\n", options.seed);
  log_init("metersim", LOG_LEVEL_INFO);
  enum error err = life_init(DRAIN_DEADLINE_MS);
  if (err == OK) err = sim_open(&options, &sim);
  if (err == OK) err = sim_run(sim);
  bool failed = err != OK && err != ERR_CLOSED; // closed: told to end while it waited
  if (failed) log_error("metersim-failed", F_ERR(err));
  sim_close(sim);
  return failed ? 1 : 0;
}

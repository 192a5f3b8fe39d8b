// SPDX-License-Identifier: Apache-2.0
// The simulator: builds the fleet, makes the load with its faults, keeps the ledger, and runs until the options or a
// signal end it. Runs on the caller's thread.
#ifndef RISER_METERSIM_SIM_H
#define RISER_METERSIM_SIM_H

#include "base/error.h"
#include "metersim/options.h"

struct sim;

enum error sim_open(const struct options *options, struct sim **sim) MUST_USE;
enum error sim_run(struct sim *sim) MUST_USE;
void sim_close(struct sim *sim);

#endif

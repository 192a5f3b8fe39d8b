// SPDX-License-Identifier: Apache-2.0
// What every service sets up first and takes down last: logging, signals, metrics and the health server. Built by
// main; the services' parts borrow `metrics` and `health`.
#ifndef RISER_RUN_PROCESS_H
#define RISER_RUN_PROCESS_H

#include "base/error.h"
#include "run/health.h"
#include "run/life.h"
#include "run/metrics.h"
#include "run/settings.h"

struct process {
  struct metrics *metrics;
  struct health *health;
};

// `service` is kept: a literal. Logs "started". On an error everything is closed again and the reason is logged.
enum error process_open(const char *service, const struct run_settings *settings, struct process *process) MUST_USE;

// Logs "stopped", closes, and gives the status with which to end: life_exit_code().
int process_close(struct process *process);

// A FATAL error in the worker: logged, drain begun. RETRY and REJECT don't belong here.
void process_fail(const char *where, enum error err);

#endif

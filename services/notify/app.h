// SPDX-License-Identifier: Apache-2.0
// The worker: takes decisions, makes messages of them, has them delivered, records what became of each. One thread;
// everything here belongs to it.
#ifndef RISER_NOTIFY_APP_H
#define RISER_NOTIFY_APP_H

#include "notify/config.h"
#include "run/process.h"

struct app;

// Registers metrics and conditions; connects to nothing yet. `config` and `process` are borrowed until app_free.
enum error app_new(const struct notify_config *config, struct process *process, struct app **app) MUST_USE;

// Connects, works until the drain begins, finishes what is in flight, commits, leaves. A FATAL error begins the drain.
void app_run(struct app *app);

void app_free(struct app *app); // NULL is fine

#endif

// SPDX-License-Identifier: Apache-2.0
// The loop: take in decisions and facts of the owned partitions, let the cores conclude, carry that out, commit.
// Everything runs on the caller's thread.
#ifndef RISER_CONTROL_APP_H
#define RISER_CONTROL_APP_H

#include "control/config.h"
#include "run/process.h"

struct app;

// Both are borrowed. Needs neither broker yet.
enum error app_open(const struct control_config *config, const struct process *process, struct app **app) MUST_USE;
void app_close(struct app *app); // NULL is fine

// Until the drain begins. A FATAL error comes back; the drain is then the caller's to begin.
enum error app_run(struct app *app) MUST_USE;

#endif

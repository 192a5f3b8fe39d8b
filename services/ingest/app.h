// SPDX-License-Identifier: Apache-2.0
// Ingest, put together: spool, worker, receiver.
#ifndef RISER_INGEST_APP_H
#define RISER_INGEST_APP_H

#include "ingest/config.h"
#include "run/process.h"

struct app;

// Opens the spool and begins to work; on an error the reason is logged and everything is closed again.
enum error app_open(const struct ingest_config *config, const struct process *process, struct app **out) MUST_USE;

// Until the drain begins: then stops the intake, hands over what the spool holds within the drain's deadline, closes.
void app_run(struct app *app);
void app_close(struct app *app); // NULL is fine

#endif

// SPDX-License-Identifier: Apache-2.0
// Billing's loop: take what has come, give each partition its records, commit, publish. One thread; the handles are
// borrowed from main, which closes them.
#ifndef RISER_BILLING_APP_H
#define RISER_BILLING_APP_H

#include "base/error.h"
#include "billing/config.h"
#include "billing/stats.h"
#include "io/redis.h"
#include "run/process.h"

struct app;

struct app_options {
  const struct billing_config *config;
  const struct process *process;
  struct stats *stats;
  struct redis *redis;
};

// Opens producer and consumers, and waits until Kafka answers: ERR_MISMATCH if a topic has another number of
// partitions than configured, ERR_CLOSED if a drain began meanwhile.
enum error app_open(const struct app_options *options, struct app **app) MUST_USE;

// Until the drain begins or an error of class FATAL.
enum error app_run(struct app *app) MUST_USE;

// Waits for what is in flight, leaves the group, frees.
void app_close(struct app *app);

#endif

// SPDX-License-Identifier: Apache-2.0
// What billing can be told. The table is in config.c; docs/configuration/billing.md is made from it.
#ifndef RISER_BILLING_CONFIG_H
#define RISER_BILLING_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "run/config.h"
#include "run/settings.h"

enum billing_clock { BILLING_CLOCK_SYSTEM, BILLING_CLOCK_LOG };

struct billing_config {
  struct run_settings run;
  struct kafka_settings kafka;
  struct redis_settings redis;
  int64_t partitions;
  int clock; // an enum billing_clock
  int64_t linger_ms;
  int64_t poll_records;
  int64_t batch_records;
  int64_t batch_writes;
  int64_t batch_decisions;
  int64_t state_cache_bytes;
  int64_t retry_ms;
  int64_t publish_timeout_ms;
  int64_t session_timeout_ms;
  bool static_member;
};

extern const struct config_schema billing_schema;

#endif

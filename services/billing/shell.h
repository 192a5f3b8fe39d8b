// SPDX-License-Identifier: Apache-2.0
// What the parts of billing's shell share: the handles of the outside, the memory of the batch, the metrics. Owned by
// app.c; one thread.
#ifndef RISER_BILLING_SHELL_H
#define RISER_BILLING_SHELL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "billing/config.h"
#include "billing/stats.h"
#include "io/kafka.h"
#include "io/redis.h"
#include "run/health.h"

#define TOPIC_SITE "riser.site.v1"
#define TOPIC_DECISION "riser.decision.v1"
#define TOPIC_DEVICE "riser.device.v1"

// The memory of one batch may not exceed these.
#define FACTS_ARENA_MAX ((size_t)1 << 30)
#define WORK_ARENA_MAX ((size_t)1 << 30)
#define BUFFER_MAX ((size_t)256 << 20)

struct shell {
  const struct billing_config *config;
  struct stats *stats;
  struct health *health;
  struct redis *redis;
  struct kafka_producer *producer;
  struct kafka_consumer *consumer; // the group's member
  struct kafka_consumer *reader;   // reads single records of explicit partitions
  struct arena *facts; // of the records that are being applied: reset per batch
  struct arena *work;  // decisions and writes: reset per commit
  struct arena *load;  // replies: reset per load
  struct buffer encoded;
};

#endif

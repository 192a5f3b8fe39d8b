// SPDX-License-Identifier: Apache-2.0
// Billing's shell between a Kafka and a Redis in memory, with everything that can go wrong on demand.
#ifndef RISER_TESTS_UNIT_BILLING_SHELL_WORLD_H
#define RISER_TESTS_UNIT_BILLING_SHELL_WORLD_H

#include "billing/partition.h"
#include "billing/shell.h"
#include "domain/fact.h"
#include "io/kafka_memory.h"
#include "io/redis_memory.h"

struct world {
  struct billing_config config;
  struct shell shell;
  struct stats stats;
  struct metrics *metrics;
  struct kafka_memory *kafka;
  struct redis_memory *redis;
  struct kafka_producer *writer; // of the site log
  struct partition *partition;   // number 0, the only one
  int64_t end_offset;
};

void world_init(struct world *world); // an empty log, a partition that begins at 0
void world_fini(struct world *world);

void world_write(struct world *world, const char *key, const struct fact *fact);
void world_forget_meta(struct world *world);
void world_put_generation(struct world *world, uint64_t generation); // into the meta that is there
void world_restart(struct world *world); // as a new process

// Polls and applies until everything is, or `passes` are used up; the error that ends the process, if there is one.
enum error world_run(struct world *world, int passes);
bool world_is_done(struct world *world);

// The ids of all decisions in the log, one a line.
void world_decisions(struct world *world, struct buffer *to);
void world_state(struct world *world, struct buffer *to); // all of Redis

#endif

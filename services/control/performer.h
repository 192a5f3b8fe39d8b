// SPDX-License-Identifier: Apache-2.0
// Carries out the core's effects, in the order that makes a crash harmless: facts into the site log, then states into
// riser.command.v1, and when Kafka has confirmed those, publishes. Owns the producer. The worker's thread.
#ifndef RISER_CONTROL_PERFORMER_H
#define RISER_CONTROL_PERFORMER_H

#include <stdbool.h>
#include <stdint.h>

#include "control/core/effect.h"
#include "control/partition.h"
#include "control/sender.h"
#include "io/kafka.h"
#include "run/process.h"

struct performer;

struct performer_options {
  const struct kafka_settings *kafka;
  struct sender *sender;     // borrowed
  const struct process *process;
  bool (*beat)(void *ctx);   // called while Kafka is waited for; false: give up with ERR_CLOSED
  void *ctx;
};

enum error performer_open(const struct performer_options *options, struct performer **performer) MUST_USE;
void performer_close(struct performer *performer);

// The lists of effects of one round, each of one partition. Waits for Kafka however long it takes. `fresh_until_ms`
// (monotonic): after it nothing is published any more, since another process may own the partition by then; the
// commands go out again after their pause. What did not leave is told to the cores.
struct performance {
  struct partition *partition;
  const struct effects *effects;
};
enum error performer_perform(struct performer *performer, const struct performance *performance,
                             int64_t fresh_until_ms) MUST_USE;

#endif

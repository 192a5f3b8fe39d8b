// SPDX-License-Identifier: Apache-2.0
// What every command of riserctl has in common: where the servers are, connections opened when they are first needed,
// and how a failure is told. One thread; bounded by the options of what it opens.
#ifndef RISER_RISERCTL_CTL_H
#define RISER_RISERCTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/kafka.h"
#include "io/mqtt.h"
#include "io/redis.h"
#include "riserctl/command.h"
#include "run/key_ring.h"

struct ctl_config {
  struct kafka_settings kafka;
  struct redis_settings redis;
  struct mqtt_settings mqtt;
  int64_t partitions; // of the site-keyed topics
  const char *device_keys; // for key_ring_open
};

struct ctl {
  const struct command *command;
  struct ctl_config config;
  struct config *config_owner;
  struct arena *arena; // for the whole command
  struct redis *redis;
  struct kafka_producer *producer;
  enum error delivery_error; // the first one since the last flush
};

// False: *status says with what to end; the reason is on standard error.
bool ctl_open(struct ctl *ctl, const struct arguments *arguments, enum status *status);
void ctl_close(struct ctl *ctl);

// Opens on the first call. NULL: told on standard error; end with STATUS_UNAVAILABLE.
struct redis *ctl_redis(struct ctl *ctl);
struct kafka_producer *ctl_producer(struct ctl *ctl);
// Of what is sent with an `opaque`, that is a struct kafka_position to be filled in when Kafka has it.

// "riserctl NAME: " and the sentence on standard error. Returns STATUS_FAILED, for `return ctl_refuse(...)`.
enum status ctl_refuse(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum status ctl_misuse(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same for an error of a library: what was tried, and what came of it. The status by the error's class.
enum status ctl_fail(const struct ctl *ctl, enum error err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Writes the records that were sent since the last call; they are in Kafka when this says OK.
enum error ctl_flush(struct ctl *ctl);

#endif

// SPDX-License-Identifier: Apache-2.0
// Reads riser.device.v1, all of it and from then on, into the registry. No group: every process needs all of it. The
// worker's thread.
#ifndef RISER_INGEST_ROSTER_H
#define RISER_INGEST_ROSTER_H

#include <stdbool.h>

#include "base/error.h"
#include "ingest/core/registry.h"
#include "io/kafka.h"
#include "run/key_ring.h"

struct roster;

// Kafka need not be there yet. What the options name is borrowed. The caller closes.
struct roster_options {
  const struct kafka_settings *kafka;
  const char *client_id;
  struct registry *registry;
  const struct key_ring *key_ring;
};
enum error roster_open(const struct roster_options *options, struct roster **out) MUST_USE;
void roster_close(struct roster *roster);

// Takes in what is new, waiting up to timeout_ms for the first. RETRY while Kafka or the topic is not there; ERR_LIMIT:
// more devices than fit.
enum error roster_poll(struct roster *roster, int timeout_ms) MUST_USE;

// True once everything that was there at the beginning has been read.
bool roster_loaded(const struct roster *roster);

#endif

// SPDX-License-Identifier: Apache-2.0
// Follows riser.device.v1 into the core's table of devices: all of its partitions, from the beginning, in every
// process. The worker's thread.
#ifndef RISER_CONTROL_ROSTER_H
#define RISER_CONTROL_ROSTER_H

#include <stdbool.h>

#include "control/core/devices.h"
#include "io/kafka.h"
#include "run/key_ring.h"
#include "run/process.h"

struct roster;

struct roster_options {
  const struct kafka_settings *settings;
  struct devices *devices; // borrowed
  const struct key_ring *key_ring; // borrowed
  const struct process *process;
};

// Needs no broker yet.
enum error roster_open(const struct roster_options *options, struct roster **roster) MUST_USE;
void roster_close(struct roster *roster);

// Takes in what has come, waiting up to timeout_ms for the first record.
enum error roster_poll(struct roster *roster, int timeout_ms) MUST_USE;
bool roster_loaded(const struct roster *roster); // everything that was there when it began

#endif

// SPDX-License-Identifier: Apache-2.0
// Commands to devices over MQTT 5, with message expiry. The worker sends and collects; Paho's threads only leave a note
// in a ring. A note that finds the ring full is dropped and counted: the command then waits for its ordinary pause.
#ifndef RISER_CONTROL_SENDER_H
#define RISER_CONTROL_SENDER_H

#include <stdbool.h>

#include "control/core/devices.h"
#include "control/core/effect.h"
#include "io/mqtt.h"
#include "run/process.h"

enum { SENDER_ID_MAX = 256 };

struct sender;

struct sender_options {
  struct mqtt_settings settings;
  const char *instance;
  const struct devices *devices; // borrowed: their keys
  const struct process *process;
};

// Begins to connect and returns.
enum error sender_open(const struct sender_options *options, struct sender **sender) MUST_USE;
void sender_close(struct sender *sender);

bool sender_connected(struct sender *sender);

// Signed, if the device has a key. RETRY: it did not leave. REJECT: it never will (ERR_KEY_UNUSABLE: the device has a
// key that we could not unwrap). OK: what became of it is left for sender_collect if that is bad.
enum error sender_send(struct sender *sender, uint32_t partition, const struct publish *publish) MUST_USE;

// A publish that failed after it was sent.
struct unpublished {
  char command_id[SENDER_ID_MAX];
  uint32_t partition;
  uint32_t attempt;
  enum error err;
};
bool sender_collect(struct sender *sender, struct unpublished *unpublished);

#endif

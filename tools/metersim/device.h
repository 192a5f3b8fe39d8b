// SPDX-License-Identifier: Apache-2.0
// One simulated device on its own MQTT connection: it says that it is there (and, by its last will, that it is not),
// carries out commands with its contact, and publishes what is queued for it. Paho's threads only leave notes in the
// two rings of the port; everything else runs on the simulator's thread.
#ifndef RISER_METERSIM_DEVICE_H
#define RISER_METERSIM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ring.h"
#include "io/mqtt.h"
#include "domain/signature.h"
#include "metersim/business.h"
#include "metersim/contact.h"
#include "metersim/identity.h"
#include "metersim/meter.h"
#include "metersim/outgoing.h"
#include "metersim/payload.h"
#include "metersim/random.h"
#include "metersim/resend.h"

enum { DEVICE_ID_MAX = 65, UNRECEIPTED_MAX = 10000 };

enum incoming_kind { INCOMING_CONNECTED, INCOMING_COMMAND, INCOMING_RECEIPT };
struct incoming {
  struct sim_device *device;
  enum incoming_kind kind;
  size_t len;
  uint8_t payload[COMMAND_PAYLOAD_MAX];
};

struct decided {
  struct outgoing *message;
  enum error err;
};

// What all devices share; the simulator owns it.
struct port {
  struct ring *incoming; // of struct incoming
  struct ring *decided;  // of struct decided
  struct queue queue;    // of what is to be published
  struct business *business;
  const struct identity *identity;
  struct arena *arena; // of one message
  struct random random;
  uint64_t counter; // of messages of readings of devices with keys; rises over restarts: begins with the clock
  uint64_t boot; // of all devices: another one with each start of the simulator
  enum payload_format format;
  int64_t clock_off_s;
  int64_t ack_drops_e4;
  int64_t commands; // that came
  int64_t forged;   // of these, not signed as they should be
};

struct sim_device {
  struct port *port;
  char site[DEVICE_ID_MAX];
  char id[DEVICE_ID_MAX];
  struct mqtt *mqtt;
  char password[IDENTITY_PASSWORD_MAX];
  struct contact contact;
  bool offline; // says goodbye and stays away
  struct device_keys keys; // none, or one: it signs what it says and obeys what is signed
  bool shown;   // its first state has reached the broker
  struct meter *meters; // of a gateway
  size_t meter_count;
  size_t next_meter;
  uint64_t sequence;
  struct outgoing *unreceipted; // acknowledged by the broker, not yet receipted by Riser
  size_t unreceipted_count;
  struct resend resend;
  int64_t next_state_ms;
};

// Begins to connect. The device's address must not change.
enum error device_open(struct sim_device *device, struct port *port, const char *broker, bool receipts) MUST_USE;
void device_close(struct sim_device *device);

int64_t device_now_s(const struct sim_device *device); // as its clock goes

// Queues its state, or the farewell; an error is one of memory or of a full queue.
enum error device_show(struct sim_device *device, bool online) MUST_USE;
enum error device_take(struct sim_device *device, const struct incoming *incoming) MUST_USE;
enum error device_work(struct sim_device *device, int64_t now_ms) MUST_USE; // slow contacts
void device_set_offline(struct sim_device *device, bool offline);

// Takes the message. ERR_AGAIN: it could not leave now and is back in the queue.
enum error device_publish(struct sim_device *device, struct outgoing *message) MUST_USE;

#endif

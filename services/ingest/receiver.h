// SPDX-License-Identifier: Apache-2.0
// The MQTT side: subscribes, appends what comes to the spool, and stops taking in while the spool is nearly full.
// receiver_supervise and the rest are main's thread; Paho's threads are inside.
#ifndef RISER_INGEST_RECEIVER_H
#define RISER_INGEST_RECEIVER_H

#include <stdatomic.h>

#include "ingest/config.h"
#include "ingest/gauges.h"
#include "io/mqtt.h"
#include "io/spool.h"

struct receiver;

struct receiver_options {
  const struct ingest_config *config;
  struct spool *spool; // the receiver is its appender
  struct gauges *gauges;
  _Atomic int64_t *alive_ms; // wall time when the broker was last known to be connected; kept up to date
};

// Begins to connect. Everything that `options` points to outlives the receiver.
enum error receiver_open(const struct receiver_options *options, struct receiver **out) MUST_USE;
void receiver_close(struct receiver *receiver); // nothing is appended after it; NULL is fine

struct mqtt *receiver_mqtt(struct receiver *receiver);

// Waits until the spool gets full, the drain begins or the time is up; then stops the intake or goes on with it, and
// tells the gauges. To be called a few times a second.
void receiver_supervise(struct receiver *receiver, int timeout_ms);

// How long the broker may have held back a message that comes at `now_ms`: as long as we were away, if that is what it
// is just handing over. Pure.
struct absence {
  int64_t away_ms;  // how long we were away
  int64_t until_ms; // messages up to this time may be of then
};
struct absence absence_after(int64_t alive_ms, int64_t now_ms, bool session_present);
int64_t absence_held_ms(const struct absence *absence, int64_t now_ms);

#endif

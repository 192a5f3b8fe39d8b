// SPDX-License-Identifier: Apache-2.0
// Publishing a script over MQTT as the meters would, within a window of unacknowledged messages and a distance to what
// has come out at the other end. What the broker did not acknowledge is published again. One thread, plus Paho's.
#ifndef RISER_RISERCTL_REPLAY_FEED_H
#define RISER_RISERCTL_REPLAY_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "io/mqtt.h"
#include "riserctl/replay/arrivals.h"
#include "riserctl/replay/ledger.h"
#include "riserctl/replay/rows.h"
#include "riserctl/replay/script.h"

struct feed;

struct feed_options {
  struct mqtt_settings mqtt;
  const char *site;
  uint64_t seed;
  const struct rows *rows;
  struct script *script;
  struct arrivals *arrivals;
  struct ledger *ledger;
  int window;       // unacknowledged messages
  int64_t distance; // messages published that are not in the site log
};

struct feed_counts {
  uint64_t published; // acknowledged publishes
  uint64_t resent;    // publishes whose outcome was unknown
  uint64_t refused;   // by the broker
};

// Connects; ERR_TIMEOUT when the broker doesn't answer. Everything in the options is borrowed.
enum error feed_open(const struct feed_options *options, struct feed **out) MUST_USE;
void feed_close(struct feed *feed);

// Publishes what is due at or before until_s, as far as window and distance allow; takes acknowledgements. `tick_s`
// goes into the ledger. *done: everything due is published and acknowledged.
enum error feed_step(struct feed *feed, int64_t until_s, int64_t tick_s, bool *done) MUST_USE;

size_t feed_position(const struct feed *feed); // how many of the script's sends have been published
struct feed_counts feed_counts(const struct feed *feed);

// The broker's own counters as it last published them ($SYS); -1: it says nothing of the kind.
void feed_broker_counters(struct feed *feed, int64_t *received, int64_t *dropped);

#endif

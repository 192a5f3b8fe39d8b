// SPDX-License-Identifier: Apache-2.0
// The simulated houses: rooms with meters whose relay or valve obeys (metersim's contact), on connections that come and
// go. A room without supply uses nothing. A device keeps what it has to say until the broker has acknowledged it, or,
// if it asks for receipts, until ingest says that Kafka has it.
#ifndef RISER_TESTS_SIM_HOUSE_H
#define RISER_TESTS_SIM_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "domain/reading.h"
#include "metersim/contact.h"

enum { HOUSES = 2, ROOMS = 2, POINTS = 3, DEVICES = HOUSES * POINTS, HOUSE_NAME_SIZE = 32 };

// Points 0 and 1 are the rooms' electricity, 2 is the water of room 0.
struct device {
  size_t house, point;
  char site[HOUSE_NAME_SIZE];
  char id[HOUSE_NAME_SIZE]; // the meter's too
  enum meter_register reg;
  uint32_t generation; // the point's first meter is 1
  int64_t installed_s;
  int64_t value;
  int64_t rate_per_hour;
  int64_t counted_ms; // up to then the value holds
  struct contact contact;
  bool forced_since; // moved by hand since the last command
  bool online;
  int64_t offline_until_ms;
  int64_t skew_ms; // of what it says about when it sent
  uint64_t sequence;
  struct saying *sayings; // what is still to be said, oldest first
  size_t saying_count, saying_room;
  int64_t say_at_ms; // when it will speak; 0: it need not
  uint64_t say_turn;
};

void house_begin(bool receipts);
void house_end(void);
void house_open(void);  // the meters begin to run
void house_close(void); // no more readings: what is there is still said

struct device *house_device(size_t house, size_t point);
const char *house_site(size_t house);
int64_t house_utc_offset_s(size_t house); // of its local time
size_t house_room_of(size_t point);
bool house_is_water(size_t point);

void house_take(const char *topic, struct bytes payload, int64_t until_ms);
void house_disconnected(void); // by the broker, all of them
void house_go_offline(struct device *device, int64_t for_ms);
void house_force(struct device *device, enum supply supply); // by hand
// Another meter in its place; both are read out: the old one's last and the new one's first read.
void house_swap(struct device *device, struct reading *last, struct reading *first, char old_id[HOUSE_NAME_SIZE]);
bool house_has_said_all(void);

#endif

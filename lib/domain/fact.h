// SPDX-License-Identifier: Apache-2.0
// A fact: one record of the site log, as the pure code sees it. lib/wire makes it from protobuf and back.
// Everything it points to lives in the arena it was decoded into. Strings are never NULL.
#ifndef RISER_DOMAIN_FACT_H
#define RISER_DOMAIN_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "domain/reading.h"
#include "domain/site.h"
#include "domain/tariff.h"

// What this build can read; a record whose min_reader is higher stops the partition.
#ifndef FACT_READER_VERSION // a test's build is a version ahead
#define FACT_READER_VERSION 1
#endif

enum fact_kind { // numbers: the field numbers of SiteRecord.fact
  FACT_NONE = 0,
  FACT_READINGS = 10,
  FACT_DEVICE_EVENT = 11,
  FACT_DEVICE_STATE = 12,
  FACT_COMMAND_ACK = 13,
  FACT_SITE = 20,
  FACT_ROOM = 21,
  FACT_SERVICE_POINT = 22,
  FACT_INSTALLATION = 23,
  FACT_TARIFF = 24,
  FACT_LEASE = 25,
  FACT_DEVICE_KEY = 26,
  FACT_PAYMENT = 30,
  FACT_READ_EDIT = 31,
  FACT_NOTICE_DELIVERED = 40,
  FACT_DISCONNECT_INTENT = 41,
  FACT_COMMAND_OUTCOME = 42,
  FACT_TICK = 50,
};

struct envelope {
  const char *fact_id;
  uint32_t min_reader;
  const char *landlord;
  const char *site;
  int64_t event_time_ms;
  int64_t receive_time_ms;
  const char *source;
  uint64_t sequence;
  const char *actor;
  const char *supersedes;
  const char *traceparent;
};

// What the record is in Kafka, for the seal (domain/seal.h). Borrowed from whoever read the record.
struct record_mark {
  const char *chain; // its key, which names the chain that it belongs to; NULL: it belongs to none
  struct bytes value;
};

struct readings_fact {
  const char *device;
  const struct reading *readings;
  size_t count;
  bool clock_suspect;
  int64_t sent_at_ms;
  bool by_hand;
};

enum event_kind { // of telemetry.proto
  EVENT_NONE = 0,
  EVENT_TAMPER = 1,
  EVENT_COVER_OPEN = 2,
  EVENT_LEAK = 3,
  EVENT_OVERLOAD = 4,
  EVENT_LOW_BATTERY = 5,
  EVENT_POWER_LOST = 6,
  EVENT_SMOKE = 7,
  EVENT_DOOR = 8,
  EVENT_CLOCK_OFF = 9,
  EVENT_SEQUENCE_GAP = 10,
};

struct device_event_fact {
  const char *device;
  enum event_kind kind;
  int64_t time_s;
  const char *detail;
};

struct device_state_fact {
  const char *device;
  bool online;
  enum supply supply;
  int64_t time_s;
  uint64_t desired_version;
};

enum ack_outcome { ACK_NONE = 0, ACK_ACCEPTED = 1, ACK_DONE = 2, ACK_REFUSED = 3, ACK_EXPIRED = 4, ACK_DUPLICATE = 5 };

struct command_ack_fact {
  const char *device;
  const char *command_id;
  enum ack_outcome outcome;
  int64_t time_s;
  const char *detail;
};

struct payment {
  const char *id;
  const char *lease;
  enum commodity commodity; // COMMODITY_NONE: oldest debt first
  int64_t amount_e4;
  int64_t paid_at_s;
  const char *method;
  const char *reference;
};

struct read_edit {
  const char *meter;
  enum meter_register reg;
  int64_t time_s;
  int64_t value;
  bool is_void;
  uint32_t revision; // 0..255
  const char *reason;
};

enum channel { CHANNEL_NONE = 0, CHANNEL_MAIL = 1, CHANNEL_WEBHOOK = 2 };
enum delivery { DELIVERY_NONE = 0, DELIVERY_DELIVERED = 1, DELIVERY_FAILED = 2, DELIVERY_BOUNCED = 3 };

struct notice_delivered {
  const char *decision_id;
  const char *person;
  enum channel channel;
  enum delivery delivery;
  const char *message_id;
  int64_t time_s;
  const char *detail;
};

struct disconnect_intent {
  const char *command_id;
  const char *decision_id;
  const char *service_point;
  enum supply supply;
  int64_t time_s;
};

enum outcome {
  OUTCOME_NONE = 0,
  OUTCOME_CONFIRMED = 1,
  OUTCOME_FAILED = 2,
  OUTCOME_REFUSED = 3,
  OUTCOME_EXPIRED = 4,
  OUTCOME_SUPERSEDED = 5,
};

struct command_outcome {
  const char *command_id;
  const char *decision_id;
  const char *service_point;
  const char *device;
  enum supply supply;
  enum outcome outcome;
  int64_t time_s;
  const char *reason;
};

struct tick {
  int64_t time_s;
};

struct fact {
  struct envelope envelope;
  struct record_mark mark;
  enum fact_kind kind;
  union {
    struct readings_fact readings;
    struct device_event_fact device_event;
    struct device_state_fact device_state;
    struct command_ack_fact command_ack;
    struct site site;
    struct room room;
    struct service_point service_point;
    struct installation installation;
    struct tariff tariff;
    struct lease lease;
    struct device_key device_key;
    struct payment payment;
    struct read_edit read_edit;
    struct notice_delivered notice_delivered;
    struct disconnect_intent disconnect_intent;
    struct command_outcome command_outcome;
    struct tick tick;
  };
};

const char *fact_kind_name(enum fact_kind kind); // "readings", "payment", ...; "unknown"

#endif

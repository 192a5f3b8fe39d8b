// SPDX-License-Identifier: Apache-2.0
// What becomes of a message: facts for the site log, a refusal, a receipt. Pure: what it knows of the world is in
// `struct judge`, the time is the message's.
#ifndef RISER_INGEST_CORE_JUDGE_H
#define RISER_INGEST_CORE_JUDGE_H

#include "base/arena.h"
#include "domain/fact.h"
#include "domain/telemetry.h"
#include "ingest/core/check.h"
#include "ingest/core/claim.h"
#include "ingest/core/devices.h"
#include "ingest/core/registry.h"
#include "ingest/core/topic.h"

// One MQTT message as it lies in the spool.
struct message {
  struct topic topic;
  uint64_t position;  // in the spool
  int64_t receive_ms; // when it first came
  int64_t held_ms;    // for how long the broker may have held it back, because we were away
};

enum content_kind { CONTENT_READINGS, CONTENT_EVENT, CONTENT_STATE, CONTENT_ACK };

// What a codec made of the payload. Everything lives in the arena.
struct content {
  enum content_kind kind;
  const char *site; // which site and device the payload itself names; "" if it does not
  const char *device;
  bool json; // a receipt takes the same form
  union {
    struct batch batch;
    struct device_event_fact event;
    struct device_state_fact state;
    struct command_ack_fact ack;
  };
};

struct judge {
  struct check_limits limits;
  int64_t clock_limit_ms;       // sent_at may be that far from arrival
  int64_t clock_event_every_ms; // at most one clock-off event per device in that time
  bool refuse_foreign;          // a device that is registered at another site of the landlord
  bool track_sequences;         // this process hears all that a device says
  uint64_t counted_until;       // the numbers of messages before this position of the spool are counted already
  const struct registry *registry;
  struct devices *devices;
  const char *instance;
};

enum { VERDICT_FACTS_MAX = 3 };

// What judge_message takes from its arena at most.
size_t judge_arena_max(const struct check_limits *limits);

struct verdict {
  struct fact facts[VERDICT_FACTS_MAX];
  size_t fact_count;
  enum error refused; // OK: no refusal. Of readings, facts may hold the good ones nevertheless
  const char *detail; // of the refusal: what, where and how to mend it
  size_t readings;    // in facts
  struct claim claim; // what follows for its device once the facts are stored
};

// Before anything is decoded: ERR_UNKNOWN_SITE, ERR_FOREIGN_SITE.
enum error judge_admit(const struct judge *judge, const struct topic *topic) MUST_USE;

// Whether the device has said it, if it has a key: ERR_NOT_SIGNED, ERR_BAD_SIGNATURE, ERR_KEY_UNUSABLE. `text` is the
// topic as it came.
enum error judge_signature(const struct judge *judge, const struct topic *topic, struct bytes text,
                           struct bytes payload) MUST_USE;

// ERR_NO_MEMORY when the arena is full (judge_arena_max is enough); all else that can go wrong is in the verdict.
enum error judge_message(const struct judge *judge, const struct message *message, const struct content *content,
                         struct arena *arena, struct verdict *verdict) MUST_USE;

// For a message that Kafka already has: only its number is counted.
void judge_track(const struct judge *judge, const struct message *message, const struct content *content);

// True if the clock that wrote `sent_at_ms` can't be right. A message may have waited in the broker for held_ms.
bool clock_is_off(int64_t sent_at_ms, int64_t receive_ms, int64_t held_ms, int64_t limit_ms);

#endif

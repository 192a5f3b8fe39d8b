// SPDX-License-Identifier: Apache-2.0
// What a device may say: bounds of ids, registers, values and times. Pure.
#ifndef RISER_INGEST_CORE_CHECK_H
#define RISER_INGEST_CORE_CHECK_H

#include "base/arena.h"
#include "domain/fact.h"
#include "domain/telemetry.h"

struct check_limits {
  size_t readings_max; // of one message
  int64_t oldest_s;    // 2000-01-01: before it nobody had a clock that was set
  int64_t future_ms;   // how far beyond the receive time a reading may lie
};

enum { CHECK_DETAIL_MAX = 200 };                  // bytes of a free text
#define CHECK_VALUE_MAX INT64_C(1000000000000000) // 10^15 Wh or ml

struct check_result {
  size_t good;          // readings that are left
  size_t bad;           // readings that were taken out
  enum error first_err; // why the first of these, OK if there are none
  size_t first_index;
};

// The readings that may be stored, into `to` (room for batch->count), each with its meter filled in. Errors, about the
// message as a whole: ERR_NO_READINGS, ERR_TOO_MANY_READINGS; or, when no reading is left, that of the first one.
// *result is written in either case.
enum error check_batch(const struct check_limits *limits, const struct batch *batch, const char *device,
                       int64_t receive_ms, struct reading *to, struct check_result *result) MUST_USE;

// An event's kind is one that a device may state, a supply is ON, OFF or unknown, an acknowledgement names a command
// and an outcome: else ERR_BAD_EVENT, ERR_BAD_STATE, ERR_BAD_ACK. A free text that is too long is cut (into the arena:
// ERR_LIMIT when that is full), and an instant that is absent (0) or can't be becomes the receive time: an alarm is
// worth more than its date, and a last will has none.
enum error check_event(const struct check_limits *limits, int64_t receive_ms, struct arena *arena,
                       struct device_event_fact *event) MUST_USE;
enum error check_state(const struct check_limits *limits, int64_t receive_ms, struct device_state_fact *state) MUST_USE;
enum error check_ack(const struct check_limits *limits, int64_t receive_ms, struct arena *arena,
                     struct command_ack_fact *ack) MUST_USE;

#endif

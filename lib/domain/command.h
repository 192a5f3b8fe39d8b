// SPDX-License-Identifier: Apache-2.0
// A command's life, as control keeps it in riser.command.v1.
#ifndef RISER_DOMAIN_COMMAND_H
#define RISER_DOMAIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/decision.h"

enum command_step {
  COMMAND_NONE = 0,
  COMMAND_DUE = 1,
  COMMAND_HELD = 2,
  COMMAND_INTENDED = 3,
  COMMAND_ALLOWED = 4,
  COMMAND_SENT = 5,
  COMMAND_ACKNOWLEDGED = 6,
  COMMAND_CONFIRMED = 7,
  COMMAND_REFUSED = 8,
  COMMAND_FAILED = 9,
  COMMAND_SUPERSEDED = 10,
};

struct command_state {
  const char *command_id;
  const char *decision_id;
  const char *landlord;
  const char *site;
  enum command_step step;
  const char *reason;
  int64_t business_time_s;
  int64_t wall_time_ms;
  uint32_t attempt;
  struct switch_due switch_due;
  struct cause cause;
  int32_t utc_offset_s;
};

// What goes to the device as down/cmd.
struct device_command {
  const char *command_id;
  enum supply supply;
  int64_t not_after_s;
  uint64_t desired_version;
  const uint8_t *signature; // HMAC over the fields above; signature_len 0: the device has no key
  size_t signature_len;
};

bool command_step_is_final(enum command_step step);
const char *command_step_name(enum command_step step);

#endif

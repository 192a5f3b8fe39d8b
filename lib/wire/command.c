// SPDX-License-Identifier: Apache-2.0
#include "wire/command.h"

#include "wire/decision_parts.h"
#include "wire/enums.h"
#include "wire/message.h"

#define COMMAND(TEXT, PLAIN, ENUM) \
  TEXT(command_id) TEXT(decision_id) TEXT(landlord) TEXT(site) ENUM(step, state, command_step) TEXT(reason) \
  PLAIN(business_time_s) PLAIN(wall_time_ms) PLAIN(attempt) PLAIN(utc_offset_s)
WIRE_MAPPING(head, struct command_state, Riser__Command__V1__CommandState, riser__command__v1__command_state__init,
             COMMAND)

enum error wire_command_state_decode(struct bytes in, struct arena *arena, struct command_state *out) {
  Riser__Command__V1__CommandState *message;
  enum error err = wire_unpack(&riser__command__v1__command_state__descriptor, in, arena, &message);
  if (err) return err;
  head_in(message, out);
  switch_due_in(message->switch_due, &out->switch_due);
  cause_in(message->cause, &out->cause);
  return OK;
}

enum error wire_command_state_encode(const struct command_state *in, struct buffer *out) {
  Riser__Command__V1__CommandState message;
  Riser__Decision__V1__SwitchDue switch_due;
  Riser__Decision__V1__Cause cause;
  head_out(in, &message);
  switch_due_out(&in->switch_due, &switch_due);
  cause_out(&in->cause, &cause);
  message.switch_due = &switch_due;
  message.cause = &cause;
  return wire_pack(&message, out);
}

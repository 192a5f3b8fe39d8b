// SPDX-License-Identifier: Apache-2.0
// One record of riser.command.v1 (a state that a command went through) <-> struct command_state.
#ifndef RISER_WIRE_COMMAND_H
#define RISER_WIRE_COMMAND_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/command.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK and lives in the arena.
MUST_USE enum error wire_command_state_decode(struct bytes in, struct arena *arena, struct command_state *out);
MUST_USE enum error wire_command_state_encode(const struct command_state *in, struct buffer *out);

#endif

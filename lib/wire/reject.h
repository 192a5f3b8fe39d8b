// SPDX-License-Identifier: Apache-2.0
// One record of riser.reject.v1 <-> struct reject.
#ifndef RISER_WIRE_REJECT_H
#define RISER_WIRE_REJECT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/reject.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK and lives in the arena.
MUST_USE enum error wire_reject_decode(struct bytes in, struct arena *arena, struct reject *out);
MUST_USE enum error wire_reject_encode(const struct reject *in, struct buffer *out);

#endif

// SPDX-License-Identifier: Apache-2.0
// The outbox (riser.state.v1.Outbox) <-> struct outbox. An empty outbox has no bytes.
#ifndef RISER_WIRE_OUTBOX_H
#define RISER_WIRE_OUTBOX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/outbox.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK and lives in the arena.
MUST_USE enum error wire_outbox_decode(struct bytes in, struct arena *arena, struct outbox *out);
MUST_USE enum error wire_outbox_encode(const struct outbox *in, struct buffer *out);

#endif

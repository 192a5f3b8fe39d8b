// SPDX-License-Identifier: Apache-2.0
// One record of riser.decision.v1 <-> struct decision. The decoded decision lives in the arena; a kind that this build
// does not know decodes as DECISION_NONE.
#ifndef RISER_WIRE_DECISION_H
#define RISER_WIRE_DECISION_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/decision.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK.
MUST_USE enum error wire_decision_decode(struct bytes in, struct arena *arena, struct decision *out);
MUST_USE enum error wire_decision_encode(const struct decision *in, struct buffer *out);

#endif

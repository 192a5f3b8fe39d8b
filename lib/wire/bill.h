// SPDX-License-Identifier: Apache-2.0
// A bill alone (riser.decision.v1.Bill), as it is stored in Redis, <-> struct bill.
#ifndef RISER_WIRE_BILL_H
#define RISER_WIRE_BILL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/bill.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK.
MUST_USE enum error wire_bill_decode(struct bytes in, struct arena *arena, struct bill *out);
MUST_USE enum error wire_bill_encode(const struct bill *in, struct buffer *out);

#endif

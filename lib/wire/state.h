// SPDX-License-Identifier: Apache-2.0
// What billing keeps in Redis (riser.state.v1) <-> the structs of domain/billing_state.h. Equal structs give equal
// bytes. The decoded structs live in the arena. ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full;
// *out is written only on OK.
#ifndef RISER_WIRE_STATE_H
#define RISER_WIRE_STATE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/billing_state.h"

MUST_USE enum error wire_partition_meta_decode(struct bytes in, struct arena *arena, struct partition_meta *out);
MUST_USE enum error wire_partition_meta_encode(const struct partition_meta *in, struct buffer *out);

MUST_USE enum error wire_site_state_decode(struct bytes in, struct arena *arena, struct site_state *out);
MUST_USE enum error wire_site_state_encode(const struct site_state *in, struct buffer *out);

MUST_USE enum error wire_point_state_decode(struct bytes in, struct arena *arena, struct point_state *out);
MUST_USE enum error wire_point_state_encode(const struct point_state *in, struct buffer *out);

MUST_USE enum error wire_account_state_decode(struct bytes in, struct arena *arena, struct account_state *out);
MUST_USE enum error wire_account_state_encode(const struct account_state *in, struct buffer *out);

#endif

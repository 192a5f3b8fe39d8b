// SPDX-License-Identifier: Apache-2.0
// One record of riser.device.v1 <-> struct device.
#ifndef RISER_WIRE_DEVICE_H
#define RISER_WIRE_DEVICE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/device.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK and lives in the arena.
MUST_USE enum error wire_device_decode(struct bytes in, struct arena *arena, struct device *out);
MUST_USE enum error wire_device_encode(const struct device *in, struct buffer *out);

#endif

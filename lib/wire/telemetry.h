// SPDX-License-Identifier: Apache-2.0
// The payloads between devices and Riser (riser.telemetry.v1) <-> domain. Input is a stranger's: any bytes may come.
// Decoders put everything into the arena and answer ERR_BAD_PROTOBUF, ERR_BAD_UTF8 or, when the arena is full,
// ERR_LIMIT; *out is written only on OK. Bounds of values and ids are not checked here: that is ingest's. Encoders
// append to `out`.
#ifndef RISER_WIRE_TELEMETRY_H
#define RISER_WIRE_TELEMETRY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/command.h"
#include "domain/fact.h"
#include "domain/telemetry.h"

MUST_USE enum error wire_batch_decode(struct bytes in, struct arena *arena, struct batch *out);
MUST_USE enum error wire_batch_encode(const struct batch *in, struct buffer *out);

MUST_USE enum error wire_receipt_decode(struct bytes in, struct arena *arena, struct receipt *out);
MUST_USE enum error wire_receipt_encode(const struct receipt *in, struct buffer *out);

// The device is the topic's, so it is "" after decoding and not encoded.
MUST_USE enum error wire_telemetry_event_decode(struct bytes in, struct arena *arena, struct device_event_fact *out);
MUST_USE enum error wire_telemetry_event_encode(const struct device_event_fact *in, struct buffer *out);

MUST_USE enum error wire_telemetry_state_decode(struct bytes in, struct arena *arena, struct device_state_fact *out);
MUST_USE enum error wire_telemetry_state_encode(const struct device_state_fact *in, struct buffer *out);

MUST_USE enum error wire_telemetry_ack_decode(struct bytes in, struct arena *arena, struct command_ack_fact *out);
MUST_USE enum error wire_telemetry_ack_encode(const struct command_ack_fact *in, struct buffer *out);

MUST_USE enum error wire_device_command_decode(struct bytes in, struct arena *arena, struct device_command *out);
MUST_USE enum error wire_device_command_encode(const struct device_command *in, struct buffer *out);

#endif

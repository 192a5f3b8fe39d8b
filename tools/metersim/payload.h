// SPDX-License-Identifier: Apache-2.0
// What the simulated devices write and read: protobuf or JSON, as the device guide describes them; and the malformed
// messages that some devices send. Encoders append to `out`. Any thread.
#ifndef RISER_METERSIM_PAYLOAD_H
#define RISER_METERSIM_PAYLOAD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "domain/fact.h"
#include "domain/command.h"
#include "domain/telemetry.h"
#include "metersim/random.h"

enum payload_format { FORMAT_JSON, FORMAT_PB };
enum { COMMAND_PAYLOAD_MAX = 4096 };

enum error payload_batch(enum payload_format format, const struct batch *batch, struct buffer *out) MUST_USE;
enum error payload_state(enum payload_format format, const struct device_state_fact *state,
                         struct buffer *out) MUST_USE;
enum error payload_ack(enum payload_format format, const struct command_ack_fact *ack, struct buffer *out) MUST_USE;

// Of down/cmd and down/receipt: JSON when the first byte is '{', protobuf otherwise. ERR_BAD_JSON, ERR_BAD_PROTOBUF.
enum error payload_command(struct bytes in, struct arena *arena, struct device_command *command) MUST_USE;
enum error payload_receipt(struct bytes in, struct arena *arena, struct receipt *receipt) MUST_USE;

// One of several kinds of rubbish; its name.
const char *payload_malformed(struct random *random, struct buffer *out);

#endif

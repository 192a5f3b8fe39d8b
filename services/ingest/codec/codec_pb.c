// SPDX-License-Identifier: Apache-2.0
// Protobuf, riser.telemetry.v1: up/pb, and up/event, up/state, up/ack that do not begin with '{'. In protobuf '{'
// (0x7b) opens a group of field 15, which none of these messages has.
#include "ingest/codec/codec.h"
#include "wire/telemetry.h"

static enum error decode(struct codec_input *input, struct content *out) {
  struct content content = {.kind = input->kind, .site = "", .device = ""};
  enum error err = ERR_INTERNAL;
  switch (input->kind) {
  case CONTENT_READINGS:
    err = wire_batch_decode(input->payload, input->arena, &content.batch);
    break;
  case CONTENT_EVENT:
    err = wire_telemetry_event_decode(input->payload, input->arena, &content.event);
    break;
  case CONTENT_STATE:
    err = wire_telemetry_state_decode(input->payload, input->arena, &content.state);
    break;
  case CONTENT_ACK:
    err = wire_telemetry_ack_decode(input->payload, input->arena, &content.ack);
    break;
  }
  if (!err) *out = content;
  return err;
}

const struct codec codec_pb = {
    .name = "pb",
    .help = "protobuf, riser.telemetry.v1",
    .decode = decode,
};

// SPDX-License-Identifier: Apache-2.0
// protobuf-c does not check that strings are UTF-8, but every other protobuf library refuses a record with a bad one;
// so what a stranger sends is checked here, before it gets into the log.
#include "wire/telemetry.h"

#include "wire/enums.h"
#include "wire/message.h"
#include "wire/readings.h"

#define EVENT(TEXT, PLAIN, ENUM) ENUM(kind, kind, event_kind) PLAIN(time_s) TEXT(detail)
WIRE_MAPPING(event, struct device_event_fact, Riser__Telemetry__V1__DeviceEvent,
             riser__telemetry__v1__device_event__init, EVENT)

#define STATE(TEXT, PLAIN, ENUM) PLAIN(online) ENUM(supply, supply, supply) PLAIN(time_s) PLAIN(desired_version)
WIRE_MAPPING(state, struct device_state_fact, Riser__Telemetry__V1__DeviceState,
             riser__telemetry__v1__device_state__init, STATE)

#define ACK(TEXT, PLAIN, ENUM) TEXT(command_id) ENUM(outcome, outcome, ack_outcome) PLAIN(time_s) TEXT(detail)
WIRE_MAPPING(ack, struct command_ack_fact, Riser__Telemetry__V1__CommandAck, riser__telemetry__v1__command_ack__init,
             ACK)

#define COMMAND(TEXT, PLAIN, ENUM) \
  TEXT(command_id) ENUM(supply, supply, supply) PLAIN(not_after_s) PLAIN(desired_version)
WIRE_MAPPING(command, struct device_command, Riser__Telemetry__V1__Command, riser__telemetry__v1__command__init,
             COMMAND)

static enum error unpack_strict(const ProtobufCMessageDescriptor *type, struct bytes in, struct arena *arena,
                                void *message) {
  enum error err = wire_unpack(type, in, arena, message);
  if (err) return err;
  return wire_is_utf8(*(void **)message) ? OK : ERR_BAD_UTF8;
}

enum error wire_batch_decode(struct bytes in, struct arena *arena, struct batch *out) {
  Riser__Telemetry__V1__ReadingBatch *message;
  enum error err = unpack_strict(&riser__telemetry__v1__reading_batch__descriptor, in, arena, &message);
  if (err) return err;
  const struct reading *readings = readings_in(message->readings, message->n_readings, arena);
  if (!readings) return ERR_LIMIT;
  *out = (struct batch){
      .sequence = message->sequence,
      .boot = message->boot,
      .sent_at_ms = message->sent_at_ms,
      .readings = readings,
      .count = message->n_readings,
      .want_receipt = message->want_receipt,
      .counter = message->counter,
  };
  return OK;
}

enum error wire_batch_encode(const struct batch *in, struct buffer *out) {
  Riser__Telemetry__V1__ReadingBatch message = RISER__TELEMETRY__V1__READING_BATCH__INIT;
  struct readings_out readings;
  message.sequence = in->sequence;
  message.boot = in->boot;
  message.sent_at_ms = in->sent_at_ms;
  message.n_readings = in->count;
  message.readings = readings_out_init(&readings, in->readings, in->count);
  message.want_receipt = in->want_receipt;
  message.counter = in->counter;
  enum error err = message.readings ? wire_pack(&message, out) : ERR_NO_MEMORY;
  readings_out_fini(&readings);
  return err;
}

enum error wire_receipt_decode(struct bytes in, struct arena *arena, struct receipt *out) {
  Riser__Telemetry__V1__Receipt *message;
  enum error err = unpack_strict(&riser__telemetry__v1__receipt__descriptor, in, arena, &message);
  if (err) return err;
  *out = (struct receipt){.boot = message->boot, .first = message->first, .sequence = message->sequence};
  return OK;
}

enum error wire_receipt_encode(const struct receipt *in, struct buffer *out) {
  Riser__Telemetry__V1__Receipt message = RISER__TELEMETRY__V1__RECEIPT__INIT;
  message.boot = in->boot;
  message.first = in->first;
  message.sequence = in->sequence;
  return wire_pack(&message, out);
}

enum error wire_telemetry_event_decode(struct bytes in, struct arena *arena, struct device_event_fact *out) {
  Riser__Telemetry__V1__DeviceEvent *message;
  enum error err = unpack_strict(&riser__telemetry__v1__device_event__descriptor, in, arena, &message);
  if (err) return err;
  event_in(message, out);
  out->device = "";
  return OK;
}

enum error wire_telemetry_event_encode(const struct device_event_fact *in, struct buffer *out) {
  Riser__Telemetry__V1__DeviceEvent message;
  event_out(in, &message);
  return wire_pack(&message, out);
}

enum error wire_telemetry_state_decode(struct bytes in, struct arena *arena, struct device_state_fact *out) {
  Riser__Telemetry__V1__DeviceState *message;
  enum error err = unpack_strict(&riser__telemetry__v1__device_state__descriptor, in, arena, &message);
  if (err) return err;
  state_in(message, out);
  out->device = "";
  return OK;
}

enum error wire_telemetry_state_encode(const struct device_state_fact *in, struct buffer *out) {
  Riser__Telemetry__V1__DeviceState message;
  state_out(in, &message);
  return wire_pack(&message, out);
}

enum error wire_telemetry_ack_decode(struct bytes in, struct arena *arena, struct command_ack_fact *out) {
  Riser__Telemetry__V1__CommandAck *message;
  enum error err = unpack_strict(&riser__telemetry__v1__command_ack__descriptor, in, arena, &message);
  if (err) return err;
  ack_in(message, out);
  out->device = "";
  return OK;
}

enum error wire_telemetry_ack_encode(const struct command_ack_fact *in, struct buffer *out) {
  Riser__Telemetry__V1__CommandAck message;
  ack_out(in, &message);
  return wire_pack(&message, out);
}

enum error wire_device_command_decode(struct bytes in, struct arena *arena, struct device_command *out) {
  Riser__Telemetry__V1__Command *message;
  enum error err = unpack_strict(&riser__telemetry__v1__command__descriptor, in, arena, &message);
  if (err) return err;
  command_in(message, out);
  out->signature = message->signature.data;
  out->signature_len = message->signature.len;
  return OK;
}

enum error wire_device_command_encode(const struct device_command *in, struct buffer *out) {
  Riser__Telemetry__V1__Command message;
  command_out(in, &message);
  message.signature = (ProtobufCBinaryData){in->signature_len, (uint8_t *)in->signature};
  return wire_pack(&message, out);
}

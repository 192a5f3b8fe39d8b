// SPDX-License-Identifier: Apache-2.0
// riser.telemetry.v1.Command, written out by hand: a core links neither protobuf-c nor lib/wire, and of four fields the
// wire format (protobuf.dev/programming-guides/encoding) is a screenful. A test decodes it with lib/wire.
#include <string.h>

#include "control/core/device/codec.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { FIELD_COMMAND_ID = 1, FIELD_SUPPLY = 2, FIELD_NOT_AFTER_S = 3, FIELD_DESIRED_VERSION = 4 };

static enum error append_varint(struct buffer *out, uint64_t value) {
  enum error err = OK;
  for (; value >= 0x80 && err == OK; value >>= 7) err = buffer_append_byte(out, (uint8_t)(value | 0x80));
  return err ? err : buffer_append_byte(out, (uint8_t)value);
}

static enum error append_number(struct buffer *out, unsigned field, uint64_t value) {
  if (value == 0) return OK;
  enum error err = append_varint(out, field << 3 | WIRE_VARINT);
  return err ? err : append_varint(out, value);
}

static enum error append_text(struct buffer *out, unsigned field, const char *text) {
  if (text[0] == '\0') return OK;
  enum error err = append_varint(out, field << 3 | WIRE_BYTES);
  if (err == OK) err = append_varint(out, strlen(text));
  return err ? err : buffer_append_text(out, text);
}

static enum error encode(const struct device_command *command, struct buffer *out) {
  enum error err = append_text(out, FIELD_COMMAND_ID, command->command_id);
  if (err == OK) err = append_number(out, FIELD_SUPPLY, command->supply);
  if (err == OK) err = append_number(out, FIELD_NOT_AFTER_S, (uint64_t)command->not_after_s);
  if (err == OK) err = append_number(out, FIELD_DESIRED_VERSION, command->desired_version);
  return err;
}

const struct device_codec device_pb = {
    .name = "pb",
    .help = "The protobuf message riser.telemetry.v1.Command.",
    .encode = encode,
};

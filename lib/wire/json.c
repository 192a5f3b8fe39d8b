// SPDX-License-Identifier: Apache-2.0
// protobuf-c's descriptors say where each field lies in the message's struct.
#include "wire/json.h"

#include <inttypes.h>
#include <string.h>

#include "riser/command/v1/command.pb-c.h"
#include "riser/decision/v1/decision.pb-c.h"
#include "riser/device/v1/device.pb-c.h"
#include "riser/person/v1/person.pb-c.h"
#include "riser/reject/v1/reject.pb-c.h"
#include "riser/site/v1/site.pb-c.h"
#include "riser/state/v1/state.pb-c.h"
#include "riser/telemetry/v1/telemetry.pb-c.h"
#include "wire/message.h"

#define KINDS(X)                                                                                                       \
  X("site-record", "riser.site.v1", riser__site__v1__site_record__descriptor)                                          \
  X("decision", "riser.decision.v1", riser__decision__v1__decision__descriptor)                                        \
  X("command-state", "riser.command.v1", riser__command__v1__command_state__descriptor)                                \
  X("device", "riser.device.v1", riser__device__v1__device__descriptor)                                                \
  X("person", "riser.person.v1", riser__person__v1__person__descriptor)                                                \
  X("reject", "riser.reject.v1", riser__reject__v1__reject__descriptor)                                                \
  X("batch", NULL, riser__telemetry__v1__reading_batch__descriptor)                                                    \
  X("event", NULL, riser__telemetry__v1__device_event__descriptor)                                                     \
  X("state", NULL, riser__telemetry__v1__device_state__descriptor)                                                     \
  X("ack", NULL, riser__telemetry__v1__command_ack__descriptor)                                                        \
  X("command", NULL, riser__telemetry__v1__command__descriptor)                                                        \
  X("receipt", NULL, riser__telemetry__v1__receipt__descriptor)                                                        \
  X("bill", NULL, riser__decision__v1__bill__descriptor)                                                               \
  X("meta", NULL, riser__state__v1__partition_meta__descriptor)                                                        \
  X("site-state", NULL, riser__state__v1__site_state__descriptor)                                                      \
  X("point-state", NULL, riser__state__v1__point_state__descriptor)                                                    \
  X("account-state", NULL, riser__state__v1__account_state__descriptor)                                                \
  X("outbox", NULL, riser__state__v1__outbox__descriptor)

#define KIND_ROW(name, topic, descriptor) {name, topic},
#define DESCRIPTOR_ROW(name, topic, descriptor) &descriptor,
const struct wire_kind wire_kinds[] = {KINDS(KIND_ROW){NULL, NULL}};
static const ProtobufCMessageDescriptor *const descriptors[] = {KINDS(DESCRIPTOR_ROW)};

static enum error put_message(const ProtobufCMessage *message, int depth, struct buffer *out);
static enum error put_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int depth,
                            struct buffer *out);
static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
static bool is_zero(const ProtobufCFieldDescriptor *field, const void *value);
static enum error put_list(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int depth,
                           struct buffer *out);
static enum error put_value(const ProtobufCFieldDescriptor *field, const void *value, int depth, struct buffer *out);
static enum error put_enum(const ProtobufCEnumDescriptor *type, int value, struct buffer *out);
static enum error put_text(const char *text, struct buffer *out);
static enum error put_hex(struct bytes bytes, struct buffer *out);
static enum error put_line(struct buffer *out, bool first, int depth);
static size_t size_of(ProtobufCType type);

enum error wire_json(const char *kind, struct bytes record, struct arena *arena, struct buffer *out) {
  for (size_t i = 0; wire_kinds[i].name; i++) {
    if (strcmp(wire_kinds[i].name, kind) != 0) continue;
    const ProtobufCMessage *message = NULL;
    enum error err = wire_unpack(descriptors[i], record, arena, &message);
    if (!err) err = put_message(message, 0, out);
    return err ? err : buffer_append_byte(out, '\n');
  }
  return ERR_NOT_FOUND;
}

static enum error put_message(const ProtobufCMessage *message, int depth, struct buffer *out) {
  bool first = true;
  enum error err = buffer_append_byte(out, '{');
  for (unsigned i = 0; i < message->descriptor->n_fields && !err; i++) {
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
    if (!is_set(message, field)) continue;
    err = put_line(out, first, depth + 1);
    if (!err) err = put_field(message, field, depth + 1, out);
    first = false;
  }
  if (!err && message->n_unknown_fields) {
    err = put_line(out, first, depth + 1);
    if (!err) err = buffer_printf(out, "\"unknown_fields\": %u", message->n_unknown_fields);
    first = false;
  }
  if (!err && !first) err = buffer_printf(out, "\n%*s", depth * 2, "");
  return err ? err : buffer_append_byte(out, '}');
}

static enum error put_line(struct buffer *out, bool first, int depth) {
  return buffer_printf(out, "%s\n%*s", first ? "" : ",", depth * 2, "");
}

static const void *at(const ProtobufCMessage *message, unsigned offset) {
  return (const uint8_t *)message + offset;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  if (field->label == PROTOBUF_C_LABEL_REPEATED) return *(const size_t *)at(message, field->quantifier_offset) > 0;
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
    return *(const uint32_t *)at(message, field->quantifier_offset) == field->id;
  }
  return !is_zero(field, at(message, field->offset));
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *value) {
  static const uint8_t zeros[16] = {0};
  const char *text;
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING:
    memcpy(&text, value, sizeof text);
    return !text || text[0] == 0;
  case PROTOBUF_C_TYPE_BYTES:
    return ((const ProtobufCBinaryData *)value)->len == 0;
  default:
    return memcmp(value, zeros, size_of(field->type)) == 0;
  }
}

static enum error put_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int depth,
                            struct buffer *out) {
  enum error err = buffer_printf(out, "\"%s\": ", field->name);
  if (err) return err;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) return put_list(message, field, depth, out);
  return put_value(field, at(message, field->offset), depth, out);
}

static enum error put_list(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int depth,
                           struct buffer *out) {
  size_t count = *(const size_t *)at(message, field->quantifier_offset);
  const uint8_t *items = *(const uint8_t *const *)at(message, field->offset);
  enum error err = buffer_append_byte(out, '[');
  for (size_t i = 0; i < count && !err; i++) {
    if (i) err = buffer_append_text(out, ", ");
    if (!err) err = put_value(field, items + i * size_of(field->type), depth, out);
  }
  return err ? err : buffer_append_byte(out, ']');
}

static size_t size_of(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_DOUBLE:
    return sizeof(int64_t);
  case PROTOBUF_C_TYPE_BOOL:
    return sizeof(protobuf_c_boolean);
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE:
    return sizeof(void *);
  case PROTOBUF_C_TYPE_BYTES:
    return sizeof(ProtobufCBinaryData);
  default:
    return sizeof(int32_t);
  }
}

static enum error put_value(const ProtobufCFieldDescriptor *field, const void *value, int depth, struct buffer *out) {
  const ProtobufCBinaryData *binary = value;
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_SFIXED64:
    return buffer_printf(out, "%" PRId64, *(const int64_t *)value);
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    return buffer_printf(out, "%" PRIu64, *(const uint64_t *)value);
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_FIXED32:
    return buffer_printf(out, "%" PRIu32, *(const uint32_t *)value);
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_SINT32:
  case PROTOBUF_C_TYPE_SFIXED32:
    return buffer_printf(out, "%" PRId32, *(const int32_t *)value);
  case PROTOBUF_C_TYPE_BOOL:
    return buffer_append_text(out, *(const protobuf_c_boolean *)value ? "true" : "false");
  case PROTOBUF_C_TYPE_ENUM:
    return put_enum(field->descriptor, *(const int *)value, out);
  case PROTOBUF_C_TYPE_STRING:
    return put_text(*(char *const *)value, out);
  case PROTOBUF_C_TYPE_BYTES:
    return put_hex(bytes_make(binary->data, binary->len), out);
  case PROTOBUF_C_TYPE_MESSAGE:
    return put_message(*(ProtobufCMessage *const *)value, depth, out);
  default: // the schemas have no floating point
    return ERR_INTERNAL;
  }
}

static enum error put_enum(const ProtobufCEnumDescriptor *type, int value, struct buffer *out) {
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
  return known ? put_text(known->name, out) : buffer_printf(out, "%d", value);
}

static enum error put_text(const char *text, struct buffer *out) {
  enum error err = buffer_append_byte(out, '"');
  for (; text && *text && !err; text++) {
    if (*text == '"' || *text == '\\') {
      err = buffer_printf(out, "\\%c", *text);
    } else if ((unsigned char)*text < 0x20) {
      err = buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
    } else {
      err = buffer_append_byte(out, (uint8_t)*text);
    }
  }
  return err ? err : buffer_append_byte(out, '"');
}

static enum error put_hex(struct bytes bytes, struct buffer *out) {
  enum error err = buffer_append_byte(out, '"');
  for (size_t i = 0; i < bytes.len && !err; i++) err = buffer_printf(out, "%02x", bytes.data[i]);
  return err ? err : buffer_append_byte(out, '"');
}

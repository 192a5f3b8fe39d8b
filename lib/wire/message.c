// SPDX-License-Identifier: Apache-2.0
// protobuf-c frees what it allocated only through its allocator, so an arena that ignores the frees is all it needs.
#include "wire/message.h"

struct source {
  struct arena *arena;
  bool full;
};

static void *source_alloc(void *context, size_t size) {
  struct source *source = context;
  void *memory = arena_alloc_raw(source->arena, size);
  if (!memory) source->full = true;
  return memory;
}

static void source_free(void *context, void *memory) {
  (void)context;
  (void)memory;
}

enum error wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes in, struct arena *arena, void *message) {
  static const uint8_t nothing[1] = {0};
  struct source source = {.arena = arena};
  ProtobufCAllocator allocator = {source_alloc, source_free, &source};
  ProtobufCMessage *parsed = protobuf_c_message_unpack(type, &allocator, in.len, in.len ? in.data : nothing);
  if (!parsed) return source.full ? ERR_LIMIT : ERR_BAD_PROTOBUF;
  *(ProtobufCMessage **)message = parsed;
  return OK;
}

enum error wire_pack(const void *message, struct buffer *out) {
  size_t size = protobuf_c_message_get_packed_size(message);
  enum error err = buffer_reserve(out, size);
  if (err || size == 0) return err;
  out->len += protobuf_c_message_pack(message, out->data + out->len);
  return OK;
}

int wire_enum(const ProtobufCEnumDescriptor *type, int value) {
  return protobuf_c_enum_descriptor_get_value(type, value) ? value : 0;
}

static bool member_is_utf8(const ProtobufCFieldDescriptor *field, const void *member) {
  if (field->type == PROTOBUF_C_TYPE_STRING) {
    const char *text = *(char *const *)member;
    return !text || bytes_is_utf8(bytes_text(text));
  }
  const void *child = *(void *const *)member;
  return !child || wire_is_utf8(child);
}

static bool field_is_utf8(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message) {
  const uint8_t *base = (const uint8_t *)message;
  if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) return true;
  if (field->label != PROTOBUF_C_LABEL_REPEATED) {
    bool chosen = !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                  *(const uint32_t *)(base + field->quantifier_offset) == field->id;
    return !chosen || member_is_utf8(field, base + field->offset);
  }
  size_t count = *(const size_t *)(base + field->quantifier_offset);
  void *const *members = *(void *const *const *)(base + field->offset);
  for (size_t i = 0; i < count; i++)
    if (!member_is_utf8(field, &members[i])) return false;
  return true;
}

bool wire_is_utf8(const void *message) {
  const ProtobufCMessageDescriptor *type = ((const ProtobufCMessage *)message)->descriptor;
  for (unsigned i = 0; i < type->n_fields; i++)
    if (!field_is_utf8(&type->fields[i], message)) return false;
  return true;
}

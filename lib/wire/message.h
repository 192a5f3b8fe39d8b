// SPDX-License-Identifier: Apache-2.0
// Inner header of lib/wire: protobuf-c with an arena as its allocator, and the two directions in which a domain struct
// and its message are copied. A FIELDS list names each field once; WIRE_MAPPING makes <name>_in (message to domain) and
// <name>_out (domain to message) from it, so that the directions can't drift apart. Pure; any thread.
#ifndef RISER_WIRE_MESSAGE_H
#define RISER_WIRE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

// What an encoder may use for the lists of one message.
#define WIRE_SCRATCH_MAX ((size_t)256 * 1024 * 1024)

// Parses `in` into the arena; unknown fields are skipped. `message` points to the pointer that gets it.
// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full.
MUST_USE enum error wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes in, struct arena *arena,
                                void *message);

// Appends the encoded message to `out`; unchanged on error.
MUST_USE enum error wire_pack(const void *message, struct buffer *out);

// A number that this build does not know becomes the zero value, so that nobody indexes a table with it.
int wire_enum(const ProtobufCEnumDescriptor *type, int value);

// True if every string in the message, at any depth, is UTF-8: protobuf demands it, protobuf-c does not look.
bool wire_is_utf8(const void *message);

#define WIRE_IN_TEXT(field) to->field = from->field;
#define WIRE_OUT_TEXT(field) to->field = (char *)from->field;
#define WIRE_COPY(field) to->field = from->field;
#define WIRE_IN_ENUM(field, remote, kind) \
  to->field = (enum kind)wire_enum(&WIRE_DESCRIPTOR_##kind, (int)from->remote);
#define WIRE_OUT_ENUM(field, remote, kind) to->remote = (WIRE_TYPE_##kind)from->field;
#define WIRE_MAPPING_AS(scope, name, domain, message, start, FIELDS) \
  scope void name##_in(const message *from, domain *to) { FIELDS(WIRE_IN_TEXT, WIRE_COPY, WIRE_IN_ENUM) } \
  scope void name##_out(const domain *from, message *to) { \
    start(to); \
    FIELDS(WIRE_OUT_TEXT, WIRE_COPY, WIRE_OUT_ENUM) \
  }
#define WIRE_MAPPING(name, domain, message, start, FIELDS) \
  WIRE_MAPPING_AS(static, name, domain, message, start, FIELDS)

// <name>_list_in and <name>_list_out: whole lists by <name>_in and <name>_out. NULL when the arena is full.
#define WIRE_LIST(name, domain, message) \
  static domain *name##_list_in(message *const *from, size_t count, struct arena *arena) { \
    domain *list = arena_array(arena, count, sizeof *list); \
    for (size_t i = 0; list && i < count; i++) name##_in(from[i], &list[i]); \
    return list; \
  } \
  static message **name##_list_out(const domain *from, size_t count, struct arena *scratch) { \
    message *items = arena_array(scratch, count, sizeof *items); \
    message **list = arena_array(scratch, count, sizeof *list); \
    for (size_t i = 0; items && list && i < count; i++) { \
      name##_out(&from[i], &items[i]); \
      list[i] = &items[i]; \
    } \
    return items ? list : NULL; \
  }

// The same for elements that hold lists themselves: their _in and _out take the arena and answer an error.
#define WIRE_DEEP_LIST(name, domain, message) \
  static domain *name##_list_in(message *const *from, size_t count, struct arena *arena) { \
    domain *list = arena_array(arena, count, sizeof *list); \
    for (size_t i = 0; list && i < count; i++) \
      if (name##_in(from[i], arena, &list[i])) return NULL; \
    return list; \
  } \
  static message **name##_list_out(const domain *from, size_t count, struct arena *scratch) { \
    message *items = arena_array(scratch, count, sizeof *items); \
    message **list = arena_array(scratch, count, sizeof *list); \
    for (size_t i = 0; items && list && i < count; i++) { \
      if (name##_out(&from[i], scratch, &items[i])) return NULL; \
      list[i] = &items[i]; \
    } \
    return items ? list : NULL; \
  }

#endif

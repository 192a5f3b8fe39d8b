// SPDX-License-Identifier: Apache-2.0
// Any of Riser's records as JSON text, for people who look: by reflection over the schema, so it shows every field that
// this build knows. Field names as in the schema, enums by name, 64-bit numbers as numbers, bytes in hexadecimal;
// fields that are not set or zero are left away; fields that this build does not know are counted as "unknown_fields".
// Not for the way back. Pure; any thread.
#ifndef RISER_WIRE_JSON_H
#define RISER_WIRE_JSON_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

struct wire_kind {
  const char *name;  // "site-record"
  const char *topic; // of Kafka that holds it; NULL: none
};

// All kinds of records; ends with a name NULL.
extern const struct wire_kind wire_kinds[];

// Appends the JSON of a record of that kind, indented. ERR_NOT_FOUND: no such kind; ERR_BAD_PROTOBUF: it is none;
// ERR_LIMIT: arena or buffer is full.
MUST_USE enum error wire_json(const char *kind, struct bytes record, struct arena *arena, struct buffer *out);

#endif

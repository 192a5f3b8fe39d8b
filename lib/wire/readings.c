// SPDX-License-Identifier: Apache-2.0
// Readings are nearly all of the traffic, so neither direction allocates once per reading beyond what protobuf-c does.
#include "wire/readings.h"

#include <stdlib.h>

#include "wire/enums.h"
#include "wire/message.h"

typedef Riser__Telemetry__V1__Reading message;

#define READING(TEXT, PLAIN, ENUM) \
  TEXT(meter) ENUM(reg, register_, meter_register) PLAIN(time_s) PLAIN(value)
WIRE_MAPPING(reading, struct reading, message, riser__telemetry__v1__reading__init, READING)

const struct reading *readings_in(message *const *from, size_t count, struct arena *arena) {
  struct reading *list = arena_alloc_raw(arena, count * sizeof *list);
  if (!list) return NULL;
  for (size_t i = 0; i < count; i++) reading_in(from[i], &list[i]);
  return list;
}

message **readings_out_init(struct readings_out *out, const struct reading *from, size_t count) {
  message *items = out->inline_items;
  message **list = out->inline_list;
  out->heap = NULL;
  if (count > READINGS_INLINE) {
    if (count > SIZE_MAX / (sizeof *items + sizeof *list)) return NULL;
    out->heap = malloc(count * (sizeof *items + sizeof *list));
    if (!out->heap) return NULL;
    items = out->heap;
    list = (message **)(items + count);
  }
  for (size_t i = 0; i < count; i++) {
    reading_out(&from[i], &items[i]);
    list[i] = &items[i];
  }
  return list;
}

void readings_out_fini(struct readings_out *out) {
  free(out->heap);
}

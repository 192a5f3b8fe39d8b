// SPDX-License-Identifier: Apache-2.0
// Inner header of lib/wire: the list of readings, which device messages and site records share.
#ifndef RISER_WIRE_READINGS_H
#define RISER_WIRE_READINGS_H

#include "base/arena.h"
#include "domain/reading.h"
#include "riser/telemetry/v1/telemetry.pb-c.h"

// NULL when the arena is full.
const struct reading *readings_in(Riser__Telemetry__V1__Reading *const *from, size_t count, struct arena *arena);

enum { READINGS_INLINE = 64 };

// The messages of a list of readings; a short list needs no heap. The messages borrow the readings' strings.
struct readings_out {
  Riser__Telemetry__V1__Reading inline_items[READINGS_INLINE];
  Riser__Telemetry__V1__Reading *inline_list[READINGS_INLINE];
  void *heap;
};

// NULL without memory. Call readings_out_fini afterwards in either case.
Riser__Telemetry__V1__Reading **readings_out_init(struct readings_out *out, const struct reading *from, size_t count);
void readings_out_fini(struct readings_out *out);

#endif

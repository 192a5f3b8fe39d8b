// SPDX-License-Identifier: Apache-2.0
// One record of the site log (riser.site.v1.SiteRecord) <-> struct fact. The decoded fact lives in the arena.
// A record without a fact, or with one that this build does not know, decodes as FACT_NONE: the reader looks at
// envelope.min_reader before it skips such a record.
#ifndef RISER_WIRE_FACT_H
#define RISER_WIRE_FACT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/fact.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK.
MUST_USE enum error wire_fact_decode(struct bytes in, struct arena *arena, struct fact *out);

// Appends to `out`. Readings up to 64 a record need no heap.
MUST_USE enum error wire_fact_encode(const struct fact *in, struct buffer *out);

#endif

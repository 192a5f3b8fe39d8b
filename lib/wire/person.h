// SPDX-License-Identifier: Apache-2.0
// One record of riser.person.v1 <-> struct person.
#ifndef RISER_WIRE_PERSON_H
#define RISER_WIRE_PERSON_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/person.h"

// ERR_BAD_PROTOBUF when malformed, ERR_LIMIT when the arena is full; *out is written only on OK and lives in the arena.
MUST_USE enum error wire_person_decode(struct bytes in, struct arena *arena, struct person *out);
MUST_USE enum error wire_person_encode(const struct person *in, struct buffer *out);

#endif

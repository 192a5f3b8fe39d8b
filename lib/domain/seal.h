// SPDX-License-Identifier: Apache-2.0
// The seal of a site's records: a hash chain over everything that stands in the site log under one key. The head after
// a record is SHA-256 of (the head before, the key's length as 32 bits little endian, the key, the value); the head
// before the first is 32 zeros. Neither partition nor offset enters, so a log that was copied elsewhere has the same
// seal. Pure; a value, owned by whoever holds it.
//
// Beside the head a check is kept of every record: the first four bytes of the head after it. As heads differ from the
// first altered record on, the first check that differs is its place.
#ifndef RISER_DOMAIN_SEAL_H
#define RISER_DOMAIN_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
  SEAL_SIZE = 32,
  SEAL_CHECK = 4,
  SEAL_SPAN = 64, // after so many records their checks are published, and begin anew
  SEAL_STATE_MAX = 8 + SEAL_SIZE + SEAL_SPAN * SEAL_CHECK,
  SEAL_TEXT_SIZE = 20 + 1 + 2 * SEAL_SIZE + 1,
};

struct seal {
  uint64_t records; // that it covers; 0: none
  uint8_t head[SEAL_SIZE];
};

// The seal with one record more.
void seal_add(struct seal *seal, struct bytes key, struct bytes value);

// What billing keeps of a chain: the seal, and the checks of the records since the last multiple of SEAL_SPAN.
struct seal_state {
  struct seal seal;
  uint8_t checks[SEAL_SPAN * SEAL_CHECK];
};

size_t seal_checks_len(const struct seal_state *state); // bytes of `checks` that hold some
// Moves on to a seal of one record more. True if the span is full with it: then all of `checks` belongs to the records
// up to this one, until the next seal is kept.
bool seal_keep(struct seal_state *state, const struct seal *next);

// Packed: records (64 bits, little endian), head, checks.
size_t seal_state_encode(const struct seal_state *state, uint8_t to[SEAL_STATE_MAX]); // gives the length
enum error seal_state_decode(struct bytes from, struct seal_state *out) MUST_USE;     // ERR_CORRUPT

// "{records}-{head in hexadecimal}", as it stands on bills; "" when nothing is sealed.
const char *seal_format(const struct seal *seal, char text[SEAL_TEXT_SIZE]);
enum error seal_parse(struct bytes text, struct seal *out) MUST_USE; // ERR_BAD_VALUE

#endif

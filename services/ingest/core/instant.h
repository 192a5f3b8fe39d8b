// SPDX-License-Identifier: Apache-2.0
// Instants as text, RFC 3339: "2016-03-01T00:28:55Z", "2016-03-01T01:28:55.250+01:00". Pure.
#ifndef RISER_INGEST_CORE_INSTANT_H
#define RISER_INGEST_CORE_INSTANT_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

// Milliseconds since 1970-01-01T00:00:00Z; further decimals of the second are cut off. ERR_BAD_TIME: not of this form,
// or no such day. A leap second (:60) is the second after :59.
enum error instant_parse(struct bytes text, int64_t *ms) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// What was published and has not yet come out at the other end: reads in the site log, malformed messages in the reject
// topic. Pure; memory grows with what is on its way. One thread.
#ifndef RISER_RISERCTL_REPLAY_ARRIVALS_H
#define RISER_RISERCTL_REPLAY_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/reading.h"

struct arrivals;

struct arrivals *arrivals_new(void); // NULL without memory
void arrivals_free(struct arrivals *arrivals);

// Published (again): one more record of this read is to come. A read that nobody expects is not counted.
enum error arrivals_expect(struct arrivals *arrivals, const struct reading *reading) MUST_USE;
void arrivals_seen(struct arrivals *arrivals, const struct reading *reading);
size_t arrivals_open(const struct arrivals *arrivals);

// The same for refused messages, by the SHA-256 of their payload.
enum error arrivals_expect_reject(struct arrivals *arrivals, const uint8_t digest[32]) MUST_USE;
void arrivals_seen_reject(struct arrivals *arrivals, const uint8_t digest[32]);
size_t arrivals_open_rejects(const struct arrivals *arrivals);

// Some of what is missing, one a line.
enum error arrivals_describe(const struct arrivals *arrivals, size_t max, struct buffer *to) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// Messages that a field produces and ingest must refuse: broken encodings, wrong shapes, impossible values, topics that
// are not what they seem. Number n always gives the same message, and no two numbers the same. Pure.
#ifndef RISER_RISERCTL_REPLAY_MALFORMED_H
#define RISER_RISERCTL_REPLAY_MALFORMED_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum { MALFORMED_TOPIC_SIZE = 256, MALFORMED_MAX = 512 * 1024 };

struct malformed {
  char topic[MALFORMED_TOPIC_SIZE];
  const char *reason; // what the reject record must say
};

// The payload is appended to `payload`. ERR_LIMIT or ERR_NO_MEMORY of the buffer.
enum error malformed_make(const char *site, uint64_t seed, uint32_t number, struct malformed *out,
                          struct buffer *payload) MUST_USE;

#endif

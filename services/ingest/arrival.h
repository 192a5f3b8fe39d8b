// SPDX-License-Identifier: Apache-2.0
// An MQTT message as it lies in the spool. What is larger than ingest takes is not kept whole: its first bytes, its
// length and its hash are all that a reject record needs. No state; any thread.
#ifndef RISER_INGEST_ARRIVAL_H
#define RISER_INGEST_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/reject.h"
#include "io/spool.h"

enum {
  ARRIVAL_SHA256_SIZE = 32,
  ARRIVAL_TOPIC_MAX = 2048,                                    // what is kept of a topic; any that long is refused
  ARRIVAL_CUT_MAX = REJECT_HEAD_MAX + 8 + ARRIVAL_SHA256_SIZE, // what is kept of a payload that is too large
};

struct arrival {
  struct bytes topic;
  struct bytes payload;  // of one that was cut: its first REJECT_HEAD_MAX bytes
  uint64_t length;       // of the whole payload
  const uint8_t *sha256; // of the whole payload, if it was cut; else NULL
  int64_t receive_ms;    // when it first came
  int64_t held_ms;       // for how long the broker may have held it back
  uint64_t position;     // in the spool
};

struct arrival_note {
  int64_t receive_ms;
  int64_t held_ms;
  size_t payload_max;
};

// Appends what came; on OK it may be acknowledged. Errors: spool_append's, but never ERR_TOO_LARGE if the spool takes
// the larger one of payload_max and ARRIVAL_CUT_MAX, and ARRIVAL_TOPIC_MAX.
enum error arrival_append(struct spool *spool, struct bytes topic, struct bytes payload,
                          const struct arrival_note *note) MUST_USE;

// Points into the record.
void arrival_read(const struct spool_record *record, struct arrival *out);

void arrival_sha256(struct bytes payload, uint8_t *sha256); // ARRIVAL_SHA256_SIZE bytes

#endif

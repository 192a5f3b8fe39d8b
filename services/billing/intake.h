// SPDX-License-Identifier: Apache-2.0
// From a record of the site log to the fact in it: what may be applied, and what must be passed over and why. No I/O.
#ifndef RISER_BILLING_INTAKE_H
#define RISER_BILLING_INTAKE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "domain/fact.h"
#include "io/kafka.h"

enum intake {
  INTAKE_OK,
  INTAKE_TOMBSTONE,       // no value
  INTAKE_UNDECODABLE,     // no SiteRecord
  INTAKE_WRONG_PARTITION, // its key belongs elsewhere: the writer doesn't partition by murmur2
  INTAKE_FOREIGN_KEY,     // its key is not its site; of a tick: not that of its partition's ticks, @tick/{partition}
  INTAKE_TICK_AHEAD,      // a tick too far ahead of the time at which Kafka took it
  INTAKE_COUNT,
};

extern const char *const intake_names[INTAKE_COUNT]; // kebab-case

// Part of the fold, so no setting: with another value the same log makes another state.
#define INTAKE_TICK_AHEAD_MS ((int64_t)5 * 60 * 1000)

// The fact lives in the arena and borrows nothing from the record but the value that its mark names. Of a record that
// is passed over as much is written as is known, and always a fact id. ERR_LIMIT when the arena is full.
enum error intake_fact(const struct kafka_record *record, int32_t partitions, struct arena *arena, enum intake *verdict,
                       struct fact *out) MUST_USE;

// SHA-256 of the key's length (32 bit, little endian), the key and the value.
enum error intake_digest(const struct kafka_record *record, uint8_t digest[32]) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// From a message in the spool to what becomes of it: topic, size, site, codec, judgement. No I/O; the worker's thread.
#ifndef RISER_INGEST_INTAKE_H
#define RISER_INGEST_INTAKE_H

#include "ingest/arrival.h"
#include "ingest/core/judge.h"

struct intake;

struct intake_options {
  struct judge judge; // what it points to outlives the intake
  size_t payload_max; // for the size of its memory; what came whole under a larger one is tried all the same
};

// NULL without memory. The caller frees.
struct intake *intake_new(const struct intake_options *options) MUST_USE;
void intake_free(struct intake *intake);

struct intaken {
  struct topic topic;     // of a topic that was refused: as far as it could be read
  struct verdict verdict; // lives until the next call
};

// ERR_NO_MEMORY; everything else is in the verdict.
enum error intake_take(struct intake *intake, const struct arrival *arrival, struct intaken *out) MUST_USE;

// A message that Kafka already has: only what it tells of the device's sequence is taken.
void intake_track(struct intake *intake, const struct arrival *arrival);

#endif

// SPDX-License-Identifier: Apache-2.0
// The sequence numbers of one device's batches: what is missing, and up to where nothing is. Pure.
// Batches may come twice (QoS 1) and late (a device fills its gap); a device that restarts begins again at a low
// number.
#ifndef RISER_INGEST_CORE_SEQUENCE_H
#define RISER_INGEST_CORE_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

enum { SEQUENCE_RUNS_MAX = 8 };

struct sequence {
  uint64_t complete; // nothing is missing up to here but gaps that were given up; 0: no numbered batch yet
  uint64_t received; // nothing at all since the first number that was heard: what a receipt may claim
  uint32_t run_count;
  struct sequence_run {
    uint64_t first, last;
  } runs[SEQUENCE_RUNS_MAX]; // what came beyond `complete`, ascending, never adjacent
};

struct sequence_gap {
  uint64_t first, last; // first 0: there is none
};

// Batch `number` (from 1 on) has come. *gap says what is newly missing. Beyond SEQUENCE_RUNS_MAX runs the oldest gap is
// given up: it is no longer looked for. Yet `received` stays below it until the device sends again what lies there.
void sequence_seen(struct sequence *sequence, uint64_t number, struct sequence_gap *gap);

#endif

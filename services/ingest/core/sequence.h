// SPDX-License-Identifier: Apache-2.0
// The sequence numbers of one device's batches: what is missing, and from where to where nothing is. Pure.
// Batches may come twice (QoS 1) and late (a device fills its gap). The numbers begin again when the device says so by
// another boot number; without boot numbers, when it sends number 1.
#ifndef RISER_INGEST_CORE_SEQUENCE_H
#define RISER_INGEST_CORE_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/telemetry.h"

enum { SEQUENCE_RUNS_MAX = 8 };

struct sequence {
  uint64_t boot;            // of the device's life that the numbers belong to; 0: it gives none
  uint64_t first, received; // all from `first` to `received` have come; 0: no numbered batch yet
  uint64_t newest;          // the highest number that has come
  uint32_t run_count;
  struct sequence_run {
    uint64_t first, last;
  } runs[SEQUENCE_RUNS_MAX]; // what came beyond `received`, ascending, never adjacent
};

struct sequence_gap {
  uint64_t first, last; // first 0: there is none
};

// Batch `number` (from 1 on) of life `boot` has come. *gap says what is newly missing. Beyond SEQUENCE_RUNS_MAX runs
// the lowest is forgotten: its numbers count as missing until the device sends them again.
void sequence_seen(struct sequence *sequence, uint64_t boot, uint64_t number, struct sequence_gap *gap);

// What may be claimed to somebody who sent `number`, which was seen: never more than that number, since a device that
// began again without saying so has not sent the higher ones.
struct receipt sequence_receipt(const struct sequence *sequence, uint64_t number);

#endif

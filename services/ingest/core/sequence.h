// SPDX-License-Identifier: Apache-2.0
// The sequence numbers of one device's batches: what is missing, and from where to where nothing is. Pure.
// Batches may come twice (QoS 1) and late (a device fills its gap). The numbers begin again when the device says so by
// another boot number; without boot numbers, when it sends number 1.
#ifndef RISER_INGEST_CORE_SEQUENCE_H
#define RISER_INGEST_CORE_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/telemetry.h"

enum { SEQUENCE_RUNS_MAX = 8 };

// As much of a sequence as it takes to tell a gap.
struct sequence_head {
  uint64_t boot;   // of the device's life that the numbers belong to; 0: it gives none
  uint64_t newest; // the highest number that has come; 0: no numbered batch yet
};

struct sequence {
  struct sequence_head head;
  uint64_t first, received; // all from `first` to `received` have come; 0: no numbered batch yet
  uint32_t run_count;
  struct sequence_run {
    uint64_t first, last;
  } runs[SEQUENCE_RUNS_MAX]; // what came beyond `received`, ascending, never adjacent
};

struct sequence_gap {
  uint64_t first, last; // first 0: there is none
};

// Batch `number` (from 1 on) of life `boot` has come: what is newly missing.
struct sequence_gap sequence_advance(struct sequence_head *head, uint64_t boot, uint64_t number);

// The same for the whole sequence. Beyond SEQUENCE_RUNS_MAX runs the lowest is forgotten: its numbers count as missing
// until the device sends them again.
void sequence_seen(struct sequence *sequence, uint64_t boot, uint64_t number);

enum { SEQUENCE_RECEIPTS_MAX = SEQUENCE_RUNS_MAX + 1 };

// What may be claimed to somebody who asked for the numbers from `low` to `high`: each run of numbers without a hole
// that holds some of them, ascending, so that a hole delays nothing but itself. Never more than `high`, since a device
// that began again without saying so has not sent the higher ones. How many; 0: what was asked for has been forgotten.
size_t sequence_receipts(const struct sequence *sequence, uint64_t low, uint64_t high,
                         struct receipt out[SEQUENCE_RECEIPTS_MAX]);

#endif

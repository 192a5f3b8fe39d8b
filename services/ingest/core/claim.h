// SPDX-License-Identifier: Apache-2.0
// What a message changes in what is known of its device, once Kafka has all of it: its number is counted, its clock-off
// event was told. Until then the change stands only in `heard->ahead`; if the message must be handed over anew, it is
// undone, and the message is judged as it was the first time. Pure.
#ifndef RISER_INGEST_CORE_CLAIM_H
#define RISER_INGEST_CORE_CLAIM_H

#include "ingest/core/devices.h"

struct claim {
  struct heard *heard;    // NULL: nothing changes
  uint64_t boot, number;  // number 0: none is counted
  int64_t clock_event_ms; // the time of the clock-off event that goes with it; 0: none
  bool want_receipt, json;
};

// Each claim that has begun is either settled or undone; until then its entry is pinned.
void claim_begin(const struct claim *claim);

// Claims are settled in the order of the spool. True: the device waits for a receipt.
bool claim_settle(const struct claim *claim);

// All that have begun and are not settled are undone together.
void claim_undo(const struct claim *claim);

#endif

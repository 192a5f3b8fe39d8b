// SPDX-License-Identifier: Apache-2.0
// The receipts that devices wait for. What they name is worked out when there is a connection to publish them: what
// was asked for since is in as few as can be. One that gets lost on the way is asked for again by the device. The
// worker's thread.
#ifndef RISER_INGEST_RECEIPTS_H
#define RISER_INGEST_RECEIPTS_H

#include "base/bytes.h"
#include "ingest/core/claim.h"
#include "io/mqtt.h"
#include "run/metrics.h"

struct receipts {
  struct heard **due;
  size_t count, room;
  struct buffer payload;
  struct counter *given; // may be NULL
};

void receipts_init(struct receipts *receipts);
void receipts_fini(struct receipts *receipts);

// The claim was settled: Kafka has its message. The entry is pinned until the device is told so.
enum error receipts_add(struct receipts *receipts, const struct claim *claim) MUST_USE;

// Publishes what is due; what can't be published now stays due.
void receipts_publish(struct receipts *receipts, struct mqtt *mqtt);

#endif

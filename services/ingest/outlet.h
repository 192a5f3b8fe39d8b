// SPDX-License-Identifier: Apache-2.0
// What became of a message, encoded and handed to Kafka's producer. The worker's thread.
#ifndef RISER_INGEST_OUTLET_H
#define RISER_INGEST_OUTLET_H

#include "ingest/arrival.h"
#include "ingest/intake.h"
#include "io/kafka.h"

struct outlet {
  struct kafka_producer *producer; // NULL: what is sent is only encoded (for measuring the worker alone)
  struct buffer buffer;
  size_t record_bytes; // of the last record, with its key
};

void outlet_init(struct outlet *outlet); // without a producer
void outlet_fini(struct outlet *outlet); // leaves the producer alone

// Of the fact's site, in one order. ERR_TOO_LARGE: Kafka will not take it.
enum error outlet_fact(struct outlet *outlet, const struct fact *fact, void *opaque) MUST_USE;
enum error outlet_reject(struct outlet *outlet, const struct arrival *arrival, const struct intaken *taken,
                         void *opaque) MUST_USE;

#endif

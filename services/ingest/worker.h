// SPDX-License-Identifier: Apache-2.0
// The worker: spool -> intake -> Kafka -> confirmed prefix -> released. One thread of its own owns everything below;
// worker_start and worker_stop are main's.
#ifndef RISER_INGEST_WORKER_H
#define RISER_INGEST_WORKER_H

#include <stdatomic.h>

#include "ingest/config.h"
#include "ingest/gauges.h"
#include "io/kafka.h"
#include "io/mqtt.h"
#include "io/spool.h"

struct worker;

struct worker_options {
  const struct ingest_config *config;
  struct spool *spool; // the worker is its reader
  struct gauges *gauges;
  _Atomic int64_t *alive_ms; // when the broker was last known to be connected: kept in the spool over restarts
};

// Everything that `options` points to outlives the worker. ERR_NO_MEMORY, ERR_CONFIG.
enum error worker_start(const struct worker_options *options, struct worker **out) MUST_USE;

// From now on receipts go through this client; with NULL they wait, and the one before is used no more.
void worker_set_mqtt(struct worker *worker, struct mqtt *mqtt);

// Works on until the spool is empty and confirmed, or the time is up; then ends. What is left stays in the spool.
void worker_drain(struct worker *worker, int64_t deadline_ms);
void worker_free(struct worker *worker); // after the drain; NULL is fine

#endif

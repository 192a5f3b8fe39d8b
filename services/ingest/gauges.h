// SPDX-License-Identifier: Apache-2.0
// What ingest measures of itself, and when it is ready. Any thread may update.
#ifndef RISER_INGEST_GAUGES_H
#define RISER_INGEST_GAUGES_H

#include "run/process.h"

struct gauges {
  struct counter *messages; // taken in from MQTT
  struct counter *readings; // handed to Kafka
  struct counter *facts;
  struct counter *rejects; // one per error
  struct counter *receipts;
  struct counter *takeovers; // new producers in the place of dead ones
  struct counter *connects;
  struct counter *stops; // intake was stopped: the spool was nearly full
  struct gauge *spool_used, *spool_free, *spool_segments, *spool_damaged, *spool_disk_full, *spool_waiting;
  struct gauge *in_flight;
  struct gauge *oldest_ms; // age of the oldest message that Kafka has not confirmed
  struct gauge *sites, *devices;
  struct histogram *append;
  struct health *health;
  struct condition *kafka, *known, *mqtt, *spool;
};

void gauges_init(struct gauges *gauges, const struct process *process);

#endif

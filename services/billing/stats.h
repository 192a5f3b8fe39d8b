// SPDX-License-Identifier: Apache-2.0
// Billing's metrics. Registered once by main; the worker updates them.
#ifndef RISER_BILLING_STATS_H
#define RISER_BILLING_STATS_H

#include <stdint.h>

#include "base/error.h"
#include "run/metrics.h"

struct stats {
  struct counter *records;   // applied and committed
  struct counter *readings;  // of these
  struct counter *decisions; // published
  struct counter *devices;
  struct counter *exceptions; // facts that could not be applied
  struct counter *skipped;    // records that were passed over, by enum intake
  struct counter *jumps;      // openings that were followed by records from further on
  struct counter *ticks;      // written by us
  struct counter *commits;    // by enum error
  struct counter *writes;
  struct counter *loads; // entities loaded
  struct histogram *commit_seconds;
  struct histogram *load_seconds;
  struct histogram *batch_records;
  struct gauge *owned;
  struct gauge *refused;
  struct gauge *cache_bytes;
  struct gauge *lag;        // by partition
  char (*partition_names)[8]; // what the labels of lag point to
  const char **partition_labels;
};

// ERR_NO_MEMORY. The metrics must outlive the stats' use; stats_fini after metrics_free.
enum error stats_init(struct stats *stats, struct metrics *metrics, int64_t partitions) MUST_USE;
void stats_fini(struct stats *stats);

#endif

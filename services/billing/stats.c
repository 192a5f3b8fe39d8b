// SPDX-License-Identifier: Apache-2.0
#include "billing/stats.h"

#include <stdio.h>
#include <stdlib.h>

#include "billing/intake.h"

static const int64_t batch_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};

// One gauge a partition, named by its number.
static enum error lag_init(struct stats *stats, struct metrics *metrics, int64_t partitions) {
  stats->partition_names = calloc((size_t)partitions, sizeof *stats->partition_names);
  stats->partition_labels = calloc((size_t)partitions, sizeof *stats->partition_labels);
  if (!stats->partition_names || !stats->partition_labels) return ERR_NO_MEMORY;
  for (int64_t i = 0; i < partitions; i++) {
    snprintf(stats->partition_names[i], sizeof stats->partition_names[i], "%d", (int)i);
    stats->partition_labels[i] = stats->partition_names[i];
  }
  struct label label = {"partition", stats->partition_labels, (size_t)partitions};
  stats->lag = metrics_gauges(metrics, "riser_billing_lag_records", "Records of the site log not yet applied.", label);
  return OK;
}

enum error stats_init(struct stats *stats, struct metrics *m, int64_t partitions) {
  size_t errors;
  struct label outcome = {"outcome", error_names(&errors), 0};
  outcome.count = errors;
  struct label reason = {"reason", intake_names, INTAKE_COUNT};
  *stats = (struct stats){
      .records = metrics_counter(m, "riser_billing_records_total", "Records applied and committed."),
      .readings = metrics_counter(m, "riser_billing_readings_total", "Readings applied and committed."),
      .decisions = metrics_counter(m, "riser_billing_decisions_total", "Decisions published."),
      .devices = metrics_counter(m, "riser_billing_devices_total", "Device records published."),
      .exceptions = metrics_counter(m, "riser_billing_exceptions_total", "Facts that could not be applied."),
      .skipped = metrics_counters(m, "riser_billing_skipped_total", "Records passed over.", reason),
      .jumps = metrics_counter(m, "riser_billing_jumps_total", "Openings behind which records came from further on."),
      .ticks = metrics_counter(m, "riser_billing_ticks_total", "Ticks written."),
      .commits = metrics_counters(m, "riser_billing_commits_total", "Commits by how they ended.", outcome),
      .writes = metrics_counter(m, "riser_billing_writes_total", "Writes of successful commits."),
      .loads = metrics_counter(m, "riser_billing_loads_total", "Pieces of state loaded."),
      .commit_seconds = metrics_histogram_seconds(m, "riser_billing_commit_seconds", "Time of a commit."),
      .load_seconds = metrics_histogram_seconds(m, "riser_billing_load_seconds", "Time of loading missing state."),
      .batch_records = metrics_histogram(m, "riser_billing_batch_records", "Records that a commit covers.",
                                         batch_bounds, sizeof batch_bounds / sizeof batch_bounds[0]),
      .owned = metrics_gauge(m, "riser_billing_partitions_owned", "Partitions assigned to this process."),
      .refused = metrics_gauge(m, "riser_billing_partitions_refused", "Of these, those that cannot be worked on."),
      .cache_bytes = metrics_gauge(m, "riser_billing_state_cache_bytes", "State kept in memory."),
  };
  enum error err = lag_init(stats, m, partitions);
  if (err) stats_fini(stats);
  return err;
}

void stats_fini(struct stats *stats) {
  free(stats->partition_names);
  free(stats->partition_labels);
  *stats = (struct stats){0};
}

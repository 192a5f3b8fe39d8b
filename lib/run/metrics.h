// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms in Prometheus' text format. All are registered while the service is built, by one
// thread; updating is atomic and lock-free from any thread. At most METRICS_MAX metrics, each with at most one label
// whose values are fixed at registration: what is unbounded does not belong in a metric. Registering too many or a
// malformed name is a programmer's error and asserts. Names follow Prometheus: riser_<service>_<what>_<unit>[_total].
#ifndef RISER_RUN_METRICS_H
#define RISER_RUN_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum { METRICS_MAX = 128, METRICS_BUCKETS_MAX = 24 };

struct metrics;
struct counter {
  _Atomic int64_t value;
};
struct gauge {
  _Atomic int64_t value;
};
struct histogram;

struct metrics *metrics_new(void) MUST_USE;
void metrics_free(struct metrics *metrics); // and with it every counter, gauge and histogram

// `name`, `help`, `label` and the values are kept: literals.
struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *help);
struct gauge *metrics_gauge(struct metrics *metrics, const char *name, const char *help);

// One per label value, as an array in the order of the values: counter_add(&rejects[err], 1). A counter that is still
// 0 is not printed.
struct label {
  const char *name;
  const char *const *values;
  size_t count;
};
struct counter *metrics_counters(struct metrics *metrics, const char *name, const char *help, struct label label);
struct gauge *metrics_gauges(struct metrics *metrics, const char *name, const char *help, struct label label);

// A histogram of whole numbers with rising upper bounds (kept), or of durations: observed in microseconds, printed in
// seconds, with buckets from 100 us to 60 s.
struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *help, const int64_t *bounds,
                                    size_t count);
struct histogram *metrics_histogram_seconds(struct metrics *metrics, const char *name, const char *help);

static inline void counter_add(struct counter *counter, int64_t by) {
  atomic_fetch_add_explicit(&counter->value, by, memory_order_relaxed);
}
static inline void gauge_set(struct gauge *gauge, int64_t value) {
  atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}
static inline void gauge_add(struct gauge *gauge, int64_t by) {
  atomic_fetch_add_explicit(&gauge->value, by, memory_order_relaxed);
}
void histogram_observe(struct histogram *histogram, int64_t value);

// The whole registry as text (version 0.0.4). ERR_LIMIT if the buffer is too small.
enum error metrics_print(struct metrics *metrics, struct buffer *to) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// A fixed array of metrics; each owns its series as one array of atomics. Printing reads them one by one: a scrape is
// not a snapshot, as Prometheus expects.
#include "run/metrics.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

enum { US_PER_SECOND_DIGITS = 6 };

struct histogram {
  const int64_t *bounds;
  size_t count;
  bool seconds;
  _Atomic int64_t buckets[METRICS_BUCKETS_MAX + 1]; // the last one has no bound
  _Atomic int64_t sum;
};

struct metric {
  const char *name;
  const char *help;
  const char *type;
  struct label label; // .count 0: none
  _Atomic int64_t *series;
  struct histogram *histogram;
};

struct metrics {
  struct metric metrics[METRICS_MAX];
  size_t count;
};

_Static_assert(sizeof(struct counter) == sizeof(_Atomic int64_t), "a counter is one series");
_Static_assert(sizeof(struct gauge) == sizeof(_Atomic int64_t), "a gauge is one series");

static struct metric *metric_add(struct metrics *metrics, const char *name, const char *help, const char *type);
static bool name_valid(const char *name);
static void *series_new(struct metric *metric, struct label label);
static enum error print_metric(const struct metric *metric, struct buffer *to);
static enum error print_histogram(const struct metric *metric, struct buffer *to);
static enum error print_label(const struct label *label, size_t index, struct buffer *to);

struct metrics *metrics_new(void) {
  return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics) {
  if (!metrics) return;
  for (size_t i = 0; i < metrics->count; i++) {
    free(metrics->metrics[i].series);
    free(metrics->metrics[i].histogram);
  }
  free(metrics);
}

struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *help) {
  return series_new(metric_add(metrics, name, help, "counter"), (struct label){0});
}

struct gauge *metrics_gauge(struct metrics *metrics, const char *name, const char *help) {
  return series_new(metric_add(metrics, name, help, "gauge"), (struct label){0});
}

struct counter *metrics_counters(struct metrics *metrics, const char *name, const char *help, struct label label) {
  return series_new(metric_add(metrics, name, help, "counter"), label);
}

struct gauge *metrics_gauges(struct metrics *metrics, const char *name, const char *help, struct label label) {
  return series_new(metric_add(metrics, name, help, "gauge"), label);
}

struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *help, const int64_t *bounds,
                                    size_t count) {
  assert(count > 0 && count <= METRICS_BUCKETS_MAX);
  for (size_t i = 1; i < count; i++) assert(bounds[i - 1] < bounds[i]);
  struct metric *metric = metric_add(metrics, name, help, "histogram");
  metric->histogram = calloc(1, sizeof *metric->histogram);
  assert(metric->histogram);
  metric->histogram->bounds = bounds;
  metric->histogram->count = count;
  return metric->histogram;
}

struct histogram *metrics_histogram_seconds(struct metrics *metrics, const char *name, const char *help) {
  static const int64_t bounds_us[] = {100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
                                      100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000};
  struct histogram *histogram = metrics_histogram(metrics, name, help, bounds_us, sizeof bounds_us / sizeof *bounds_us);
  histogram->seconds = true;
  return histogram;
}

void histogram_observe(struct histogram *histogram, int64_t value) {
  size_t bucket = 0;
  while (bucket < histogram->count && value > histogram->bounds[bucket]) bucket++;
  atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

static struct metric *metric_add(struct metrics *metrics, const char *name, const char *help, const char *type) {
  assert(metrics->count < METRICS_MAX && name_valid(name));
  for (size_t i = 0; i < metrics->count; i++) assert(strcmp(metrics->metrics[i].name, name) != 0);
  struct metric *metric = &metrics->metrics[metrics->count++];
  *metric = (struct metric){.name = name, .help = help, .type = type};
  return metric;
}

static bool name_valid(const char *name) {
  for (const char *c = name; *c; c++)
    if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_') return false;
  return islower((unsigned char)name[0]) != 0;
}

static void *series_new(struct metric *metric, struct label label) {
  metric->label = label;
  metric->series = calloc(label.count ? label.count : 1, sizeof *metric->series);
  assert(metric->series);
  return metric->series;
}

enum error metrics_print(struct metrics *metrics, struct buffer *to) {
  enum error err = OK;
  for (size_t i = 0; !err && i < metrics->count; i++) {
    const struct metric *metric = &metrics->metrics[i];
    err = buffer_printf(to, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
    if (!err) err = metric->histogram ? print_histogram(metric, to) : print_metric(metric, to);
  }
  return err;
}

static enum error print_metric(const struct metric *metric, struct buffer *to) {
  bool labelled = metric->label.count > 0, gauge = strcmp(metric->type, "gauge") == 0;
  enum error err = OK;
  for (size_t i = 0; !err && i < (labelled ? metric->label.count : 1); i++) {
    int64_t value = atomic_load_explicit(&metric->series[i], memory_order_relaxed);
    if (labelled && value == 0 && !gauge) continue;
    err = buffer_append_text(to, metric->name);
    if (!err && labelled) err = print_label(&metric->label, i, to);
    if (!err) err = buffer_printf(to, " %lld\n", (long long)value);
  }
  return err;
}

// Backslash, quote and line feed are escaped (Prometheus, text-based format).
static enum error print_label(const struct label *label, size_t index, struct buffer *to) {
  enum error err = buffer_printf(to, "{%s=\"", label->name);
  for (const char *c = label->values[index]; !err && *c; c++) {
    if (*c == '\n') {
      err = buffer_append_text(to, "\\n");
    } else {
      err = buffer_printf(to, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    }
  }
  return err ? err : buffer_append_text(to, "\"}");
}

static enum error print_histogram(const struct metric *metric, struct buffer *to) {
  struct histogram *histogram = metric->histogram;
  int scale = histogram->seconds ? US_PER_SECOND_DIGITS : 0;
  char number[DECIMAL_FORMAT_SIZE];
  int64_t total = 0;
  enum error err = OK;
  for (size_t i = 0; !err && i <= histogram->count; i++) {
    total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    const char *bound = i < histogram->count ? decimal_format(histogram->bounds[i], scale, 0, number) : "+Inf";
    err = buffer_printf(to, "%s_bucket{le=\"%s\"} %lld\n", metric->name, bound, (long long)total);
  }
  if (err) return err;
  int64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
  return buffer_printf(to, "%s_sum %s\n%s_count %lld\n", metric->name, decimal_format(sum, scale, 0, number),
                       metric->name, (long long)total);
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "run/metrics.h"

static void test_text(void **state) {
  static const char *const reasons[] = {"bad-topic", "a\"b\\c\n"};
  static const int64_t bounds[] = {10, 100};
  struct metrics *metrics = metrics_new();
  struct buffer text;
  (void)state;
  struct counter *total = metrics_counter(metrics, "riser_readings_total", "Readings taken.");
  struct counter *rejects =
      metrics_counters(metrics, "riser_rejects_total", "Rejects.", (struct label){"reason", reasons, 2});
  struct gauge *spool = metrics_gauge(metrics, "riser_spool_bytes", "Bytes spooled.");
  struct histogram *sizes = metrics_histogram(metrics, "riser_batch_size", "Batch size.", bounds, 2);
  counter_add(total, 41);
  counter_add(total, 1);
  counter_add(&rejects[1], 3);
  gauge_set(spool, 10);
  gauge_add(spool, -14);
  histogram_observe(sizes, 10);
  histogram_observe(sizes, 11);
  histogram_observe(sizes, 1000);
  buffer_init(&text, 65536);
  assert_int_equal(metrics_print(metrics, &text), OK);
  assert_string_equal(buffer_text(&text), "# HELP riser_readings_total Readings taken.\n"
                                          "# TYPE riser_readings_total counter\n"
                                          "riser_readings_total 42\n"
                                          "# HELP riser_rejects_total Rejects.\n"
                                          "# TYPE riser_rejects_total counter\n"
                                          "riser_rejects_total{reason=\"a\\\"b\\\\c\\n\"} 3\n"
                                          "# HELP riser_spool_bytes Bytes spooled.\n"
                                          "# TYPE riser_spool_bytes gauge\n"
                                          "riser_spool_bytes -4\n"
                                          "# HELP riser_batch_size Batch size.\n"
                                          "# TYPE riser_batch_size histogram\n"
                                          "riser_batch_size_bucket{le=\"10\"} 1\n"
                                          "riser_batch_size_bucket{le=\"100\"} 2\n"
                                          "riser_batch_size_bucket{le=\"+Inf\"} 3\n"
                                          "riser_batch_size_sum 1021\n"
                                          "riser_batch_size_count 3\n");
  buffer_fini(&text);
  metrics_free(metrics);
  metrics_free(NULL);
}

static void test_seconds(void **state) {
  struct metrics *metrics = metrics_new();
  struct buffer text;
  (void)state;
  struct histogram *latency = metrics_histogram_seconds(metrics, "riser_latency_seconds", "Latency.");
  histogram_observe(latency, 250);
  histogram_observe(latency, 61000000);
  buffer_init(&text, 65536);
  assert_int_equal(metrics_print(metrics, &text), OK);
  assert_non_null(strstr(buffer_text(&text), "riser_latency_seconds_bucket{le=\"0.0001\"} 0\n"));
  assert_non_null(strstr(buffer_text(&text), "riser_latency_seconds_bucket{le=\"0.00025\"} 1\n"));
  assert_non_null(strstr(buffer_text(&text), "riser_latency_seconds_bucket{le=\"60\"} 1\n"));
  assert_non_null(strstr(buffer_text(&text), "riser_latency_seconds_sum 61.00025\n"));
  buffer_fini(&text);
  buffer_init(&text, 10);
  assert_int_equal(metrics_print(metrics, &text), ERR_LIMIT);
  buffer_fini(&text);
  metrics_free(metrics);
}

static void *count_up(void *ctx) {
  for (int i = 0; i < 100000; i++) counter_add(ctx, 1);
  return NULL;
}

static void test_threads(void **state) {
  struct metrics *metrics = metrics_new();
  struct counter *counter = metrics_counter(metrics, "c", "c");
  pthread_t threads[4];
  (void)state;
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_up, counter), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_int_equal(counter->value, 400000);
  metrics_free(metrics);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_seconds),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

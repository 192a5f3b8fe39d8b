// SPDX-License-Identifier: Apache-2.0
// Over a real socket, as a probe does it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/health.h"

static char answer[65536];

// The status; head and body in `answer`.
static int ask(const struct health *health, const char *method, const char *path) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)health_port(health))};
  char request[256];
  size_t len = 0;
  int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  int size = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
  assert_int_equal(write(fd, request, (size_t)size), size);
  for (ssize_t got; (got = read(fd, answer + len, sizeof answer - 1 - len)) > 0;) len += (size_t)got;
  answer[len] = 0;
  close(fd);
  assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
  return status;
}

static struct health *open_health(struct metrics *metrics, int64_t limit_ms) {
  struct health_options options = {.host = "127.0.0.1", .heartbeat_limit_ms = limit_ms, .metrics = metrics};
  struct health *health;
  assert_int_equal(health_open(&options, &health), OK);
  return health;
}

static void test_ready(void **state) {
  struct metrics *metrics = metrics_new();
  struct health *health = open_health(metrics, 10000);
  struct condition *kafka = health_condition(health, "kafka"), *redis = health_condition(health, "redis");
  (void)state;
  assert_int_equal(ask(health, "GET", "/readyz"), 503);
  assert_non_null(strstr(answer, "kafka: not yet\nredis: not yet\n"));
  condition_set(kafka, true);
  assert_int_equal(ask(health, "GET", "/readyz"), 503);
  condition_set(redis, true);
  assert_int_equal(ask(health, "GET", "/readyz"), 200);
  assert_non_null(strstr(answer, "kafka: ok\nredis: ok\n"));
  condition_set(kafka, false);
  assert_int_equal(ask(health, "GET", "/readyz"), 503);
  health_free(health);
  metrics_free(metrics);
}

static void test_alive(void **state) {
  struct metrics *metrics = metrics_new();
  struct health *health = open_health(metrics, 150);
  (void)state;
  assert_int_equal(ask(health, "GET", "/livez"), 200);
  clock_sleep_ms(250);
  assert_int_equal(ask(health, "GET", "/livez"), 503);
  health_beat(health);
  assert_int_equal(ask(health, "GET", "/livez"), 200);
  health_free(health);
  metrics_free(metrics);
}

static void test_metrics_and_the_rest(void **state) {
  struct metrics *metrics = metrics_new();
  struct health *health = open_health(metrics, 10000);
  (void)state;
  counter_add(metrics_counter(metrics, "riser_seen_total", "Seen."), 5);
  assert_int_equal(ask(health, "GET", "/metrics"), 200);
  assert_non_null(strstr(answer, "\nriser_seen_total 5\n"));
  assert_int_equal(ask(health, "HEAD", "/livez"), 200);
  assert_int_equal(ask(health, "POST", "/livez"), 405);
  assert_int_equal(ask(health, "GET", "/"), 404);
  struct health_options taken = {.host = "127.0.0.1", .port = health_port(health), .metrics = metrics};
  struct health *second;
  assert_int_equal(health_open(&taken, &second), ERR_UNAVAILABLE);
  taken.host = "not an address";
  assert_int_equal(health_open(&taken, &second), ERR_UNAVAILABLE);
  health_free(health);
  health_free(NULL);
  metrics_free(metrics);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ready),
      cmocka_unit_test(test_alive),
      cmocka_unit_test(test_metrics_and_the_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

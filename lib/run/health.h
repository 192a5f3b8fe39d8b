// SPDX-License-Identifier: Apache-2.0
// The small HTTP server of every service, on its own thread:
//   /livez    200 while the worker's last heartbeat is younger than the limit, else 503
//   /readyz   200 while every named condition holds and no drain has begun, else 503; the body lists them
//   /metrics  Prometheus text
// Only GET and HEAD. Conditions are registered while the service is built; setting one, and the heartbeat, are atomic
// and may come from any thread.
#ifndef RISER_RUN_HEALTH_H
#define RISER_RUN_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "run/metrics.h"

enum { HEALTH_CONDITIONS_MAX = 16 };

struct health;
struct condition; // one named condition, false at first

struct health_options {
  const char *host; // an IPv4 or IPv6 address
  int port;         // 0: any free one, see health_port
  int64_t heartbeat_limit_ms;
  struct metrics *metrics; // borrowed until health_free
};

// Listens and serves at once. ERR_UNAVAILABLE if the address is taken or not ours; logged with the reason.
enum error health_open(const struct health_options *options, struct health **health) MUST_USE;
void health_free(struct health *health); // stops the server

int health_port(const struct health *health);

// `name` is kept: a literal. Only before the service is ready.
struct condition *health_condition(struct health *health, const char *name);
void condition_set(struct condition *condition, bool holds);
bool health_ready(const struct health *health);

void health_beat(struct health *health); // "the worker is alive": at least a few times per limit

#endif

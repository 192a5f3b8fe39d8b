// SPDX-License-Identifier: Apache-2.0
// libmicrohttpd with its own polling thread. Answers are small and made whole in memory.
#include "run/health.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/life.h"

enum { BODY_MAX = 1024 * 1024, CONNECTIONS_MAX = 64, CONNECTIONS_OF_ONE = 16, CONNECTION_TIMEOUT_S = 10 };

struct condition {
  const char *name;
  atomic_bool holds;
};

struct health {
  struct MHD_Daemon *server;
  struct metrics *metrics;
  int64_t heartbeat_limit_ms;
  _Atomic int64_t last_beat_ms;
  struct condition conditions[HEALTH_CONDITIONS_MAX];
  atomic_size_t condition_count;
};

static enum error server_start(struct health *health, const struct health_options *options);
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request);
static enum error answer_livez(struct health *health, struct buffer *body, unsigned *status);
static enum error answer_readyz(struct health *health, struct buffer *body, unsigned *status);
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, struct buffer *body);

enum error health_open(const struct health_options *options, struct health **opened) {
  struct health *health = calloc(1, sizeof *health);
  if (!health) return ERR_NO_MEMORY;
  health->metrics = options->metrics;
  health->heartbeat_limit_ms = options->heartbeat_limit_ms;
  health_beat(health);
  enum error err = server_start(health, options);
  if (err) {
    log_error("health-not-served", F_STR("host", options->host), F_INT("port", options->port),
              F_STR("reason", strerror(errno)));
    free(health);
    return err;
  }
  *opened = health;
  return OK;
}

static enum error server_start(struct health *health, const struct health_options *options) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)options->port)};
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
  const struct sockaddr *address = (struct sockaddr *)&v4;
  if (inet_pton(AF_INET, options->host, &v4.sin_addr) != 1) {
    if (inet_pton(AF_INET6, options->host, &v6.sin6_addr) != 1) {
      errno = EADDRNOTAVAIL;
      return ERR_UNAVAILABLE;
    }
    address = (struct sockaddr *)&v6;
    flags |= MHD_USE_IPv6;
  }
  errno = 0;
  health->server = MHD_start_daemon(flags, 0, NULL, NULL, on_request, health, MHD_OPTION_SOCK_ADDR, address,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_END);
  return health->server ? OK : ERR_UNAVAILABLE;
}

void health_free(struct health *health) {
  if (!health) return;
  MHD_stop_daemon(health->server);
  free(health);
}

int health_port(const struct health *health) {
  return MHD_get_daemon_info(health->server, MHD_DAEMON_INFO_BIND_PORT)->port;
}

struct condition *health_condition(struct health *health, const char *name) {
  size_t index = atomic_load(&health->condition_count);
  assert(index < HEALTH_CONDITIONS_MAX);
  health->conditions[index].name = name;
  atomic_store(&health->condition_count, index + 1);
  return &health->conditions[index];
}

void condition_set(struct condition *condition, bool holds) {
  atomic_store(&condition->holds, holds);
}

bool health_ready(const struct health *health) {
  size_t count = atomic_load(&health->condition_count);
  for (size_t i = 0; i < count; i++)
    if (!atomic_load(&health->conditions[i].holds)) return false;
  return !life_draining();
}

void health_beat(struct health *health) {
  atomic_store_explicit(&health->last_beat_ms, clock_mono_ms(), memory_order_relaxed);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request) {
  struct health *health = ctx;
  struct buffer body;
  unsigned status = MHD_HTTP_OK;
  enum error err = OK;
  (void)version, (void)upload, (void)upload_size, (void)request;
  buffer_init(&body, BODY_MAX);
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
    status = MHD_HTTP_METHOD_NOT_ALLOWED;
    err = buffer_append_text(&body, "only GET\n");
  } else if (strcmp(url, "/livez") == 0) {
    err = answer_livez(health, &body, &status);
  } else if (strcmp(url, "/readyz") == 0) {
    err = answer_readyz(health, &body, &status);
  } else if (strcmp(url, "/metrics") == 0) {
    err = metrics_print(health->metrics, &body);
  } else {
    status = MHD_HTTP_NOT_FOUND;
    err = buffer_append_text(&body, "there are /livez, /readyz and /metrics\n");
  }
  enum MHD_Result result = reply(connection, err ? MHD_HTTP_INTERNAL_SERVER_ERROR : status, &body);
  buffer_fini(&body);
  return result;
}

static enum error answer_livez(struct health *health, struct buffer *body, unsigned *status) {
  int64_t age_ms = clock_mono_ms() - atomic_load_explicit(&health->last_beat_ms, memory_order_relaxed);
  bool alive = age_ms <= health->heartbeat_limit_ms;
  if (!alive) *status = MHD_HTTP_SERVICE_UNAVAILABLE;
  return buffer_printf(body, "%s: last heartbeat %lld ms ago, limit %lld ms\n", alive ? "alive" : "stuck",
                       (long long)age_ms, (long long)health->heartbeat_limit_ms);
}

static enum error answer_readyz(struct health *health, struct buffer *body, unsigned *status) {
  enum error err = OK;
  size_t count = atomic_load(&health->condition_count);
  if (!health_ready(health)) *status = MHD_HTTP_SERVICE_UNAVAILABLE;
  for (size_t i = 0; !err && i < count; i++) {
    bool holds = atomic_load(&health->conditions[i].holds);
    err = buffer_printf(body, "%s: %s\n", health->conditions[i].name, holds ? "ok" : "not yet");
  }
  if (!err && life_draining()) err = buffer_append_text(body, "draining\n");
  return err;
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, struct buffer *body) {
  struct MHD_Response *response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  enum MHD_Result result = MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
  if (result == MHD_YES) result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

// SPDX-License-Identifier: Apache-2.0
// The HTTP server that every service has, over a real socket: input is what a stranger sends. It answers or hangs up,
// and serves the next one.
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "run/health.h"

enum { ANSWER_MAX = 64 << 10, SILENCE_US = 20000, PATIENCE_S = 30 };

static struct health *health;
static char answer[ANSWER_MAX];

static void begin(void) {
  struct metrics *metrics = metrics_new();
  FUZZ_HOLDS(metrics);
  struct health_options options = {.host = "127.0.0.1", .heartbeat_limit_ms = INT64_MAX / 2, .metrics = metrics};
  FUZZ_HOLDS(health_open(&options, &health) == OK);
  condition_set(health_condition(health, "kafka"), true);
}

// Says all of it, then that there is no more; what came back until the other side hung up or was silent for so long.
static size_t say(struct bytes request, struct timeval patience) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)health_port(health))};
  struct linger no_trace = {.l_onoff = 1}; // thousands of these must not use up the ports
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FUZZ_HOLDS(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_trace, sizeof no_trace);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  FUZZ_HOLDS(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
  for (size_t sent = 0; sent < request.len;) {
    ssize_t done = send(fd, request.data + sent, request.len - sent, MSG_NOSIGNAL);
    if (done <= 0) break; // it has hung up already
    sent += (size_t)done;
  }
  shutdown(fd, SHUT_WR);
  size_t len = 0;
  for (ssize_t got; len < ANSWER_MAX - 1 && (got = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0)) > 0;)
    len += (size_t)got;
  answer[len] = 0;
  close(fd);
  return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned runs;
  if (!health) begin();
  size_t len = say(bytes_make(data, size), (struct timeval){.tv_usec = SILENCE_US}); // a half request is waited for
  FUZZ_HOLDS(!len || strncmp(answer, "HTTP/1.", 7) == 0 || answer[0] == '<');
  if (runs++ % 16) return 0;
  say(bytes_text("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      (struct timeval){.tv_sec = PATIENCE_S});
  FUZZ_HOLDS(strncmp(answer, "HTTP/1.1 200", 12) == 0);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Without a Redis: one that takes connections and says nothing, and what EXEC's answers mean.
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
#include "io/redis.h"
#include "io/redis_cluster.h"
#include "io/redis_commit.h"

enum { TIMEOUT_MS = 300, PARTITIONS = 64, BACKLOG = 16, ARENA_MAX = 1 << 20 };

// The kernel takes connections, as it does for a process that was stopped.
static int listen_silently(char address[32]) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(fd, BACKLOG), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
  snprintf(address, 32, "127.0.0.1:%d", ntohs(at.sin_port));
  return fd;
}

static struct redis *open_node(const char *address, bool of_cluster) {
  const struct redis_settings settings = {
      .address = address, .cluster = of_cluster, .connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS};
  struct redis *redis;
  assert_int_equal(redis_node_open(&settings, &redis), OK);
  return redis;
}

static enum error get_once(struct redis *redis) {
  struct arena *arena = arena_new(ARENA_MAX);
  struct bytes key = bytes_text("{p1}:meta"), value;
  enum error err = redis_get_many(redis, &key, 1, arena, &value);
  arena_free(arena);
  return err;
}

// As billing asks for its partitions, one after the other.
static void test_silence_is_waited_for_once(void **state) {
  (void)state;
  for (int of_cluster = 0; of_cluster < 2; of_cluster++) {
    char address[32];
    int fd = listen_silently(address);
    struct redis *redis = open_node(address, of_cluster);
    int waited = 0;
    for (int i = 0; i < PARTITIONS; i++) waited += get_once(redis) == ERR_DISCONNECTED;
    assert_in_range(waited, 1, 2); // two only on a machine that left us standing for the whole pause
    clock_sleep_ms((of_cluster ? 2 : 1) * TIMEOUT_MS + 50);
    assert_int_equal(get_once(redis), ERR_DISCONNECTED); // it was tried again
    redis_close(redis);
    close(fd);
  }
}

// Who is refused at once has not waited, and may try again at once.
static void test_a_refusal_is_no_silence(void **state) {
  (void)state;
  char address[32];
  close(listen_silently(address));
  struct redis *redis = open_node(address, false);
  assert_int_equal(get_once(redis), ERR_UNAVAILABLE);
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  at.sin_port = htons((uint16_t)strtol(strchr(address, ':') + 1, NULL, 10));
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(fd, BACKLOG), 0);
  assert_int_equal(redis_connect(redis), OK);
  redis_close(redis);
  close(fd);
}

static enum error outcome_of(const char *text) {
  const struct redis_value exec = {.type = REDIS_ERROR, .text = bytes_text(text)};
  return redis_commit_outcome(&exec, OK);
}

// Nothing was done in either case; but a Redis that is full or a replica by now is no reason for a rebuild.
static void test_why_exec_was_refused(void **state) {
  (void)state;
  assert_int_equal(outcome_of("EXECABORT Transaction discarded because of: OOM command not allowed when used memory > "
                              "'maxmemory'."),
                   ERR_UNAVAILABLE);
  assert_int_equal(outcome_of("EXECABORT Transaction discarded because of: READONLY You can't write against a read "
                              "only replica."),
                   ERR_UNAVAILABLE);
  assert_int_equal(outcome_of("EXECABORT Transaction discarded because of: NOPERM this user has no permissions"),
                   ERR_CONFIG);
  assert_int_equal(outcome_of("EXECABORT Transaction discarded because of previous errors."), ERR_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_silence_is_waited_for_once),
      cmocka_unit_test(test_a_refusal_is_no_silence),
      cmocka_unit_test(test_why_exec_was_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

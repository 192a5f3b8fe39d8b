// SPDX-License-Identifier: Apache-2.0
// Stands between a service and librdkafka (LD_PRELOAD) and makes its producers die when told to: librdkafka raises
// fatal errors by itself only when a broker misbehaves in ways that cannot be brought about at a chosen moment. To tell
// it, make the file RISER_FORCED_FATAL/<pid>; it is removed once every producer of the process has got its error.
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PRODUCERS_MAX = 1024, LOOK_EVERY_US = 2000, PATH_SIZE = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static rd_kafka_t *producers[PRODUCERS_MAX];
static bool watching;

typedef rd_kafka_t *new_function(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t);
typedef void destroy_function(rd_kafka_t *);

static void *librdkafkas(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

static void kill_all(void) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < PRODUCERS_MAX; i++)
    if (producers[i]) rd_kafka_test_fatal_error(producers[i], RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "forced");
  pthread_mutex_unlock(&lock);
}

static void *watch(void *folder) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%ld", (const char *)folder, (long)getpid());
  for (;;) {
    usleep(LOOK_EVERY_US);
    if (access(path, F_OK)) continue;
    kill_all();
    unlink(path);
  }
  return NULL;
}

// The process's first producer brings the watching thread with it.
static void keep(rd_kafka_t *rk) {
  pthread_t thread;
  char *folder = getenv("RISER_FORCED_FATAL");
  pthread_mutex_lock(&lock);
  size_t i = 0;
  while (i < PRODUCERS_MAX && producers[i]) i++;
  if (i == PRODUCERS_MAX) abort();
  producers[i] = rk;
  if (folder && !watching) watching = pthread_create(&thread, NULL, watch, folder) == 0 && !pthread_detach(thread);
  pthread_mutex_unlock(&lock);
}

static void drop(const rd_kafka_t *rk) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < PRODUCERS_MAX; i++)
    if (producers[i] == rk) producers[i] = NULL;
  pthread_mutex_unlock(&lock);
}

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *reason, size_t size) {
  new_function *original;
  *(void **)&original = librdkafkas("rd_kafka_new");
  rd_kafka_t *rk = original(type, conf, reason, size);
  if (rk && type == RD_KAFKA_PRODUCER) keep(rk);
  return rk;
}

void rd_kafka_destroy(rd_kafka_t *rk) {
  destroy_function *original;
  *(void **)&original = librdkafkas("rd_kafka_destroy");
  drop(rk);
  original(rk);
}

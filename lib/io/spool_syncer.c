// SPDX-License-Identifier: Apache-2.0
// A segment may be released while it is being brought to disk, so the thread works on duplicates of the descriptors.
#include "io/spool_syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { NO_SEGMENT = -1, NO_DESCRIPTOR = -2 };

struct spool_syncer {
  struct stock *stock;
  int interval_ms;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool stop;
  uint64_t done; // segments before this number are on disk
};

static void *run(void *argument);
static bool sleep_interval(struct spool_syncer *syncer);
static void sync_round(struct spool_syncer *syncer);
static int next_segment(struct stock *stock, uint64_t *number);
static void sync_failed(struct spool_syncer *syncer, uint64_t number, int cause);

enum error spool_syncer_start(struct stock *stock, int interval_ms, struct spool_syncer **out) {
  struct spool_syncer *syncer = calloc(1, sizeof *syncer);
  if (!syncer) return ERR_NO_MEMORY;
  syncer->stock = stock;
  syncer->interval_ms = interval_ms;
  pthread_mutex_init(&syncer->lock, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&syncer->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (pthread_create(&syncer->thread, NULL, run, syncer)) {
    pthread_cond_destroy(&syncer->wake);
    pthread_mutex_destroy(&syncer->lock);
    free(syncer);
    return ERR_NO_MEMORY;
  }
  *out = syncer;
  return OK;
}

void spool_syncer_stop(struct spool_syncer *syncer) {
  if (!syncer) return;
  pthread_mutex_lock(&syncer->lock);
  syncer->stop = true;
  pthread_cond_signal(&syncer->wake);
  pthread_mutex_unlock(&syncer->lock);
  pthread_join(syncer->thread, NULL);
  pthread_cond_destroy(&syncer->wake);
  pthread_mutex_destroy(&syncer->lock);
  free(syncer);
}

static void *run(void *argument) {
  struct spool_syncer *syncer = argument;
  while (sleep_interval(syncer)) sync_round(syncer);
  sync_round(syncer);
  return NULL;
}

// False when it is time to stop.
static bool sleep_interval(struct spool_syncer *syncer) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ns = until.tv_nsec + (int64_t)syncer->interval_ms * 1000000;
  until.tv_sec += ns / 1000000000;
  until.tv_nsec = ns % 1000000000;
  pthread_mutex_lock(&syncer->lock);
  while (!syncer->stop)
    if (pthread_cond_timedwait(&syncer->wake, &syncer->lock, &until)) break;
  bool go_on = !syncer->stop;
  pthread_mutex_unlock(&syncer->lock);
  return go_on;
}

static void sync_round(struct spool_syncer *syncer) {
  uint64_t number = syncer->done, last = number;
  int fd;
  for (; (fd = next_segment(syncer->stock, &number)) >= 0; number++) {
    if (fdatasync(fd)) sync_failed(syncer, number, errno);
    close(fd);
    last = number; // the last one may still grow
  }
  if (fd == NO_DESCRIPTOR) sync_failed(syncer, number, errno);
  syncer->done = last;
}

// What may not be on disk is not promised to be.
static void sync_failed(struct spool_syncer *syncer, uint64_t number, int cause) {
  log_error("spool-sync-failed", F_INT("segment", (int64_t)number), F_STR("cause", strerror(cause)));
  atomic_store(&syncer->stock->failed, true);
}

// A descriptor of the first live segment from `number` on; NO_SEGMENT if there is none, NO_DESCRIPTOR with errno if the
// process may not have another one.
static int next_segment(struct stock *stock, uint64_t *number) {
  int fd = NO_SEGMENT;
  pthread_mutex_lock(&stock->lock);
  for (size_t i = 0; fd == NO_SEGMENT && i < stock->live.count; i++) {
    if (stock->live.at[i]->number < *number) continue;
    *number = stock->live.at[i]->number;
    fd = fcntl(stock->live.at[i]->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) fd = NO_DESCRIPTOR;
  }
  pthread_mutex_unlock(&stock->lock);
  return fd;
}

// SPDX-License-Identifier: Apache-2.0
// One snapshot at a time: renaming over a file makes some file systems write it out first, which takes as long as the
// disk does.
#include "ingest/sequence_saver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ingest/sequence_store.h"

struct sequence_saver {
  const char *folder;
  pthread_t thread;
  bool started;
  struct buffer content; // the worker's while `given` is 0, else the thread's
  _Atomic uint64_t saved;
  pthread_mutex_t lock; // guards the following
  pthread_cond_t changed;
  uint64_t given; // position of the snapshot in `content`; 0: there is none to be saved
  bool stop;
};

static void *run(void *argument);
static void set_given(struct sequence_saver *saver, uint64_t position);

enum error sequence_saver_start(const char *folder, uint64_t saved, struct sequence_saver **out) {
  struct sequence_saver *saver = calloc(1, sizeof *saver);
  if (!saver) return ERR_NO_MEMORY;
  saver->folder = folder;
  saver->saved = saved;
  buffer_init(&saver->content, SEQUENCE_STORE_MAX);
  pthread_mutex_init(&saver->lock, NULL);
  pthread_cond_init(&saver->changed, NULL);
  saver->started = pthread_create(&saver->thread, NULL, run, saver) == 0;
  if (!saver->started) {
    sequence_saver_free(saver);
    return ERR_NO_MEMORY;
  }
  *out = saver;
  return OK;
}

void sequence_saver_free(struct sequence_saver *saver) {
  if (!saver) return;
  pthread_mutex_lock(&saver->lock);
  saver->stop = true;
  pthread_cond_signal(&saver->changed);
  pthread_mutex_unlock(&saver->lock);
  if (saver->started) pthread_join(saver->thread, NULL);
  pthread_cond_destroy(&saver->changed);
  pthread_mutex_destroy(&saver->lock);
  buffer_fini(&saver->content);
  free(saver);
}

enum error sequence_saver_give(struct sequence_saver *saver, const struct devices *devices, uint64_t position) {
  pthread_mutex_lock(&saver->lock);
  bool busy = saver->given != 0;
  pthread_mutex_unlock(&saver->lock);
  if (busy) return ERR_AGAIN;
  buffer_clear(&saver->content);
  enum error err = sequence_store_encode(devices, position, &saver->content);
  if (!err) set_given(saver, position);
  return err;
}

uint64_t sequence_saver_saved(const struct sequence_saver *saver) {
  return atomic_load(&saver->saved);
}

static void set_given(struct sequence_saver *saver, uint64_t position) {
  pthread_mutex_lock(&saver->lock);
  saver->given = position;
  pthread_cond_signal(&saver->changed);
  pthread_mutex_unlock(&saver->lock);
}

static void *run(void *argument) {
  struct sequence_saver *saver = argument;
  for (;;) {
    pthread_mutex_lock(&saver->lock);
    while (!saver->given && !saver->stop) pthread_cond_wait(&saver->changed, &saver->lock);
    uint64_t position = saver->given;
    pthread_mutex_unlock(&saver->lock);
    if (!position) return NULL; // told to stop, and nothing is left
    if (sequence_store_write(saver->folder, buffer_bytes(&saver->content)) == OK) atomic_store(&saver->saved, position);
    set_given(saver, 0);
  }
}

// SPDX-License-Identifier: Apache-2.0
// A mutex around a circular array, and an eventfd that is readable exactly while there is something to take: it is
// written when the ring stops being empty and read when it becomes so, not once an element.
#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

struct ring {
  pthread_mutex_t lock;
  int fd;
  bool closed;
  size_t element_size;
  size_t capacity;
  size_t head; // the oldest element
  size_t len;
  unsigned char *elements;
};

static size_t take(struct ring *ring, unsigned char *to, size_t max);
static void wait_readable(int fd, int timeout_ms);
static void signal_set(int fd);
static void signal_clear(int fd);

struct ring *ring_new(size_t capacity, size_t element_size) {
  assert(capacity > 0 && element_size > 0);
  struct ring *ring = calloc(1, sizeof *ring);
  if (!ring) return NULL;
  *ring = (struct ring){.element_size = element_size, .capacity = capacity};
  ring->elements = calloc(capacity, element_size);
  ring->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  pthread_mutex_init(&ring->lock, NULL);
  if (ring->elements && ring->fd >= 0) return ring;
  ring_free(ring);
  return NULL;
}

void ring_free(struct ring *ring) {
  if (!ring) return;
  if (ring->fd >= 0) close(ring->fd);
  pthread_mutex_destroy(&ring->lock);
  free(ring->elements);
  free(ring);
}

enum error ring_push(struct ring *ring, const void *element) {
  enum error err = OK;
  pthread_mutex_lock(&ring->lock);
  if (ring->closed) {
    err = ERR_CLOSED;
  } else if (ring->len == ring->capacity) {
    err = ERR_QUEUE_FULL;
  } else {
    size_t slot = (ring->head + ring->len) % ring->capacity;
    memcpy(ring->elements + slot * ring->element_size, element, ring->element_size);
    if (ring->len++ == 0) signal_set(ring->fd);
  }
  pthread_mutex_unlock(&ring->lock);
  return err;
}

size_t ring_pop(struct ring *ring, void *elements, size_t max, int timeout_ms) {
  int64_t deadline_ms = clock_mono_ms() + timeout_ms;
  for (;;) {
    pthread_mutex_lock(&ring->lock);
    size_t taken = take(ring, elements, max);
    bool closed = ring->closed;
    pthread_mutex_unlock(&ring->lock);
    int64_t left_ms = timeout_ms < 0 ? -1 : deadline_ms - clock_mono_ms();
    if (taken || closed || timeout_ms == 0 || (timeout_ms > 0 && left_ms <= 0)) return taken;
    wait_readable(ring->fd, (int)left_ms);
  }
}

static size_t take(struct ring *ring, unsigned char *to, size_t max) {
  size_t taken = 0;
  for (; taken < max && ring->len; taken++, ring->len--) {
    memcpy(to + taken * ring->element_size, ring->elements + ring->head * ring->element_size, ring->element_size);
    ring->head = (ring->head + 1) % ring->capacity;
  }
  if (taken && ring->len == 0 && !ring->closed) signal_clear(ring->fd);
  return taken;
}

int ring_fd(const struct ring *ring) {
  return ring->fd;
}

void ring_close(struct ring *ring) {
  pthread_mutex_lock(&ring->lock);
  if (!ring->closed && ring->len == 0) signal_set(ring->fd);
  ring->closed = true;
  pthread_mutex_unlock(&ring->lock);
}

size_t ring_len(struct ring *ring) {
  pthread_mutex_lock(&ring->lock);
  size_t len = ring->len;
  pthread_mutex_unlock(&ring->lock);
  return len;
}

static void wait_readable(int fd, int timeout_ms) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  int ready = poll(&wait, 1, timeout_ms);
  assert(ready >= 0 || errno == EINTR);
  (void)ready;
}

// An eventfd only refuses a write when its counter would overflow, and a read when it is 0: neither can happen here.
static void signal_set(int fd) {
  uint64_t one = 1;
  ssize_t done = write(fd, &one, sizeof one);
  assert(done == sizeof one);
  (void)done;
}

static void signal_clear(int fd) {
  uint64_t count;
  ssize_t done = read(fd, &count, sizeof count);
  assert(done == sizeof count);
  (void)done;
}

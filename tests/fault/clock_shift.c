// SPDX-License-Identifier: Apache-2.0
// Loaded into a service by LD_PRELOAD: its wall clock is ahead by the seconds (int64) in the file RISER_FAULT_CLOCK,
// which is mapped, so that the clock jumps when the test writes. The monotonic clock is left alone, and waits until
// an instant of the wall clock are moved back to the real one. timespec_get and cnd_timedwait, which librdkafka uses
// as a pair for waits only, are both left alone; libfaketime changes the one and not the other, and a client then
// waits for a day.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WALL_CLOCK_S = 1000000000 }; // an instant of the monotonic clock is never that high

static const volatile int64_t *shift_s;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

__attribute__((constructor)) static void load(void) {
  real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  real_wait = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT,
                                                                                         "pthread_cond_timedwait");
  const char *path = getenv("RISER_FAULT_CLOCK");
  int fd = path ? open(path, O_RDONLY) : -1;
  void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift_s, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) abort();
  close(fd);
  shift_s = at;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (!real_gettime) load();
  int failed = real_gettime(clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift_s;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec at;
  if (clock_gettime(CLOCK_REALTIME, &at)) return -1;
  *now = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *now) {
  struct timespec at;
  if (clock_gettime(CLOCK_REALTIME, &at)) return -1;
  if (now) *now = at.tv_sec;
  return at.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until) {
  struct timespec real = *until;
  if (real.tv_sec > WALL_CLOCK_S) real.tv_sec -= *shift_s;
  return real_wait(cond, lock, &real);
}

// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

int64_t clock_wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void) {
  return clock_mono_us() / 1000;
}

void clock_sleep_ms(int64_t duration_ms) {
  if (duration_ms <= 0) return;
  struct timespec left = {.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) continue;
}

void clock_format_utc(int64_t wall_ms, char *to) {
  int64_t second = wall_ms / 1000, ms = wall_ms % 1000;
  if (ms < 0) {
    second--;
    ms += 1000;
  }
  time_t time = (time_t)second;
  struct tm utc;
  if (!gmtime_r(&time, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900) utc = (struct tm){.tm_mday = 1};
  size_t len = strftime(to, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(to + len, CLOCK_TEXT_SIZE - len, ".%03dZ", (int)ms);
}

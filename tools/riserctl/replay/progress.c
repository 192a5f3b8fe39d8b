// SPDX-License-Identifier: Apache-2.0
#include "riserctl/replay/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 30, REDRAW_MS = 100 };

static void draw(const struct progress *progress, size_t done, const char *subject, int64_t per_second);

void progress_begin(struct progress *progress, size_t total) {
  *progress = (struct progress){.total = total, .terminal = isatty(STDERR_FILENO), .began_ms = clock_mono_ms()};
}

void progress_show(struct progress *progress, size_t done, const char *subject, size_t line_len) {
  int64_t now = clock_mono_ms(), elapsed = now - progress->began_ms;
  int64_t per_second = elapsed > 0 ? (int64_t)done * 1000 / elapsed : 0;
  if (progress->terminal) {
    if (now - progress->shown_ms < REDRAW_MS) return;
    progress->shown_ms = now;
    draw(progress, done, subject, per_second);
    return;
  }
  if (line_len >= sizeof progress->line_of) line_len = sizeof progress->line_of - 1;
  if (strncmp(progress->line_of, subject, line_len) == 0 && progress->line_of[0]) return;
  snprintf(progress->line_of, sizeof progress->line_of, "%.*s", (int)line_len, subject);
  fprintf(stderr, "%s  %zu of %zu messages, %" PRId64 "/s\n", progress->line_of, done, progress->total, per_second);
}

static void draw(const struct progress *progress, size_t done, const char *subject, int64_t per_second) {
  char bar[BAR_WIDTH + 1];
  size_t filled = progress->total ? done * BAR_WIDTH / progress->total : 0;
  for (size_t i = 0; i < BAR_WIDTH; i++) bar[i] = i < filled ? '#' : '.';
  bar[BAR_WIDTH] = 0;
  int64_t left_s = per_second > 0 ? (int64_t)(progress->total - done) / per_second : 0;
  fprintf(stderr, "\r\033[K[%s] %3zu %%  %s  %zu of %zu messages, %" PRId64 "/s, %" PRId64 " s left", bar,
          progress->total ? done * 100 / progress->total : 0, subject, done, progress->total, per_second, left_s);
}

void progress_end(struct progress *progress) {
  if (progress->terminal) fprintf(stderr, "\r\033[K");
}

// SPDX-License-Identifier: Apache-2.0
// How far a long command has come: a bar that is redrawn on a terminal, else a plain line now and then. On standard
// error, so that standard output stays for results.
#ifndef RISER_RISERCTL_REPLAY_PROGRESS_H
#define RISER_RISERCTL_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
  size_t total;
  bool terminal;
  int64_t began_ms;
  int64_t shown_ms;
  char line_of[16]; // the last plain line's subject
};

void progress_begin(struct progress *progress, size_t total);
// `subject`: where it is, e.g. a date. A plain line is written when its first `line_len` characters change.
void progress_show(struct progress *progress, size_t done, const char *subject, size_t line_len);
void progress_end(struct progress *progress); // clears the bar

#endif

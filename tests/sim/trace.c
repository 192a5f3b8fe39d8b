// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "process.h"

static struct {
  enum trace_mode mode;
  char lines[TRACE_LINES][TRACE_LINE_SIZE];
  size_t count; // ever
  char promise[64];
  char detail[1024];
  bool told; // what comes after it is of no interest
} kept;

void trace_begin(enum trace_mode mode) {
  kept.mode = mode;
  kept.count = 0;
  kept.told = false;
  kept.promise[0] = kept.detail[0] = 0;
}

bool trace_wanted(void) {
  return kept.mode != TRACE_OFF && !kept.told;
}

void trace_write(const char *format, ...) {
  char *line = kept.lines[kept.count++ % TRACE_LINES], when[CLOCK_TEXT_SIZE];
  const struct unit *unit = unit_current();
  clock_format_utc(machine_now_ms(), when);
  int len = snprintf(line, TRACE_LINE_SIZE, "%9llu %s %-10s ", (unsigned long long)machine_steps(), when,
                     unit ? unit->name : "");
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line + len, TRACE_LINE_SIZE - (size_t)len, format, arguments);
  va_end(arguments);
  if (kept.mode == TRACE_PRINT) puts(line);
}

void trace_print_kept(size_t lines) {
  size_t from = kept.count > TRACE_LINES ? kept.count - TRACE_LINES : 0;
  if (kept.count - from > lines) from = kept.count - lines;
  for (size_t i = from; i < kept.count; i++) puts(kept.lines[i % TRACE_LINES]);
}

void violated(const char *promise, const char *format, ...) {
  if (is_violated()) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(kept.detail, sizeof kept.detail, format, arguments);
  va_end(arguments);
  snprintf(kept.promise, sizeof kept.promise, "%s", promise);
  trace("BROKEN: %s: %s", kept.promise, kept.detail);
  kept.told = true;
}

bool is_violated(void) {
  return kept.promise[0] != 0;
}

const char *violated_promise(void) {
  return kept.promise;
}

const char *violated_detail(void) {
  return kept.detail;
}

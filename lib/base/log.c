// SPDX-License-Identifier: Apache-2.0
// A line is put together on the stack and written by one write(2), so that lines of different threads don't mix. The
// only state is the level, where to write, and a small table that counts recent lines per event.
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { RATE_SLOTS = 256 };

struct rate {
  uint32_t event_hash;
  int64_t window_start_ms;
  int64_t written;
  int64_t suppressed;
};

// A line in the making. Once a piece does not fit, `full` is set and only the closing is still written, for which
// room is kept.
struct line {
  char text[LOG_LINE_MAX];
  size_t len;
  size_t limit;
  bool full;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *log_service = "riser";
static enum log_level log_lowest = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static struct rate rates[RATE_SLOTS];
static pthread_mutex_t rate_lock = PTHREAD_MUTEX_INITIALIZER;

static bool rate_allows(const char *event, int64_t *suppressed);
static void line_head(struct line *line, enum log_level level, const char *event);
static void line_field(struct line *line, const struct log_field *field);
static void line_value(struct line *line, const struct log_field *field);
static void line_raw(struct line *line, const char *text, size_t len);
static void line_string(struct line *line, struct bytes text);
static void line_escaped(struct line *line, uint8_t character);
static void line_write(struct line *line);

void log_init(const char *service, enum log_level level) {
  log_service = service;
  log_lowest = level;
}

void log_set_fd(int fd) {
  log_fd = fd;
}

enum error log_level_by_name(const char *name, enum log_level *level) {
  for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
    if (strcmp(name, level_names[i]) != 0) continue;
    *level = (enum log_level)i;
    return OK;
  }
  return ERR_BAD_VALUE;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields) {
  int64_t suppressed = 0;
  if (level < log_lowest || !rate_allows(event, &suppressed)) return;
  struct line line = {.limit = LOG_LINE_MAX - sizeof ",\"truncated\":true}\n"};
  line_head(&line, level, event);
  if (suppressed) line_field(&line, &F_INT("suppressed", suppressed));
  for (; fields->key && !line.full; fields++) line_field(&line, fields);
  line_write(&line);
}

// Counts the line; in *suppressed what the window before this one kept back.
static bool rate_allows(const char *event, int64_t *suppressed) {
  uint32_t hash = 2166136261u; // FNV-1a
  for (const char *c = event; *c; c++) hash = (hash ^ (uint8_t)*c) * 16777619u;
  struct rate *rate = &rates[hash % RATE_SLOTS];
  int64_t now_ms = clock_mono_ms();
  pthread_mutex_lock(&rate_lock);
  bool same = rate->event_hash == hash;
  if (!same || now_ms - rate->window_start_ms >= LOG_WINDOW_MS) {
    *suppressed = same ? rate->suppressed : 0;
    *rate = (struct rate){.event_hash = hash, .window_start_ms = now_ms};
  }
  bool allowed = rate->written < LOG_BURST;
  if (allowed) {
    rate->written++;
  } else {
    rate->suppressed++;
  }
  pthread_mutex_unlock(&rate_lock);
  return allowed;
}

static void line_head(struct line *line, enum log_level level, const char *event) {
  char time[CLOCK_TEXT_SIZE];
  clock_format_utc(clock_wall_ms(), time);
  line_raw(line, "{\"time\":\"", 9);
  line_raw(line, time, strlen(time));
  line_raw(line, "\"", 1);
  line_field(line, &F_STR("level", level_names[level]));
  line_field(line, &F_STR("service", log_service));
  line_field(line, &F_STR("event", event));
}

// A field is written whole or not at all.
static void line_field(struct line *line, const struct log_field *field) {
  size_t start = line->len;
  line_raw(line, ",", 1);
  line_string(line, bytes_text(field->key));
  line_raw(line, ":", 1);
  line_value(line, field);
  if (line->full) line->len = start;
}

static void line_value(struct line *line, const struct log_field *field) {
  char number[24];
  switch (field->type) {
  case LOG_STR:
    if (field->as.text) {
      line_string(line, bytes_text(field->as.text));
    } else {
      line_raw(line, "null", 4);
    }
    break;
  case LOG_INT:
    snprintf(number, sizeof number, "%lld", (long long)field->as.number);
    line_raw(line, number, strlen(number));
    break;
  case LOG_BOOL:
    line_raw(line, field->as.truth ? "true" : "false", field->as.truth ? 4 : 5);
    break;
  case LOG_BYTES:
    line_string(line, field->as.bytes);
    break;
  case LOG_HEX:
    line_raw(line, "\"", 1);
    for (size_t i = 0; i < field->as.bytes.len && !line->full; i++) {
      hex_encode(bytes_make(field->as.bytes.data + i, 1), number);
      line_raw(line, number, 2);
    }
    line_raw(line, "\"", 1);
    break;
  }
}

static void line_raw(struct line *line, const char *text, size_t len) {
  if (line->full || len > line->limit - line->len) {
    line->full = true;
    return;
  }
  memcpy(line->text + line->len, text, len);
  line->len += len;
}

// Text that is not UTF-8 is written byte by byte as Latin-1, so that the line stays JSON and nothing is hidden.
static void line_string(struct line *line, struct bytes text) {
  bool utf8 = bytes_is_utf8(text);
  line_raw(line, "\"", 1);
  for (size_t i = 0; i < text.len && !line->full; i++) {
    uint8_t c = text.data[i];
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f || (c >= 0x80 && !utf8)) {
      line_escaped(line, c);
    } else {
      line_raw(line, (const char *)&text.data[i], 1);
    }
  }
  line_raw(line, "\"", 1);
}

static void line_escaped(struct line *line, uint8_t character) {
  char escape[8];
  if (character == '"' || character == '\\') {
    snprintf(escape, sizeof escape, "\\%c", character);
  } else {
    snprintf(escape, sizeof escape, "\\u%04x", character);
  }
  line_raw(line, escape, strlen(escape));
}

static void line_write(struct line *line) {
  const char *end = line->full ? ",\"truncated\":true}\n" : "}\n";
  memcpy(line->text + line->len, end, strlen(end));
  line->len += strlen(end);
  const char *at = line->text;
  for (size_t left = line->len; left;) {
    ssize_t done = write(log_fd, at, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return; // nobody reads the log any more: there is nobody to tell
    at += done;
    left -= (size_t)done;
  }
}

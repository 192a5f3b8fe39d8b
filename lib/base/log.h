// SPDX-License-Identifier: Apache-2.0
// One JSON object a line on standard error: time, level, service, event, then the fields. An event is a stable
// kebab-case id; payloads, tokens and personal data don't belong in a field. Within ten seconds at most LOG_BURST lines
// of one event are written; the next line after that says how many were not ("suppressed"). Any thread may log;
// log_init is called once, before the first thread.
#ifndef RISER_BASE_LOG_H
#define RISER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum { LOG_LINE_MAX = 4096, LOG_BURST = 20, LOG_WINDOW_MS = 10000 };

struct log_field {
  const char *key; // NULL ends the list
  enum { LOG_STR, LOG_INT, LOG_BOOL, LOG_BYTES, LOG_HEX } type;
  union {
    const char *text; // NULL is written as null
    int64_t number;
    bool truth;
    struct bytes bytes;
  } as;
};

#define F_STR(k, v) ((struct log_field){.key = (k), .type = LOG_STR, .as.text = (v)})
#define F_INT(k, v) ((struct log_field){.key = (k), .type = LOG_INT, .as.number = (v)})
#define F_BOOL(k, v) ((struct log_field){.key = (k), .type = LOG_BOOL, .as.truth = (v)})
#define F_BYTES(k, v) ((struct log_field){.key = (k), .type = LOG_BYTES, .as.bytes = (v)}) // text that has a length
#define F_HEX(k, v) ((struct log_field){.key = (k), .type = LOG_HEX, .as.bytes = (v)})
#define F_ERR(err) F_STR("error", error_name(err))

// log_info("spool-full", F_INT("bytes", n), F_STR("folder", folder));
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define LOG_AT(level, event, ...)                                                                                      \
  log_event((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, )(struct log_field){.key = NULL}})

// `service` is kept (a literal). Before log_init: level info, service "riser", standard error.
void log_init(const char *service, enum log_level level);
void log_set_fd(int fd); // where lines go; for tests

// The level of that name ("debug", "info", "warn", "error"); ERR_BAD_VALUE otherwise.
enum error log_level_by_name(const char *name, enum log_level *level) MUST_USE;

// What the macros call. A line longer than LOG_LINE_MAX loses its last fields and says so ("truncated": true).
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#endif

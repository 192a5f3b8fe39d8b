// SPDX-License-Identifier: Apache-2.0
// The one closed set of errors of all of Riser, each with a class that says what to do about it:
// OK go on; RETRY back off and do not commit; REJECT to the reject topic with its name as the reason, then commit;
// FATAL drain and exit. The names are stable: they stand in logs, metrics and reject records. Add new ones only at
// the end of their class. Pure and thread-safe.
#ifndef RISER_BASE_ERROR_H
#define RISER_BASE_ERROR_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))

// X(identifier, class, name)
#define ERROR_TABLE(X)                                                                                                 \
  X(OK, CLASS_OK, "ok")                                                                                                \
  X(ERR_AGAIN, CLASS_RETRY, "again")                                                                                   \
  X(ERR_TIMEOUT, CLASS_RETRY, "timeout")                                                                               \
  X(ERR_QUEUE_FULL, CLASS_RETRY, "queue-full")                                                                         \
  X(ERR_UNAVAILABLE, CLASS_RETRY, "unavailable")                                                                       \
  X(ERR_DISCONNECTED, CLASS_RETRY, "disconnected")                                                                     \
  X(ERR_FENCE_LOST, CLASS_RETRY, "fence-lost")                                                                         \
  X(ERR_UNKNOWN_OUTCOME, CLASS_RETRY, "unknown-outcome")                                                               \
  X(ERR_ABORTED, CLASS_RETRY, "aborted")                                                                               \
  X(ERR_CLOSED, CLASS_RETRY, "closed")                                                                                 \
  X(ERR_EMPTY, CLASS_REJECT, "empty")                                                                                  \
  X(ERR_TOO_LARGE, CLASS_REJECT, "too-large")                                                                          \
  X(ERR_BAD_TOPIC, CLASS_REJECT, "bad-topic")                                                                          \
  X(ERR_UNKNOWN_SITE, CLASS_REJECT, "unknown-site")                                                                    \
  X(ERR_FOREIGN_SITE, CLASS_REJECT, "foreign-site")                                                                    \
  X(ERR_UNKNOWN_FORMAT, CLASS_REJECT, "unknown-format")                                                                \
  X(ERR_BAD_PROTOBUF, CLASS_REJECT, "bad-protobuf")                                                                    \
  X(ERR_BAD_JSON, CLASS_REJECT, "bad-json")                                                                            \
  X(ERR_BAD_SCHEMA, CLASS_REJECT, "bad-schema")                                                                        \
  X(ERR_BAD_UTF8, CLASS_REJECT, "bad-utf8")                                                                            \
  X(ERR_NO_READINGS, CLASS_REJECT, "no-readings")                                                                      \
  X(ERR_TOO_MANY_READINGS, CLASS_REJECT, "too-many-readings")                                                          \
  X(ERR_BAD_METER_ID, CLASS_REJECT, "bad-meter-id")                                                                    \
  X(ERR_BAD_REGISTER, CLASS_REJECT, "bad-register")                                                                    \
  X(ERR_BAD_UNIT, CLASS_REJECT, "bad-unit")                                                                            \
  X(ERR_BAD_VALUE, CLASS_REJECT, "bad-value")                                                                          \
  X(ERR_BAD_TIME, CLASS_REJECT, "bad-time")                                                                            \
  X(ERR_TIME_TOO_OLD, CLASS_REJECT, "time-too-old")                                                                    \
  X(ERR_TIME_IN_FUTURE, CLASS_REJECT, "time-in-future")                                                                \
  X(ERR_BAD_EVENT, CLASS_REJECT, "bad-event")                                                                          \
  X(ERR_BAD_STATE, CLASS_REJECT, "bad-state")                                                                          \
  X(ERR_BAD_ACK, CLASS_REJECT, "bad-ack")                                                                              \
  X(ERR_BAD_FACT, CLASS_REJECT, "bad-fact")                                                                            \
  X(ERR_BAD_NUMBER, CLASS_REJECT, "bad-number")                                                                        \
  X(ERR_INEXACT, CLASS_REJECT, "inexact")                                                                              \
  X(ERR_OVERFLOW, CLASS_REJECT, "overflow")                                                                            \
  X(ERR_NOT_FOUND, CLASS_REJECT, "not-found")                                                                          \
  X(ERR_LIMIT, CLASS_REJECT, "limit-reached")                                                                          \
  X(ERR_NOT_SIGNED, CLASS_REJECT, "not-signed")                                                                        \
  X(ERR_BAD_SIGNATURE, CLASS_REJECT, "bad-signature")                                                                  \
  X(ERR_NO_COUNTER, CLASS_REJECT, "no-counter")                                                                        \
  X(ERR_KEY_UNUSABLE, CLASS_REJECT, "key-unusable")                                                                    \
  X(ERR_REFUSED, CLASS_REJECT, "refused")                                                                              \
  X(ERR_NO_MEMORY, CLASS_FATAL, "no-memory")                                                                           \
  X(ERR_IO, CLASS_FATAL, "io-failed")                                                                                  \
  X(ERR_CONFIG, CLASS_FATAL, "bad-configuration")                                                                      \
  X(ERR_CORRUPT, CLASS_FATAL, "corrupt")                                                                               \
  X(ERR_MISMATCH, CLASS_FATAL, "mismatch")                                                                             \
  X(ERR_NEWER_READER, CLASS_FATAL, "needs-newer-reader")                                                               \
  X(ERR_FENCED, CLASS_FATAL, "fenced")                                                                                 \
  X(ERR_KAFKA_FATAL, CLASS_FATAL, "kafka-fatal")                                                                       \
  X(ERR_EXEC_FAILED, CLASS_FATAL, "exec-failed")                                                                       \
  X(ERR_INTERNAL, CLASS_FATAL, "internal")

#define ERROR_ENUM(id, class, name) id,
enum error { ERROR_TABLE(ERROR_ENUM) ERROR_COUNT };
#undef ERROR_ENUM

enum error_class { CLASS_OK, CLASS_RETRY, CLASS_REJECT, CLASS_FATAL };

// The class of an error; anything outside the set counts as FATAL.
enum error_class error_class(enum error err);

// Its stable kebab-case name; never NULL. `names` of all errors in order: handy as the label values of a metric.
const char *error_name(enum error err);
const char *const *error_names(size_t *count);

// The error of that name, or ERROR_COUNT if there is none.
enum error error_by_name(const char *name);

#endif

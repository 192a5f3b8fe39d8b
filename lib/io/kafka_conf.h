// SPDX-License-Identifier: Apache-2.0
// What the producer and the consumer have in common: librdkafka's configuration, its errors as ours, its logs as ours.
// Internal to lib/io's Kafka, but for kafka_conf_new, which riserctl's administration needs.
#ifndef RISER_IO_KAFKA_CONF_H
#define RISER_IO_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "io/kafka.h"

enum { KAFKA_WAIT_MS = 10000, KAFKA_REASON_SIZE = 512 };

struct kafka_property {
  const char *name; // NULL ends a list
  const char *value; // NULL leaves it alone
};

// A configuration with the properties, then the settings' own on top. `opaque` goes to every callback. ERR_CONFIG, and
// logged, if librdkafka refuses one. The caller destroys it, unless it becomes a handle's.
enum error kafka_conf_new(const struct kafka_settings *settings, const struct kafka_property *properties, void *opaque,
                          rd_kafka_conf_t **conf) MUST_USE;

// librdkafka's code as ours. RD_KAFKA_RESP_ERR__FATAL is asked back from the handle, which may be NULL.
enum error kafka_error(rd_kafka_t *rk, rd_kafka_resp_err_t code);

// Destroys `error`, which may be NULL (OK). Logs what is not OK as `event`.
enum error kafka_error_take(rd_kafka_t *rk, const char *event, rd_kafka_error_t *error);

// Logs what librdkafka tells of a handle beside its calls.
void kafka_log_event(rd_kafka_t *rk, int code, const char *reason);

enum error kafka_partition_count(rd_kafka_t *rk, const char *topic, int32_t *count) MUST_USE;

// A list of the positions with their offsets and metadata; the caller destroys it.
rd_kafka_topic_partition_list_t *kafka_list_new(const struct kafka_position *positions, size_t count);

// The librdkafka handle of a real consumer: a transaction's offsets need its group's identity.
rd_kafka_t *kafka_consumer_handle(struct kafka_consumer *consumer);

#endif

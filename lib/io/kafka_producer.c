// SPDX-License-Identifier: Apache-2.0
// Topics are looked up in a small list, because producing by name makes librdkafka search under its global lock.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/kafka_conf.h"

enum {
  TOPICS_MAX = 16,
  QUEUE_RECORDS = 100000,
  QUEUE_BYTES = 256 << 20,
  FENCE_WAIT_MS = 10000,
  PURGE_WAIT_MS = 2000,
  NUMBER_SIZE = 24
};

struct producer {
  struct kafka_producer base;
  rd_kafka_t *rk;
  kafka_delivered *on_delivered;
  void *ctx;
  int delivered; // in the poll that is running
  atomic_int_fast64_t pending;
  pthread_mutex_t topics_lock;
  rd_kafka_topic_t *topics[TOPICS_MAX];
  size_t topic_count;
};

static const struct kafka_producer_ops producer_ops;

static enum error producer_conf(const struct kafka_producer_options *options, void *opaque, rd_kafka_conf_t **conf);
static rd_kafka_topic_t *topic_handle(struct producer *producer, const char *name);
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

enum error kafka_producer_open(const struct kafka_producer_options *options, struct kafka_producer **opened) {
  char reason[KAFKA_REASON_SIZE];
  struct producer *producer = calloc(1, sizeof *producer);
  if (!producer) return ERR_NO_MEMORY;
  producer->base.ops = &producer_ops;
  producer->on_delivered = options->on_delivered;
  producer->ctx = options->ctx;
  pthread_mutex_init(&producer->topics_lock, NULL);
  rd_kafka_conf_t *conf = NULL;
  enum error err = producer_conf(options, producer, &conf);
  if (!err) producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (!err && !producer->rk) {
    rd_kafka_conf_destroy(conf);
    log_error("kafka-producer-refused", F_STR("reason", reason));
    err = ERR_CONFIG;
  }
  if (!err && options->transactional_id)
    err =
        kafka_error_take(producer->rk, "kafka-fencing-failed", rd_kafka_init_transactions(producer->rk, FENCE_WAIT_MS));
  if (err) {
    kafka_producer_close(&producer->base);
    return err;
  }
  *opened = &producer->base;
  return OK;
}

// A transaction has a timeout of its own, which then also bounds its messages.
static enum error producer_conf(const struct kafka_producer_options *options, void *opaque, rd_kafka_conf_t **conf) {
  char linger[NUMBER_SIZE], records[NUMBER_SIZE], kbytes[NUMBER_SIZE];
  int64_t max_records = options->queue_max_records ? options->queue_max_records : QUEUE_RECORDS;
  int64_t max_bytes = options->queue_max_bytes ? options->queue_max_bytes : QUEUE_BYTES;
  snprintf(linger, sizeof linger, "%lld", (long long)options->linger_ms);
  snprintf(records, sizeof records, "%lld", (long long)max_records);
  snprintf(kbytes, sizeof kbytes, "%lld", (long long)(max_bytes / 1024 + 1));
  struct kafka_property properties[] = {
      {"client.id", options->client_id ? options->client_id : "riser"},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"partitioner", "murmur2_random"},
      {"message.max.bytes", "4194304"}, // as the topics
      {"compression.codec", "lz4"},
      {"linger.ms", linger},
      {"queue.buffering.max.messages", records},
      {"queue.buffering.max.kbytes", kbytes},
      {"allow.auto.create.topics", "false"},
      {"transactional.id", options->transactional_id},
      {"message.timeout.ms", options->transactional_id ? NULL : "0"},
      {NULL, NULL},
  };
  enum error err = kafka_conf_new(&options->settings, properties, opaque, conf);
  if (!err) rd_kafka_conf_set_dr_msg_cb(*conf, on_delivery);
  return err;
}

static enum error producer_send(struct kafka_producer *base, const struct kafka_send *record) {
  struct producer *producer = (struct producer *)base;
  rd_kafka_topic_t *topic = topic_handle(producer, record->topic);
  if (!topic) return ERR_CONFIG;
  atomic_fetch_add_explicit(&producer->pending, 1, memory_order_relaxed);
  rd_kafka_resp_err_t code =
      rd_kafka_producev(producer->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record->partition),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(record->key.data, record->key.len),
                        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.data, record->value.len),
                        RD_KAFKA_V_TIMESTAMP(record->timestamp_ms), RD_KAFKA_V_OPAQUE(record->opaque), RD_KAFKA_V_END);
  if (code) atomic_fetch_sub_explicit(&producer->pending, 1, memory_order_relaxed);
  return kafka_error(producer->rk, code);
}

static rd_kafka_topic_t *topic_handle(struct producer *producer, const char *name) {
  rd_kafka_topic_t *topic = NULL;
  pthread_mutex_lock(&producer->topics_lock);
  for (size_t i = 0; !topic && i < producer->topic_count; i++)
    if (strcmp(rd_kafka_topic_name(producer->topics[i]), name) == 0) topic = producer->topics[i];
  if (!topic && producer->topic_count < TOPICS_MAX) {
    topic = rd_kafka_topic_new(producer->rk, name, NULL);
    if (topic) producer->topics[producer->topic_count++] = topic;
  }
  pthread_mutex_unlock(&producer->topics_lock);
  return topic;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  struct producer *producer = opaque;
  atomic_fetch_sub_explicit(&producer->pending, 1, memory_order_relaxed);
  producer->delivered++;
  enum error err = kafka_error(rk, message->err);
  if (producer->on_delivered)
    producer->on_delivered(producer->ctx, message->_private, err, message->partition, message->offset);
}

static int producer_poll(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  producer->delivered = 0;
  rd_kafka_poll(producer->rk, timeout_ms);
  return producer->delivered;
}

static enum error producer_status(struct kafka_producer *base) {
  struct producer *producer = (struct producer *)base;
  char reason[KAFKA_REASON_SIZE];
  rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->rk, reason, sizeof reason);
  if (!code) return OK;
  log_error("kafka-producer-dead", F_STR("code", rd_kafka_err2name(code)), F_STR("reason", reason));
  return kafka_error(producer->rk, code) == ERR_FENCED ? ERR_FENCED : ERR_KAFKA_FATAL;
}

static enum error producer_flush(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  return kafka_error(producer->rk, rd_kafka_flush(producer->rk, timeout_ms));
}

static int64_t producer_pending(struct kafka_producer *base) {
  return atomic_load_explicit(&((struct producer *)base)->pending, memory_order_relaxed);
}

static enum error producer_partitions(struct kafka_producer *base, const char *topic, int32_t *count) {
  return kafka_partition_count(((struct producer *)base)->rk, topic, count);
}

static enum error producer_begin(struct kafka_producer *base) {
  struct producer *producer = (struct producer *)base;
  return kafka_error_take(producer->rk, "kafka-begin-failed", rd_kafka_begin_transaction(producer->rk));
}

static enum error producer_send_offsets(struct kafka_producer *base, struct kafka_consumer *consumer,
                                        const struct kafka_position *offsets, size_t count, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(kafka_consumer_handle(consumer));
  if (!group) return ERR_FENCE_LOST;
  rd_kafka_topic_partition_list_t *list = kafka_list_new(offsets, count);
  rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(producer->rk, list, group, timeout_ms);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_group_metadata_destroy(group);
  return kafka_error_take(producer->rk, "kafka-send-offsets-failed", error);
}

static enum error producer_commit(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  return kafka_error_take(producer->rk, "kafka-commit-failed", rd_kafka_commit_transaction(producer->rk, timeout_ms));
}

static enum error producer_abort(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  return kafka_error_take(producer->rk, "kafka-abort-failed", rd_kafka_abort_transaction(producer->rk, timeout_ms));
}

// Purging decides everything that is left, so that each send has exactly one outcome.
static void producer_close(struct kafka_producer *base) {
  struct producer *producer = (struct producer *)base;
  if (producer->rk) {
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->rk, PURGE_WAIT_MS);
    for (size_t i = 0; i < producer->topic_count; i++) rd_kafka_topic_destroy(producer->topics[i]);
    rd_kafka_destroy(producer->rk);
  }
  pthread_mutex_destroy(&producer->topics_lock);
  free(producer);
}

static const struct kafka_producer_ops producer_ops = {
    .send = producer_send,
    .poll = producer_poll,
    .status = producer_status,
    .flush = producer_flush,
    .pending = producer_pending,
    .partitions = producer_partitions,
    .begin = producer_begin,
    .send_offsets = producer_send_offsets,
    .commit = producer_commit,
    .abort = producer_abort,
    .close = producer_close,
};

// SPDX-License-Identifier: Apache-2.0
// A record is in the log once it is sent, unless the broker holds or a failure was asked for; its fate is told by the
// next poll.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur2.h"
#include "io/kafka_memory_log.h"

enum { QUEUE_RECORDS = 100000 };

struct sent {
  struct kafka_send record; // key and value are copies while it is held, else gone
  struct memory_topic *topic;
  uint8_t *copy;
  enum error err;
  int64_t offset;
  bool decided;
};

struct memory_producer {
  struct kafka_producer base;
  struct kafka_memory *broker;
  kafka_delivered *on_delivered;
  void *ctx;
  char *transactional_id;
  bool in_transaction;
  bool fenced;
  bool dead;
  struct sent *queue;
  size_t count;
  size_t capacity;
  size_t max;
  struct kafka_position *offsets; // to be committed with the transaction
  size_t offset_count;
  struct memory_group *group;
};

static const struct kafka_producer_ops memory_producer_ops;

static void fence_older(struct memory_producer *producer);
static void decide(struct memory_producer *producer, struct sent *sent);
static void hold_copy(struct sent *sent);
static int32_t partition_of(const struct memory_producer *producer, const struct kafka_send *record);
static void drop_offsets(struct memory_producer *producer);

enum error kafka_memory_producer(struct kafka_memory *broker, const struct kafka_producer_options *options,
                                 struct kafka_producer **opened) {
  assert(broker->producer_count < MEMORY_CLIENTS_MAX);
  struct memory_producer *producer = calloc(1, sizeof *producer);
  if (!producer) return ERR_NO_MEMORY;
  producer->base.ops = &memory_producer_ops;
  producer->broker = broker;
  producer->on_delivered = options->on_delivered;
  producer->ctx = options->ctx;
  producer->max = options->queue_max_records ? (size_t)options->queue_max_records : QUEUE_RECORDS;
  producer->transactional_id = options->transactional_id ? strdup(options->transactional_id) : NULL;
  if (producer->transactional_id) fence_older(producer);
  broker->producers[broker->producer_count++] = producer;
  *opened = &producer->base;
  return OK;
}

static void fence_older(struct memory_producer *producer) {
  struct kafka_memory *broker = producer->broker;
  for (size_t i = 0; i < broker->producer_count; i++) {
    struct memory_producer *older = broker->producers[i];
    if (!older->transactional_id || strcmp(older->transactional_id, producer->transactional_id) != 0) continue;
    older->fenced = true;
    memory_end_transaction(broker, older, MEMORY_ABORTED);
  }
}

static enum error producer_send(struct kafka_producer *base, const struct kafka_send *record) {
  struct memory_producer *producer = (struct memory_producer *)base;
  if (producer->dead) return ERR_KAFKA_FATAL;
  if (producer->fenced) return ERR_FENCED;
  assert(!producer->transactional_id || producer->in_transaction);
  if (producer->count == producer->max) return ERR_QUEUE_FULL;
  if (producer->count == producer->capacity) {
    producer->capacity = producer->capacity ? 2 * producer->capacity : 16;
    producer->queue = realloc(producer->queue, producer->capacity * sizeof *producer->queue);
    if (!producer->queue) abort();
  }
  struct sent *sent = &producer->queue[producer->count++];
  *sent = (struct sent){.record = *record, .topic = memory_topic(producer->broker, record->topic)};
  sent->record.partition = partition_of(producer, record);
  if (producer->broker->held) {
    hold_copy(sent);
  } else {
    decide(producer, sent);
  }
  return OK;
}

static int32_t partition_of(const struct memory_producer *producer, const struct kafka_send *record) {
  if (record->partition != KAFKA_PARTITION_BY_KEY) return record->partition;
  return record->key.data ? murmur2_partition(record->key, producer->broker->partition_count) : 0;
}

static void hold_copy(struct sent *sent) {
  struct kafka_send *record = &sent->record;
  sent->copy = malloc(record->key.len + record->value.len + 1);
  if (!sent->copy) abort();
  if (record->key.data) {
    if (record->key.len) memcpy(sent->copy, record->key.data, record->key.len);
    record->key.data = sent->copy;
  }
  if (record->value.data) {
    if (record->value.len) memcpy(sent->copy + record->key.len, record->value.data, record->value.len);
    record->value.data = sent->copy + record->key.len;
  }
}

static void decide(struct memory_producer *producer, struct sent *sent) {
  struct kafka_memory *broker = producer->broker;
  sent->decided = true;
  sent->offset = KAFKA_OFFSET_INVALID;
  if (broker->failing_deliveries > 0) {
    broker->failing_deliveries--;
    sent->err = broker->delivery_error;
  } else {
    struct memory_partition *partition = &sent->topic->partitions[sent->record.partition];
    sent->offset = memory_append(partition, &sent->record, producer->in_transaction ? producer : NULL);
  }
  free(sent->copy);
  sent->copy = NULL;
}

void memory_producer_release(struct memory_producer *producer) {
  for (size_t i = 0; i < producer->count; i++)
    if (!producer->queue[i].decided) decide(producer, &producer->queue[i]);
}

void memory_producer_kill(struct memory_producer *producer) {
  producer->dead = true;
}

// The callback may send again, so what is told is taken out first.
static int producer_poll(struct kafka_producer *base, int timeout_ms) {
  struct memory_producer *producer = (struct memory_producer *)base;
  int told = 0;
  (void)timeout_ms;
  while (producer->count && producer->queue[0].decided) {
    struct sent sent = producer->queue[0];
    memmove(producer->queue, producer->queue + 1, --producer->count * sizeof *producer->queue);
    told++;
    if (producer->on_delivered)
      producer->on_delivered(producer->ctx, sent.record.opaque, sent.err, sent.record.partition, sent.offset);
  }
  return told;
}

static enum error producer_status(struct kafka_producer *base) {
  const struct memory_producer *producer = (struct memory_producer *)base;
  return producer->dead ? ERR_KAFKA_FATAL : producer->fenced ? ERR_FENCED : OK;
}

static enum error producer_flush(struct kafka_producer *base, int timeout_ms) {
  producer_poll(base, timeout_ms);
  return ((struct memory_producer *)base)->count ? ERR_TIMEOUT : OK;
}

static int64_t producer_pending(struct kafka_producer *base) {
  return (int64_t)((struct memory_producer *)base)->count;
}

static enum error producer_partitions(struct kafka_producer *base, const char *topic, int32_t *count) {
  (void)topic;
  *count = ((struct memory_producer *)base)->broker->partition_count;
  return OK;
}

static enum error producer_begin(struct kafka_producer *base) {
  struct memory_producer *producer = (struct memory_producer *)base;
  assert(producer->transactional_id && !producer->in_transaction);
  if (producer->fenced) return ERR_FENCED;
  producer->in_transaction = true;
  return OK;
}

static enum error producer_send_offsets(struct kafka_producer *base, struct kafka_consumer *consumer,
                                        const struct kafka_position *offsets, size_t count, int timeout_ms) {
  struct memory_producer *producer = (struct memory_producer *)base;
  (void)timeout_ms;
  assert(producer->in_transaction);
  if (producer->fenced) return ERR_FENCED;
  size_t total = producer->offset_count + count;
  producer->offsets = realloc(producer->offsets, (total + 1) * sizeof *producer->offsets);
  if (!producer->offsets) abort();
  for (size_t i = 0; i < count; i++) {
    struct kafka_position *kept = &producer->offsets[producer->offset_count++];
    *kept = offsets[i];
    kept->topic = strdup(offsets[i].topic);
    kept->metadata = offsets[i].metadata ? strdup(offsets[i].metadata) : NULL;
  }
  producer->group = memory_consumer_group(consumer);
  return OK;
}

static enum error producer_commit(struct kafka_producer *base, int timeout_ms) {
  struct memory_producer *producer = (struct memory_producer *)base;
  struct kafka_memory *broker = producer->broker;
  assert(producer->in_transaction);
  if (producer->fenced) return ERR_FENCED;
  bool failed = false;
  for (size_t i = 0; i < producer->count; i++) failed |= producer->queue[i].err != OK;
  if (producer_flush(base, timeout_ms)) return ERR_TIMEOUT;
  if (failed) return ERR_ABORTED;
  bool fails = broker->failing_commits > 0;
  broker->failing_commits -= fails;
  if (fails && broker->commit_error == ERR_ABORTED) return ERR_ABORTED;
  memory_end_transaction(broker, producer, fails ? MEMORY_ABORTED : MEMORY_COMMITTED);
  for (size_t i = 0; !fails && i < producer->offset_count; i++)
    memory_group_commit(producer->group, &producer->offsets[i]);
  drop_offsets(producer);
  producer->in_transaction = false;
  return fails ? broker->commit_error : OK;
}

static enum error producer_abort(struct kafka_producer *base, int timeout_ms) {
  struct memory_producer *producer = (struct memory_producer *)base;
  if (producer->fenced) return ERR_FENCED;
  producer_poll(base, timeout_ms);
  memory_end_transaction(producer->broker, producer, MEMORY_ABORTED);
  drop_offsets(producer);
  producer->in_transaction = false;
  return OK;
}

static void drop_offsets(struct memory_producer *producer) {
  for (size_t i = 0; i < producer->offset_count; i++) {
    free((void *)(uintptr_t)producer->offsets[i].topic);
    free((void *)(uintptr_t)producer->offsets[i].metadata);
  }
  free(producer->offsets);
  producer->offsets = NULL;
  producer->offset_count = 0;
}

static void producer_close(struct kafka_producer *base) {
  struct memory_producer *producer = (struct memory_producer *)base;
  struct kafka_memory *broker = producer->broker;
  for (size_t i = 0; i < producer->count; i++) {
    struct sent *sent = &producer->queue[i];
    if (!sent->decided) sent->err = ERR_CLOSED;
    sent->decided = true;
    free(sent->copy);
  }
  producer_poll(base, 0);
  memory_end_transaction(broker, producer, MEMORY_ABORTED);
  for (size_t i = 0; i < broker->producer_count; i++)
    if (broker->producers[i] == producer) broker->producers[i] = broker->producers[--broker->producer_count];
  drop_offsets(producer);
  free(producer->queue);
  free(producer->transactional_id);
  free(producer);
}

static const struct kafka_producer_ops memory_producer_ops = {
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

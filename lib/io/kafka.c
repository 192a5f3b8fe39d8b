// SPDX-License-Identifier: Apache-2.0
// The functions of the handles go to their tables; and the tail is read here, for real and twin alike, since it is made
// of the consumer's own operations.
#include "io/kafka.h"

#include <stdlib.h>

#include "base/clock.h"

enum { TAIL_BATCH = 256, TAIL_TIMEOUT_MS = 60000, TAIL_POLL_MS = 1000, TAIL_FIRST_STEP = 8, TAIL_STEP_GROWTH = 16 };
enum { NEXT_TIMEOUT_MS = 10000, NEXT_POLL_MS = 500 };

struct tail {
  int64_t low, high;
  int64_t from;
  int64_t step;
  bool reading; // in this round
};

struct tail_read {
  struct kafka_consumer *consumer;
  const char *topic;
  const int32_t *partitions;
  size_t count;
  struct arena *arena;
  struct kafka_record *records;
  struct tail *tails;
  int64_t deadline_ms;
};

static enum error tail_start(struct tail_read *read);
static enum error tail_round(struct tail_read *read, size_t *reading);
static enum error tail_poll(struct tail_read *read);
static enum error tail_keep(struct tail_read *read, const struct kafka_record *record);
static size_t tail_step_back(struct tail_read *read, struct kafka_position *positions);
static size_t tail_reading(const struct tail_read *read);
static void on_tail_end(void *ctx, const struct kafka_position *position);

enum error kafka_producer_send(struct kafka_producer *producer, const struct kafka_send *record) {
  return producer->ops->send(producer, record);
}

int kafka_producer_poll(struct kafka_producer *producer, int timeout_ms) {
  return producer->ops->poll(producer, timeout_ms);
}

enum error kafka_producer_status(struct kafka_producer *producer) {
  return producer->ops->status(producer);
}

enum error kafka_producer_flush(struct kafka_producer *producer, int timeout_ms) {
  return producer->ops->flush(producer, timeout_ms);
}

int64_t kafka_producer_pending(struct kafka_producer *producer) {
  return producer->ops->pending(producer);
}

enum error kafka_producer_partitions(struct kafka_producer *producer, const char *topic, int32_t *count) {
  return producer->ops->partitions(producer, topic, count);
}

enum error kafka_producer_begin(struct kafka_producer *producer) {
  return producer->ops->begin(producer);
}

enum error kafka_producer_send_offsets(struct kafka_producer *producer, struct kafka_consumer *consumer,
                                       const struct kafka_position *offsets, size_t count, int timeout_ms) {
  return producer->ops->send_offsets(producer, consumer, offsets, count, timeout_ms);
}

enum error kafka_producer_commit(struct kafka_producer *producer, int timeout_ms) {
  return producer->ops->commit(producer, timeout_ms);
}

enum error kafka_producer_abort(struct kafka_producer *producer, int timeout_ms) {
  return producer->ops->abort(producer, timeout_ms);
}

void kafka_producer_close(struct kafka_producer *producer) {
  if (producer) producer->ops->close(producer);
}

enum error kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms, struct kafka_record *records,
                               size_t max, size_t *count) {
  return consumer->ops->poll(consumer, timeout_ms, records, max, count);
}

enum error kafka_consumer_assign(struct kafka_consumer *consumer, const struct kafka_position *positions,
                                 size_t count) {
  return consumer->ops->assign(consumer, positions, count);
}

enum error kafka_consumer_seek(struct kafka_consumer *consumer, const struct kafka_position *position) {
  return consumer->ops->seek(consumer, position);
}

enum error kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_position *position) {
  return consumer->ops->pause(consumer, position, true);
}

enum error kafka_consumer_resume(struct kafka_consumer *consumer, const struct kafka_position *position) {
  return consumer->ops->pause(consumer, position, false);
}

enum error kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_position *positions,
                                 size_t count) {
  return consumer->ops->commit(consumer, positions, count);
}

enum error kafka_consumer_committed(struct kafka_consumer *consumer, struct kafka_position *positions, size_t count,
                                    struct arena *arena) {
  return consumer->ops->committed(consumer, positions, count, arena);
}

enum error kafka_consumer_watermarks(struct kafka_consumer *consumer, const char *topic, int32_t partition,
                                     int64_t *low, int64_t *high) {
  return consumer->ops->watermarks(consumer, topic, partition, low, high);
}

enum error kafka_consumer_partitions(struct kafka_consumer *consumer, const char *topic, int32_t *count) {
  return consumer->ops->partitions(consumer, topic, count);
}

void kafka_consumer_close(struct kafka_consumer *consumer) {
  if (consumer) consumer->ops->close(consumer);
}

// In rounds: each reads, of every partition still without a record, a longer stretch before its end.
enum error kafka_tail_read(struct kafka_consumer *consumer, const char *topic, const int32_t *partitions, size_t count,
                           struct arena *arena, struct kafka_record *records) {
  struct tail_read read = {
      .consumer = consumer,
      .topic = arena_strdup(arena, topic),
      .partitions = partitions,
      .count = count,
      .arena = arena,
      .records = records,
      .tails = calloc(count, sizeof(struct tail)),
      .deadline_ms = clock_mono_ms() + TAIL_TIMEOUT_MS,
  };
  struct kafka_consumer_events events = {.reached_end = on_tail_end, .ctx = &read};
  struct kafka_consumer_events none = {.ctx = NULL};
  enum error err = read.tails && read.topic ? tail_start(&read) : ERR_NO_MEMORY;
  consumer->ops->set_events(consumer, &events);
  size_t reading = 1;
  while (!err && reading) err = tail_round(&read, &reading);
  consumer->ops->set_events(consumer, &none);
  enum error cleared = kafka_consumer_assign(consumer, NULL, 0);
  free(read.tails);
  return err ? err : cleared;
}

static void on_next_end(void *ctx, const struct kafka_position *position) {
  *(int64_t *)ctx = position->offset;
}

enum error kafka_next_read(struct kafka_consumer *consumer, const struct kafka_position *position, int64_t *next) {
  struct kafka_consumer_events events = {.reached_end = on_next_end, .ctx = next}, none = {.ctx = NULL};
  struct kafka_record record;
  size_t count;
  int64_t deadline_ms = clock_mono_ms() + NEXT_TIMEOUT_MS;
  *next = KAFKA_OFFSET_INVALID;
  consumer->ops->set_events(consumer, &events);
  enum error err = kafka_consumer_assign(consumer, position, 1);
  while (!err && *next < 0) {
    err = kafka_consumer_poll(consumer, NEXT_POLL_MS, &record, 1, &count);
    if (!err && count) *next = record.offset;
    if (!err && *next < 0 && clock_mono_ms() > deadline_ms) err = ERR_TIMEOUT;
  }
  consumer->ops->set_events(consumer, &none);
  enum error cleared = kafka_consumer_assign(consumer, NULL, 0);
  return err ? err : cleared;
}

static enum error tail_start(struct tail_read *read) {
  for (size_t i = 0; i < read->count; i++) {
    struct tail *tail = &read->tails[i];
    read->records[i] = (struct kafka_record){
        .topic = read->topic, .partition = read->partitions[i], .offset = KAFKA_OFFSET_INVALID, .timestamp_ms = -1};
    enum error err =
        kafka_consumer_watermarks(read->consumer, read->topic, read->partitions[i], &tail->low, &tail->high);
    if (err) return err;
    tail->from = tail->high;
    tail->step = TAIL_FIRST_STEP;
  }
  return OK;
}

static enum error tail_round(struct tail_read *read, size_t *reading) {
  struct kafka_position *positions = calloc(read->count, sizeof *positions);
  if (!positions) return ERR_NO_MEMORY;
  *reading = tail_step_back(read, positions);
  enum error err = *reading ? kafka_consumer_assign(read->consumer, positions, *reading) : OK;
  while (!err && tail_reading(read)) err = tail_poll(read);
  free(positions);
  return err;
}

// Where this round begins to read, for those that still have no record and anything left before what was read.
static size_t tail_step_back(struct tail_read *read, struct kafka_position *positions) {
  size_t reading = 0;
  for (size_t i = 0; i < read->count; i++) {
    struct tail *tail = &read->tails[i];
    bool found = read->records[i].offset != KAFKA_OFFSET_INVALID;
    tail->reading = !found && tail->from > tail->low;
    if (!tail->reading) continue;
    tail->from = tail->high - tail->step > tail->low ? tail->high - tail->step : tail->low;
    tail->step *= TAIL_STEP_GROWTH;
    positions[reading++] =
        (struct kafka_position){.topic = read->topic, .partition = read->partitions[i], .offset = tail->from};
  }
  return reading;
}

static size_t tail_reading(const struct tail_read *read) {
  size_t reading = 0;
  for (size_t i = 0; i < read->count; i++) reading += read->tails[i].reading;
  return reading;
}

static enum error tail_poll(struct tail_read *read) {
  struct kafka_record batch[TAIL_BATCH];
  size_t count;
  enum error err = kafka_consumer_poll(read->consumer, TAIL_POLL_MS, batch, TAIL_BATCH, &count);
  while (!err && count) err = tail_keep(read, &batch[--count]); // backwards: of each partition only the last is copied
  if (!err && clock_mono_ms() > read->deadline_ms) err = ERR_TIMEOUT;
  return err;
}

static enum error tail_keep(struct tail_read *read, const struct kafka_record *record) {
  for (size_t i = 0; i < read->count; i++) {
    if (read->partitions[i] != record->partition || record->offset <= read->records[i].offset) continue;
    struct kafka_record *kept = &read->records[i];
    *kept = *record;
    kept->topic = read->topic;
    if (record->key.data) kept->key = arena_bytes(read->arena, record->key);
    if (record->value.data) kept->value = arena_bytes(read->arena, record->value);
    if ((record->key.data && !kept->key.data) || (record->value.data && !kept->value.data)) return ERR_LIMIT;
  }
  return OK;
}

static void on_tail_end(void *ctx, const struct kafka_position *position) {
  struct tail_read *read = ctx;
  for (size_t i = 0; i < read->count; i++)
    if (read->partitions[i] == position->partition) read->tails[i].reading = false;
}

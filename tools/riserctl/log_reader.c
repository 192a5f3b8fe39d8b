// SPDX-License-Identifier: Apache-2.0
#include "riserctl/log_reader.h"

#include <stdlib.h>

#include "base/clock.h"

enum { POLL_MS = 20, RECORDS_MAX = 256, SCRATCH_MAX = 64 * 1024 * 1024, TIMEOUT_MS = 60000 };

struct log_reading {
  struct kafka_consumer *consumer;
  struct arena *scratch;
  int64_t until[LOG_PARTITIONS_MAX]; // the end as it stood at first: where facts come all the time there is no other
  bool ended[LOG_PARTITIONS_MAX];
  size_t open; // partitions whose end has not been reached
};

static void note_end(void *ctx, const struct kafka_position *position);
static enum error assign(struct log_reading *reading, const struct log_range *range);
static enum error visit_some(struct log_reading *reading, const struct log_reader *reader, size_t *count);

static enum error open_consumer(struct ctl *ctl, struct log_reading *reading) {
  const struct kafka_consumer_options options = {
      .settings = ctl->config.kafka,
      .client_id = "riserctl",
      .group = "riserctl",
      .report_end = true,
      .events = {.reached_end = note_end, .ctx = reading},
  };
  return kafka_consumer_open(&options, &reading->consumer);
}

static void note(struct log_reading *reading, int32_t partition) {
  if (reading->ended[partition]) return;
  reading->ended[partition] = true;
  reading->open--;
}

static void note_end(void *ctx, const struct kafka_position *position) {
  note(ctx, position->partition);
}

enum error log_read(struct ctl *ctl, const struct log_range *range, const struct log_reader *reader) {
  struct log_reading reading = {.scratch = arena_new(SCRATCH_MAX)};
  int64_t timeout_ms = reader->timeout_ms ? reader->timeout_ms : TIMEOUT_MS;
  int64_t deadline = clock_mono_ms() + timeout_ms;
  enum error err = reading.scratch ? open_consumer(ctl, &reading) : ERR_NO_MEMORY;
  if (!err) err = assign(&reading, range);
  while (!err && !(reading.open == 0 && (!reader->is_done || reader->is_done(reader->ctx)))) {
    size_t count = 0;
    arena_reset(reading.scratch);
    err = visit_some(&reading, reader, &count);
    if (count) deadline = clock_mono_ms() + timeout_ms;
    if (!err && clock_mono_ms() > deadline) err = ERR_TIMEOUT;
  }
  kafka_consumer_close(reading.consumer);
  arena_free(reading.scratch);
  return err;
}

static enum error assign(struct log_reading *reading, const struct log_range *range) {
  struct kafka_position positions[LOG_PARTITIONS_MAX];
  int32_t first = range->partition, count = 1;
  enum error err = OK;
  if (range->partition == LOG_ALL_PARTITIONS) {
    first = 0;
    err = kafka_consumer_partitions(reading->consumer, range->topic, &count);
    if (!err && count > LOG_PARTITIONS_MAX) err = ERR_LIMIT;
  }
  if (err) return err;
  reading->open = (size_t)count;
  for (int32_t i = 0; !err && i < count; i++) {
    int64_t low, *until = &reading->until[first + i];
    positions[i] = (struct kafka_position){range->topic, first + i, range->from, NULL};
    err = kafka_consumer_watermarks(reading->consumer, range->topic, first + i, &low, until);
  }
  return err ? err : kafka_consumer_assign(reading->consumer, positions, (size_t)count);
}

static enum error visit_some(struct log_reading *reading, const struct log_reader *reader, size_t *count) {
  struct kafka_record records[RECORDS_MAX];
  enum error err = kafka_consumer_poll(reading->consumer, POLL_MS, records, RECORDS_MAX, count);
  for (size_t i = 0; !err && i < *count; i++) {
    err = reader->visit(reader->ctx, &records[i], reading->scratch);
    if (records[i].offset + 1 >= reading->until[records[i].partition]) note(reading, records[i].partition);
  }
  return err;
}

// ---------------------------------------------------------------- following

struct log_follower {
  struct kafka_consumer *consumer;
  struct arena *scratch;
  const char *topic;
  int32_t partition;
  int64_t end; // everything before it has been given out
  struct kafka_record records[RECORDS_MAX];
  size_t count, at; // what was polled, and how far it was visited
};

static void follow_end(void *ctx, const struct kafka_position *position) {
  struct log_follower *follower = ctx;
  follower->end = position->offset;
}

enum error log_follow(struct ctl *ctl, const struct log_range *range, struct log_follower **out) {
  struct log_follower *follower = calloc(1, sizeof *follower);
  if (!follower) return ERR_NO_MEMORY;
  const struct kafka_consumer_options options = {
      .settings = ctl->config.kafka,
      .client_id = "riserctl",
      .group = "riserctl",
      .report_end = true,
      .events = {.reached_end = follow_end, .ctx = follower},
  };
  const struct kafka_position position = {range->topic, range->partition, range->from, NULL};
  follower->topic = range->topic;
  follower->partition = range->partition;
  follower->scratch = arena_new(SCRATCH_MAX);
  enum error err = follower->scratch ? kafka_consumer_open(&options, &follower->consumer) : ERR_NO_MEMORY;
  if (!err) err = kafka_consumer_assign(follower->consumer, &position, 1);
  if (err)
    log_follow_end(follower);
  else
    *out = follower;
  return err;
}

void log_follow_end(struct log_follower *follower) {
  if (!follower) return;
  kafka_consumer_close(follower->consumer);
  arena_free(follower->scratch);
  free(follower);
}

// *beyond: a record at or behind the offset has come; it stays for the next time.
static enum error visit_polled(struct log_follower *follower, int64_t offset, const struct log_reader *reader,
                               bool *beyond) {
  enum error err = OK;
  for (; !err && follower->at < follower->count; follower->at++) {
    const struct kafka_record *record = &follower->records[follower->at];
    *beyond = record->offset >= offset;
    if (*beyond) break;
    err = reader->visit(reader->ctx, record, follower->scratch);
  }
  return err;
}

enum error log_follow_until(struct log_follower *follower, int64_t offset, const struct log_reader *reader) {
  int64_t low, high, deadline = clock_mono_ms() + TIMEOUT_MS;
  bool beyond = false;
  enum error err = kafka_consumer_watermarks(follower->consumer, follower->topic, follower->partition, &low, &high);
  if (!err && high < offset) err = ERR_MISMATCH;
  while (!err) {
    err = visit_polled(follower, offset, reader, &beyond);
    if (err || beyond || follower->end >= offset) break;
    arena_reset(follower->scratch);
    follower->at = follower->count = 0;
    err = kafka_consumer_poll(follower->consumer, POLL_MS, follower->records, RECORDS_MAX, &follower->count);
    if (follower->count) deadline = clock_mono_ms() + TIMEOUT_MS;
    if (!err && clock_mono_ms() > deadline) err = ERR_TIMEOUT;
  }
  return err;
}

enum error log_end(struct ctl *ctl, const char *topic, int32_t partition, int64_t *offset) {
  struct log_reading reading = {.scratch = NULL};
  int64_t low;
  enum error err = open_consumer(ctl, &reading);
  if (!err) err = kafka_consumer_watermarks(reading.consumer, topic, partition, &low, offset);
  kafka_consumer_close(reading.consumer);
  return err;
}

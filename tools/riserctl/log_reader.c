// SPDX-License-Identifier: Apache-2.0
#include "riserctl/log_reader.h"

#include "base/clock.h"

enum { POLL_MS = 20, RECORDS_MAX = 256, SCRATCH_MAX = 64 * 1024 * 1024, TIMEOUT_MS = 60000 };

struct reading {
  struct kafka_consumer *consumer;
  struct arena *scratch;
  bool ended[LOG_PARTITIONS_MAX];
  size_t open; // partitions whose end has not been reached
};

static void note_end(void *ctx, const struct kafka_position *position);
static enum error assign(struct reading *reading, const struct log_range *range);
static enum error visit_some(struct reading *reading, const struct log_reader *reader, size_t *count);

static enum error open_consumer(struct ctl *ctl, struct reading *reading) {
  const struct kafka_consumer_options options = {
      .settings = ctl->config.kafka,
      .client_id = "riserctl",
      .group = "riserctl",
      .report_end = true,
      .events = {.reached_end = note_end, .ctx = reading},
  };
  return kafka_consumer_open(&options, &reading->consumer);
}

static void note_end(void *ctx, const struct kafka_position *position) {
  struct reading *reading = ctx;
  if (reading->ended[position->partition]) return;
  reading->ended[position->partition] = true;
  reading->open--;
}

enum error log_read(struct ctl *ctl, const struct log_range *range, const struct log_reader *reader) {
  struct reading reading = {.scratch = arena_new(SCRATCH_MAX)};
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

static enum error assign(struct reading *reading, const struct log_range *range) {
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
  for (int32_t i = 0; i < count; i++) {
    positions[i] = (struct kafka_position){range->topic, first + i, range->from, NULL};
  }
  return kafka_consumer_assign(reading->consumer, positions, (size_t)count);
}

static enum error visit_some(struct reading *reading, const struct log_reader *reader, size_t *count) {
  struct kafka_record records[RECORDS_MAX];
  enum error err = kafka_consumer_poll(reading->consumer, POLL_MS, records, RECORDS_MAX, count);
  for (size_t i = 0; !err && i < *count; i++) err = reader->visit(reader->ctx, &records[i], reading->scratch);
  return err;
}

enum error log_end(struct ctl *ctl, const char *topic, int32_t partition, int64_t *offset) {
  struct reading reading = {.scratch = NULL};
  int64_t low;
  enum error err = open_consumer(ctl, &reading);
  if (!err) err = kafka_consumer_watermarks(reading.consumer, topic, partition, &low, offset);
  kafka_consumer_close(reading.consumer);
  return err;
}

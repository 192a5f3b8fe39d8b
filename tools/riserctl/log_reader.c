// SPDX-License-Identifier: Apache-2.0
#include "riserctl/log_reader.h"

#include "base/clock.h"

enum { POLL_MS = 20, RECORDS_MAX = 256, SCRATCH_MAX = 64 * 1024 * 1024, TIMEOUT_MS = 60000 };

static void note_end(void *ctx, const struct kafka_position *position);
static enum error visit_some(struct kafka_consumer *consumer, const struct log_reader *reader, struct arena *scratch);

static enum error open_consumer(struct ctl *ctl, bool *at_end, struct kafka_consumer **consumer) {
  const struct kafka_consumer_options options = {
      .settings = ctl->config.kafka,
      .client_id = "riserctl",
      .group = "riserctl",
      .report_end = true,
      .events = {.reached_end = note_end, .ctx = at_end},
  };
  return kafka_consumer_open(&options, consumer);
}

static void note_end(void *ctx, const struct kafka_position *position) {
  (void)position;
  *(bool *)ctx = true;
}

enum error log_read(struct ctl *ctl, const struct log_range *range, const struct log_reader *reader) {
  const struct kafka_position from = {range->topic, range->partition, range->from, NULL};
  int64_t deadline = clock_mono_ms() + (reader->timeout_ms ? reader->timeout_ms : TIMEOUT_MS);
  struct kafka_consumer *consumer = NULL;
  struct arena *scratch = arena_new(SCRATCH_MAX);
  bool at_end = false;
  enum error err = scratch ? open_consumer(ctl, &at_end, &consumer) : ERR_NO_MEMORY;
  if (!err) err = kafka_consumer_assign(consumer, &from, 1);
  while (!err && !(at_end && (!reader->is_done || reader->is_done(reader->ctx)))) {
    arena_reset(scratch);
    err = visit_some(consumer, reader, scratch);
    if (!err && clock_mono_ms() > deadline) err = ERR_TIMEOUT;
  }
  kafka_consumer_close(consumer);
  arena_free(scratch);
  return err;
}

static enum error visit_some(struct kafka_consumer *consumer, const struct log_reader *reader, struct arena *scratch) {
  struct kafka_record records[RECORDS_MAX];
  size_t count = 0;
  enum error err = kafka_consumer_poll(consumer, POLL_MS, records, RECORDS_MAX, &count);
  for (size_t i = 0; !err && i < count; i++) err = reader->visit(reader->ctx, &records[i], scratch);
  return err;
}

enum error log_end(struct ctl *ctl, const char *topic, int32_t partition, int64_t *offset) {
  struct kafka_consumer *consumer = NULL;
  bool at_end = false;
  int64_t low;
  enum error err = open_consumer(ctl, &at_end, &consumer);
  if (!err) err = kafka_consumer_watermarks(consumer, topic, partition, &low, offset);
  kafka_consumer_close(consumer);
  return err;
}

// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "billing/opening.h"
#include "wire/decision.h"
#include "wire/fact.h"
#include "wire/state.h"

enum { POLL_MAX = 7, TEXT_MAX = 64 << 20 };

#define MUST(call) assert_int_equal((call), OK)

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct world *world = ctx;
  (void)positions, (void)count;
  if (!world->partition) world->partition = partition_new(0);
}

static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct world *world = ctx;
  (void)positions, (void)count, (void)lost;
  partition_free(world->partition);
  world->partition = NULL;
}

static void on_end(void *ctx, const struct kafka_position *position) {
  ((struct world *)ctx)->end_offset = position->offset;
}

static void open_handles(struct world *world) {
  static const char *const topics[] = {TOPIC_SITE};
  struct kafka_producer_options producer = {.on_delivered = publication_delivered};
  struct kafka_consumer_options reader = {.group = "reader", .report_end = true};
  struct kafka_consumer_options consumer = {
      .group = "billing",
      .topics = topics,
      .topic_count = 1,
      .report_end = true,
      .events = {.assigned = on_assigned, .revoked = on_revoked, .reached_end = on_end, .ctx = world}};
  world->end_offset = -1;
  MUST(kafka_memory_producer(world->kafka, &producer, &world->shell.producer));
  MUST(kafka_memory_consumer(world->kafka, &reader, &world->shell.reader));
  MUST(kafka_memory_consumer(world->kafka, &consumer, &world->shell.consumer));
  MUST(redis_memory_open(world->redis, &world->shell.redis));
}

static void close_handles(struct world *world) {
  kafka_consumer_close(world->shell.consumer);
  kafka_consumer_close(world->shell.reader);
  kafka_producer_close(world->shell.producer);
  redis_close(world->shell.redis);
  partition_free(world->partition);
  world->partition = NULL;
}

static void put_meta(struct world *world) {
  struct partition_meta meta = {.partition_count = 1, .fold_version = FOLD_VERSION};
  struct bytes key = bytes_text("{p0}:meta");
  buffer_clear(&world->shell.encoded);
  MUST(wire_partition_meta_encode(&meta, &world->shell.encoded));
  struct redis_fence fence = {.key = key, .next = buffer_bytes(&world->shell.encoded)};
  MUST(redis_commit(world->shell.redis, &fence, NULL, 0));
}

void world_init(struct world *world) {
  *world = (struct world){
      .config = {.partitions = 1,
                 .poll_records = POLL_MAX,
                 .batch_records = 3,
                 .batch_writes = 4,
                 .batch_decisions = 3,
                 .publish_timeout_ms = 1000},
      .metrics = metrics_new(),
      .kafka = kafka_memory_new(1),
      .redis = redis_memory_new(),
  };
  struct health_options health = {"127.0.0.1", 0, 1000, world->metrics};
  struct kafka_producer_options writer = {.linger_ms = 0};
  MUST(stats_init(&world->stats, world->metrics, 1));
  world->shell = (struct shell){.config = &world->config,
                                .stats = &world->stats,
                                .facts = arena_new(FACTS_ARENA_MAX),
                                .work = arena_new(WORK_ARENA_MAX),
                                .load = arena_new(WORK_ARENA_MAX)};
  buffer_init(&world->shell.encoded, BUFFER_MAX);
  MUST(health_open(&health, &world->shell.health));
  MUST(kafka_memory_producer(world->kafka, &writer, &world->writer));
  open_handles(world);
  put_meta(world);
}

void world_fini(struct world *world) {
  close_handles(world);
  kafka_producer_close(world->writer);
  kafka_memory_free(world->kafka);
  redis_memory_free(world->redis);
  health_free(world->shell.health);
  metrics_free(world->metrics);
  stats_fini(&world->stats);
  buffer_fini(&world->shell.encoded);
  arena_free(world->shell.facts);
  arena_free(world->shell.work);
  arena_free(world->shell.load);
}

void world_restart(struct world *world) {
  close_handles(world);
  open_handles(world);
}

void world_forget_meta(struct world *world) {
  struct bytes words[] = {bytes_text("DEL"), bytes_text("{p0}:meta")};
  struct redis_command command = {words, 2};
  struct redis_value reply;
  MUST(redis_pipeline(world->shell.redis, &command, 1, world->shell.load, &reply));
}

void world_put_generation(struct world *world, uint64_t generation) {
  struct bytes key = bytes_text("{p0}:meta"), value;
  struct partition_meta meta;
  arena_reset(world->shell.load);
  MUST(redis_get_many(world->shell.redis, &key, 1, world->shell.load, &value));
  MUST(wire_partition_meta_decode(value, world->shell.load, &meta));
  meta.generation = generation;
  buffer_clear(&world->shell.encoded);
  MUST(wire_partition_meta_encode(&meta, &world->shell.encoded));
  struct redis_fence fence = {.key = key, .expected = value, .next = buffer_bytes(&world->shell.encoded)};
  MUST(redis_commit(world->shell.redis, &fence, NULL, 0));
}

void world_write(struct world *world, const char *key, const struct fact *fact) {
  struct buffer value;
  buffer_init(&value, TEXT_MAX);
  MUST(wire_fact_encode(fact, &value));
  struct kafka_send send = {.topic = TOPIC_SITE, .key = bytes_text(key), .value = buffer_bytes(&value)};
  MUST(kafka_producer_send(world->writer, &send));
  MUST(kafka_producer_flush(world->writer, 0));
  buffer_fini(&value);
}

bool world_is_done(struct world *world) {
  struct partition *p = world->partition;
  return p && p->status == PARTITION_OPEN && !publication_failed(p->publication) &&
         p->meta.next_offset == (int64_t)kafka_memory_count(world->kafka, TOPIC_SITE);
}

enum error world_run(struct world *world, int passes) {
  struct kafka_record records[POLL_MAX];
  enum error err = OK;
  for (; !err && passes > 0 && !world_is_done(world); passes--) {
    size_t count;
    if (world->partition && world->partition->status != PARTITION_OPEN)
      err = opening_run(&world->shell, &world->partition, 1);
    if (!err) err = kafka_consumer_poll(world->shell.consumer, 0, records, POLL_MAX, &count);
    if (!err && world->partition) err = partition_take(&world->shell, world->partition, records, count);
    if (!err && world->partition && world->end_offset >= 0)
      err = partition_reach(&world->shell, world->partition, world->end_offset);
    world->end_offset = -1;
    kafka_producer_poll(world->shell.producer, 0);
  }
  return err;
}

void world_decisions(struct world *world, struct buffer *to) {
  struct arena *arena = arena_new(TEXT_MAX);
  struct kafka_record record;
  for (size_t i = 0; kafka_memory_record(world->kafka, TOPIC_DECISION, 0, i, &record); i++) {
    struct decision decision;
    arena_reset(arena);
    MUST(wire_decision_decode(record.value, arena, &decision));
    MUST(buffer_printf(to, "%lld/%u %s\n", (long long)decision.cause.offset, decision.cause.index, decision.id));
  }
  arena_free(arena);
}

void world_state(struct world *world, struct buffer *to) {
  MUST(redis_memory_dump(world->redis, to));
}

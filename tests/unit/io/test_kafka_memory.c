// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/murmur2.h"
#include "io/kafka_memory.h"

enum { PARTITIONS = 4, BATCH = 64 };

static const char *const topic = "riser.site.v1";

struct deliveries {
  int ok;
  int failed;
  enum error last;
  int64_t offset;
};

struct watcher {
  size_t assigned;
  size_t revoked;
  size_t ends;
  bool lost;
  int64_t begin_at;
};

static struct kafka_memory *broker;
static struct kafka_record records[BATCH];

static void on_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  struct deliveries *deliveries = ctx;
  (void)opaque, (void)partition;
  *(err ? &deliveries->failed : &deliveries->ok) += 1;
  deliveries->last = err;
  deliveries->offset = offset;
}

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct watcher *watcher = ctx;
  watcher->assigned += count;
  for (size_t i = 0; i < count; i++) positions[i].offset = watcher->begin_at;
}

static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct watcher *watcher = ctx;
  (void)positions;
  watcher->revoked += count;
  watcher->lost |= lost;
}

static void on_end(void *ctx, const struct kafka_position *position) {
  struct watcher *watcher = ctx;
  (void)position;
  watcher->ends++;
}

static int setup(void **state) {
  (void)state;
  broker = kafka_memory_new(PARTITIONS);
  return broker ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  kafka_memory_free(broker);
  return 0;
}

static struct kafka_producer *producer_of(struct deliveries *deliveries, const char *id) {
  struct kafka_producer_options options = {
      .transactional_id = id, .queue_max_records = 10, .on_delivered = on_delivered, .ctx = deliveries};
  struct kafka_producer *producer;
  memset(deliveries, 0, sizeof *deliveries);
  assert_int_equal(kafka_memory_producer(broker, &options, &producer), OK);
  return producer;
}

static struct kafka_consumer *consumer_of(struct watcher *watcher, const char *const *topics) {
  struct kafka_consumer_options options = {.group = "g",
                                           .topics = topics,
                                           .topic_count = topics ? 1 : 0,
                                           .report_end = true,
                                           .events = {.assigned = on_assigned,
                                                      .revoked = on_revoked,
                                                      .reached_end = on_end,
                                                      .ctx = watcher}};
  struct kafka_consumer *consumer;
  *watcher = (struct watcher){.begin_at = KAFKA_OFFSET_STORED};
  assert_int_equal(kafka_memory_consumer(broker, &options, &consumer), OK);
  return consumer;
}

static enum error send_text(struct kafka_producer *producer, int32_t partition, const char *key, const char *value) {
  struct kafka_send record = {
      .topic = topic, .partition = partition, .key = bytes_text(key), .value = bytes_text(value)};
  return kafka_producer_send(producer, &record);
}

static size_t poll(struct kafka_consumer *consumer) {
  size_t count;
  assert_int_equal(kafka_consumer_poll(consumer, 0, records, BATCH, &count), OK);
  return count;
}

static void test_produce(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct kafka_record record;
  (void)state;
  assert_int_equal(send_text(producer, KAFKA_PARTITION_BY_KEY, "alicante", "one"), OK);
  assert_int_equal(kafka_producer_pending(producer), 1);
  assert_int_equal(kafka_producer_poll(producer, 0), 1);
  assert_int_equal(deliveries.ok, 1);
  assert_true(kafka_memory_record(broker, topic, murmur2_partition(bytes_text("alicante"), PARTITIONS), 0, &record));
  assert_true(bytes_equal_text(record.value, "one") && bytes_equal_text(record.key, "alicante"));
  kafka_memory_fail_deliveries(broker, 1, ERR_TIMEOUT);
  assert_int_equal(send_text(producer, 0, "k", "fails"), OK);
  assert_int_equal(send_text(producer, 0, "k", "two"), OK);
  assert_int_equal(kafka_producer_flush(producer, 0), OK);
  assert_true(deliveries.ok == 2 && deliveries.failed == 1);
  kafka_memory_hold(broker, true);
  for (int i = 0; i < 10; i++) assert_int_equal(send_text(producer, 1, "k", "held"), OK);
  assert_int_equal(send_text(producer, 1, "k", "held"), ERR_QUEUE_FULL);
  assert_int_equal(kafka_producer_flush(producer, 0), ERR_TIMEOUT);
  assert_int_equal(kafka_memory_count(broker, topic), 2);
  kafka_memory_hold(broker, false);
  assert_int_equal(kafka_producer_flush(producer, 0), OK);
  assert_int_equal(kafka_memory_count(broker, topic), 12);
  kafka_memory_hold(broker, true);
  assert_int_equal(send_text(producer, 1, "k", "lost"), OK);
  kafka_producer_close(producer);
  assert_int_equal(deliveries.last, ERR_CLOSED);
}

static void test_consume(void **state) {
  struct deliveries deliveries;
  struct watcher watcher;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct kafka_consumer *consumer = consumer_of(&watcher, &topic);
  struct arena *arena = arena_new(4096);
  (void)state;
  assert_int_equal(poll(consumer), 0);
  assert_true(watcher.assigned == PARTITIONS && watcher.ends == PARTITIONS);
  for (int i = 0; i < 5; i++) assert_int_equal(send_text(producer, 2, "k", "x"), OK);
  assert_int_equal(poll(consumer), 5);
  assert_int_equal(watcher.ends, PARTITIONS); // the end is told when the records have been given out
  assert_int_equal(poll(consumer), 0);
  assert_int_equal(watcher.ends, PARTITIONS + 1);
  struct kafka_position position = {topic, 2, 3, "mark"}, asked[2] = {{topic, 2, 0, NULL}, {topic, 3, 0, NULL}};
  assert_int_equal(kafka_consumer_commit(consumer, &position, 1), OK);
  assert_int_equal(kafka_consumer_committed(consumer, asked, 2, arena), OK);
  assert_true(asked[0].offset == 3 && asked[1].offset == KAFKA_OFFSET_INVALID);
  assert_string_equal(asked[0].metadata, "mark");
  kafka_memory_rebalance(broker, false);
  assert_int_equal(poll(consumer), 2); // from the committed offset on
  assert_true(watcher.revoked == PARTITIONS && !watcher.lost);
  assert_int_equal(kafka_consumer_pause(consumer, &position), OK);
  assert_int_equal(kafka_consumer_seek(consumer, &position), OK);
  assert_int_equal(poll(consumer), 0);
  assert_int_equal(kafka_consumer_resume(consumer, &position), OK);
  assert_int_equal(poll(consumer), 2);
  watcher.begin_at = 6;
  kafka_memory_rebalance(broker, false);
  size_t count;
  assert_int_equal(kafka_consumer_poll(consumer, 0, records, BATCH, &count), ERR_MISMATCH);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
  arena_free(arena);
}

static void test_second_member_takes_over(void **state) {
  struct watcher first, second;
  struct kafka_consumer *one = consumer_of(&first, &topic);
  (void)state;
  poll(one);
  struct kafka_consumer *two = consumer_of(&second, &topic);
  poll(two);
  assert_int_equal(second.assigned, PARTITIONS);
  struct kafka_position position = {topic, 0, 0, NULL};
  assert_int_equal(kafka_consumer_commit(one, &position, 1), ERR_FENCE_LOST);
  poll(one);
  assert_true(first.revoked == PARTITIONS && first.lost);
  assert_int_equal(kafka_consumer_commit(two, &position, 1), OK);
  kafka_consumer_close(one);
  kafka_consumer_close(two);
  assert_true(second.revoked == PARTITIONS && !second.lost);
}

static void test_transactions(void **state) {
  struct deliveries deliveries, other;
  struct watcher watcher;
  struct kafka_producer *producer = producer_of(&deliveries, "notify-0");
  struct kafka_consumer *consumer = consumer_of(&watcher, &topic);
  struct kafka_position offset = {topic, 1, 9, "cause"}, asked = {topic, 1, 0, NULL};
  struct arena *arena = arena_new(4096);
  (void)state;
  assert_int_equal(kafka_producer_begin(producer), OK);
  assert_int_equal(send_text(producer, 0, "k", "aborted"), OK);
  assert_int_equal(kafka_producer_abort(producer, 0), OK);
  assert_int_equal(kafka_producer_begin(producer), OK);
  assert_int_equal(send_text(producer, 0, "k", "committed"), OK);
  assert_int_equal(kafka_producer_send_offsets(producer, consumer, &offset, 1, 0), OK);
  assert_int_equal(poll(consumer), 0);
  kafka_memory_fail_commits(broker, 1, ERR_ABORTED);
  assert_int_equal(kafka_producer_commit(producer, 0), ERR_ABORTED);
  assert_int_equal(kafka_producer_abort(producer, 0), OK);
  assert_int_equal(poll(consumer), 0);
  assert_int_equal(kafka_consumer_committed(consumer, &asked, 1, arena), OK);
  assert_int_equal(asked.offset, KAFKA_OFFSET_INVALID);
  assert_int_equal(kafka_producer_begin(producer), OK);
  assert_int_equal(send_text(producer, 0, "k", "committed"), OK);
  assert_int_equal(kafka_producer_send_offsets(producer, consumer, &offset, 1, 0), OK);
  assert_int_equal(poll(consumer), 0); // what is open is waited for, not passed over
  assert_int_equal(kafka_producer_commit(producer, 0), OK);
  assert_int_equal(poll(consumer), 1);
  assert_true(bytes_equal_text(records[0].value, "committed"));
  assert_int_equal(records[0].offset, 4); // behind two aborted ones, each with its marker
  assert_int_equal(kafka_consumer_committed(consumer, &asked, 1, arena), OK);
  assert_int_equal(asked.offset, 9);
  struct kafka_producer *newer = producer_of(&other, "notify-0");
  assert_int_equal(kafka_producer_begin(producer), ERR_FENCED);
  assert_int_equal(kafka_producer_status(producer), ERR_FENCED);
  assert_int_equal(kafka_producer_status(newer), OK);
  kafka_producer_close(producer);
  kafka_producer_close(newer);
  kafka_consumer_close(consumer);
  arena_free(arena);
}

static void test_tail(void **state) {
  struct deliveries deliveries, plain;
  struct watcher watcher;
  struct kafka_producer *writer = producer_of(&plain, NULL), *producer = producer_of(&deliveries, "t");
  struct kafka_consumer *consumer = consumer_of(&watcher, NULL);
  struct arena *arena = arena_new(1 << 20);
  const int32_t of[] = {3, 0};
  struct kafka_record tails[2];
  (void)state;
  assert_int_equal(send_text(writer, 3, "k", "first"), OK);
  assert_int_equal(send_text(writer, 3, "k", "the last one"), OK);
  for (int i = 0; i < 500; i++) {
    assert_int_equal(kafka_producer_begin(producer), OK);
    assert_int_equal(send_text(producer, 3, "k", "never seen"), OK);
    assert_int_equal(kafka_producer_abort(producer, 0), OK);
  }
  assert_int_equal(kafka_tail_read(consumer, topic, of, 2, arena, tails), OK);
  assert_true(bytes_equal_text(tails[0].value, "the last one"));
  assert_int_equal(tails[0].offset, 1);
  assert_int_equal(tails[1].offset, KAFKA_OFFSET_INVALID);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
  kafka_producer_close(writer);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_produce, setup, teardown),
      cmocka_unit_test_setup_teardown(test_consume, setup, teardown),
      cmocka_unit_test_setup_teardown(test_second_member_takes_over, setup, teardown),
      cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
      cmocka_unit_test_setup_teardown(test_tail, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

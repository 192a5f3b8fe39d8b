// SPDX-License-Identifier: Apache-2.0
// lib/io's Kafka against a real broker at RISER_KAFKA. Writes to the topic RISER_TEST_TOPIC (riser.reject.v1 if unset),
// which it neither makes nor clears: everything is found again by offsets and groups of this run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/murmur2.h"
#include "io/kafka.h"

enum { BATCH = 4096, PATIENCE_MS = 30000 };

struct deliveries {
  int ok;
  int failed;
  enum error last;
  int32_t partition;
  int64_t offset;
};

struct watcher {
  size_t assigned;
  size_t revoked;
  bool lost;
  size_t ends;
  int64_t begin_at; // what `assigned` writes into every position; KAFKA_OFFSET_STORED leaves it
};

static struct kafka_settings settings;
static const char *topic;
static int32_t partitions;
static char run[32];
static struct kafka_record records[BATCH];
static int64_t first_offset; // of what take() took

static void on_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  struct deliveries *deliveries = ctx;
  (void)opaque;
  *(err ? &deliveries->failed : &deliveries->ok) += 1;
  deliveries->last = err;
  deliveries->partition = partition;
  deliveries->offset = offset;
}

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct watcher *watcher = ctx;
  watcher->assigned += count;
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(positions[i].offset, KAFKA_OFFSET_STORED);
    positions[i].offset = watcher->begin_at;
  }
}

static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct watcher *watcher = ctx;
  (void)positions;
  watcher->revoked += count;
  watcher->lost |= lost;
}

static void on_end(void *ctx, const struct kafka_position *position) {
  struct watcher *watcher = ctx;
  assert_true(position->offset >= 0);
  watcher->ends++;
}

static struct kafka_producer *producer_of(struct deliveries *deliveries, const char *transactional_id) {
  struct kafka_producer_options options = {.settings = settings,
                                           .linger_ms = 5,
                                           .transactional_id = transactional_id,
                                           .on_delivered = on_delivered,
                                           .ctx = deliveries};
  struct kafka_producer *producer;
  memset(deliveries, 0, sizeof *deliveries);
  assert_int_equal(kafka_producer_open(&options, &producer), OK);
  return producer;
}

static struct kafka_consumer *reader(void) {
  struct kafka_consumer_options options = {.settings = settings, .group = run, .report_end = true};
  struct kafka_consumer *consumer;
  assert_int_equal(kafka_consumer_open(&options, &consumer), OK);
  return consumer;
}

static struct kafka_consumer *member(struct watcher *watcher, const char *group, enum kafka_assignor assignor) {
  struct kafka_consumer_options options = {.settings = settings,
                                           .group = group,
                                           .assignor = assignor,
                                           .topics = &topic,
                                           .topic_count = 1,
                                           .from_end = true,
                                           .report_end = true,
                                           .session_timeout_ms = 3000,
                                           .events = {.assigned = on_assigned,
                                                      .revoked = on_revoked,
                                                      .reached_end = on_end,
                                                      .ctx = watcher}};
  struct kafka_consumer *consumer;
  *watcher = (struct watcher){.begin_at = KAFKA_OFFSET_STORED};
  assert_int_equal(kafka_consumer_open(&options, &consumer), OK);
  return consumer;
}

static void send_text(struct kafka_producer *producer, int32_t partition, const char *key, const char *value) {
  struct kafka_send record = {
      .topic = topic, .partition = partition, .key = bytes_text(key), .value = bytes_text(value)};
  assert_int_equal(kafka_producer_send(producer, &record), OK);
}

// Polls until `total` records came or patience ends.
static size_t take(struct kafka_consumer *consumer, size_t total) {
  size_t taken = 0, count;
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  while (taken < total && clock_mono_ms() < until) {
    assert_int_equal(kafka_consumer_poll(consumer, 200, records, BATCH, &count), OK);
    if (taken == 0 && count) first_offset = records[0].offset;
    taken += count;
  }
  return taken;
}

static void poll_until(struct kafka_consumer *consumer, const size_t *counter, size_t value) {
  size_t count;
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  while (*counter < value && clock_mono_ms() < until)
    assert_int_equal(kafka_consumer_poll(consumer, 100, records, BATCH, &count), OK);
  assert_int_equal(*counter, value);
}

// How many partitions there are, and that each of them answers.
static enum error look_around(void) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct kafka_consumer *consumer = reader();
  enum error err = kafka_producer_partitions(producer, topic, &partitions);
  int64_t low, high;
  for (int32_t p = 0; !err && p < partitions; p++) err = kafka_consumer_watermarks(consumer, topic, p, &low, &high);
  kafka_producer_close(producer);
  kafka_consumer_close(consumer);
  return err;
}

// A broker that has just started answers "not yet" for a while: RETRY, as for every other caller.
static int setup(void **state) {
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  (void)state;
  settings.brokers = getenv("RISER_KAFKA");
  topic = getenv("RISER_TEST_TOPIC") ? getenv("RISER_TEST_TOPIC") : "riser.reject.v1";
  snprintf(run, sizeof run, "riser-test-%lld", (long long)clock_wall_ms());
  if (!settings.brokers) return -1;
  enum error err = look_around();
  while (error_class(err) == CLASS_RETRY && clock_mono_ms() < until) {
    clock_sleep_ms(200);
    err = look_around();
  }
  return err ? -1 : 0;
}

static void test_partitions(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  char key[16];
  (void)state;
  for (int i = 0; i < 200; i++) {
    snprintf(key, sizeof key, "site-%d", i);
    send_text(producer, KAFKA_PARTITION_BY_KEY, key, "x");
    assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
    assert_int_equal(deliveries.partition, murmur2_partition(bytes_text(key), partitions));
  }
  assert_int_equal(deliveries.ok, 200);
  int32_t none;
  assert_int_equal(kafka_producer_partitions(producer, "no.such.topic", &none), ERR_UNAVAILABLE);
  kafka_producer_close(producer);
}

static void test_binary_and_tombstone(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct kafka_send tombstone = {.topic = topic, .partition = 1, .key = bytes_text("k")};
  struct kafka_send binary = {
      .topic = topic, .partition = 1, .key = bytes_make("\0k", 2), .value = bytes_make("\0\xff", 2)};
  struct kafka_send empty = {.topic = topic, .partition = 1, .value = bytes_text("")};
  (void)state;
  assert_int_equal(kafka_producer_send(producer, &tombstone), OK);
  assert_int_equal(kafka_producer_send(producer, &binary), OK);
  assert_int_equal(kafka_producer_send(producer, &empty), OK);
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  struct kafka_consumer *consumer = reader();
  struct kafka_position from = {.topic = topic, .partition = 1, .offset = deliveries.offset - 2};
  assert_int_equal(kafka_consumer_assign(consumer, &from, 1), OK);
  assert_int_equal(take(consumer, 3), 3);
  assert_null(records[0].value.data);
  assert_true(bytes_equal(records[1].key, binary.key) && bytes_equal(records[1].value, binary.value));
  assert_true(records[2].value.data && records[2].value.len == 0 && !records[2].key.data);
  assert_true(clock_wall_ms() - records[2].timestamp_ms < 60000);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
}

static void test_queue_full_and_close(void **state) {
  struct deliveries deliveries = {0};
  struct kafka_producer_options options = {.settings = {.brokers = "127.0.0.1:1"},
                                           .queue_max_records = 10,
                                           .on_delivered = on_delivered,
                                           .ctx = &deliveries};
  struct kafka_producer *producer;
  struct kafka_send record = {.topic = topic, .partition = 0, .value = bytes_text("x")};
  (void)state;
  assert_int_equal(kafka_producer_open(&options, &producer), OK);
  for (int i = 0; i < 10; i++) assert_int_equal(kafka_producer_send(producer, &record), OK);
  assert_int_equal(kafka_producer_send(producer, &record), ERR_QUEUE_FULL);
  assert_int_equal(kafka_producer_pending(producer), 10);
  assert_int_equal(kafka_producer_flush(producer, 100), ERR_TIMEOUT);
  kafka_producer_close(producer);
  assert_int_equal(deliveries.failed, 10);
  assert_int_equal(deliveries.last, ERR_CLOSED);
  options.settings.properties = "nonsense=1";
  assert_int_equal(kafka_producer_open(&options, &producer), ERR_CONFIG);
}

// Commit with a note, leave, come back.
static void test_group_offsets(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct watcher watcher;
  struct arena *arena = arena_new(65536);
  struct kafka_consumer *consumer = member(&watcher, run, KAFKA_ASSIGN_RANGE);
  (void)state;
  poll_until(consumer, &watcher.ends, (size_t)partitions);
  assert_int_equal(watcher.assigned, partitions);
  for (int i = 0; i < 10; i++) send_text(producer, 2, "k", "x");
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  assert_int_equal(take(consumer, 10), 10);
  int64_t fourth = deliveries.offset - 6;
  struct kafka_position position = {topic, 2, fourth, "mark 17:3"};
  assert_int_equal(kafka_consumer_commit(consumer, &position, 1), OK);
  struct kafka_position both[2] = {{.topic = topic, .partition = 2}, {.topic = topic, .partition = 3}};
  assert_int_equal(kafka_consumer_committed(consumer, both, 2, arena), OK);
  assert_int_equal(both[0].offset, fourth);
  assert_string_equal(both[0].metadata, "mark 17:3");
  assert_int_equal(both[1].offset, KAFKA_OFFSET_INVALID);
  assert_null(both[1].metadata);
  kafka_consumer_close(consumer);
  assert_int_equal(watcher.revoked, partitions);
  assert_false(watcher.lost);
  consumer = member(&watcher, run, KAFKA_ASSIGN_RANGE);
  assert_int_equal(take(consumer, 7), 7);
  assert_int_equal(first_offset, fourth);
  struct kafka_position back = {topic, 2, fourth + 5, NULL};
  assert_int_equal(kafka_consumer_seek(consumer, &back), OK);
  assert_int_equal(take(consumer, 2), 2);
  assert_int_equal(first_offset, fourth + 5);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
  arena_free(arena);
}

// The owner says where to begin, as billing does from Redis.
static void test_owner_sets_offset(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct watcher watcher;
  char group[64];
  (void)state;
  for (int32_t p = 0; p < partitions; p++) send_text(producer, p, "k", "x");
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  snprintf(group, sizeof group, "%s-owner", run);
  struct kafka_consumer *consumer = member(&watcher, group, KAFKA_ASSIGN_RANGE);
  watcher.begin_at = KAFKA_OFFSET_BEGINNING;
  poll_until(consumer, &watcher.ends, (size_t)partitions);
  kafka_consumer_close(consumer);
  consumer = member(&watcher, group, KAFKA_ASSIGN_RANGE);
  watcher.begin_at = 1000000000; // the log was cut or restored
  size_t count;
  enum error err = OK;
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  while (!err && clock_mono_ms() < until) err = kafka_consumer_poll(consumer, 100, records, BATCH, &count);
  assert_int_equal(err, ERR_MISMATCH);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
}

// The group's offsets: where each partition ends now, so that nothing that is sent from here on is missed.
static void commit_ends(struct kafka_consumer *consumer) {
  for (int32_t p = 0; p < partitions; p++) {
    struct kafka_position end = {.topic = topic, .partition = p};
    int64_t low;
    assert_int_equal(kafka_consumer_watermarks(consumer, topic, p, &low, &end.offset), OK);
    assert_int_equal(kafka_consumer_commit(consumer, &end, 1), OK);
  }
}

static void set_paused(struct kafka_consumer *consumer, bool paused) {
  for (int32_t p = 0; p < partitions; p++) {
    struct kafka_position position = {.topic = topic, .partition = p};
    enum error (*set)(struct kafka_consumer *, const struct kafka_position *) =
        paused ? kafka_consumer_pause : kafka_consumer_resume;
    assert_int_equal(set(consumer, &position), OK);
  }
}

static void send_to_each(void) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  for (int32_t p = 0; p < partitions; p++) send_text(producer, p, "k", "x");
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  kafka_producer_close(producer);
}

// A second member joins and leaves while everything is paused at the first one. What was taken from it and comes back
// is read again; what it kept all the time, as it may in a cooperative group, stays paused.
static void test_second_member(void **state, enum kafka_assignor assignor, const char *name) {
  struct watcher first, second;
  char group[64];
  size_t count, half = (size_t)partitions / 2, kept = assignor == KAFKA_ASSIGN_COOPERATIVE ? half : 0;
  (void)state;
  snprintf(group, sizeof group, "%s-%s", run, name);
  struct kafka_consumer *one = member(&first, group, assignor);
  poll_until(one, &first.assigned, (size_t)partitions);
  commit_ends(one);
  set_paused(one, true);
  struct kafka_consumer *two = member(&second, group, assignor);
  int64_t until = clock_mono_ms() + PATIENCE_MS;
  while (second.assigned == 0 && clock_mono_ms() < until) {
    assert_int_equal(kafka_consumer_poll(one, 50, records, BATCH, &count), OK);
    assert_int_equal(kafka_consumer_poll(two, 50, records, BATCH, &count), OK);
  }
  assert_int_equal(second.assigned, half);
  assert_int_equal(first.revoked, (size_t)partitions - kept);
  assert_false(first.lost);
  kafka_consumer_close(two);
  poll_until(one, &first.assigned, kept ? (size_t)partitions + half : (size_t)partitions * 2 + half);
  send_to_each();
  assert_int_equal(take(one, (size_t)partitions - kept), (size_t)partitions - kept);
  assert_int_equal(kafka_consumer_poll(one, 300, records, BATCH, &count), OK);
  assert_int_equal(count, 0);
  set_paused(one, false);
  assert_int_equal(take(one, kept), kept);
  kafka_consumer_close(one);
}

static void test_range(void **state) {
  test_second_member(state, KAFKA_ASSIGN_RANGE, "range");
}

static void test_cooperative(void **state) {
  test_second_member(state, KAFKA_ASSIGN_COOPERATIVE, "cooperative");
}

static void test_pause(void **state) {
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  struct kafka_consumer *consumer = reader();
  size_t count;
  (void)state;
  send_text(producer, 0, "k", "x");
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  struct kafka_position from = {.topic = topic, .partition = 0, .offset = deliveries.offset};
  assert_int_equal(kafka_consumer_assign(consumer, &from, 1), OK);
  assert_int_equal(take(consumer, 1), 1);
  assert_int_equal(kafka_consumer_pause(consumer, &from), OK);
  send_text(producer, 0, "k", "y");
  assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
  assert_int_equal(kafka_consumer_poll(consumer, 500, records, BATCH, &count), OK);
  assert_int_equal(count, 0);
  assert_int_equal(kafka_consumer_resume(consumer, &from), OK);
  assert_int_equal(take(consumer, 1), 1);
  assert_int_equal(records[0].offset, from.offset + 1);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
}

static void test_transactions(void **state) {
  struct deliveries deliveries, other;
  char id[64];
  size_t count;
  struct watcher watcher;
  (void)state;
  snprintf(id, sizeof id, "%s-tx", run);
  struct kafka_producer *producer = producer_of(&deliveries, id);
  struct kafka_consumer *consumer = member(&watcher, id, KAFKA_ASSIGN_RANGE);
  poll_until(consumer, &watcher.ends, (size_t)partitions);
  assert_int_equal(kafka_producer_begin(producer), OK);
  send_text(producer, 0, "k", "aborted");
  assert_int_equal(kafka_producer_abort(producer, PATIENCE_MS), OK);
  assert_int_equal(kafka_producer_begin(producer), OK);
  send_text(producer, 0, "k", "committed");
  assert_int_equal(kafka_consumer_poll(consumer, 300, records, BATCH, &count), OK);
  assert_int_equal(count, 0);
  struct kafka_position offset = {topic, 1, 77, "cause 5/76/1"};
  assert_int_equal(kafka_producer_send_offsets(producer, consumer, &offset, 1, PATIENCE_MS), OK);
  assert_int_equal(kafka_producer_commit(producer, PATIENCE_MS), OK);
  assert_int_equal(take(consumer, 1), 1);
  assert_true(bytes_equal_text(records[0].value, "committed"));
  struct arena *arena = arena_new(65536);
  struct kafka_position committed = {.topic = topic, .partition = 1};
  assert_int_equal(kafka_consumer_committed(consumer, &committed, 1, arena), OK);
  assert_int_equal(committed.offset, 77);
  assert_string_equal(committed.metadata, "cause 5/76/1");
  struct kafka_producer *newer = producer_of(&other, id); // fences the first
  assert_int_equal(kafka_producer_begin(producer), OK);   // it doesn't know yet
  send_text(producer, 0, "k", "zombie");
  enum error err = kafka_producer_commit(producer, PATIENCE_MS);
  assert_int_equal(err, ERR_FENCED);
  assert_int_equal(kafka_producer_status(producer), ERR_FENCED);
  kafka_producer_close(producer);
  kafka_producer_close(newer);
  kafka_consumer_close(consumer);
  arena_free(arena);
}

// Behind the last records stand markers and an aborted transaction.
static void test_tail(void **state) {
  struct deliveries deliveries, plain;
  char id[64];
  (void)state;
  snprintf(id, sizeof id, "%s-tail", run);
  struct kafka_producer *writer = producer_of(&plain, NULL);
  send_text(writer, 2, "k", "the last one");
  assert_int_equal(kafka_producer_flush(writer, PATIENCE_MS), OK);
  struct kafka_producer *producer = producer_of(&deliveries, id);
  for (int i = 0; i < 30; i++) {
    assert_int_equal(kafka_producer_begin(producer), OK);
    send_text(producer, 2, "k", "never seen");
    assert_int_equal(kafka_producer_flush(producer, PATIENCE_MS), OK);
    assert_int_equal(kafka_producer_abort(producer, PATIENCE_MS), OK);
  }
  struct kafka_consumer *consumer = reader();
  struct arena *arena = arena_new(1 << 20);
  int32_t of[2] = {2, 3};
  struct kafka_record tails[2];
  int64_t start = clock_mono_ms();
  assert_int_equal(kafka_tail_read(consumer, topic, of, 2, arena, tails), OK);
  print_message("tail of 2 partitions in %lld ms\n", (long long)(clock_mono_ms() - start));
  assert_true(bytes_equal_text(tails[0].value, "the last one"));
  assert_int_equal(tails[0].offset, plain.offset);
  assert_int_equal(tails[0].partition, 2);
  assert_string_equal(tails[0].topic, topic);
  assert_int_equal(tails[1].partition, 3);
  kafka_consumer_close(consumer);
  kafka_producer_close(producer);
  kafka_producer_close(writer);
  arena_free(arena);
}

static void test_speed(void **state) {
  enum { RECORDS = 2000000 };
  struct deliveries deliveries;
  struct kafka_producer *producer = producer_of(&deliveries, NULL);
  char value[100];
  (void)state;
  memset(value, 'v', sizeof value);
  int64_t start = clock_mono_ms(), low;
  for (int i = 0; i < RECORDS;) {
    char key[16];
    struct kafka_send record = {.topic = topic, .partition = 0, .value = bytes_make(value, sizeof value)};
    record.key = bytes_make(key, (size_t)snprintf(key, sizeof key, "site-%d", i % 1000));
    bool full = kafka_producer_send(producer, &record) == ERR_QUEUE_FULL;
    if (full || i % 1000 == 0) kafka_producer_poll(producer, full);
    i += !full;
  }
  assert_int_equal(kafka_producer_flush(producer, 120000), OK);
  int64_t took = clock_mono_ms() - start;
  assert_int_equal(deliveries.ok, RECORDS);
  print_message("produced %d records of 100 bytes: %lld/s\n", RECORDS, (long long)(RECORDS * 1000LL / took));
  kafka_producer_close(producer);
  struct kafka_consumer *consumer = reader();
  struct kafka_position from = {.topic = topic, .partition = 0, .offset = deliveries.offset - RECORDS + 1};
  assert_int_equal(kafka_consumer_watermarks(consumer, topic, 0, &low, &start), OK);
  start = clock_mono_ms();
  assert_int_equal(kafka_consumer_assign(consumer, &from, 1), OK);
  assert_int_equal(take(consumer, RECORDS), RECORDS);
  took = clock_mono_ms() - start;
  print_message("consumed them: %lld/s\n", (long long)(RECORDS * 1000LL / took));
  kafka_consumer_close(consumer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_partitions),
      cmocka_unit_test(test_binary_and_tombstone),
      cmocka_unit_test(test_queue_full_and_close),
      cmocka_unit_test(test_group_offsets),
      cmocka_unit_test(test_owner_sets_offset),
      cmocka_unit_test(test_range),
      cmocka_unit_test(test_cooperative),
      cmocka_unit_test(test_pause),
      cmocka_unit_test(test_transactions),
      cmocka_unit_test(test_tail),
      cmocka_unit_test(test_speed),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}

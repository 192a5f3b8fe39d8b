// SPDX-License-Identifier: Apache-2.0
// The parts around the core that need no broker and no Kafka: the window, what is kept of a message that is too large,
// the sequences on disk, how long the broker may have held a message.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "domain/reject.h"
#include "ingest/arrival.h"
#include "ingest/core/window.h"
#include "ingest/outlet.h"
#include "ingest/receipts.h"
#include "ingest/receiver.h"
#include "ingest/sequence_saver.h"
#include "ingest/sequence_store.h"
#include "ingest/subscription.h"
#include "ingest/topics.h"
#include "io/kafka_memory.h"
#include "io/mqtt_memory.h"
#include "wire/reject.h"

// ---------------------------------------------------------------- window

static void test_window_confirms_a_prefix(void **state) {
  (void)state;
  struct window *window = window_new(3, 1000);
  struct window_message message = {.next = 10}, left;
  uint64_t a = window_enter(window, &message);
  message.next = 20;
  uint64_t b = window_enter(window, &message);
  message.next = 30;
  uint64_t c = window_enter(window, &message);
  assert_true(window_is_full(window) && a != 0);
  window_open_record(window, a, 10);
  window_close_record(window, b);
  window_close_record(window, c);
  window_close_record(window, a);
  assert_false(window_leave(window, &left)); // one record of the first is still on its way
  window_close_record(window, a);
  for (uint64_t next = 10; next <= 30; next += 10) {
    assert_true(window_leave(window, &left));
    assert_int_equal(left.next, next);
  }
  assert_false(window_leave(window, &left));
  message.next = 40;
  window_enter(window, &message);
  assert_true(window_abandon(window, &left));
  assert_int_equal(left.next, 40);
  assert_int_equal(window_count(window), 0);
  window_free(window);
}

static void test_window_is_full_by_bytes_too(void **state) {
  (void)state;
  struct window *window = window_new(8, 100);
  struct window_message message = {.next = 10}, left;
  uint64_t a = window_enter(window, &message);
  window_open_record(window, a, 60);
  window_open_record(window, a, 39);
  assert_false(window_is_full(window));
  uint64_t b = window_enter(window, &message);
  window_open_record(window, b, 1);
  assert_true(window_is_full(window));
  for (int i = 0; i < 3; i++) window_close_record(window, a);
  assert_true(window_leave(window, &left));
  assert_false(window_is_full(window));
  assert_true(window_abandon(window, &left));
  window_enter(window, &message); // what was given up no longer counts
  window_open_record(window, window_enter(window, &message), 99);
  assert_false(window_is_full(window));
  window_free(window);
}

// ---------------------------------------------------------------- arrival

struct folder {
  char path[64];
};

static int make_folder(void **state) {
  static struct folder folder;
  strcpy(folder.path, "/tmp/riser-ingest-XXXXXX");
  assert_non_null(mkdtemp(folder.path));
  *state = &folder;
  return 0;
}

static int remove_folder(void **state) {
  struct folder *folder = *state;
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", folder->path);
  return system(command);
}

static void test_what_is_too_large_leaves_head_length_and_hash(void **state) {
  struct folder *folder = *state;
  struct spool_options options = {.folder = folder->path, .max_bytes = 1 << 20, .segment_bytes = 65536};
  struct spool *spool = NULL;
  assert_int_equal(spool_open(&options, &spool), OK);
  static uint8_t payload[100000];
  for (size_t i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)(i * 7);
  struct arrival_note note = {.receive_ms = 5, .held_ms = 3999, .payload_max = 10000};
  struct bytes all = bytes_make(payload, sizeof payload);
  assert_int_equal(arrival_append(spool, bytes_text("a/b"), all, &note), OK);
  assert_int_equal(arrival_append(spool, bytes_text("a/c"), bytes_make(payload, 10000), &note), OK);

  struct spool_record record;
  struct arrival arrival;
  uint8_t sha256[ARRIVAL_SHA256_SIZE];
  assert_int_equal(spool_read(spool, 0, &record), OK);
  arrival_read(&record, &arrival);
  arrival_sha256(all, sha256);
  assert_true(bytes_equal_text(arrival.topic, "a/b"));
  assert_true(bytes_equal(arrival.payload, bytes_make(payload, REJECT_HEAD_MAX)));
  assert_int_equal(arrival.length, sizeof payload);
  assert_memory_equal(arrival.sha256, sha256, sizeof sha256);
  assert_true(arrival.receive_ms == 5 && arrival.held_ms == 3000);
  assert_int_equal(spool_read(spool, record.next, &record), OK);
  arrival_read(&record, &arrival);
  assert_int_equal(arrival.length, 10000);
  assert_null(arrival.sha256);
  spool_close(spool);
}

// The smallest segment that the configuration allows for this payload_max; a device chooses its topic's length.
static void test_a_record_fits_however_long_its_topic(void **state) {
  struct folder *folder = *state;
  struct spool_options options = {.folder = folder->path, .max_bytes = 1 << 20, .segment_bytes = 65536};
  struct spool *spool = NULL;
  assert_int_equal(spool_open(&options, &spool), OK);
  static uint8_t payload[65536 / 4 - 4096];
  static char topic[65536];
  memset(topic, 'x', sizeof topic - 1);
  memcpy(topic, "riser/v1/north/w-1/up/json/", 27);
  struct arrival_note note = {.receive_ms = 5, .payload_max = sizeof payload};
  struct bytes all = bytes_make(payload, sizeof payload);
  assert_int_equal(arrival_append(spool, bytes_text(topic), all, &note), OK);
  struct spool_record record;
  struct arrival arrival;
  struct topic parsed;
  assert_int_equal(spool_read(spool, 0, &record), OK);
  arrival_read(&record, &arrival);
  assert_true(bytes_equal(arrival.payload, all));
  assert_int_equal(topic_parse(arrival.topic, &parsed), ERR_BAD_TOPIC);
  spool_close(spool);
}

// Also where payload_max is smaller than what is kept of a payload that is too large.
static void test_the_reserve_takes_what_was_cut(void **state) {
  (void)state;
  struct ingest_config config = {.payload_max = 1024, .mqtt_receive_max = 100, .spool_segment = 65536};
  size_t cut = ARRIVAL_CUT_MAX + ARRIVAL_TOPIC_MAX;
  assert_true(ingest_reserve_bytes(&config) >= (int64_t)spool_reserve(65536, 100, cut));
}

// ---------------------------------------------------------------- the subscription on disk

static void test_filters_are_left_until_the_broker_has_forgotten_them(void **state) {
  struct folder *folder = *state;
  struct subscription held;
  assert_int_equal(subscription_open(&held, folder->path, "$share/a/+"), OK);
  assert_int_equal(held.old_count, 0);
  assert_int_equal(subscription_open(&held, folder->path, "$share/a/+"), OK);
  assert_int_equal(held.old_count, 0);
  assert_int_equal(subscription_open(&held, folder->path, "+"), OK);
  assert_int_equal(held.old_count, 1);
  assert_string_equal(held.old[0], "$share/a/+");
  assert_int_equal(subscription_open(&held, folder->path, "$share/b/+"), OK); // killed before that was settled
  assert_int_equal(held.old_count, 2);
  assert_string_equal(held.old[0], "+");
  assert_string_equal(held.old[1], "$share/a/+");
  assert_int_equal(subscription_settled(&held), OK);
  assert_int_equal(subscription_open(&held, folder->path, "$share/a/+"), OK);
  assert_int_equal(held.old_count, 1);
  assert_string_equal(held.old[0], "$share/b/+");
  assert_int_equal(subscription_open(&held, "/nowhere", "+"), ERR_IO);
}

// ---------------------------------------------------------------- sequences on disk

static struct devices *some_devices(void) {
  struct devices *devices = devices_new(100);
  for (int i = 0; i < 5; i++) {
    char name[8];
    snprintf(name, sizeof name, "d-%d", i);
    struct heard *heard = devices_get(devices, bytes_text("north"), bytes_text(name));
    for (uint64_t n = 1; n < 20; n += (uint64_t)i + 1) sequence_seen(&heard->sequence, (uint64_t)i, n);
  }
  devices_get(devices, bytes_text("north"), bytes_text("silent"));
  return devices;
}

static enum error save(const char *folder, const struct devices *devices, uint64_t position) {
  struct buffer content;
  buffer_init(&content, SEQUENCE_STORE_MAX);
  enum error err = sequence_store_encode(devices, position, &content);
  if (!err) err = sequence_store_write(folder, buffer_bytes(&content));
  buffer_fini(&content);
  return err;
}

static void test_sequences_come_back(void **state) {
  struct folder *folder = *state;
  struct devices *saved = some_devices(), *loaded = devices_new(100);
  uint64_t position = 0;
  assert_int_equal(sequence_store_load(folder->path, 0, loaded, &position), ERR_NOT_FOUND);
  assert_int_equal(save(folder->path, saved, 1), OK);
  assert_int_equal(save(folder->path, saved, 4711), OK);
  assert_int_equal(sequence_store_load(folder->path, 0, loaded, &position), OK);
  assert_int_equal(position, 4711);
  assert_int_equal(devices_count(loaded), 5);
  for (int i = 0; i < 5; i++) {
    char name[8];
    snprintf(name, sizeof name, "d-%d", i);
    struct sequence *a = &devices_get(saved, bytes_text("north"), bytes_text(name))->sequence;
    struct sequence *b = &devices_get(loaded, bytes_text("north"), bytes_text(name))->sequence;
    assert_true(a->head.boot == b->head.boot && a->head.newest == b->head.newest);
    assert_true(a->first == b->first && a->received == b->received);
    assert_int_equal(a->run_count, b->run_count);
    if (a->run_count) assert_memory_equal(a->runs, b->runs, a->run_count * sizeof *a->runs);
  }
  devices_free(saved);
  devices_free(loaded);
}

static void test_damaged_sequences_are_refused(void **state) {
  struct folder *folder = *state;
  struct devices *saved = some_devices();
  char path[128];
  uint8_t content[2048];
  uint64_t position;
  assert_int_equal(save(folder->path, saved, 1), OK);
  snprintf(path, sizeof path, "%s/sequences", folder->path);
  FILE *file = fopen(path, "rb");
  size_t len = fread(content, 1, sizeof content, file);
  fclose(file);
  assert_in_range(len, 100, sizeof content - 1);
  for (size_t i = 0; i < 2 * len; i++) { // each byte changed, and each prefix
    uint8_t damaged[2048];
    memcpy(damaged, content, len);
    if (i < len) damaged[i] ^= 0x40;
    file = fopen(path, "wb");
    fwrite(damaged, 1, i < len ? len : i - len, file);
    fclose(file);
    struct devices *loaded = devices_new(100);
    assert_int_equal(sequence_store_load(folder->path, 0, loaded, &position), ERR_CORRUPT);
    assert_int_equal(devices_count(loaded), 0);
    devices_free(loaded);
  }
  devices_free(saved);
}

// Its checksum holds, but no program of ours has written it: a device's name longer than any, after one that is good.
static void test_sequences_that_cannot_be_are_refused(void **state) {
  struct folder *folder = *state;
  uint8_t content[512] = "rseqs-2\n", *at = content + 24;
  put_le64(content + 16, 2);
  put_le16(at, 5);
  memcpy(at + 2, "a/b-1", 5);
  at += 2 + 5 + 34;
  put_le16(at, 300);
  memset(at + 2, 'x', 300);
  at[2 + 1] = '/';
  at += 2 + 300 + 34;
  put_le32(at, crc32c(0, content, (size_t)(at - content)));
  char path[128];
  snprintf(path, sizeof path, "%s/sequences", folder->path);
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(content, 1, (size_t)(at + 4 - content), file), at + 4 - content);
  fclose(file);
  struct devices *loaded = devices_new(100);
  uint64_t position;
  assert_int_equal(sequence_store_load(folder->path, 0, loaded, &position), ERR_CORRUPT);
  assert_int_equal(devices_count(loaded), 0);
  devices_free(loaded);
}

static void test_the_saver_saves_what_it_was_given(void **state) {
  struct folder *folder = *state;
  struct devices *saved = some_devices(), *loaded = devices_new(100);
  struct sequence_saver *saver = NULL;
  uint64_t position = 0;
  assert_int_equal(sequence_saver_start(folder->path, 0, &saver), OK);
  assert_int_equal(sequence_saver_saved(saver), 0);
  for (uint64_t at = 1; at <= 20; at++) {
    enum error err;
    while ((err = sequence_saver_give(saver, saved, at)) == ERR_AGAIN) usleep(100);
    assert_int_equal(err, OK);
  }
  sequence_saver_free(saver); // finishes the last one
  assert_int_equal(sequence_store_load(folder->path, 0, loaded, &position), OK);
  assert_true(position == 20 && devices_count(loaded) == 5);
  devices_free(saved);
  devices_free(loaded);
}

// ---------------------------------------------------------------- held back

static void test_how_long_the_broker_may_have_held_it(void **state) {
  (void)state;
  struct absence absence = absence_after(1000000, 1600000, true);
  assert_int_equal(absence_held_ms(&absence, 1600001), 600000);
  assert_int_equal(absence_held_ms(&absence, 1600000 + 600000 + 59999), 600000);
  assert_int_equal(absence_held_ms(&absence, 1600000 + 600000 + 60000), 0);
  absence = absence_after(1000000, 1600000, false); // the broker kept nothing
  assert_int_equal(absence_held_ms(&absence, 1600001), 0);
  absence = absence_after(0, 1600000, true); // never connected before
  assert_int_equal(absence_held_ms(&absence, 1600001), 0);
  absence = absence_after(1700000, 1600000, true); // our own clock went back
  assert_int_equal(absence_held_ms(&absence, 1600001), 0);
}

// ---------------------------------------------------------------- outlet, receipts

static void test_a_reject_record_is_whole(void **state) {
  (void)state;
  struct kafka_memory *broker = kafka_memory_new(4);
  struct kafka_producer_options options = {.client_id = "test"};
  struct outlet outlet;
  outlet_init(&outlet);
  assert_int_equal(kafka_memory_producer(broker, &options, &outlet.producer), OK);
  struct arrival arrival = {
      .topic = bytes_text("riser/v1/\xff/x"), .payload = bytes_text("{}"), .length = 2, .receive_ms = 77};
  struct intaken taken = {.verdict = {.refused = ERR_BAD_TOPIC, .detail = "so\xc3"}};
  assert_int_equal(outlet_reject(&outlet, &arrival, &taken, NULL), OK);
  assert_int_equal(kafka_producer_flush(outlet.producer, 1000), OK);
  assert_int_equal(kafka_memory_count(broker, TOPIC_REJECT), 1);
  struct kafka_record record;
  int32_t partition = 0;
  while (!kafka_memory_record(broker, TOPIC_REJECT, partition, 0, &record)) partition++;
  struct arena *arena = arena_new(65536);
  struct reject reject;
  assert_int_equal(wire_reject_decode(record.value, arena, &reject), OK);
  assert_string_equal(reject.topic, "riser/v1/?/x"); // protobuf's texts are UTF-8
  assert_string_equal(reject.reason, "bad-topic");
  assert_string_equal(reject.detail, "so?");
  assert_true(reject.length == 2 && reject.head_len == 2 && reject.receive_time_ms == 77);
  static const uint8_t empty_object[32] = {0x44, 0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a, 0x11, 0x46, 0xad,
                                           0x16, 0xf7, 0xe8, 0x64, 0x9e, 0x94, 0xfb, 0x4f, 0xc2, 0x1f, 0xe7,
                                           0x7e, 0x83, 0x10, 0xc0, 0x60, 0xf6, 0x1c, 0xaa, 0xff, 0x8a};
  assert_memory_equal(reject.sha256, empty_object, 32);
  arena_free(arena);
  kafka_producer_close(outlet.producer);
  outlet_fini(&outlet);
  kafka_memory_free(broker);
}

struct heard_receipts {
  int count;
  char topic[128], payload[64];
};

static void on_receipt(void *ctx, const struct mqtt_message *message) {
  struct heard_receipts *heard = ctx;
  heard->count++;
  snprintf(heard->topic, sizeof heard->topic, "%s", message->topic);
  snprintf(heard->payload, sizeof heard->payload, "%.*s", (int)message->payload.len,
           (const char *)message->payload.data);
}

static void test_receipts_wait_for_a_connection(void **state) {
  (void)state;
  struct mqtt_memory *broker = mqtt_memory_new();
  struct heard_receipts got = {.count = 0};
  struct mqtt_subscription filter = {.filter = "riser/v1/+/+/down/receipt", .qos = 1};
  struct mqtt_options device = {.settings = {.client_id = "device"},
                                .handlers = {.on_message = on_receipt, .ctx = &got},
                                .subscriptions = &filter,
                                .subscription_count = 1};
  struct mqtt_options ours = {.settings = {.client_id = "ingest"}};
  struct mqtt *listener, *mqtt;
  assert_int_equal(mqtt_memory_open(broker, &device, &listener), OK);
  assert_int_equal(mqtt_memory_open(broker, &ours, &mqtt), OK);
  struct devices *devices = devices_new(10);
  struct receipts receipts;
  receipts_init(&receipts);
  struct heard *heard = devices_get(devices, bytes_text("north"), bytes_text("gw"));
  for (uint64_t n = 2; n <= 6; n++) sequence_seen(&heard->sequence, 9, n);
  struct claim claim = {.heard = heard, .boot = 9, .number = 5, .want_receipt = true, .json = true};
  assert_int_equal(receipts_add(&receipts, &claim), OK);
  mqtt_memory_break(broker, true);
  receipts_publish(&receipts, mqtt);
  assert_true(receipts.count == 1 && heard->pins == 1);
  claim.number = 6;
  assert_int_equal(receipts_add(&receipts, &claim), OK); // one receipt names both
  mqtt_memory_break(broker, false);
  receipts_publish(&receipts, mqtt);
  mqtt_memory_run(broker);
  assert_true(receipts.count == 0 && heard->pins == 0 && got.count == 1);
  assert_string_equal(got.topic, "riser/v1/north/gw/down/receipt");
  assert_string_equal(got.payload, "{\"first\":2,\"seq\":6,\"boot\":9}");
  sequence_seen(&heard->sequence, 9, 100);
  claim.number = 100;
  assert_int_equal(receipts_add(&receipts, &claim), OK);
  claim.number = 3; // sent again: the newer one must not be all that is heard of
  assert_int_equal(receipts_add(&receipts, &claim), OK);
  receipts_publish(&receipts, mqtt);
  mqtt_memory_run(broker);
  assert_true(receipts.count == 0 && heard->pins == 0 && got.count == 3);
  assert_string_equal(got.payload, "{\"first\":100,\"seq\":100,\"boot\":9}");
  receipts_fini(&receipts);
  devices_free(devices);
  mqtt_close(mqtt);
  mqtt_close(listener);
  mqtt_memory_free(broker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_window_confirms_a_prefix),
      cmocka_unit_test(test_window_is_full_by_bytes_too),
      cmocka_unit_test_setup_teardown(test_what_is_too_large_leaves_head_length_and_hash, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_a_record_fits_however_long_its_topic, make_folder, remove_folder),
      cmocka_unit_test(test_the_reserve_takes_what_was_cut),
      cmocka_unit_test_setup_teardown(test_filters_are_left_until_the_broker_has_forgotten_them, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(test_sequences_come_back, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_damaged_sequences_are_refused, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_sequences_that_cannot_be_are_refused, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_the_saver_saves_what_it_was_given, make_folder, remove_folder),
      cmocka_unit_test(test_how_long_the_broker_may_have_held_it),
      cmocka_unit_test(test_a_reject_record_is_whole),
      cmocka_unit_test(test_receipts_wait_for_a_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The devices' sequences over lives of ingest, on a real spool: one device whose messages are all there, so that a gap
// is always a false one, and damaged bytes are always imagined.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/keeper.h"
#include "ingest/sequence_store.h"

enum { SEGMENT = 4096, EVERY_MS = 10000, DEVICES = 10 };

struct life {
  char folder[64];
  struct spool *spool;
  struct devices *devices;
  struct keeper keeper;
  uint64_t cursor;
  uint32_t said; // the newest number
  int64_t now_ms;
};

static int set_up(void **state) {
  static struct life life;
  life = (struct life){.said = 0};
  strcpy(life.folder, "/tmp/riser-keeper-XXXXXX");
  assert_non_null(mkdtemp(life.folder));
  *state = &life;
  return 0;
}

static void die(struct life *life) { // nothing is finished
  keeper_close(&life->keeper);
  devices_free(life->devices);
  spool_close(life->spool);
  life->devices = NULL;
  life->spool = NULL;
}

static int tear_down(void **state) {
  struct life *life = *state;
  char command[128];
  die(life);
  snprintf(command, sizeof command, "rm -r '%s'", life->folder);
  return system(command);
}

static void open_spool(struct life *life) {
  struct spool_options options = {.folder = life->folder, .max_bytes = 64 * SEGMENT, .segment_bytes = SEGMENT};
  assert_int_equal(spool_open(&options, &life->spool), OK);
  assert_int_equal(spool_level(life->spool).damaged_bytes, 0);
}

static struct sequence *heard_so_far(struct life *life) {
  return &devices_get(life->devices, bytes_text("north"), bytes_text("gw"))->sequence;
}

static void count(struct life *life, const struct spool_record *record) {
  struct sequence *sequence = heard_so_far(life);
  struct sequence_head head = sequence->head;
  assert_int_equal(sequence_advance(&head, 0, record->entry.note).first, 0);
  sequence_seen(sequence, 0, record->entry.note);
}

// To the end of the spool; everything is in Kafka at once.
static void read_on(struct life *life) {
  struct spool_record record;
  while (spool_read(life->spool, life->cursor, &record) == OK) {
    count(life, &record);
    life->cursor = record.next;
    spool_confirm(life->spool, life->cursor);
  }
}

static void begin_with_sequences(struct life *life) {
  open_spool(life);
  life->devices = devices_new(DEVICES);
  life->keeper = (struct keeper){.folder = life->folder, .spool = life->spool, .devices = life->devices};
  assert_int_equal(keeper_open(&life->keeper), OK);
  life->cursor = spool_oldest(life->spool);
  read_on(life);
}

static void begin_without(struct life *life) {
  open_spool(life);
  spool_hold(life->spool, UINT64_MAX);
  life->cursor = spool_oldest(life->spool);
}

static void say(struct life *life) {
  uint8_t payload[100] = {0};
  struct spool_entry entry = {
      .note = ++life->said, .topic = bytes_text("t"), .payload = bytes_make(payload, sizeof payload)};
  assert_int_equal(spool_append(life->spool, &entry), OK);
}

static void say_and_read(struct life *life, int count) {
  for (int i = 0; i < count; i++) {
    say(life);
    read_on(life);
  }
}

static void say_unwatched(struct life *life, int count) {
  struct spool_record record;
  for (int i = 0; i < count; i++) {
    say(life);
    assert_int_equal(spool_read(life->spool, life->cursor, &record), OK);
    life->cursor = record.next;
    spool_confirm(life->spool, life->cursor);
  }
}

// A snapshot of everything so far is in the file, and nothing before it is held.
static void save(struct life *life) {
  life->now_ms += EVERY_MS;
  for (int i = 0; i < 5000 && sequence_saver_saved(life->keeper.saver) != life->cursor; i++) {
    keeper_tend(&life->keeper, life->cursor, life->now_ms);
    usleep(1000);
  }
  keeper_tend(&life->keeper, life->cursor, life->now_ms);
  assert_int_equal(spool_oldest(life->spool), life->cursor);
}

static void test_what_came_since_the_snapshot_is_read_again(void **state) {
  struct life *life = *state;
  begin_with_sequences(life);
  say_and_read(life, 100);
  save(life);
  say_and_read(life, 300); // many segments
  die(life);
  begin_with_sequences(life);
  assert_true(heard_so_far(life)->first == 1 && heard_so_far(life)->received == 400);
}

// sequences=true, then false for a while, then true again.
static void test_an_old_snapshot_is_not_believed(void **state) {
  struct life *life = *state;
  begin_with_sequences(life);
  say_and_read(life, 100);
  save(life);
  die(life);
  begin_without(life);
  say_unwatched(life, 1000);
  die(life);
  begin_with_sequences(life);
  say_and_read(life, 10);
  assert_int_equal(heard_so_far(life)->received, 1110);
  die(life);                  // killed before there was another snapshot
  begin_with_sequences(life); // looks for damage
  say_and_read(life, 10);
  assert_int_equal(heard_so_far(life)->received, 1120);
  save(life);
  die(life);
  begin_with_sequences(life);
  assert_int_equal(heard_so_far(life)->received, 1120);
}

static void test_a_hold_that_was_given_up_does_not_come_back(void **state) {
  struct life *life = *state;
  begin_with_sequences(life);
  say_and_read(life, 100);
  save(life);
  say_and_read(life, 300);
  spool_hold(life->spool, UINT64_MAX); // as when there is no room
  die(life);
  begin_with_sequences(life);
  say_and_read(life, 10);
  assert_int_equal(heard_so_far(life)->received, 410);
  die(life);
  open_spool(life);
}

// More than a quarter of the spool is confirmed and held when it begins: it is read for its numbers, not let go of.
static void test_a_crowded_start_reads_before_it_lets_go(void **state) {
  struct life *life = *state;
  begin_with_sequences(life);
  say_and_read(life, 100);
  save(life);
  say_and_read(life, 1000);
  die(life);
  open_spool(life);
  life->devices = devices_new(DEVICES);
  life->keeper = (struct keeper){.folder = life->folder, .spool = life->spool, .devices = life->devices};
  assert_int_equal(keeper_open(&life->keeper), OK);
  life->cursor = spool_oldest(life->spool);
  for (int i = 0; i < 4; i++) { // also while the snapshot is being written
    keeper_tend(&life->keeper, life->cursor, life->now_ms += 10);
    struct spool_record record;
    assert_int_equal(spool_read(life->spool, life->cursor, &record), OK);
    count(life, &record);
    life->cursor = record.next;
  }
  read_on(life);
  assert_true(heard_so_far(life)->first == 1 && heard_so_far(life)->received == 1100);
}

// A node that died: the snapshot was on disk, the last messages before it were not, and new ones stand in their place.
static void test_a_snapshot_ahead_of_the_spool(void **state) {
  struct life *life = *state;
  begin_with_sequences(life);
  say_and_read(life, 5);
  struct buffer content;
  buffer_init(&content, 1 << 20);
  assert_int_equal(sequence_store_encode(life->devices, life->cursor + 3 * 136, &content), OK);
  assert_int_equal(sequence_store_write(life->folder, buffer_bytes(&content)), OK);
  buffer_fini(&content);
  die(life);
  begin_with_sequences(life);
  assert_int_equal(heard_so_far(life)->received, 5);
  save(life); // at once, that the numbers of what comes now are not passed over by the next start
  say_and_read(life, 2);
  die(life);
  begin_with_sequences(life);
  assert_int_equal(heard_so_far(life)->received, 7);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_what_came_since_the_snapshot_is_read_again),
      TEST(test_an_old_snapshot_is_not_believed),
      TEST(test_a_hold_that_was_given_up_does_not_come_back),
      TEST(test_a_crowded_start_reads_before_it_lets_go),
      TEST(test_a_snapshot_ahead_of_the_spool),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

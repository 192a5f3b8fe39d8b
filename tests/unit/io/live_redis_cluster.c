// SPDX-License-Identifier: Apache-2.0
// lib/io's Redis on a real Redis Cluster: RISER_REDIS names its nodes, the masters first, separated by commas;
// RISER_REDIS_SINGLE a Redis that is none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/redis.h"
#include "io/redis_cluster.h"
#include "io/redis_slots.h"

enum { MASTERS = 3, PARTITIONS = 64, WORDS_MAX = 16 };

static struct redis_settings settings = {.cluster = true, .connect_timeout_ms = 1000, .timeout_ms = 2000};
static struct redis *cluster;
static char addresses[MASTERS][64];
static struct redis *nodes[MASTERS]; // each for itself, for what an administrator does
static struct arena *arena;

static struct redis *open_redis(const struct redis_settings *of) {
  struct redis *opened;
  assert_int_equal(redis_open(of, &opened), OK);
  return opened;
}

static int setup(void **state) {
  (void)state;
  settings.address = getenv("RISER_REDIS");
  arena = arena_new(64 << 20);
  const char *at = settings.address;
  for (int i = 0; i < MASTERS; i++) {
    size_t len = strcspn(at, ",");
    struct redis_settings one = settings;
    memcpy(addresses[i], at, len);
    one.address = addresses[i];
    if (redis_node_open(&one, &nodes[i])) return -1;
    at += len + 1;
  }
  return redis_open(&settings, &cluster);
}

static int teardown(void **state) {
  (void)state;
  redis_close(cluster);
  for (int i = 0; i < MASTERS; i++) redis_close(nodes[i]);
  arena_free(arena);
  return 0;
}

static struct redis_command command(const char *text) {
  struct bytes *words = arena_array(arena, WORDS_MAX, sizeof *words);
  size_t count = 0;
  for (char *word = strtok(arena_strdup(arena, text), " "); word; word = strtok(NULL, " "))
    words[count++] = bytes_text(word);
  return (struct redis_command){words, count};
}

static struct redis_value ask(struct redis *of, const char *text) {
  struct redis_command one = command(text);
  struct redis_value value;
  assert_int_equal(redis_pipeline(of, &one, 1, arena, &value), OK);
  return value;
}

static const char *ask_text(struct redis *of, const char *text) {
  struct redis_value value = ask(of, text);
  return value.text.data ? (const char *)value.text.data : "(nil)";
}

static enum error commit(struct redis *by, int partition, const char *expected, const char *next, const char *value) {
  const char *key = arena_printf(arena, "{p%d}:a", partition);
  struct redis_fence fence = {bytes_text(arena_printf(arena, "{p%d}:meta", partition)), bytes_text(expected),
                              bytes_text(next)};
  const struct bytes words[] = {BYTES_LITERAL("SET"), bytes_text(key), bytes_text(value)};
  struct redis_command write = {words, 3};
  return redis_commit(by, &fence, &write, 1);
}

static void clear(int partition) {
  ask(cluster, arena_printf(arena, "DEL {p%d}:meta {p%d}:a {p%d}:b", partition, partition, partition));
}

// Which master has the slot of a partition.
static int owner_of(int partition) {
  for (int i = 0; i < MASTERS; i++) {
    const char *said = ask_text(nodes[i], arena_printf(arena, "GET {p%d}:meta", partition));
    if (strncmp(said, "MOVED", 5) != 0) return i;
  }
  fail_msg("no master has partition %d", partition);
  return 0;
}

static void test_every_partition(void **state) {
  struct bytes keys[PARTITIONS], values[PARTITIONS];
  int seen[MASTERS] = {0};
  (void)state;
  for (int p = 0; p < PARTITIONS; p++) {
    clear(p);
    assert_int_equal(commit(cluster, p, "0", "1", "x"), ERR_FENCE_LOST);
    assert_int_equal(commit(cluster, p, NULL, "1", arena_printf(arena, "%d", p)), OK);
    assert_int_equal(commit(cluster, p, NULL, "1", "x"), ERR_FENCE_LOST);
    keys[p] = bytes_text(arena_printf(arena, "{p%d}:a", p));
    seen[owner_of(p)]++;
  }
  assert_true(seen[0] && seen[1] && seen[2]);
  assert_int_equal(redis_get_many(cluster, keys, PARTITIONS, arena, values), OK);
  for (int p = 0; p < PARTITIONS; p++) assert_true(bytes_equal_text(values[p], arena_printf(arena, "%d", p)));
  for (int p = 0; p < PARTITIONS; p++) {
    struct redis_value scan = ask(cluster, arena_printf(arena, "SCAN 0 MATCH {p%d}:* COUNT 1000", p));
    assert_int_equal(scan.elements[1].count, 2);
  }
}

// As an administrator moves a slot; from between the two steps on, the keys are in both places.
static void begin_move(int partition, int from, int to) {
  int slot = redis_slot(bytes_text(arena_printf(arena, "{p%d}:", partition)));
  const char *from_id = arena_strdup(arena, ask_text(nodes[from], "CLUSTER MYID"));
  const char *to_id = arena_strdup(arena, ask_text(nodes[to], "CLUSTER MYID"));
  assert_string_equal(ask_text(nodes[to], arena_printf(arena, "CLUSTER SETSLOT %d IMPORTING %s", slot, from_id)), "OK");
  assert_string_equal(ask_text(nodes[from], arena_printf(arena, "CLUSTER SETSLOT %d MIGRATING %s", slot, to_id)), "OK");
}

static void move_key(const char *key, int from, int to) {
  const char *colon = strrchr(addresses[to], ':');
  const char *text =
      arena_printf(arena, "MIGRATE %.*s %s %s 0 1000", (int)(colon - addresses[to]), addresses[to], colon + 1, key);
  assert_string_equal(ask_text(nodes[from], text), "OK");
}

static void end_move(int partition, int to) {
  int slot = redis_slot(bytes_text(arena_printf(arena, "{p%d}:", partition)));
  const char *id = arena_strdup(arena, ask_text(nodes[to], "CLUSTER MYID"));
  const char *text = arena_printf(arena, "CLUSTER SETSLOT %d NODE %s", slot, id);
  assert_string_equal(ask_text(nodes[to], text), "OK");
  for (int i = 0; i < MASTERS; i++) assert_string_equal(ask_text(nodes[i], text), "OK");
}

static void test_a_slot_that_moved(void **state) {
  enum { P = 7 };
  int from = owner_of(P), to = (from + 1) % MASTERS;
  struct redis *other = open_redis(&settings);
  struct bytes key = bytes_text("{p7}:a"), value;
  (void)state;
  clear(P);
  assert_int_equal(commit(cluster, P, NULL, "1", "before"), OK);
  assert_int_equal(commit(other, P, "1", "2", "before"), OK); // both know where it is
  begin_move(P, from, to);
  move_key("{p7}:meta", from, to);
  move_key("{p7}:a", from, to);
  end_move(P, to);
  assert_int_equal(redis_get_many(cluster, &key, 1, arena, &value), OK);
  assert_true(bytes_equal_text(value, "before"));
  assert_int_equal(commit(cluster, P, "2", "3", "after"), OK);
  assert_int_equal(commit(other, P, "3", "4", "late"), ERR_UNAVAILABLE); // nothing was done, and it asks anew
  assert_int_equal(commit(other, P, "3", "4", "late"), OK);
  // One that asks in the old place first is led on, and its SCAN with it.
  struct redis_command two[] = {command("EXISTS {p7}:meta"), command("SCAN 0 MATCH {p7}:* COUNT 1000")};
  struct redis_value values[2];
  begin_move(P, to, from);
  move_key("{p7}:meta", to, from);
  move_key("{p7}:a", to, from);
  end_move(P, from);
  assert_int_equal(redis_pipeline(other, two, 2, arena, values), OK);
  assert_int_equal(values[0].integer, 1);
  assert_int_equal(values[1].elements[1].count, 2);
  redis_close(other);
}

static void test_a_slot_that_is_being_moved(void **state) {
  enum { P = 9 };
  int from = owner_of(P), to = (from + 1) % MASTERS;
  struct bytes keys[] = {BYTES_LITERAL("{p9}:a"), BYTES_LITERAL("{p9}:meta"), BYTES_LITERAL("{p9}:none")}, values[3];
  (void)state;
  clear(P);
  assert_int_equal(commit(cluster, P, NULL, "1", "x"), OK);
  begin_move(P, from, to);
  move_key("{p9}:a", from, to);
  assert_int_equal(redis_get_many(cluster, keys, 3, arena, values), OK); // one here, one there, one nowhere
  assert_true(bytes_equal_text(values[0], "x"));
  assert_true(bytes_equal_text(values[1], "1"));
  assert_null(values[2].data);
  assert_int_equal(commit(cluster, P, "1", "2", "y"), ERR_UNAVAILABLE);
  assert_string_equal(ask_text(cluster, "GET {p9}:meta"), "1");
  assert_string_equal(ask_text(cluster, "GET {p9}:a"), "x");
  move_key("{p9}:meta", from, to);
  end_move(P, to);
  enum error err = commit(cluster, P, "1", "2", "y");
  if (err == ERR_UNAVAILABLE) err = commit(cluster, P, "1", "2", "y");
  assert_int_equal(err, OK);
  assert_string_equal(ask_text(cluster, "GET {p9}:a"), "y");
}

// One key has moved, the other has not: a SCAN on either side would show a half of them.
static void test_a_slot_that_is_being_moved_is_not_walked_through(void **state) {
  enum { P = 11 };
  int from = owner_of(P), to = (from + 1) % MASTERS;
  struct redis_command walk[] = {command("EXISTS {p11}:?"), command("SCAN 0 MATCH {p11}:* COUNT 1000")};
  struct redis *fresh = open_redis(&settings);
  struct redis_value values[2];
  (void)state;
  clear(P);
  assert_int_equal(commit(cluster, P, NULL, "1", "x"), OK);
  begin_move(P, from, to);
  move_key("{p11}:a", from, to);
  assert_int_equal(redis_pipeline(cluster, walk, 2, arena, values), ERR_UNAVAILABLE);
  assert_int_equal(redis_pipeline(fresh, walk, 2, arena, values), ERR_UNAVAILABLE);
  move_key("{p11}:meta", from, to);
  assert_int_equal(redis_pipeline(cluster, walk, 2, arena, values), ERR_UNAVAILABLE);
  end_move(P, to);
  assert_int_equal(redis_pipeline(cluster, walk, 2, arena, values), OK);
  assert_int_equal(values[1].elements[1].count, 2);
  redis_close(fresh);
}

static void test_the_wrong_kind(void **state) {
  struct redis_settings single = settings, part = settings, several = settings;
  struct redis *redis;
  struct bytes keys[PARTITIONS], values[PARTITIONS];
  (void)state;
  single.address = getenv("RISER_REDIS_SINGLE");
  redis = open_redis(&single);
  assert_int_equal(redis_connect(redis), ERR_CONFIG);
  redis_close(redis);
  part.address = addresses[0];
  part.cluster = several.cluster = false;
  redis = open_redis(&part);
  for (int p = 0; p < PARTITIONS; p++) keys[p] = bytes_text(arena_printf(arena, "{p%d}:meta", p));
  assert_int_equal(redis_get_many(redis, keys, PARTITIONS, arena, values), ERR_CONFIG);
  redis_close(redis);
  assert_int_equal(redis_open(&several, &redis), ERR_CONFIG);
}

static void test_nobody_there(void **state) {
  struct redis_settings nowhere = settings, one = settings, none = settings;
  struct redis *redis;
  (void)state;
  nowhere.address = "127.0.0.1:1,127.0.0.1:2";
  redis = open_redis(&nowhere);
  assert_int_equal(redis_connect(redis), ERR_UNAVAILABLE);
  assert_int_equal(commit(redis, 1, NULL, "1", "x"), ERR_UNAVAILABLE);
  redis_close(redis);
  one.address = arena_printf(arena, "127.0.0.1:1,%s", addresses[1]); // one that answers is enough
  redis = open_redis(&one);
  assert_string_equal(ask_text(redis, "GET {p1}:none"), "(nil)");
  redis_close(redis);
  none.address = "a:1,,b:2";
  assert_int_equal(redis_open(&none, &redis), ERR_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_partition),
      cmocka_unit_test(test_a_slot_that_moved),
      cmocka_unit_test(test_a_slot_that_is_being_moved),
      cmocka_unit_test(test_a_slot_that_is_being_moved_is_not_walked_through),
      cmocka_unit_test(test_the_wrong_kind),
      cmocka_unit_test(test_nobody_there),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: Apache-2.0
// lib/io's Redis against a real server at RISER_REDIS: every outcome of the fenced commit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/redis.h"

static struct redis_settings settings = {.connect_timeout_ms = 1000, .timeout_ms = 1000};
static struct redis *redis;
static struct arena *arena;

static int setup(void **state) {
  (void)state;
  settings.address = getenv("RISER_REDIS");
  arena = arena_new(64 << 20);
  return settings.address && redis_open(&settings, &redis) == OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  redis_close(redis);
  arena_free(arena);
  return 0;
}

// "SET key value" as a command whose words live in the arena.
static struct redis_command command(const char *text) {
  struct bytes *words = arena_array(arena, 16, sizeof *words);
  size_t count = 0;
  for (char *word = strtok(arena_strdup(arena, text), " "); word; word = strtok(NULL, " "))
    words[count++] = bytes_text(word);
  return (struct redis_command){words, count};
}

static struct redis_value ask(const char *text) {
  struct redis_command one = command(text);
  struct redis_value value;
  assert_int_equal(redis_pipeline(redis, &one, 1, arena, &value), OK);
  return value;
}

static void assert_text(struct redis_value value, const char *expected) {
  assert_int_equal(value.type, REDIS_STRING);
  assert_true(bytes_equal_text(value.text, expected));
}

static enum error commit(const char *expected, const char *next, const char *write) {
  struct redis_fence fence = {bytes_text("{p1}:offset"), bytes_text(expected), bytes_text(next)};
  struct redis_command one = command(write);
  return redis_commit(redis, &fence, &one, 1);
}

static void test_replies(void **state) {
  struct redis_command commands[] = {command("DEL a h l n"),    command("SET a 1"),
                                     command("HSET h f v g w"), command("HGETALL h"),
                                     command("GET n"),          command("NOSUCH"),
                                     command("STRLEN a"),       command("EVAL return{1,{2,{},'x'},false} 0")};
  struct redis_value values[8];
  (void)state;
  assert_int_equal(redis_pipeline(redis, commands, 8, arena, values), OK);
  assert_int_equal(values[1].type, REDIS_STATUS);
  assert_int_equal(values[3].count, 4);
  assert_text(values[3].elements[3], "w");
  assert_int_equal(values[4].type, REDIS_NIL);
  assert_int_equal(values[5].type, REDIS_ERROR);
  assert_int_equal(values[6].integer, 1);
  assert_int_equal(values[7].elements[1].elements[0].integer, 2);
  assert_int_equal(values[7].elements[1].elements[1].count, 0);
  assert_text(values[7].elements[1].elements[2], "x");
  assert_int_equal(values[7].elements[2].type, REDIS_NIL);
}

static void test_binary(void **state) {
  struct bytes words[] = {BYTES_LITERAL("SET"), BYTES_LITERAL("{p1}:\0\r\n"), BYTES_LITERAL("\xff\0\r\n$5")};
  struct redis_command set = {words, 3};
  struct redis_value value;
  struct bytes keys[2] = {words[1], BYTES_LITERAL("no such key")}, values[2];
  (void)state;
  assert_int_equal(redis_pipeline(redis, &set, 1, arena, &value), OK);
  assert_int_equal(redis_get_many(redis, keys, 2, arena, values), OK);
  assert_true(bytes_equal(values[0], words[2]));
  assert_null(values[1].data);
}

static void test_commit(void **state) {
  (void)state;
  ask("DEL {p1}:offset {p1}:a");
  assert_int_equal(commit("0", "1", "SET {p1}:a x"), ERR_FENCE_LOST);
  assert_int_equal(commit(NULL, "1", "SET {p1}:a x"), OK);
  assert_int_equal(commit(NULL, "1", "SET {p1}:a y"), ERR_FENCE_LOST);
  assert_int_equal(commit("0", "1", "SET {p1}:a y"), ERR_FENCE_LOST);
  assert_text(ask("GET {p1}:a"), "x");
  assert_int_equal(commit("1", "2", "SET {p1}:a y"), OK);
  assert_text(ask("GET {p1}:a"), "y");
  assert_text(ask("GET {p1}:offset"), "2");
}

// The other one writes between our WATCH and our EXEC: its turn comes when Redis is stopped in between.
static void test_overtaken(void **state) {
  struct redis *other;
  (void)state;
  ask("SET {p1}:offset 5");
  assert_int_equal(redis_open(&settings, &other), OK);
  struct redis_fence fence = {bytes_text("{p1}:offset"), bytes_text("5"), bytes_text("6")};
  ask("WATCH {p1}:offset"); // ours is watched from now on
  assert_int_equal(redis_commit(other, &fence, NULL, 0), OK);
  fence.expected = bytes_text("6"); // so that the comparison passes and only the old watch can tell
  assert_int_equal(redis_commit(redis, &fence, NULL, 0), ERR_FENCE_LOST);
  redis_close(other);
}

static void test_error_inside(void **state) {
  (void)state;
  ask("DEL {p1}:offset {p1}:a");
  ask("SET {p1}:a text");
  assert_int_equal(commit(NULL, "1", "HSET {p1}:a f v"), ERR_EXEC_FAILED);
  ask("DEL {p1}:offset");
  assert_int_equal(commit(NULL, "1", "SETRANGE {p1}:a"), ERR_CORRUPT); // refused when queued: nothing is done
  assert_int_equal(ask("GET {p1}:offset").type, REDIS_NIL);
}

static void test_out_of_memory(void **state) {
  (void)state;
  ask("DEL {p1}:offset {p1}:a");
  int64_t id = ask("CLIENT ID").integer;
  ask("CONFIG SET maxmemory 1");
  assert_int_equal(commit(NULL, "1", "SET {p1}:a x"), ERR_UNAVAILABLE);
  assert_int_not_equal(ask("CLIENT ID").integer, id); // another Redis may stand behind the name by now
  ask("CONFIG SET maxmemory 0");
  assert_int_equal(ask("GET {p1}:offset").type, REDIS_NIL);
  assert_int_equal(commit(NULL, "1", "SET {p1}:a x"), OK);
}

// A connection that broke before anything was sent is one thing, one that breaks around EXEC another.
static void test_lost(void **state) {
  struct redis *other;
  struct redis_command kill = command("CLIENT KILL TYPE normal SKIPME yes"), pause = command("CLIENT PAUSE 1500 WRITE");
  struct redis_value value;
  (void)state;
  assert_int_equal(redis_open(&settings, &other), OK);
  ask("SET {p1}:offset 1");
  assert_int_equal(redis_pipeline(other, &kill, 1, arena, &value), OK);
  assert_int_equal(commit("1", "2", "SET {p1}:a x"), ERR_UNAVAILABLE); // noticed at WATCH
  assert_int_equal(commit("1", "2", "SET {p1}:a x"), OK);              // connects again
  assert_int_equal(redis_pipeline(other, &pause, 1, arena, &value), OK);
  assert_int_equal(value.type, REDIS_STATUS);
  assert_int_equal(commit("2", "3", "SET {p1}:a y"), ERR_UNKNOWN_OUTCOME); // EXEC is not answered in time
  clock_sleep_ms(1000);
  assert_text(ask("GET {p1}:offset"), "2");
  assert_int_equal(commit("2", "3", "SET {p1}:a y"), OK);
  redis_close(other);
}

static void test_nobody_there(void **state) {
  struct redis_settings nowhere = settings;
  struct redis *nobody;
  (void)state;
  nowhere.address = "127.0.0.1:1";
  assert_int_equal(redis_open(&nowhere, &nobody), OK);
  assert_int_equal(redis_connect(nobody), ERR_UNAVAILABLE);
  struct redis_fence fence = {bytes_text("k"), {NULL, 0}, bytes_text("1")};
  assert_int_equal(redis_commit(nobody, &fence, NULL, 0), ERR_UNAVAILABLE);
  redis_close(nobody);
}

static void test_speed(void **state) {
  enum { WRITES = 2000, ROUNDS = 100 };
  struct redis_command *writes = arena_array(arena, WRITES, sizeof *writes);
  char value[200];
  (void)state;
  memset(value, 'v', sizeof value);
  for (int i = 0; i < WRITES; i++) {
    struct bytes *words = arena_array(arena, 3, sizeof *words);
    words[0] = bytes_text("SET");
    words[1] = bytes_text(arena_printf(arena, "{p1}:reads:alicante/meter-%d/1/201603", i));
    words[2] = bytes_make(value, sizeof value);
    writes[i] = (struct redis_command){words, 3};
  }
  ask("DEL {p1}:offset");
  int64_t start = clock_mono_ms();
  char from[16] = "", to[16];
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(to, sizeof to, "%d", i);
    struct redis_fence fence = {bytes_text("{p1}:offset"), bytes_text(i ? from : NULL), bytes_text(to)};
    assert_int_equal(redis_commit(redis, &fence, writes, WRITES), OK);
    memcpy(from, to, sizeof from);
  }
  int64_t took = clock_mono_ms() - start;
  print_message("%d commits of %d writes of 200 bytes: %lld ms, %lld writes/s\n", ROUNDS, WRITES, (long long)took,
                (long long)(WRITES * ROUNDS * 1000LL / (took + 1)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_replies),   cmocka_unit_test(test_binary),       cmocka_unit_test(test_commit),
      cmocka_unit_test(test_overtaken), cmocka_unit_test(test_error_inside), cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_lost),      cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_speed),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, setup, teardown);
}

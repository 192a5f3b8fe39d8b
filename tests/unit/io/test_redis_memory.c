// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/redis_memory.h"

static struct redis_memory *memory;
static struct redis *redis;
static struct arena *arena;

static int setup(void **state) {
  (void)state;
  memory = redis_memory_new();
  arena = arena_new(1 << 20);
  return redis_memory_open(memory, &redis) == OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  redis_close(redis);
  redis_memory_free(memory);
  arena_free(arena);
  return 0;
}

static struct redis_command command(const char *text) {
  struct bytes *words = arena_array(arena, 16, sizeof *words);
  size_t count = 0;
  for (char *word = strtok(arena_strdup(arena, text), " "); word; word = strtok(NULL, " "))
    words[count++] = bytes_text(word);
  return (struct redis_command){words, count};
}

static void print_value(const struct redis_value *value, struct buffer *to) {
  enum error err = OK;
  switch (value->type) {
  case REDIS_NIL:
    err = buffer_append_text(to, "nil");
    break;
  case REDIS_INTEGER:
    err = buffer_printf(to, "%lld", (long long)value->integer);
    break;
  case REDIS_ERROR:
    err = buffer_printf(to, "!%.*s", (int)strcspn((const char *)value->text.data, " "), (const char *)value->text.data);
    break;
  case REDIS_STRING:
  case REDIS_STATUS:
    err = buffer_append(to, value->text.data, value->text.len);
    break;
  case REDIS_ARRAY:
    err = buffer_append_text(to, "[");
    for (size_t i = 0; i < value->count; i++) {
      if (i) err = buffer_append_text(to, " ");
      print_value(&value->elements[i], to);
    }
    if (!err) err = buffer_append_text(to, "]");
  }
  assert_int_equal(err, OK);
}

// The reply must print as `expected`: nil, 7, text, !ERR, [a b].
static void answers(const char *text, const char *expected) {
  struct redis_command one = command(text);
  struct redis_value value;
  struct buffer printed;
  buffer_init(&printed, 4096);
  assert_int_equal(redis_pipeline(redis, &one, 1, arena, &value), OK);
  print_value(&value, &printed);
  if (strcmp(buffer_text(&printed), expected) != 0) fail_msg("%s: %s, not %s", text, buffer_text(&printed), expected);
  buffer_fini(&printed);
}

static void test_strings(void **state) {
  (void)state;
  answers("GET a", "nil");
  answers("SET a hello", "OK");
  answers("GET a", "hello");
  answers("STRLEN a", "5");
  answers("SETRANGE a 3 LOW", "6");
  answers("GET a", "helLOW");
  answers("GETRANGE a 1 3", "elL");
  answers("GETRANGE a -3 -1", "LOW");
  answers("GETRANGE a 5 100", "W");
  answers("GETRANGE a 6 100", "");
  answers("GETRANGE none 0 -1", "");
  answers("SETRANGE b 2 x", "3");
  answers("SET b x", "OK");
  answers("MGET a none b", "[helLOW nil x]");
  answers("EXISTS a none a", "2");
  answers("DEL a b none", "2");
  answers("STRLEN a", "0");
  assert_int_equal(redis_memory_keys(memory), 0);
}

static void test_hashes_and_sets(void **state) {
  (void)state;
  answers("HSET h f 1 g 2", "2");
  answers("HSET h g 3 h 4", "1");
  answers("HGET h g", "3");
  answers("HGET h none", "nil");
  answers("HMGET h f none h", "[1 nil 4]");
  answers("HGETALL h", "[f 1 g 3 h 4]");
  answers("HLEN h", "3");
  answers("HDEL h f none", "1");
  answers("GET h", "!WRONGTYPE");
  answers("SADD h x", "!WRONGTYPE");
  answers("HDEL h g h", "2");
  answers("EXISTS h", "0"); // an empty one is gone
  answers("SADD s b a b", "2");
  answers("SMEMBERS s", "[a b]");
  answers("SREM s a", "1");
  answers("SCARD s", "1");
  answers("UNLINK s", "1");
}

static void test_sorted_sets(void **state) {
  (void)state;
  answers("ZADD z 30 c 10 a 20 b", "3");
  answers("ZADD z 5 c", "0");
  answers("ZSCORE z c", "5");
  answers("ZRANGEBYSCORE z -inf +inf", "[c a b]");
  answers("ZRANGEBYSCORE z 5 10 WITHSCORES", "[c 5 a 10]");
  answers("ZRANGEBYSCORE z (5 (20", "[a]");
  answers("ZRANGEBYSCORE z -inf +inf LIMIT 1 1", "[a]");
  answers("ZRANGEBYSCORE z -100 4", "[]");
  answers("ZADD z 1.5 x", "!ERR");
  answers("ZREM z a b", "2");
  answers("ZCARD z", "1");
  answers("DEL z", "1");
  answers("FLUSHALL", "!ERR");
  answers("GET", "!ERR");
}

static enum error commit(const char *expected, const char *next, const char *write) {
  struct redis_fence fence = {bytes_text("{p1}:offset"), bytes_text(expected), bytes_text(next)};
  struct redis_command one = command(write);
  return redis_commit(redis, &fence, &one, 1);
}

static void test_fence(void **state) {
  (void)state;
  assert_int_equal(commit("0", "1", "SET a x"), ERR_FENCE_LOST);
  assert_int_equal(commit(NULL, "1", "SET a x"), OK);
  assert_int_equal(commit(NULL, "1", "SET a y"), ERR_FENCE_LOST);
  assert_int_equal(commit("1", "2", "HSET a y z"), ERR_EXEC_FAILED);
  answers("GET {p1}:offset", "2"); // as Redis: the others are done
  answers("GET a", "x");
  assert_int_equal(commit("2", NULL, "DEL a"), OK);
  assert_int_equal(redis_memory_keys(memory), 0);
}

static void test_failures_on_demand(void **state) {
  (void)state;
  assert_int_equal(commit(NULL, "1", "SET a x"), OK);
  redis_memory_fail_commit(memory, 1, ERR_UNKNOWN_OUTCOME, true);
  assert_int_equal(commit("1", "2", "SET a y"), OK);
  assert_int_equal(commit("2", "3", "SET a z"), ERR_UNKNOWN_OUTCOME);
  answers("GET a", "z");
  redis_memory_fail_commit(memory, 0, ERR_UNKNOWN_OUTCOME, false);
  assert_int_equal(commit("3", "4", "SET a lost"), ERR_UNKNOWN_OUTCOME);
  answers("GET a", "z");
  assert_int_equal(commit("3", "4", "SET a w"), OK);
  redis_memory_fail_pipelines(memory, 1);
  assert_int_equal(redis_connect(redis), ERR_UNAVAILABLE);
  struct bytes key = bytes_text("a"), value;
  assert_int_equal(redis_get_many(redis, &key, 1, arena, &value), ERR_DISCONNECTED);
  assert_int_equal(redis_get_many(redis, &key, 1, arena, &value), OK);
  assert_true(bytes_equal_text(value, "w"));
  answers("DEL a {p1}:offset", "2");
}

static void test_dump(void **state) {
  struct buffer dump;
  (void)state;
  answers("ZADD z 7 m", "1");
  answers("SET a x", "OK");
  buffer_init(&dump, 4096);
  assert_int_equal(redis_memory_dump(memory, &dump), OK);
  assert_string_equal(buffer_text(&dump), "a  0 x\nz m 7 \n");
  buffer_fini(&dump);
  answers("DEL a z", "2");
}

static void test_arena_full(void **state) {
  struct arena *small = arena_new(64);
  struct redis_command get = command("GET a");
  struct redis_value value;
  (void)state;
  answers("SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "OK");
  assert_int_equal(redis_pipeline(redis, &get, 1, small, &value), ERR_LIMIT);
  arena_free(small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strings),    cmocka_unit_test(test_hashes_and_sets),    cmocka_unit_test(test_sorted_sets),
      cmocka_unit_test(test_fence),      cmocka_unit_test(test_failures_on_demand), cmocka_unit_test(test_dump),
      cmocka_unit_test(test_arena_full),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

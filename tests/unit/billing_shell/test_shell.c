// SPDX-License-Identifier: Apache-2.0
// Whatever fails and whenever, the state comes out the same and every decision is published once, in order: each commit
// of a whole story is made to fail in each way in turn, each delivery too.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "billing/watch.h"
#include "story.h"

enum { TEXT_MAX = 64 << 20, PASSES = 5000 };

struct result {
  struct buffer state;
  struct buffer decisions;
};

static struct result expected; // of the undisturbed run
static int64_t commits;        // that it took

static void take_result(struct world *world, struct result *result) {
  buffer_init(&result->state, TEXT_MAX);
  buffer_init(&result->decisions, TEXT_MAX);
  world_state(world, &result->state);
  world_decisions(world, &result->decisions);
}

static void result_fini(struct result *result) {
  buffer_fini(&result->state);
  buffer_fini(&result->decisions);
}

static int64_t counted(const struct counter *counter) {
  return counter->value;
}

static int run_undisturbed(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  assert_int_equal(world_run(&world, PASSES), OK);
  assert_true(world_is_done(&world));
  take_result(&world, &expected);
  commits = counted(&world.stats.commits[OK]);
  world_fini(&world);
  return 0;
}

static int forget_undisturbed(void **state) {
  (void)state;
  result_fini(&expected);
  return 0;
}

static void must_be_as_expected(struct world *world) {
  struct result result;
  assert_true(world_is_done(world));
  take_result(world, &result);
  assert_string_equal(buffer_text(&result.decisions), buffer_text(&expected.decisions));
  assert_true(bytes_equal(buffer_bytes(&result.state), buffer_bytes(&expected.state)));
  result_fini(&result);
}

static void test_the_story_has_everything(void **state) {
  (void)state;
  const char *decisions = buffer_text(&expected.decisions);
  static const char *const kinds[] = {"unknown:house:strange",
                                      "bill:house:lease-0:2016-03:r0",
                                      "bill:house:lease-1:2016-05:r0",
                                      "balance:house:lease-0:pay",
                                      "clock:0:",
                                      "reminder:house:lease-1"};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (!strstr(decisions, kinds[i])) fail_msg("no %s in:\n%s", kinds[i], decisions);
  assert_true(commits > 200);
}

static const struct {
  enum error err;
  bool applied;
} failures[] = {
    {ERR_FENCE_LOST, false}, {ERR_UNAVAILABLE, false}, {ERR_UNKNOWN_OUTCOME, false}, {ERR_UNKNOWN_OUTCOME, true}};

static void test_any_commit_may_fail_in_any_way(void **state) {
  (void)state;
  for (int skip = 0; skip < commits; skip += 3) {
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
      struct world world;
      world_init(&world);
      story_write(&world);
      redis_memory_fail_commit(world.redis, skip, failures[i].err, failures[i].applied);
      assert_int_equal(world_run(&world, PASSES), OK);
      assert_int_equal(counted(&world.stats.commits[failures[i].err]), 1);
      must_be_as_expected(&world);
      world_fini(&world);
    }
  }
}

// A state of which a part was not written is not gone on from, now or by the next process.
static void test_a_torn_state_is_refused_for_good(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  redis_memory_fail_commit(world.redis, 20, ERR_EXEC_FAILED, true);
  assert_int_equal(world_run(&world, PASSES), OK);
  assert_int_equal(counted(&world.stats.commits[ERR_EXEC_FAILED]), 1);
  assert_int_equal(world.partition->status, PARTITION_REFUSED);
  world_restart(&world);
  assert_int_equal(world_run(&world, PASSES), OK);
  assert_int_equal(world.partition->status, PARTITION_REFUSED);
  assert_string_equal(world.partition->reason, "no-meta");
  assert_false(world_is_done(&world));
  world_fini(&world);
}

static void test_a_new_process_at_any_moment(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  while (!world_is_done(&world)) {
    assert_int_equal(world_run(&world, 2), OK);
    if (!world_is_done(&world)) world_restart(&world);
  }
  must_be_as_expected(&world);
  world_fini(&world);
}

static void test_a_rebalance_at_any_moment(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  for (bool lost = false; !world_is_done(&world); lost = !lost) {
    assert_int_equal(world_run(&world, 4), OK);
    if (!world_is_done(&world)) kafka_memory_rebalance(world.kafka, lost);
  }
  must_be_as_expected(&world);
  world_fini(&world);
}

// A consumer that is put to its place goes on from further behind, or from the end: nothing is passed over.
static void test_a_seek_that_misses(void **state) {
  (void)state;
  static const int64_t ahead[] = {1, 3, INT64_MAX};
  for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
    struct world world;
    world_init(&world);
    story_write(&world);
    while (!world_is_done(&world)) {
      kafka_memory_misplace_seeks(world.kafka, 1, ahead[i]);
      assert_int_equal(world_run(&world, 5), OK);
      if (!world_is_done(&world)) kafka_memory_rebalance(world.kafka, true);
    }
    assert_true(counted(world.stats.jumps) > 10);
    must_be_as_expected(&world);
    world_fini(&world);
  }
}

// What Kafka refused is in the outbox, from where the partition that is opened anew publishes it. As of a producer
// without gaps, nothing is delivered between the refusal and the new beginning.
static void test_failed_deliveries_are_made_up_for(void **state) {
  (void)state;
  for (int passes = 1; passes < 60; passes++) {
    struct world world;
    world_init(&world);
    story_write(&world);
    assert_int_equal(world_run(&world, passes), OK);
    kafka_memory_fail_deliveries(world.kafka, INT_MAX, ERR_UNAVAILABLE);
    assert_int_equal(world_run(&world, 5), OK);
    kafka_memory_fail_deliveries(world.kafka, 0, OK);
    assert_int_equal(world_run(&world, PASSES), OK);
    must_be_as_expected(&world);
    world_fini(&world);
  }
}

// A producer that has died does not end the process: the partition is opened anew with another one.
static void test_the_producer_may_die_at_any_moment(void **state) {
  (void)state;
  for (int passes = 1; passes < 60; passes += 4) {
    struct world world;
    world_init(&world);
    story_write(&world);
    assert_int_equal(world_run(&world, passes), OK);
    kafka_memory_kill_producers(world.kafka);
    assert_int_equal(world_run(&world, 5), OK);
    world_restart(&world);
    assert_int_equal(world_run(&world, PASSES), OK);
    must_be_as_expected(&world);
    world_fini(&world);
  }
}

static void test_loads_may_fail(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  while (!world_is_done(&world)) {
    redis_memory_fail_pipelines(world.redis, 1);
    assert_int_equal(world_run(&world, 5), OK);
  }
  must_be_as_expected(&world);
  world_fini(&world);
}

static void test_without_a_meta_nothing_is_done(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  world_forget_meta(&world);
  assert_int_equal(world_run(&world, 50), OK);
  assert_int_equal(world.partition->status, PARTITION_REFUSED);
  assert_string_equal(world.partition->reason, "no-meta");
  assert_int_equal(redis_memory_keys(world.redis), 0);
  assert_int_equal(kafka_memory_count(world.kafka, TOPIC_DECISION), 0);
  world_fini(&world);
}

// An owner to whom nothing comes notices by looking: at a fence that is another one, be it at the same offset, and at
// one that is gone. One that can't be read is no reason to drop anything.
static void test_an_idle_owner_notices_another_fence(void **state) {
  (void)state;
  struct world world;
  world_init(&world);
  story_write(&world);
  assert_int_equal(world_run(&world, PASSES), OK);
  watch_fences(&world.shell, &world.partition, 1);
  assert_int_equal(world.partition->status, PARTITION_OPEN);
  world_put_generation(&world, 7);
  redis_memory_fail_pipelines(world.redis, 1);
  watch_fences(&world.shell, &world.partition, 1);
  assert_int_equal(world.partition->status, PARTITION_OPEN);
  watch_fences(&world.shell, &world.partition, 1);
  assert_int_equal(world.partition->status, PARTITION_CLOSED);
  assert_int_equal(world_run(&world, 5), OK);
  assert_int_equal(world.partition->status, PARTITION_OPEN);
  assert_int_equal(world.partition->meta.generation, 7);
  world_forget_meta(&world);
  watch_fences(&world.shell, &world.partition, 1);
  assert_int_equal(world_run(&world, 5), OK);
  assert_string_equal(world.partition->reason, "no-meta");
  world_fini(&world);
}

// ---- a state that does not belong together, as two owners without a fence would leave it

static struct bytes get(struct world *world, const char *key) {
  struct bytes words[] = {bytes_text("GET"), bytes_text(key)};
  struct redis_command command = {words, 2};
  struct redis_value reply;
  assert_int_equal(redis_pipeline(world->shell.redis, &command, 1, world->shell.load, &reply), OK);
  return reply.type == REDIS_STRING ? reply.text : (struct bytes){NULL, 0};
}

static void put(struct world *world, const char *key, struct bytes value) {
  struct bytes words[] = {bytes_text(value.data ? "SET" : "UNLINK"), bytes_text(key), value};
  struct redis_command command = {words, value.data ? 3 : 2};
  struct redis_value reply;
  assert_int_equal(redis_pipeline(world->shell.redis, &command, 1, world->shell.load, &reply), OK);
}

// The key that the line of the dump begins with; false at the end.
static bool next_key(char **line, const char **key) {
  if (!**line) return false;
  *key = *line;
  char *space = strchr(*line, ' '), *end = strchr(*line, '\n');
  *space = 0;
  *line = end + 1;
  return true;
}

// The key as it was after `before` passes, all else as after `passes`: gone if it was not there yet.
static void go_on_with_an_older(const char *key, int before, int passes) {
  struct world world;
  world_init(&world);
  story_write(&world);
  assert_int_equal(world_run(&world, before), OK);
  struct bytes older = get(&world, key);
  uint8_t kept[1 << 14];
  assert_true(older.len <= sizeof kept);
  if (older.data) memcpy(kept, older.data, older.len);
  struct bytes value = {older.data ? kept : NULL, older.len};
  assert_int_equal(world_run(&world, passes - before), OK);
  put(&world, key, value);
  world_restart(&world);
  assert_int_equal(world_run(&world, PASSES), OK);
  assert_non_null(world.partition);
  assert_true(world.partition->status == PARTITION_REFUSED || world_is_done(&world));
  world_fini(&world);
}

static void test_an_older_value_of_any_key_ends_no_process(void **state) {
  (void)state;
  static const int moments[] = {2, 3, 12, 40, 70};
  for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
    struct world world;
    struct buffer dump;
    const char *key;
    buffer_init(&dump, TEXT_MAX);
    world_init(&world);
    story_write(&world);
    assert_int_equal(world_run(&world, moments[i]), OK);
    world_state(&world, &dump);
    world_fini(&world);
    assert_int_equal(buffer_append_byte(&dump, 0), OK);
    for (char *line = (char *)dump.data; next_key(&line, &key);) {
      go_on_with_an_older(key, 0, moments[i]);
      go_on_with_an_older(key, moments[i] / 2, moments[i]);
    }
    buffer_fini(&dump);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_story_has_everything),
      cmocka_unit_test(test_any_commit_may_fail_in_any_way),
      cmocka_unit_test(test_a_torn_state_is_refused_for_good),
      cmocka_unit_test(test_a_new_process_at_any_moment),
      cmocka_unit_test(test_a_rebalance_at_any_moment),
      cmocka_unit_test(test_a_seek_that_misses),
      cmocka_unit_test(test_failed_deliveries_are_made_up_for),
      cmocka_unit_test(test_the_producer_may_die_at_any_moment),
      cmocka_unit_test(test_loads_may_fail),
      cmocka_unit_test(test_without_a_meta_nothing_is_done),
      cmocka_unit_test(test_an_idle_owner_notices_another_fence),
      cmocka_unit_test(test_an_older_value_of_any_key_ends_no_process),
  };
  return cmocka_run_group_tests(tests, run_undisturbed, forget_undisturbed);
}

// SPDX-License-Identifier: Apache-2.0
// Slots and answers of Redis Cluster. The slots are those that its own CLUSTER KEYSLOT gives.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "io/redis_slots.h"

static int slot_of(const char *key) {
  return redis_slot(bytes_text(key));
}

static void test_slots(void **state) {
  (void)state;
  assert_int_equal(slot_of("123456789"), 0x31C3);
  assert_int_equal(slot_of("somekey"), 11058);
  assert_int_equal(slot_of("foo{hash_tag}"), 2515);
  assert_int_equal(slot_of("bar{hash_tag}"), 2515);
  assert_int_equal(slot_of("{p17}:meta"), slot_of("p17"));
  assert_int_equal(slot_of("{p17}:reads:a/{b}/1/201603"), slot_of("{p17}:due"));
  assert_int_not_equal(slot_of("{p17}:meta"), slot_of("{p18}:meta"));
}

// An empty tag is none, nor is one without an end; of several the first counts.
static void test_tags(void **state) {
  (void)state;
  assert_int_equal(slot_of("foo{}{bar}"), 8363);
  assert_int_equal(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  assert_int_equal(slot_of("foo{bar}{zap}"), slot_of("bar"));
  assert_int_equal(slot_of("foo{bar"), slot_of("foo{bar"));
  assert_int_not_equal(slot_of("foo{bar"), slot_of("bar"));
  assert_int_equal(redis_slot(bytes_make("", 0)), 0);
}

static void test_commands(void **state) {
  const struct bytes get[] = {BYTES_LITERAL("GET"), BYTES_LITERAL("{p3}:meta")};
  const struct bytes scan[] = {BYTES_LITERAL("SCAN"), BYTES_LITERAL("0"), BYTES_LITERAL("MATCH"),
                               BYTES_LITERAL("{p3}:*")};
  (void)state;
  assert_int_equal(redis_command_slot(&(struct redis_command){get, 2}), slot_of("p3"));
  assert_int_equal(redis_command_slot(&(struct redis_command){scan, 4}), slot_of("p3"));
  assert_int_equal(redis_command_slot(&(struct redis_command){scan, 2}), -1);
  assert_int_equal(redis_command_slot(&(struct redis_command){get, 1}), -1);
}

static struct redis_value error_reply(const char *text) {
  return (struct redis_value){.type = REDIS_ERROR, .text = bytes_text(text)};
}

static void test_redirections(void **state) {
  struct redis_redirect redirect;
  struct redis_value moved = error_reply("MOVED 3999 127.0.0.1:6381"), ask = error_reply("ASK 7 ::1:6382"),
                     nameless = error_reply("MOVED 1 :7001");
  (void)state;
  assert_true(redis_redirect_read(&moved, "h:1", &redirect));
  assert_false(redirect.ask);
  assert_int_equal(redirect.slot, 3999);
  assert_string_equal(redirect.address, "127.0.0.1:6381");
  assert_true(redis_redirect_read(&ask, "h:1", &redirect));
  assert_true(redirect.ask);
  assert_string_equal(redirect.address, "::1:6382");
  assert_true(redis_redirect_read(&nameless, "asked:6379", &redirect));
  assert_string_equal(redirect.address, "asked:7001");
}

static void test_no_redirections(void **state) {
  static const char *const texts[] = {"MOVED",           "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED 5 h",
                                      "MOVED 5 h:65536", "MOVED x h:1",     "MOVEDX 1 h:1", "ERR no"};
  struct redis_redirect redirect;
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct redis_value value = error_reply(texts[i]);
    assert_false(redis_redirect_read(&value, "h:1", &redirect));
  }
  struct redis_value status = {.type = REDIS_STATUS, .text = bytes_text("MOVED 1 h:1")};
  assert_false(redis_redirect_read(&status, "h:1", &redirect));
}

static struct redis_value text(const char *value) {
  return (struct redis_value){.type = REDIS_STRING, .text = bytes_text(value)};
}

static struct redis_value integer(int64_t value) {
  return (struct redis_value){.type = REDIS_INTEGER, .integer = value};
}

static struct redis_value array(struct redis_value *elements, size_t count) {
  return (struct redis_value){.type = REDIS_ARRAY, .elements = elements, .count = count};
}

static enum error note(void *ctx, int first, int last, bool master, const char *address) {
  char *at = ctx;
  sprintf(at + strlen(at), "%d-%d %s %s\n", first, last, master ? "master" : "replica", address);
  return OK;
}

static void test_map(void **state) {
  struct redis_value a[] = {text("10.0.0.1"), integer(6379), text("id")}, b[] = {text(""), integer(6380), text("id")},
                     c[] = {{.type = REDIS_NIL}, integer(6381)};
  struct redis_value low[] = {integer(0), integer(8191), array(a, 3), array(b, 3)},
                     high[] = {integer(8192), integer(16383), array(c, 2)};
  struct redis_value ranges[] = {array(low, 4), array(high, 3)}, reply = array(ranges, 2);
  char seen[500] = "";
  const struct redis_slot_visitor visitor = {note, seen};
  (void)state;
  assert_int_equal(redis_slots_read(&reply, "asked:1", &visitor), OK);
  assert_string_equal(seen, "0-8191 master 10.0.0.1:6379\n0-8191 replica asked:6380\n8192-16383 master asked:6381\n");
  high[1].integer = 16384;
  assert_int_equal(redis_slots_read(&reply, "asked:1", &visitor), ERR_CORRUPT);
  high[1].integer = 8191;
  assert_int_equal(redis_slots_read(&reply, "asked:1", &visitor), ERR_CORRUPT);
  high[1].integer = 16383;
  c[1] = text("6381");
  assert_int_equal(redis_slots_read(&reply, "asked:1", &visitor), ERR_CORRUPT);
  ranges[1] = array(high, 2);
  assert_int_equal(redis_slots_read(&reply, "asked:1", &visitor), ERR_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slots),           cmocka_unit_test(test_tags),
      cmocka_unit_test(test_commands),        cmocka_unit_test(test_redirections),
      cmocka_unit_test(test_no_redirections), cmocka_unit_test(test_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

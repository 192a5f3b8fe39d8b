// SPDX-License-Identifier: Apache-2.0
// What may be applied and what is passed over, from a table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "billing/intake.h"
#include "wire/fact.h"

enum { PARTITIONS = 64, HOUSE_PARTITION = 40, NOW_S = 1456790400, ARENA_MAX = 1 << 20 };

static const struct {
  const char *what;
  const char *key;
  int32_t partition;
  const char *site;
  enum fact_kind kind;
  int64_t tick_s;
  enum intake expected;
} cases[] = {
    {"a fact of its site", "house", HOUSE_PARTITION, "house", FACT_ROOM, 0, INTAKE_OK},
    {"kcat's default partitioner", "house", HOUSE_PARTITION + 1, "house", FACT_ROOM, 0, INTAKE_WRONG_PARTITION},
    {"another site's fact", "house", HOUSE_PARTITION, "barn", FACT_ROOM, 0, INTAKE_FOREIGN_KEY},
    {"a tick", "@tick/3", 3, "", FACT_TICK, NOW_S, INTAKE_OK},
    {"a tick of years ago", "@tick/3", 3, "", FACT_TICK, 60, INTAKE_OK},
    {"a tick that is a little early", "@tick/3", 3, "", FACT_TICK, NOW_S + 300, INTAKE_OK},
    {"a tick from the future", "@tick/3", 3, "", FACT_TICK, NOW_S + 360, INTAKE_TICK_AHEAD},
    {"a room under the partition's own key", "@tick/3", 3, "house", FACT_ROOM, 0, INTAKE_FOREIGN_KEY},
    {"a tick under another partition's key", "@tick/7", 3, "", FACT_TICK, NOW_S, INTAKE_FOREIGN_KEY},
    {"a tick under a key that only begins so", "@tick/31", 3, "", FACT_TICK, NOW_S, INTAKE_FOREIGN_KEY},
    {"a tick under a key of nobody", "@x", 3, "", FACT_TICK, NOW_S, INTAKE_FOREIGN_KEY},
    {"a tick under a site's key", "house", HOUSE_PARTITION, "house", FACT_TICK, NOW_S, INTAKE_FOREIGN_KEY},
    {"a kind that is yet to come, of nobody", "@x", 3, "", FACT_NONE, 0, INTAKE_FOREIGN_KEY},
    {"a kind that is yet to come", "house", HOUSE_PARTITION, "house", FACT_NONE, 0, INTAKE_OK},
};

// A record is in the chain of its key if that is one that is verified, and else in none.
static void check_chain(const char *what, const struct kafka_record *record, const struct fact *fact) {
  char ticks[32];
  snprintf(ticks, sizeof ticks, "@tick/%d", (int)record->partition);
  bool house = bytes_equal_text(record->key, "house") && record->partition == HOUSE_PARTITION;
  const char *chain = house ? "house" : bytes_equal_text(record->key, ticks) ? ticks : "";
  const char *got = fact->mark.chain ? fact->mark.chain : "";
  if (strcmp(got, chain) != 0) fail_msg("%s: in chain \"%s\" instead of \"%s\"", what, got, chain);
}

static void test_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct fact fact = {.envelope = {.site = cases[i].site, .fact_id = "f"}, .kind = cases[i].kind};
    if (fact.kind == FACT_TICK) fact.tick.time_s = cases[i].tick_s;
    if (fact.kind == FACT_ROOM) fact.room = (struct room){"r", "R"};
    struct buffer value;
    buffer_init(&value, ARENA_MAX);
    assert_int_equal(wire_fact_encode(&fact, &value), OK);
    struct kafka_record record = {.partition = cases[i].partition,
                                  .timestamp_ms = (int64_t)NOW_S * 1000,
                                  .key = bytes_text(cases[i].key),
                                  .value = buffer_bytes(&value)};
    struct arena *arena = arena_new(ARENA_MAX);
    enum intake verdict;
    assert_int_equal(intake_fact(&record, PARTITIONS, arena, &verdict, &fact), OK);
    if (verdict != cases[i].expected)
      fail_msg("%s: %s instead of %s", cases[i].what, intake_names[verdict], intake_names[cases[i].expected]);
    check_chain(cases[i].what, &record, &fact);
    arena_free(arena);
    buffer_fini(&value);
  }
}

static void test_what_is_no_record_still_has_a_name(void **state) {
  (void)state;
  struct arena *arena = arena_new(ARENA_MAX);
  struct kafka_record record = {.partition = 5, .offset = 77, .key = bytes_text("house"), .value = bytes_text("\xff")};
  enum intake verdict;
  struct fact fact;
  assert_int_equal(intake_fact(&record, PARTITIONS, arena, &verdict, &fact), OK);
  assert_int_equal(verdict, INTAKE_UNDECODABLE);
  assert_string_equal(fact.envelope.fact_id, "record:5:77");
  assert_string_equal(fact.envelope.site, "house");
  record.value = (struct bytes){NULL, 0};
  record.key = bytes_text("\xff\xfe");
  assert_int_equal(intake_fact(&record, PARTITIONS, arena, &verdict, &fact), OK);
  assert_int_equal(verdict, INTAKE_TOMBSTONE);
  assert_string_equal(fact.envelope.site, "");
  arena_free(arena);
}

// Key and value are told apart, and the digest is the same in every build: it is kept in Redis.
static void test_digest(void **state) {
  (void)state;
  uint8_t one[32], two[32];
  char hex[65];
  struct kafka_record record = {.key = bytes_text("ab"), .value = bytes_text("c")};
  assert_int_equal(intake_digest(&record, one), OK);
  hex_encode(bytes_make(one, sizeof one), hex);
  assert_string_equal(hex, "18ceb0f3cee682622e29efe8ab8e35b9fc243888b510ac17eb5659b2d935b336");
  record = (struct kafka_record){.key = bytes_text("a"), .value = bytes_text("bc")};
  assert_int_equal(intake_digest(&record, two), OK);
  assert_memory_not_equal(one, two, sizeof one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_what_is_no_record_still_has_a_name),
      cmocka_unit_test(test_digest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

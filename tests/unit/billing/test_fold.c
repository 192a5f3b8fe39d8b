// SPDX-License-Identifier: Apache-2.0
// What the stories of cases/ do not show: the clock, bounds, ranks, a reader that is too old.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "billing/core/fold.h"
#include "domain/reads_codec.h"
#include "twin.h"

static const struct twin_mode warm = {"warm", false, SIZE_MAX, SIZE_MAX};

// The ids of all decisions so far, a line each.
struct world {
  struct twin *twin;
  char seen[1 << 20];
  size_t len;
};

static void seen(void *context, const struct decision *decision) {
  struct world *world = context;
  world->len += (size_t)snprintf(world->seen + world->len, sizeof world->seen - world->len, "%s\n", decision->id);
  assert_true(world->len < sizeof world->seen);
}

static void apply(struct world *world, struct fact fact) {
  fact.envelope = (struct envelope){.fact_id = "f", .landlord = "owner", .site = "s", .source = "", .actor = ""};
  twin_apply(world->twin, &fact, seen, world);
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof *world);
  if (!world) return -1;
  world->twin = twin_new(warm);
  apply(world, (struct fact){.kind = FACT_SITE,
                             .site = {.id = "s",
                                      .landlord = "owner",
                                      .name = "",
                                      .zone_name = "UTC",
                                      .currency = "CNY",
                                      .language = "en",
                                      .landlord_person = ""}});
  *state = world;
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  twin_free(world->twin);
  free(world);
  return 0;
}

static void tick(struct world *world, int64_t time_s) {
  apply(world, (struct fact){.kind = FACT_TICK, .tick = {time_s}});
}

static void test_clock_moves_by_whole_minutes_and_forwards(void **state) {
  struct world *world = *state;
  tick(world, 125);
  tick(world, 179); // the same minute
  tick(world, 60);  // older
  tick(world, 180);
  assert_string_equal(world->seen, "clock:3:120\nclock:3:180\n");
  assert_int_equal(twin_business_time(world->twin), 180);
}

static void test_a_site_is_made_known_to_ingest(void **state) {
  struct world *world = *state;
  struct device device;
  assert_true(twin_device(world->twin, "", &device));
  assert_string_equal(device.site, "s");
  assert_string_equal(device.landlord, "owner");
}

static void read_one(struct world *world, struct readings_fact fact, const char *meter, int64_t value) {
  struct reading reading = {meter, REGISTER_VOLUME_COLD, 1456790400, value};
  fact.device = "gw";
  fact.readings = &reading;
  fact.count = 1;
  apply(world, (struct fact){.kind = FACT_READINGS, .readings = fact});
}

static int64_t value_read(struct world *world, const char *meter) {
  char key[STORE_KEY_MAX];
  snprintf(key, sizeof key, "reads:s/%s/20/201603", meter);
  struct buffer vector;
  buffer_init(&vector, READS_SIZE_MAX);
  assert_int_equal(reads_decode(twin_value(world->twin, key), &vector), OK);
  int64_t value = reads_count(buffer_bytes(&vector)) == 1 ? reads_get(buffer_bytes(&vector), 0).value : -1;
  buffer_fini(&vector);
  return value;
}

static void test_of_one_second_the_best_read_holds(void **state) {
  struct world *world = *state;
  read_one(world, (struct readings_fact){.clock_suspect = true}, "m", 500);
  assert_int_equal(value_read(world, "m"), 500);
  read_one(world, (struct readings_fact){0}, "m", 300);
  assert_int_equal(value_read(world, "m"), 300);
  read_one(world, (struct readings_fact){.by_hand = true}, "m", 200);
  read_one(world, (struct readings_fact){0}, "m", 400);
  assert_int_equal(value_read(world, "m"), 200);
}

// ---- the seal

enum { SPAN_BYTES = SEAL_SPAN * SEAL_CHECK };

struct sealing {
  const char *chain;
  uint8_t checks[2 * SPAN_BYTES];
  uint64_t spans;
};

static void sealed(void *context, const struct decision *decision) {
  struct sealing *sealing = context;
  if (decision->kind != DECISION_SEALED) return;
  assert_string_equal(decision->sealed.chain, sealing->chain);
  assert_string_equal(decision->site, sealing->chain);
  assert_int_equal(decision->sealed.checks.len, SPAN_BYTES);
  assert_int_equal(decision->sealed.seal.records, ++sealing->spans * SEAL_SPAN);
  memcpy(sealing->checks + (sealing->spans - 1) * SPAN_BYTES, decision->sealed.checks.data, SPAN_BYTES);
}

// A record from which no state follows.
static void chained(struct twin *twin, struct sealing *sealing, uint32_t number) {
  uint8_t value[4];
  put_le32(value, number);
  struct fact fact = {.kind = FACT_DEVICE_EVENT, .mark = {sealing->chain, bytes_make(value, sizeof value)}};
  fact.envelope = (struct envelope){.fact_id = "f", .landlord = "owner", .site = sealing->chain};
  twin_apply(twin, &fact, sealed, sealing);
}

static void check_chain(struct twin *twin, const struct sealing *sealing, uint32_t records) {
  char key[STORE_KEY_MAX];
  struct seal_state kept;
  struct seal seal = {.records = 0};
  snprintf(key, sizeof key, "seal:%s", sealing->chain);
  assert_int_equal(seal_state_decode(twin_value(twin, key), &kept), OK);
  for (uint32_t i = 0; i < records; i++) {
    uint8_t value[4];
    put_le32(value, i);
    seal_add(&seal, bytes_text(sealing->chain), bytes_make(value, sizeof value));
    const uint8_t *checks = i < 2 * SEAL_SPAN ? sealing->checks : kept.checks - 2 * SPAN_BYTES;
    assert_memory_equal(checks + i * SEAL_CHECK, seal.head, SEAL_CHECK);
  }
  assert_int_equal(kept.seal.records, records);
  assert_memory_equal(kept.seal.head, seal.head, SEAL_SIZE);
}

static void test_each_record_enters_the_chain_of_its_key_once(void **state) {
  static const struct twin_mode cold = {"cold", true, SIZE_MAX, SIZE_MAX};
  (void)state;
  for (int round = 0; round < 2; round++) {
    struct sealing ours = {.chain = "s"}, other = {.chain = "other"};
    struct twin *twin = twin_new(round ? cold : warm);
    for (uint32_t i = 0; i < 2 * SEAL_SPAN + 3; i++) {
      chained(twin, &ours, i);
      if (i < 2 * SEAL_SPAN) chained(twin, &other, i);
    }
    check_chain(twin, &ours, 2 * SEAL_SPAN + 3);
    check_chain(twin, &other, 2 * SEAL_SPAN);
    twin_free(twin);
  }
}

static void keep_seal(void *context, const struct decision *decision) {
  if (decision->kind == DECISION_BALANCE) *(struct seal *)context = decision->balance.seal;
}

// What is said of a payment carries a seal that covers the payment.
static void test_a_receipt_covers_its_payment(void **state) {
  struct world *world = *state;
  struct seal shown = {.records = 0}, expected = {.records = 0};
  struct payment payment = {.id = "p", .lease = "l", .amount_e4 = 5, .method = "", .reference = ""};
  apply(world, (struct fact){.kind = FACT_ROOM, .room = {"r", "r"}});
  apply(world, (struct fact){.kind = FACT_SERVICE_POINT, .service_point = {"p", "r", COMMODITY_WATER, "t"}});
  apply(world, (struct fact){.kind = FACT_LEASE, .lease = {"l", "r", NULL, 0, 1456790400, 0}});
  struct fact fact = {.kind = FACT_PAYMENT, .payment = payment, .mark = {"s", bytes_text("the payment")}};
  fact.envelope = (struct envelope){.fact_id = "f", .landlord = "owner", .site = "s"};
  twin_apply(world->twin, &fact, keep_seal, &shown);
  seal_add(&expected, bytes_text("s"), bytes_text("the payment"));
  assert_int_equal(shown.records, 1);
  assert_memory_equal(shown.head, expected.head, SEAL_SIZE);
}

static size_t lines_with(const char *text, const char *part) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, part)); at++) count++;
  return count;
}

static void test_a_closed_month_is_stored_without_room_to_grow(void **state) {
  struct world *world = *state;
  const char *key = "reads:s/m/20/201603";
  const int64_t march_s = 1456790400;
  apply(world,
        (struct fact){.kind = FACT_SERVICE_POINT, .service_point = {"p", "", COMMODITY_WATER, "", .from_s = 0}});
  apply(world, (struct fact){.kind = FACT_INSTALLATION,
                             .installation = {.id = "i",
                                              .service_point = "p",
                                              .meter = "m",
                                              .device = "gw",
                                              .reg = REGISTER_VOLUME_COLD,
                                              .from_s = march_s,
                                              .multiplier_num = 1,
                                              .multiplier_den = 1,
                                              .max_rate_per_hour = 1000000}});
  for (int64_t hour = 0; hour < 20; hour++) {
    struct reading reading = {"m", REGISTER_VOLUME_COLD, march_s + hour * 3600, hour};
    apply(world, (struct fact){.kind = FACT_READINGS, .readings = {.device = "gw", .readings = &reading, .count = 1}});
  }
  tick(world, march_s + 31 * 86400 - 60);
  assert_true(twin_grown(world->twin, key));
  tick(world, march_s + 33 * 86400);
  assert_int_equal(lines_with(world->seen, "usage:s:p:2016-03"), 1);
  assert_false(twin_grown(world->twin, key));
}

static void test_unknown_meters_are_bounded(void **state) {
  struct world *world = *state;
  char meter[32];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < SITE_UNKNOWN_METERS_MAX + 5; i++) {
      snprintf(meter, sizeof meter, "m%04d", i);
      read_one(world, (struct readings_fact){0}, meter, 7);
    }
  }
  assert_int_equal(lines_with(world->seen, "unknown:s:m"), SITE_UNKNOWN_METERS_MAX);
  assert_int_equal(lines_with(world->seen, "exception:"), 1);
  assert_int_equal(value_read(world, "m0999"), 7);
  assert_int_equal(value_read(world, "m1000"), -1);
}

static void test_bad_readings_are_passed_over_and_seen(void **state) {
  struct world *world = *state;
  const struct reading readings[] = {
      {"bad/id", REGISTER_VOLUME_COLD, 1456790400, 1},
      {"m", REGISTER_NONE, 1456790400, 1},
      {"m", REGISTER_VOLUME_COLD, -1, 1},
      {"m", REGISTER_VOLUME_COLD, 1456790400, -1},
      {"m", REGISTER_VOLUME_COLD, 1456790400, INT64_MAX},
      {"m", REGISTER_VOLUME_COLD, INT64_MAX, 1},
      {"m", REGISTER_VOLUME_COLD, 1456790400, 9},
  };
  apply(world, (struct fact){.kind = FACT_READINGS, .readings = {.device = "gw", .readings = readings, .count = 7}});
  assert_string_equal(world->seen, "unknown:s:m:volume\nexception:f\n");
  assert_int_equal(value_read(world, "m"), 9);
}

static void test_what_only_the_log_keeps_changes_nothing(void **state) {
  struct world *world = *state;
  char *before = twin_dump(world->twin);
  apply(world, (struct fact){.kind = FACT_NONE});
  apply(world, (struct fact){.kind = FACT_DEVICE_EVENT, .device_event = {.device = "gw", .detail = ""}});
  apply(world, (struct fact){.kind = FACT_COMMAND_ACK, .command_ack = {.device = "gw", .command_id = "c"}});
  apply(world, (struct fact){.kind = FACT_NOTICE_DELIVERED,
                             .notice_delivered = {.decision_id = "bill:s:l:2016-03:r0", .person = "t"}});
  char *after = twin_dump(world->twin);
  assert_string_equal(before, after);
  assert_string_equal(world->seen, "");
  free(before);
  free(after);
}

static void test_a_newer_record_stops_the_fold(void **state) {
  (void)state;
  struct store *store = store_new();
  struct fold *fold = fold_new(store, 0, 0);
  struct arena *arena = arena_new(1 << 20);
  struct effects effects;
  effects_init(&effects, arena, 10, 10);
  struct fact fact = {.envelope = {.fact_id = "", .site = "s", .min_reader = FACT_READER_VERSION + 1}};
  assert_int_equal(fold_apply(fold, &fact, (struct cause){0, 0, 0}, &effects), ERR_NEWER_READER);
  assert_int_equal(effects.decision_count, 0);
  arena_free(arena);
  fold_free(fold);
  store_free(store);
}

// A batch arena that is too small ends the fact; it does not crash, and nothing is half told.
static void test_no_memory_is_fatal(void **state) {
  (void)state;
  struct store *store = store_new();
  struct fold *fold = fold_new(store, 0, 0);
  struct arena *arena = arena_new(512);
  struct effects effects;
  effects_init(&effects, arena, 10, 10);
  store_set_due_horizon(store, INT64_MAX);
  struct fact fact = {.kind = FACT_TICK, .tick = {600}, .envelope = {.fact_id = "", .landlord = "", .site = ""}};
  enum error err = fold_apply(fold, &fact, (struct cause){0, 0, 0}, &effects);
  assert_int_equal(error_class(err), CLASS_FATAL);
  arena_free(arena);
  fold_free(fold);
  store_free(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_clock_moves_by_whole_minutes_and_forwards), TEST(test_a_site_is_made_known_to_ingest),
      TEST(test_of_one_second_the_best_read_holds),         TEST(test_unknown_meters_are_bounded),
      TEST(test_a_closed_month_is_stored_without_room_to_grow),
      TEST(test_bad_readings_are_passed_over_and_seen),     TEST(test_what_only_the_log_keeps_changes_nothing),
      cmocka_unit_test(test_each_record_enters_the_chain_of_its_key_once), TEST(test_a_receipt_covers_its_payment),
      cmocka_unit_test(test_a_newer_record_stops_the_fold), cmocka_unit_test(test_no_memory_is_fatal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

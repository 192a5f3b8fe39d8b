// SPDX-License-Identifier: Apache-2.0
// The parts of the core that the case files do not reach: sequences against a model, instants, the registry, the table
// of devices, free texts that are too long. RISER_SEED repeats a random run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ingest/core/check.h"
#include "ingest/core/devices.h"
#include "ingest/core/instant.h"
#include "ingest/core/judge.h"
#include "ingest/core/registry.h"
#include "ingest/core/sequence.h"
#include "ingest/core/topic.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)((random_state * 2685821657736338717ull) >> 33) % bound;
}

static void seed_random(void) {
  const char *given = getenv("RISER_SEED");
  random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
  print_message("seed %llu\n", (unsigned long long)random_state);
}

// ---------------------------------------------------------------- sequence

static struct sequence_gap seen_of(struct sequence *sequence, uint64_t boot, uint64_t number) {
  struct sequence_head head = sequence->head;
  struct sequence_gap gap = sequence_advance(&head, boot, number);
  sequence_seen(sequence, boot, number);
  assert_true(head.boot == sequence->head.boot && head.newest == sequence->head.newest);
  return gap;
}

static struct receipt receipt_for(const struct sequence *sequence, uint64_t number) {
  struct receipt receipts[SEQUENCE_RECEIPTS_MAX];
  size_t count = sequence_receipts(sequence, number, number, receipts);
  assert_true(count <= 1);
  return count ? receipts[0] : (struct receipt){0};
}

static struct sequence_gap seen(struct sequence *sequence, uint64_t number) {
  return seen_of(sequence, 0, number);
}

static void test_sequence_begins_anywhere(void **state) {
  (void)state;
  struct sequence sequence = {0};
  assert_int_equal(seen(&sequence, 1000).first, 0);
  assert_int_equal(sequence.received, 1000);
  assert_int_equal(seen(&sequence, 1001).first, 0);
  assert_true(sequence.first == 1000 && sequence.received == 1001);
}

static void test_sequence_gap_is_told_once(void **state) {
  (void)state;
  struct sequence sequence = {0};
  seen(&sequence, 1);
  struct sequence_gap gap = seen(&sequence, 5);
  assert_true(gap.first == 2 && gap.last == 4);
  gap = seen(&sequence, 6);
  assert_int_equal(gap.first, 0);
  gap = seen(&sequence, 9);
  assert_true(gap.first == 7 && gap.last == 8);
  assert_int_equal(sequence.received, 1);
}

static void test_sequence_that_begins_again_with_1(void **state) {
  (void)state;
  struct sequence sequence = {0};
  for (uint64_t n = 1; n <= 500; n++) seen(&sequence, n);
  assert_int_equal(seen(&sequence, 2).first, 0); // a repetition, however old
  assert_int_equal(sequence.received, 500);
  assert_int_equal(seen(&sequence, 1).first, 0); // begins again
  assert_int_equal(sequence.received, 1);
  struct sequence_gap gap = seen(&sequence, 3);
  assert_true(gap.first == 2 && gap.last == 2);
}

// The device's first messages after its start got lost: a receipt must not take those of its life before for them.
static void test_sequence_of_another_life(void **state) {
  (void)state;
  struct sequence sequence = {0};
  for (uint64_t n = 1; n <= 500; n++) seen_of(&sequence, 7, n);
  seen_of(&sequence, 7, 1); // a repetition
  assert_int_equal(sequence.received, 500);
  seen_of(&sequence, 8, 3);
  struct receipt receipt = receipt_for(&sequence, 3);
  assert_true(receipt.boot == 8 && receipt.first == 3 && receipt.sequence == 3);
  seen_of(&sequence, 8, 1);
  receipt = receipt_for(&sequence, 1);
  assert_true(receipt.first == 1 && receipt.sequence == 1);
  seen_of(&sequence, 8, 2);
  assert_true(sequence.first == 1 && sequence.received == 3);
}

static void test_sequence_at_the_end_of_numbers(void **state) {
  (void)state;
  struct sequence sequence = {0};
  seen(&sequence, UINT64_MAX - 1);
  seen(&sequence, UINT64_MAX);
  assert_int_equal(sequence.received, UINT64_MAX);
  seen(&sequence, UINT64_MAX);
  assert_int_equal(seen(&sequence, 1).first, 0);
  struct sequence_gap gap = seen(&sequence, UINT64_MAX);
  assert_true(gap.first == 2 && gap.last == UINT64_MAX - 1);
}

// Whatever comes in which order, what a receipt names has come; and when all of it comes once more in order, it names
// everything. Numbers far apart make more runs than are remembered.
static void test_receipts_against_a_set(void **state) {
  (void)state;
  enum { NUMBERS = 60 };
  seed_random();
  for (int round = 0; round < 2000; round++) {
    struct sequence sequence = {0};
    bool in[NUMBERS + 1] = {false};
    uint64_t newest = 0;
    for (int step = 0; step < 50; step++) {
      uint64_t number = 1 + random_below(NUMBERS);
      in[number] = true;
      struct sequence_gap gap = seen_of(&sequence, 5, number);
      struct receipt receipt = receipt_for(&sequence, number);
      assert_true(receipt.sequence <= number);
      assert_true(receipt.sequence == number || sequence.run_count == SEQUENCE_RUNS_MAX); // a hole delays only itself
      for (uint64_t n = receipt.first; n <= receipt.sequence; n++) assert_true(n == 0 || in[n]);
      assert_true(gap.first == 0 || (newest && gap.first == newest + 1 && gap.last == number - 1));
      if (number > newest) newest = number;
    }
    for (uint64_t n = 1; n <= NUMBERS; n++) seen_of(&sequence, 5, n);
    assert_true(sequence.first == 1 && sequence.received == NUMBERS && sequence.run_count == 0);
  }
}

// A crash of the broker: there are two holes, the device goes on and sends again, from the older one on, what it has
// no receipt for. What lies in the newer hole must not pass for received.
static void test_a_repetition_claims_nothing(void **state) {
  (void)state;
  struct sequence sequence = {0};
  for (uint64_t n = 1; n <= 1000; n++) {
    bool lost = (n > 100 && n <= 110) || n == 301 || n == 500;
    if (!lost) seen_of(&sequence, 5, n);
  }
  seen_of(&sequence, 5, 400);
  struct receipt receipt = receipt_for(&sequence, 400);
  assert_true(receipt.first == 302 && receipt.sequence == 400);
  for (uint64_t n = 101; n <= 310; n++) {
    assert_int_equal(seen_of(&sequence, 5, n).first, 0);
    assert_int_equal(receipt_for(&sequence, n).sequence, n);
  }
  receipt = receipt_for(&sequence, 499);
  assert_true(receipt.first == 1 && receipt.sequence == 499);
  receipt = receipt_for(&sequence, 1000);
  assert_true(receipt.first == 501 && receipt.sequence == 1000);
}

// A number that never counts (refused, dropped by the broker, given up by the device), and a late copy of an old one.
static void test_a_number_that_never_comes_delays_only_itself(void **state) {
  (void)state;
  struct sequence sequence = {0};
  seen_of(&sequence, 5, 1000);
  seen_of(&sequence, 5, 7); // 8..999 were receipted before we forgot them
  for (uint64_t n = 1001; n < 1100; n++) {
    if (n == 1050) continue;
    seen_of(&sequence, 5, n);
    struct receipt receipt = receipt_for(&sequence, n);
    assert_true(receipt.first == (n < 1050 ? 1000 : 1051) && receipt.sequence == n);
  }
  struct receipt receipt = receipt_for(&sequence, 7);
  assert_true(receipt.first == 7 && receipt.sequence == 7);
}

// ---------------------------------------------------------------- instant

static void test_instants(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ms; // -1: refused
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2016-02-29T12:00:00Z", 1456747200000},
      {"2000-03-01T00:00:00z", 951868800000},
      {"2016-03-01t00:28:55.5Z", 1456792135500},
      {"2016-03-01 00:28:55.123456789Z", 1456792135123},
      {"2016-03-01T01:28:55+01:00", 1456792135000},
      {"2016-02-29T23:58:55-00:30", 1456792135000},
      {"2016-12-31T23:59:60Z", 1483228800000},
      {"2100-02-28T00:00:00Z", 4107456000000},
      {"9999-12-31T23:59:59Z", 253402300799000},
      {"2100-02-29T00:00:00Z", -1},
      {"2015-02-29T00:00:00Z", -1},
      {"2016-13-01T00:00:00Z", -1},
      {"2016-00-01T00:00:00Z", -1},
      {"2016-03-00T00:00:00Z", -1},
      {"2016-03-01T24:00:00Z", -1},
      {"2016-03-01T00:60:00Z", -1},
      {"2016-03-01T00:00:61Z", -1},
      {"2016-03-01T00:00:00.Z", -1},
      {"2016-03-01T00:00:00", -1},
      {"2016-03-01T00:00:00+0100", -1},
      {"2016-03-01T00:00:00+24:00", -1},
      {"2016-03-01T00:00:00ZZ", -1},
      {"16-03-01T00:00:00Z", -1},
      {"2016-3-1T00:00:00Z", -1},
      {"", -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t ms = -1;
    enum error err = instant_parse(bytes_text(cases[i].text), &ms);
    if ((err != OK) != (cases[i].ms == -1) || ms != cases[i].ms)
      fail_msg("%s gives %lld", cases[i].text, (long long)ms);
  }
}

static void test_instants_against_the_c_library(void **state) {
  (void)state;
  seed_random();
  for (int i = 0; i < 20000; i++) {
    time_t second = (time_t)((int64_t)random_below(2000000000) * 4 + random_below(4) - 2000000000);
    struct tm utc;
    char text[40];
    int64_t ms;
    gmtime_r(&second, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    assert_int_equal(instant_parse(bytes_text(text), &ms), OK);
    assert_int_equal(ms, (int64_t)second * 1000);
  }
}

// ---------------------------------------------------------------- registry

static enum error put(struct registry *registry, const char *site, const char *device, const char *landlord) {
  struct registry_entry entry = {bytes_text(site), bytes_text(device), bytes_text(landlord), NULL};
  return registry_put(registry, &entry);
}

static bool foreign(struct registry *registry, const char *site, const char *device) {
  return registry_is_foreign(registry, bytes_text(site), bytes_text(device));
}

static void test_registry(void **state) {
  (void)state;
  struct registry *registry = registry_new(6);
  assert_non_null(registry);
  assert_null(registry_landlord(registry, bytes_text("a")));
  assert_int_equal(put(registry, "a", "", "ann"), OK);
  assert_int_equal(put(registry, "b", "", "ann"), OK);
  assert_int_equal(put(registry, "c", "", "bob"), OK);
  assert_int_equal(put(registry, "a", "gw-1", "ann"), OK);
  assert_int_equal(put(registry, "a", "gw-1", "ann"), OK);
  assert_string_equal(registry_landlord(registry, bytes_text("a")), "ann");
  assert_true(registry_knows(registry, bytes_text("a"), bytes_text("gw-1")));
  assert_false(foreign(registry, "a", "gw-1"));
  assert_true(foreign(registry, "b", "gw-1"));
  assert_false(foreign(registry, "c", "gw-1")); // another landlord's business
  assert_false(foreign(registry, "b", "gw-2"));
  assert_false(foreign(registry, "nowhere", "gw-1"));
  assert_int_equal(put(registry, "b", "gw-1", "ann"), OK);
  assert_false(foreign(registry, "b", "gw-1"));
  registry_remove(registry, bytes_text("a/gw-1"));
  assert_true(foreign(registry, "a", "gw-1"));
  registry_remove(registry, bytes_text("b/gw-1"));
  assert_false(foreign(registry, "a", "gw-1"));
  assert_int_equal(put(registry, "a", "", "bob"), OK); // sold
  assert_string_equal(registry_landlord(registry, bytes_text("a")), "bob");
  registry_remove(registry, bytes_text("a/"));
  registry_remove(registry, bytes_text("a/"));
  registry_remove(registry, bytes_text("without a slash"));
  assert_null(registry_landlord(registry, bytes_text("a")));
  assert_int_equal(registry_sites(registry), 2);
  assert_int_equal(registry_devices(registry), 0);
  registry_free(registry);
}

static void test_registry_is_bounded(void **state) {
  (void)state;
  struct registry *registry = registry_new(2);
  assert_int_equal(put(registry, "a", "", "ann"), OK);
  assert_int_equal(put(registry, "b", "", "ann"), OK);
  assert_int_equal(put(registry, "c", "", "ann"), ERR_LIMIT);
  assert_int_equal(put(registry, "a", "", "bob"), OK);
  assert_int_equal(put(registry, "a b", "", "ann"), ERR_BAD_VALUE);
  assert_int_equal(put(registry, "a", "x/y", "ann"), ERR_BAD_VALUE);
  registry_free(registry);
}

// ---------------------------------------------------------------- devices

static struct heard *get(struct devices *devices, const char *device) {
  return devices_get(devices, bytes_text("a"), bytes_text(device));
}

static void test_devices_forget_the_oldest_that_is_free(void **state) {
  (void)state;
  struct devices *devices = devices_new(3);
  get(devices, "1")->pins = 1;
  get(devices, "2")->sequence.received = 7;
  get(devices, "3");
  assert_int_equal(get(devices, "2")->sequence.received, 7);
  assert_non_null(get(devices, "4")); // instead of 2
  assert_int_equal(devices_count(devices), 3);
  assert_int_equal(get(devices, "1")->pins, 1);
  assert_int_equal(get(devices, "2")->sequence.received, 0);
  get(devices, "2")->pins = 1;
  get(devices, "4")->pins = 1;
  assert_null(get(devices, "5"));
  devices_free(devices);
}

static struct heard *get_of(struct devices *devices, const char *site, int device) {
  char name[16];
  snprintf(name, sizeof name, "d-%d", device);
  return devices_get(devices, bytes_text(site), bytes_text(name));
}

static size_t remembered_of(struct devices *devices, const char *site, int count) {
  size_t before = devices_count(devices), remembered = 0;
  for (int i = 0; i < count; i++) remembered += get_of(devices, site, i)->sequence.received == 5;
  assert_int_equal(devices_count(devices), before);
  return remembered;
}

// A site that names new devices all the time takes the table's free room, and then only its own.
static void test_a_site_makes_us_forget_its_own_devices_alone(void **state) {
  (void)state;
  struct devices *devices = devices_new(1000);
  for (int i = 0; i < 100; i++) get_of(devices, "small", i)->sequence.received = 5;
  for (int i = 0; i < 100000; i++) get_of(devices, "greedy", i);
  assert_int_equal(devices_count(devices), 1000);
  assert_int_equal(remembered_of(devices, "small", 100), 100);
  for (int i = 0; i < 300; i++) get_of(devices, "late", i)->sequence.received = 5; // finds room all the same
  assert_int_equal(devices_count(devices), 1000);
  assert_int_equal(remembered_of(devices, "small", 100), 100);
  assert_int_equal(remembered_of(devices, "late", 300), 300);
  for (int i = 0; i < 1000; i++) get_of(devices, "late", 1000 + i);
  assert_int_equal(remembered_of(devices, "small", 100), 100);
  devices_free(devices);
}

// Receipts can't be told while MQTT is paused: then everything is pinned, and messages come out of the spool at full
// speed.
static void test_a_table_that_is_pinned_costs_no_search(void **state) {
  (void)state;
  enum { PINNED = 50000 };
  struct devices *devices = devices_new(PINNED);
  for (int i = 0; i < PINNED; i++) get_of(devices, "a", i)->pins = 1;
  clock_t begin = clock();
  for (int i = 0; i < PINNED; i++) assert_null(get_of(devices, "a", PINNED + i));
  assert_true(clock() - begin < CLOCKS_PER_SEC);
  for (int i = 0; i < PINNED; i++) get_of(devices, "a", i)->pins = 0;
  assert_non_null(get_of(devices, "a", PINNED));
  devices_free(devices);
}

// ---------------------------------------------------------------- check

static void test_long_texts_are_cut_between_characters(void **state) {
  (void)state;
  struct check_limits limits = {.readings_max = 1, .oldest_s = 0, .future_ms = 0};
  struct arena *arena = arena_new(4096);
  char text[400];
  for (size_t i = 0; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xe6\xb0\xb4", 4); // 3 bytes each
  struct device_event_fact event = {.device = "", .kind = EVENT_LEAK, .time_s = 1, .detail = text};
  assert_int_equal(check_event(&limits, 2000, arena, &event), OK);
  assert_int_equal(strlen(event.detail), 198);
  assert_true(bytes_is_utf8(bytes_text(event.detail)));
  arena_free(arena);
}

static void test_clock(void **state) {
  (void)state;
  assert_false(clock_is_off(0, 1000000, 0, 1));
  assert_false(clock_is_off(1000000, 1000000, 0, 0));
  assert_true(clock_is_off(1000001, 1000000, 0, 0));
  assert_true(clock_is_off(999999, 1000000, 0, 0));
  assert_false(clock_is_off(999000, 1000000, 1000, 0));
  assert_true(clock_is_off(1001000, 1000000, 1000, 0)); // nothing comes from the future
  assert_true(clock_is_off(INT64_MAX, 1000000, 1000, 300000));
  assert_true(clock_is_off(INT64_MIN, 1000000, 1000, 300000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sequence_begins_anywhere),
      cmocka_unit_test(test_sequence_gap_is_told_once),
      cmocka_unit_test(test_sequence_that_begins_again_with_1),
      cmocka_unit_test(test_sequence_of_another_life),
      cmocka_unit_test(test_sequence_at_the_end_of_numbers),
      cmocka_unit_test(test_receipts_against_a_set),
      cmocka_unit_test(test_a_repetition_claims_nothing),
      cmocka_unit_test(test_a_number_that_never_comes_delays_only_itself),
      cmocka_unit_test(test_instants),
      cmocka_unit_test(test_instants_against_the_c_library),
      cmocka_unit_test(test_registry),
      cmocka_unit_test(test_registry_is_bounded),
      cmocka_unit_test(test_devices_forget_the_oldest_that_is_free),
      cmocka_unit_test(test_a_site_makes_us_forget_its_own_devices_alone),
      cmocka_unit_test(test_a_table_that_is_pinned_costs_no_search),
      cmocka_unit_test(test_long_texts_are_cut_between_characters),
      cmocka_unit_test(test_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Whatever the order and however often reads come, the vectors' bytes are the same; and once everything has come, the
// usage that is known is too. RISER_SEED=<number> repeats a run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/billing_state.h"
#include "render.h"
#include "script.h"
#include "twin.h"
#include "wire/state.h"

enum { ROUNDS = 12, READS = 1500, BATCH = 40 };

static const struct twin_mode warm = {"warm", false, SIZE_MAX, SIZE_MAX};

static uint64_t random_state;

static uint64_t chance(uint64_t below) { // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1dULL % below;
}

static void unseen(void *context, const struct decision *decision) {
  (void)context;
  (void)decision;
}

static void say(struct script *script, struct twin *twin, const char *text) {
  char line[512];
  struct words words;
  struct fact fact;
  snprintf(line, sizeof line, "%s", text);
  words_split(line, &words);
  assert_true(script_fact(script, &words, &fact));
  twin_apply(twin, &fact, unseen, NULL);
}

static struct twin *begin(struct script *script) {
  static const char *const lines[] = {
      "site s",
      "tariff w water block year/03 20:5 -:7",
      "room 101",
      "point 101-water 101 water w",
      "install i1 101-water w-1 volume 2016-03-01",
      "lease lease-101 101 t 2016-03-01",
  };
  struct twin *twin = twin_new(warm);
  script_init(script);
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) say(script, twin, lines[i]);
  return twin;
}

// Three months of a meter that sometimes sends nonsense, several reads in a second, and seconds close together.
static void make_reads(struct reading reads[READS], const struct script *script) {
  int64_t from_s = script_time(script, "2016-02-28"), until_s = script_time(script, "2016-06-02");
  for (int i = 0; i < READS; i++) {
    int64_t at_s = from_s + (int64_t)chance((uint64_t)(until_s - from_s));
    if (i > 0 && chance(3) == 0) at_s = reads[i - 1].time_s + (int64_t)chance(600);
    if (i > 0 && chance(20) == 0) at_s = reads[i - 1].time_s;
    int64_t value = 5000000 + (at_s - from_s) * 7 + (int64_t)chance(2000);
    if (chance(50) == 0) value = (int64_t)chance(900000000);
    reads[i] = (struct reading){"w-1", REGISTER_VOLUME_COLD, at_s, value};
  }
}

static void shuffle(struct reading reads[READS]) {
  for (uint64_t i = READS; i > 1; i--) {
    uint64_t k = chance(i);
    struct reading one = reads[i - 1];
    reads[i - 1] = reads[k];
    reads[k] = one;
  }
}

static void send(struct twin *twin, const struct reading *reads, size_t count) {
  struct fact fact = {.kind = FACT_READINGS, .readings = {.device = "gw", .readings = reads, .count = count}};
  fact.envelope = (struct envelope){.fact_id = "r", .site = "s", .landlord = "owner"};
  twin_apply(twin, &fact, unseen, NULL);
}

// In any batches; some come twice. With ticks in between periods close before their reads have come.
static void send_all(struct script *script, struct twin *twin, const struct reading reads[READS], bool ticks) {
  static const char *const days[] = {"tick 2016-03-20", "tick 2016-04-03", "tick 2016-05-03", "tick 2016-06-04"};
  size_t next_tick = 0;
  for (size_t i = 0; i < READS;) {
    size_t count = 1 + chance(BATCH);
    if (count > READS - i) count = READS - i;
    send(twin, reads + i, count);
    if (chance(4) == 0) send(twin, reads + i, count);
    if (i > 0 && chance(6) == 0) send(twin, reads + chance(i), 1);
    i += count;
    if (ticks && next_tick < 4 && i > (next_tick + 1) * READS / 5) say(script, twin, days[next_tick++]);
  }
  say(script, twin, "tick 2016-06-10");
  say(script, twin, "tick 2016-06-11");
}

static void append_point(struct twin *twin, struct buffer *out) {
  struct arena *arena = arena_new((size_t)1 << 20);
  struct point_state point;
  assert_int_equal(wire_point_state_decode(twin_value(twin, "point:s/101-water"), arena, &point), OK);
  for (size_t i = 0; i < point.period_count; i++) {
    const struct period *period = &point.periods[i];
    const struct bill_meter *shown = &period->meters[0].shown;
    assert_int_equal(buffer_printf(out, "%u usage %lld from %lld to %lld\n", period->month, (long long)period->usage,
                                   (long long)shown->previous_value, (long long)shown->present_value),
                     OK);
  }
  arena_free(arena);
}

// The vectors' bytes and the closed periods.
static char *outcome(struct twin *twin) {
  static const char *const months[] = {"201602", "201603", "201604", "201605", "201606"};
  struct buffer out;
  buffer_init(&out, (size_t)1 << 24);
  for (size_t i = 0; i < sizeof months / sizeof months[0]; i++) {
    char key[64];
    snprintf(key, sizeof key, "reads:s/w-1/20/%s", months[i]);
    struct bytes vector = twin_value(twin, key);
    char *hex = malloc(2 * vector.len + 1);
    assert_non_null(hex);
    hex_encode(vector, hex);
    assert_int_equal(buffer_append_text(&out, hex), OK);
    assert_int_equal(buffer_append_text(&out, "\n"), OK);
    free(hex);
  }
  append_point(twin, &out);
  char *text = strdup(buffer_text(&out));
  buffer_fini(&out);
  return text;
}

static void test_any_order(void **state) {
  (void)state;
  const char *given = getenv("RISER_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 10) : 20160301;
  for (int round = 0; round < ROUNDS; round++, seed++) {
    random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
    static struct reading reads[READS];
    char *first = NULL;
    for (int order = 0; order < 4; order++) {
      struct script script;
      struct twin *twin = begin(&script);
      if (order == 0) make_reads(reads, &script);
      if (order > 0) shuffle(reads);
      send_all(&script, twin, reads, order > 1);
      char *text = outcome(twin);
      if (!first) first = strdup(text);
      if (strcmp(first, text) != 0) fail_msg("RISER_SEED=%llu, order %d: it differs", (unsigned long long)seed, order);
      free(text);
      twin_free(twin);
      script_fini(&script);
    }
    free(first);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

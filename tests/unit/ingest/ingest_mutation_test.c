// SPDX-License-Identifier: Apache-2.0
// Every payload of the case files, changed at random thousands of times: whatever comes, the intake answers with facts
// that keep their bounds or with a refusal that says why. Built with the sanitizers it also finds what it should not
// touch. RISER_SEED repeats a run, RISER_ROUNDS makes it longer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "case_file.h"

enum { SMALL = 4096, ROUNDS = 3000 };

struct run {
  struct case_world world;
  uint64_t random, position;
  long rounds, facts, refusals;
};

static uint32_t below(struct run *run, uint32_t bound) {
  run->random ^= run->random >> 12;
  run->random ^= run->random << 25;
  run->random ^= run->random >> 27;
  return (uint32_t)((run->random * 2685821657736338717ull) >> 33) % bound;
}

static size_t mutate(struct run *run, uint8_t *payload, size_t len) {
  static const char *const parts[] = {"\"", "{", "}", "[", "]", ":", ",", "1e999", "-", "null", "\\u0000", "\xff"};
  for (uint32_t times = 1 + below(run, 4); times; times--) {
    uint32_t at = len ? below(run, (uint32_t)len) : 0;
    switch (below(run, 5)) {
    case 0:
      if (len) payload[at] ^= (uint8_t)(1u << below(run, 8));
      break;
    case 1:
      if (len) payload[at] = (uint8_t)below(run, 256);
      break;
    case 2:
      len = at;
      break;
    case 3:
      if (len < SMALL - 1) {
        memmove(payload + at + 1, payload + at, len - at);
        payload[at] = (uint8_t)below(run, 256);
        len++;
      }
      break;
    default: {
      const char *part = parts[below(run, sizeof parts / sizeof *parts)];
      size_t size = strlen(part);
      if (at + size <= len) memcpy(payload + at, part, size);
    }
    }
  }
  return len;
}

static void check_fact(const struct fact *fact) {
  assert_true(*fact->envelope.fact_id && *fact->envelope.site);
  if (fact->kind != FACT_READINGS) return;
  assert_in_range(fact->readings.count, 1, 10000);
  for (size_t i = 0; i < fact->readings.count; i++) {
    const struct reading *reading = &fact->readings.readings[i];
    assert_true(id_is_valid(bytes_text(reading->meter)));
    assert_true(reading->value >= 0 && reading->value <= CHECK_VALUE_MAX);
    assert_true(reading->time_s >= 946684800 && reading->time_s <= fact->envelope.receive_time_ms / 1000 + 86400);
    assert_true(register_commodity(reading->reg) != COMMODITY_NONE);
  }
}

static void try_mutations(void *ctx, struct test_case *test) {
  struct run *run = ctx;
  if (test->payload_len > SMALL / 2) return;
  uint8_t *original = test->payload, changed[SMALL];
  size_t original_len = test->payload_len;
  for (long i = 0; i < run->rounds; i++) {
    memcpy(changed, original, original_len);
    test->payload_len = mutate(run, changed, original_len);
    test->payload = malloc(test->payload_len + 1); // its end is where the sanitizers watch
    assert_non_null(test->payload);
    uint8_t *exact = realloc(test->payload, test->payload_len ? test->payload_len : 1);
    memcpy(exact, changed, test->payload_len);
    test->payload = exact;
    struct arrival arrival = case_arrival(test, run->position++);
    struct intaken taken;
    assert_int_equal(intake_take(run->world.intake, &arrival, &taken), OK);
    for (size_t f = 0; f < taken.verdict.fact_count; f++) check_fact(&taken.verdict.facts[f]);
    assert_true(taken.verdict.fact_count || taken.verdict.refused);
    assert_true(!taken.verdict.refused || error_class(taken.verdict.refused) == CLASS_REJECT);
    run->facts += (long)taken.verdict.fact_count;
    run->refusals += taken.verdict.refused != OK;
    free(exact);
  }
  test->payload = original;
}

static void test_mutations(void **state) {
  (void)state;
  const char *seed = getenv("RISER_SEED"), *rounds = getenv("RISER_ROUNDS");
  struct run run = {.random = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1,
                    .rounds = rounds ? strtol(rounds, NULL, 10) : ROUNDS};
  print_message("seed %llu\n", (unsigned long long)run.random);
  case_world_init(&run.world);
  case_file_read("good.txt", try_mutations, &run);
  case_file_read("bad.txt", try_mutations, &run);
  case_file_read("bad_signature.txt", try_mutations, &run);
  case_world_fini(&run.world);
  print_message("%ld facts, %ld refusals\n", run.facts, run.refusals);
  assert_true(run.facts > 1000 && run.refusals > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Billing's fold with records that no writer of ours makes: behind a small site come records of the site log, each a
// byte (odd: it is put into that site), two bytes of length and its protobuf. A fact that can't be applied is an
// exception, never the end; and played with everything in memory or with everything forgotten after each record, in
// batches of a single step, the same decisions follow and the same bytes are stored.
#include <string.h>

#include "base/crc32c.h"
#include "fuzz.h"
#include "unit/billing/script.h"
#include "unit/billing/twin.h"
#include "wire/fact.h"

enum { ARENA_MAX = 64 << 20, FACTS_MAX = 64, SITE_FACTS_MAX = 16 };
#define DAYS_S (INT64_C(400) * 86400) // of business time; further ahead the shell takes no tick

static const char *const SITE[] = {
    "site s",
    "tariff e electricity flat 0.25",
    "tariff w water block month 10:1.00 -:2.50",
    "room r",
    "point p-e r electricity e",
    "point p-w r water w",
    "install i-1 p-e e-1 energy_import 2016-03-01 switch=relay device=gw-1",
    "install i-2 p-w w-1 volume 2016-03-01 device=gw-1 rollover=10000",
    "lease l r t,u 2016-03-01",
    "hourly e-1 energy_import 2016-03-01T00:00 2016-03-03T00:00 0 48",
    "tick 2016-03-02T00:05",
};

struct played {
  uint32_t decisions; // a checksum of their ids, in order
  size_t count;
  char *stored;
};

static struct script script;
static struct fact site_facts[SITE_FACTS_MAX];
static size_t site_fact_count;

static void begin(void) {
  script_init(&script);
  for (size_t i = 0; i < sizeof SITE / sizeof *SITE; i++) {
    char line[256];
    struct words words;
    strcpy(line, SITE[i]);
    words_split(line, &words);
    FUZZ_HOLDS(script_fact(&script, &words, &site_facts[site_fact_count++]));
  }
}

static void seen(void *context, const struct decision *decision) {
  struct played *outcome = context;
  FUZZ_HOLDS(*decision->id);
  outcome->decisions = crc32c(outcome->decisions, decision->id, strlen(decision->id));
  outcome->count++;
}

static struct played play(const struct fact *facts, size_t count, struct twin_mode mode) {
  struct played outcome = {.count = 0};
  struct twin *twin = twin_new(mode);
  for (size_t i = 0; i < site_fact_count; i++) twin_apply(twin, &site_facts[i], seen, &outcome);
  for (size_t i = 0; i < count; i++) twin_apply(twin, &facts[i], seen, &outcome);
  outcome.stored = twin_dump(twin);
  twin_free(twin);
  return outcome;
}

// False: the shell would not hand it to the fold.
static bool read_fact(struct fuzz_input *input, struct arena *arena, struct fact *fact) {
  uint8_t how = fuzz_u8(input);
  struct bytes record = fuzz_bytes(input, fuzz_u16(input));
  if (wire_fact_decode(record, arena, fact) || fact->envelope.min_reader > FACT_READER_VERSION) return false;
  if (how & 1) fact->envelope.site = "s";
  if (strlen(fact->envelope.site) > 64 || strlen(fact->envelope.fact_id) > 200) return false;
  if (fact->kind == FACT_TICK) {
    int64_t step_s = fact->tick.time_s % DAYS_S;
    fact->tick.time_s = site_facts[site_fact_count - 1].tick.time_s + (step_s < 0 ? -step_s : step_s);
  }
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct fact facts[FACTS_MAX];
  if (!site_fact_count) begin();
  struct fuzz_input input = {data, size};
  struct arena *arena = arena_new(ARENA_MAX);
  size_t count = 0;
  while (input.left && count < FACTS_MAX) count += read_fact(&input, arena, &facts[count]);
  struct played warm = play(facts, count, (struct twin_mode){"warm", false, 1000, 1000});
  struct played cold = play(facts, count, (struct twin_mode){"cold", true, 1, 1});
  FUZZ_HOLDS(warm.count == cold.count && warm.decisions == cold.decisions);
  FUZZ_HOLDS(strcmp(warm.stored, cold.stored) == 0);
  free(warm.stored);
  free(cold.stored);
  arena_free(arena);
  return 0;
}

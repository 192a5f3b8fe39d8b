// SPDX-License-Identifier: Apache-2.0
// The case files: each message goes through topic, codec and judgement, and what comes of it is compared as text.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/core/instant.h"
#include "ingest/intake.h"

#define CASES RISER_SOURCE_DIR "/tests/unit/ingest/cases/"

enum { LINE_MAX_LEN = 4096, PAYLOAD_MAX = 1 << 20, TEXT_MAX = 4096 };

struct bench { // where cases are tried
  struct registry *registry;
  struct devices *devices;
  struct intake *intake;
  int64_t receive_ms, held_ms;
  uint64_t position;
  char name[LINE_MAX_LEN], topic[LINE_MAX_LEN];
  uint8_t *payload;
  size_t payload_len;
  char expected[TEXT_MAX];
  int cases, wrong;
};

static void put(struct registry *registry, const char *site, const char *device, const char *landlord) {
  struct registry_entry entry = {bytes_text(site), bytes_text(device), bytes_text(landlord)};
  assert_int_equal(registry_put(registry, &entry), OK);
}

static void bench_init(struct bench *bench) {
  *bench = (struct bench){.receive_ms = 1780315200000, .position = 1000};
  bench->registry = registry_new(100);
  bench->devices = devices_new(100);
  bench->payload = malloc(PAYLOAD_MAX);
  assert_true(bench->registry && bench->devices && bench->payload);
  put(bench->registry, "north", "", "ann");
  put(bench->registry, "south", "", "ann");
  put(bench->registry, "south", "s-1", "ann");
  put(bench->registry, "west", "", "bob");
  put(bench->registry, "west", "b-1", "bob");
  struct intake_options options = {
      .judge = {
          .limits = {.readings_max = 10000, .oldest_s = 946684800, .future_ms = 86400000},
          .clock_limit_ms = 300000,
          .clock_event_every_ms = 3600000,
          .refuse_foreign = true,
          .track_sequences = true,
          .registry = bench->registry,
          .devices = bench->devices,
          .instance = "0",
      },
      .payload_max = 256 * 1024,
  };
  bench->intake = intake_new(&options);
  assert_non_null(bench->intake);
}

static void bench_fini(struct bench *bench) {
  intake_free(bench->intake);
  devices_free(bench->devices);
  registry_free(bench->registry);
  free(bench->payload);
}

static const char *const EVENT_NAMES[] = {"none",        "tamper",     "cover-open", "leak", "overload",  "low-battery",
                                          "power-lost", "smoke", "door",       "clock-off", "sequence-gap"};
static const char *const SUPPLY_NAMES[] = {"unknown", "on", "off"};
static const char *const OUTCOME_NAMES[] = {"none", "accepted", "done", "refused", "expired", "duplicate"};

static void say(char *text, const char *format, ...) {
  size_t len = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + len, TEXT_MAX - len, format, arguments);
  va_end(arguments);
}

static void say_fact(char *text, const struct fact *fact) {
  assert_string_equal(fact->envelope.landlord, "ann");
  assert_int_equal(fact->envelope.min_reader, FACT_READER_VERSION);
  assert_true(strlen(fact->envelope.fact_id) > 0 && strncmp(fact->envelope.source, "ingest/", 7) == 0);
  const struct readings_fact *readings = &fact->readings;
  switch (fact->kind) {
    case FACT_READINGS:
      say(text, "readings %s\n", fact->envelope.fact_id);
      for (size_t i = 0; i < readings->count; i++)
        say(text, "reading %s %s %" PRId64 " %" PRId64 "\n", readings->readings[i].meter,
            register_name(readings->readings[i].reg), readings->readings[i].time_s, readings->readings[i].value);
      if (readings->clock_suspect) say(text, "suspect\n");
      break;
    case FACT_DEVICE_EVENT:
      say(text, "event %s %" PRId64 "%s%s\n", EVENT_NAMES[fact->device_event.kind], fact->device_event.time_s,
          *fact->device_event.detail ? " " : "", fact->device_event.detail);
      break;
    case FACT_DEVICE_STATE:
      say(text, "state %s %s %" PRId64 " %" PRIu64 "\n", fact->device_state.online ? "online" : "offline",
          SUPPLY_NAMES[fact->device_state.supply], fact->device_state.time_s, fact->device_state.desired_version);
      break;
    case FACT_COMMAND_ACK:
      say(text, "ack %s %s %" PRId64 "\n", fact->command_ack.command_id, OUTCOME_NAMES[fact->command_ack.outcome],
          fact->command_ack.time_s);
      break;
    default: say(text, "fact %d\n", (int)fact->kind);
  }
}

static void try_case(struct bench *bench) {
  if (!*bench->name) return;
  struct arrival arrival = {
      .topic = bytes_text(bench->topic),
      .payload = bytes_make(bench->payload, bench->payload_len),
      .length = bench->payload_len,
      .receive_ms = bench->receive_ms,
      .held_ms = bench->held_ms,
      .position = bench->position++,
  };
  struct intaken taken;
  assert_int_equal(intake_take(bench->intake, &arrival, &taken), OK);
  char text[TEXT_MAX] = "";
  for (size_t i = 0; i < taken.verdict.fact_count; i++) say_fact(text, &taken.verdict.facts[i]);
  if (taken.verdict.refused) {
    say(text, "refused %s\n", error_name(taken.verdict.refused));
    assert_true(error_class(taken.verdict.refused) == CLASS_REJECT && *taken.verdict.detail);
  }
  if (taken.verdict.heard) say(text, "receipt %" PRIu64 "\n", taken.verdict.receipt);
  bench->cases++;
  if (strcmp(text, bench->expected) == 0) return;
  bench->wrong++;
  print_error("case %s\n--- wanted\n%s--- got (%s)\n%s\n", bench->name, bench->expected, taken.verdict.detail, text);
}

static void fill_random(struct bench *bench, size_t count, uint32_t x) {
  for (size_t i = 0; i < count; i++) {
    x = (x * 1103515245u + 12345u) & 0x7fffffffu;
    bench->payload[i] = (uint8_t)(x >> 16);
  }
  bench->payload_len = count;
}

static bool payload_line(struct bench *bench, const char *word, const char *rest) {
  size_t count = 0;
  unsigned number = 0;
  if (strcmp(word, "text") == 0) {
    bench->payload_len = strlen(rest);
    memcpy(bench->payload, rest, bench->payload_len);
  } else if (strcmp(word, "hex") == 0) {
    bench->payload_len = strlen(rest) / 2;
    assert_int_equal(hex_decode(bytes_text(rest), bench->payload, bench->payload_len), OK);
  } else if (strcmp(word, "fill") == 0) {
    assert_int_equal(sscanf(rest, "%zu %x", &count, &number), 2);
    memset(bench->payload, (int)number, bench->payload_len = count);
  } else if (strcmp(word, "random") == 0) {
    assert_int_equal(sscanf(rest, "%zu %u", &count, &number), 2);
    fill_random(bench, count, number);
  } else if (strcmp(word, "wrap") == 0) {
    assert_int_equal(sscanf(rest, "%zu", &count), 1);
    memset(bench->payload, '[', count);
    memset(bench->payload + count, ']', count);
    bench->payload_len = 2 * count;
  } else {
    return false;
  }
  return true;
}

static void case_line(struct bench *bench, char *line) {
  if (*line == '#' || !*line) return;
  char *space = strchr(line, ' ');
  const char *rest = space ? space + 1 : "";
  if (space) *space = 0;
  if (strcmp(line, "case") == 0) {
    try_case(bench);
    strcpy(bench->name, rest);
    *bench->expected = 0;
    bench->held_ms = 0;
  } else if (strcmp(line, "topic") == 0) {
    strcpy(bench->topic, rest);
  } else if (strcmp(line, "receive") == 0) {
    assert_int_equal(instant_parse(bytes_text(rest), &bench->receive_ms), OK);
  } else if (strcmp(line, "held") == 0) {
    bench->held_ms = strtoll(rest, NULL, 10) * 1000;
  } else if (!payload_line(bench, line, rest)) {
    say(bench->expected, "%s%s%s\n", line, *rest ? " " : "", rest);
  }
}

static void run_file(const char *path) {
  struct bench bench;
  bench_init(&bench);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char line[LINE_MAX_LEN];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    case_line(&bench, line);
  }
  fclose(file);
  try_case(&bench);
  print_message("%d cases of %s\n", bench.cases, strrchr(path, '/') + 1);
  assert_int_equal(bench.wrong, 0);
  assert_true(bench.cases > 10);
  bench_fini(&bench);
}

static void test_good(void **state) {
  (void)state;
  run_file(CASES "good.txt");
}

static void test_bad(void **state) {
  (void)state;
  run_file(CASES "bad.txt");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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

#include "case_file.h"

enum { TEXT_MAX = CASE_TEXT_MAX };

struct run {
  struct case_world world;
  uint64_t position;
  int wrong;
};

static const char *const EVENT_NAMES[] = {"none",     "tamper",      "cover-open",  "leak",
                                          "overload", "low-battery", "power-lost",  "smoke",
                                          "door",     "clock-off",   "sequence-gap"};
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
  default:
    say(text, "fact %d\n", (int)fact->kind);
  }
}

static void say_receipt(char *text, const struct receipt *receipt) {
  say(text, "receipt %" PRIu64 " %" PRIu64, receipt->first, receipt->sequence);
  if (receipt->boot) say(text, " boot %" PRIu64, receipt->boot);
  say(text, "\n");
}

static void try_case(void *ctx, struct test_case *test) {
  struct run *run = ctx;
  struct arrival arrival = case_arrival(test, run->position++);
  struct intaken taken;
  assert_int_equal(intake_take(run->world.intake, &arrival, &taken), OK);
  char text[TEXT_MAX] = "";
  for (size_t i = 0; i < taken.verdict.fact_count; i++) say_fact(text, &taken.verdict.facts[i]);
  if (taken.verdict.refused) {
    say(text, "refused %s\n", error_name(taken.verdict.refused));
    assert_true(error_class(taken.verdict.refused) == CLASS_REJECT && *taken.verdict.detail);
    assert_true(bytes_is_utf8(bytes_text(taken.verdict.detail)));
  }
  const struct claim *claim = &taken.verdict.claim;
  struct receipt receipts[SEQUENCE_RECEIPTS_MAX];
  claim_begin(claim);
  if (claim_settle(claim)) {
    assert_int_equal(sequence_receipts(&claim->heard->sequence, claim->number, claim->number, receipts), 1);
    say_receipt(text, receipts);
  }
  if (strcmp(text, test->expected) == 0) return;
  run->wrong++;
  print_error("case %s\n--- wanted\n%s--- got (%s)\n%s\n", test->name, test->expected, taken.verdict.detail, text);
}

static void run_file(const char *name) {
  struct run run = {.position = 1000};
  case_world_init(&run.world);
  int count = case_file_read(name, try_case, &run);
  print_message("%d cases of %s\n", count, name);
  assert_int_equal(run.wrong, 0);
  assert_true(count > 10);
  case_world_fini(&run.world);
}

static void test_good(void **state) {
  (void)state;
  run_file("good.txt");
}

static void test_bad(void **state) {
  (void)state;
  run_file("bad.txt");
  run_file("bad_signature.txt");
}

// payload_max may have changed since a message came: what was cut then is only a head, and what came whole is whole.
static void test_what_was_cut_is_told_by_the_spool_alone(void **state) {
  static const uint8_t sha256[ARRIVAL_SHA256_SIZE];
  static char padded[300 * 1024];
  (void)state;
  struct case_world world;
  case_world_init(&world);
  const char *text = "{\"at\":1780228800,\"volume_l\":1}";
  struct arrival arrival = {.topic = bytes_text("riser/v1/north/m-1/up/json"),
                            .payload = bytes_text(text),
                            .length = strlen(text) + 1000,
                            .sha256 = sha256,
                            .receive_ms = 1780228800000};
  struct intaken taken;
  assert_int_equal(intake_take(world.intake, &arrival, &taken), OK);
  assert_true(taken.verdict.refused == ERR_TOO_LARGE && taken.verdict.fact_count == 0);
  memset(padded, ' ', sizeof padded);
  memcpy(padded, text, strlen(text));
  arrival.payload = bytes_make(padded, sizeof padded);
  arrival.length = sizeof padded;
  arrival.sha256 = NULL;
  assert_int_equal(intake_take(world.intake, &arrival, &taken), OK);
  assert_true(taken.verdict.refused == OK && taken.verdict.fact_count == 1);
  case_world_fini(&world);
}

// Receipts can't be told for a while, so that nothing of the table may be forgotten: readings are worth more.
static void test_readings_go_on_without_room_for_their_device(void **state) {
  (void)state;
  struct case_world world;
  case_world_init(&world);
  for (int i = 0; devices_count(world.devices) < 100; i++) {
    char name[16];
    snprintf(name, sizeof name, "p-%d", i);
    devices_get(world.devices, bytes_text("north"), bytes_text(name))->pins = 1;
  }
  const char *text = "{\"seq\":7,\"receipt\":true,\"sent_at\":1780200000,\"at\":1780228800,\"volume_l\":1}";
  struct arrival arrival = {.topic = bytes_text("riser/v1/north/m-1/up/json"),
                            .payload = bytes_text(text),
                            .length = strlen(text),
                            .receive_ms = 1780228800000};
  struct intaken taken;
  assert_int_equal(intake_take(world.intake, &arrival, &taken), OK);
  assert_true(taken.verdict.refused == OK && taken.verdict.fact_count == 1 && !taken.verdict.claim.heard);
  assert_true(taken.verdict.facts[0].readings.clock_suspect);
  case_world_fini(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
                                     cmocka_unit_test(test_what_was_cut_is_told_by_the_spool_alone),
                                     cmocka_unit_test(test_readings_go_on_without_room_for_their_device)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

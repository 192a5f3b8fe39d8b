// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metersim/contact.h"
#include "metersim/fleet.h"
#include "metersim/meter.h"
#include "metersim/options.h"
#include "metersim/outgoing.h"
#include "metersim/payload.h"
#include "metersim/resend.h"

enum { LINE_SIZE = 256 };

// ---------------------------------------------------------------- contact

static const char *const acks[] = {"none", "accepted", "done", "refused", "expired", "duplicate"};

static void say_state(const struct contact *contact, char *text, size_t size) {
  size_t len = strlen(text);
  snprintf(text + len, size - len, "%sstate %s v%llu", len ? ", " : "", contact->supply == SUPPLY_OFF ? "off" : "on",
           (unsigned long long)contact->version);
}

static void play_new(struct contact *contact, const char *line) {
  const char *slow = strstr(line, "slow=");
  *contact = (struct contact){.supply = SUPPLY_ON,
                              .stuck = strstr(line, "stuck") != NULL,
                              .refuses = strstr(line, "refuses") != NULL,
                              .strict = strstr(line, "strict") != NULL,
                              .slow_ms = slow ? strtoll(slow + 5, NULL, 10) : 0};
}

static void play_command(struct contact *contact, const char *line, char *text, size_t size) {
  char id[32], supply[8];
  unsigned long long version;
  long long not_after, at;
  assert_int_equal(sscanf(line, "command %31s %7s v%llu %lld at %lld", id, supply, &version, &not_after, &at), 5);
  struct device_command command = {.command_id = id,
                                   .supply = strcmp(supply, "off") == 0 ? SUPPLY_OFF : SUPPLY_ON,
                                   .not_after_s = not_after,
                                   .desired_version = version};
  struct contact_answer answer = contact_take(contact, &command, at, 0);
  snprintf(text, size, "%s", acks[answer.outcome]);
  if (answer.show) say_state(contact, text, size);
}

static void play_line(struct contact *contact, char *line, char *text, size_t size) {
  text[0] = '\0';
  if (strncmp(line, "new", 3) == 0) play_new(contact, line);
  if (strncmp(line, "command ", 8) == 0) play_command(contact, line, text, size);
  if (strncmp(line, "force ", 6) == 0) contact_force(contact, strstr(line, "off") ? SUPPLY_OFF : SUPPLY_ON);
  if (strncmp(line, "at ", 3) == 0 && contact_arrives(contact, strtoll(line + 3, NULL, 10))) {
    snprintf(text, size, "done");
    say_state(contact, text, size);
  }
}

static void test_contact(void **state) {
  (void)state;
  struct contact contact = {.supply = SUPPLY_ON};
  char line[LINE_SIZE], text[LINE_SIZE];
  int number = 0;
  FILE *file = fopen(RISER_SOURCE_DIR "/tests/unit/metersim/contact.txt", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    number++;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0') continue;
    char *arrow = strstr(line, "=>");
    const char *expected = arrow ? arrow + 2 + strspn(arrow + 2, " ") : "";
    if (arrow) *arrow = '\0';
    play_line(&contact, line, text, sizeof text);
    if (strcmp(text, expected) != 0) fail_msg("contact.txt:%d: expected %s, followed %s", number, expected, text);
  }
  fclose(file);
  assert_true(number > 20);
}

// ---------------------------------------------------------------- meter, random

static void test_meter_stops_when_cut(void **state) {
  (void)state;
  struct random random = {1};
  struct meter meter = {.id = "m", .reg = REGISTER_ENERGY_IMPORT, .value = 1000};
  struct reading first = meter_read(&meter, 100, true, &random);
  struct reading second = meter_read(&meter, 100, true, &random);
  assert_int_equal(first.time_s, 100);
  assert_int_equal(second.time_s, 101); // one value a second
  for (int i = 0; i < 100; i++) assert_true(meter_read(&meter, 200 + i, true, &random).value >= second.value);
  int64_t stands = meter.value;
  assert_true(stands > 1000);
  for (int i = 0; i < 100; i++) assert_int_equal(meter_read(&meter, 400 + i, false, &random).value, stands);
}

static void test_same_seed_same_numbers(void **state) {
  (void)state;
  struct random a = {42}, b = {42};
  int hits = 0;
  for (int i = 0; i < 10000; i++) {
    assert_true(random_next(&a) == random_next(&b));
    hits += random_hits(&a, 100);
    random_next(&b);
  }
  assert_in_range(hits, 50, 150);      // 1 %
  struct random reference = {1234567}; // the first numbers of the published generator for this seed
  assert_true(random_next(&reference) == UINT64_C(6457827717110365317));
  assert_true(random_next(&reference) == UINT64_C(3203168211198807973));
}

// ---------------------------------------------------------------- outgoing

static void test_queue_gives_out_in_time_order(void **state) {
  (void)state;
  struct queue queue;
  struct random random = {7};
  assert_int_equal(queue_init(&queue, 500), OK);
  for (int i = 0; i < 500; i++) {
    struct outgoing *message = outgoing_new(NULL, OUTGOING_STATE, "up/state");
    message->due_ms = (int64_t)random_below(&random, 50);
    assert_int_equal(queue_take(&queue, message), OK);
  }
  struct outgoing *more = outgoing_new(NULL, OUTGOING_STATE, "up/state");
  assert_int_equal(queue_take(&queue, more), ERR_QUEUE_FULL);
  outgoing_free(more);
  assert_int_equal(queue_next_ms(&queue), 0);
  assert_null(queue_pop(&queue, -1));
  int64_t last_ms = 0;
  uint64_t last_order = 0;
  for (int i = 0; i < 400; i++) {
    struct outgoing *message = queue_pop(&queue, INT64_MAX);
    assert_true(message->due_ms > last_ms || (message->due_ms == last_ms && (i == 0 || message->order > last_order)));
    last_ms = message->due_ms;
    last_order = message->order;
    outgoing_free(message);
  }
  queue_fini(&queue); // with what is left
}

// A device with a key signs a message once, however often it sends it.
static void test_a_copy_is_the_same_bytes(void **state) {
  (void)state;
  struct outgoing *message = outgoing_new(NULL, OUTGOING_READINGS, "up/pb");
  assert_int_equal(buffer_append_text(&message->payload, "signed"), OK);
  message->is_signed = true;
  struct outgoing *copy = outgoing_copy(message), *again = outgoing_copy(copy);
  assert_true(copy->is_signed && again->is_signed);
  assert_true(bytes_equal_text(buffer_bytes(&again->payload), "signed"));
  outgoing_free(message);
  outgoing_free(copy);
  outgoing_free(again);
}

// ---------------------------------------------------------------- payload

static void test_command_of_both_formats(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  struct device_command command;
  static const char json[] =
      "{\"command\":\"c:1\",\"supply\":\"off\",\"not_after\":\"2016-05-25T00:05:00Z\",\"version\":3}";
  static const uint8_t pb[] = {0x0a, 1, 'a', 0x10, 2, 0x18, 1, 0x20, 3};
  assert_int_equal(payload_command(bytes_text(json), arena, &command), OK);
  assert_string_equal(command.command_id, "c:1");
  assert_int_equal(command.supply, SUPPLY_OFF);
  assert_int_equal(command.not_after_s, 1464134700);
  assert_int_equal(command.desired_version, 3);
  assert_int_equal(payload_command(bytes_make(pb, sizeof pb), arena, &command), OK);
  assert_string_equal(command.command_id, "a");
  assert_int_equal(command.supply, SUPPLY_OFF);
  assert_int_equal(payload_command(bytes_text("{\"command\":"), arena, &command), ERR_BAD_JSON);
  assert_int_equal(payload_command(bytes_text("{}"), arena, &command), ERR_BAD_SCHEMA);
  assert_int_equal(payload_command(bytes_text("\xff\xff"), arena, &command), ERR_BAD_PROTOBUF);
  assert_int_equal(payload_command(bytes_make(NULL, 0), arena, &command), ERR_BAD_SCHEMA);
  arena_free(arena);
}

static void test_json_that_devices_write(void **state) {
  (void)state;
  struct buffer out;
  buffer_init(&out, 4096);
  struct reading reading = {.meter = "m-1", .reg = REGISTER_VOLUME_COLD, .time_s = 100, .value = 5};
  struct batch batch = {
      .sequence = 7, .boot = 3, .sent_at_ms = 123, .readings = &reading, .count = 1, .want_receipt = true};
  assert_int_equal(payload_batch(FORMAT_JSON, &batch, &out), OK);
  assert_string_equal(buffer_text(&out), "{\"seq\":7,\"boot\":3,\"sent_at\":123,\"receipt\":true,\"readings\":"
                                         "[{\"meter\":\"m-1\",\"at\":100,\"volume_ml\":5}]}");
  buffer_clear(&out);
  struct device_state_fact shown = {
      .device = "", .online = true, .supply = SUPPLY_OFF, .time_s = 9, .desired_version = 2};
  assert_int_equal(payload_state(FORMAT_JSON, &shown, &out), OK);
  assert_string_equal(buffer_text(&out), "{\"online\":true,\"supply\":\"off\",\"at\":9,\"version\":2}");
  buffer_clear(&out);
  struct device_state_fact gone = {.device = ""};
  assert_int_equal(payload_state(FORMAT_PB, &gone, &out), OK);
  assert_string_equal(buffer_text(&out), "{\"online\":false}");
  buffer_clear(&out);
  struct command_ack_fact ack = {.device = "", .command_id = "a:\"b", .outcome = ACK_DONE, .time_s = 9, .detail = ""};
  assert_int_equal(payload_ack(FORMAT_JSON, &ack, &out), OK);
  assert_string_equal(buffer_text(&out), "{\"command\":\"a:\\\"b\",\"outcome\":\"done\",\"at\":9,\"detail\":\"\"}");
  buffer_fini(&out);
}

static void test_receipt(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  struct receipt receipt = {0};
  static const uint8_t pb[] = {0x08, 42, 0x10, 7, 0x18, 40};
  assert_int_equal(payload_receipt(bytes_make(pb, sizeof pb), arena, &receipt), OK);
  assert_true(receipt.sequence == 42 && receipt.boot == 7 && receipt.first == 40);
  assert_int_equal(payload_receipt(bytes_text("{\"first\":41,\"seq\":43,\"boot\":8}"), arena, &receipt), OK);
  assert_true(receipt.sequence == 43 && receipt.boot == 8 && receipt.first == 41);
  arena_free(arena);
}

// ---------------------------------------------------------------- options, fleet

static bool parse(struct options *options, int *exit_code, int count, const char *const *words) {
  char *argv[16] = {(char *)"metersim"};
  for (int i = 0; i < count; i++) argv[i + 1] = (char *)(uintptr_t)words[i];
  return options_parse(options, count + 1, argv, exit_code);
}

static void test_waits_before_sending_again_grow(void **state) {
  (void)state;
  struct random random = {7};
  struct resend resend = {.oldest = 0};
  static const int64_t same_ms[] = {1000, 2000, 4000, 8000, 16000, 16000, 16000};
  bool by_chance = false;
  for (size_t i = 0; i < sizeof same_ms / sizeof *same_ms; i++) {
    int64_t wait_ms = resend_wait_ms(&resend, 5, 1000, &random);
    assert_in_range(wait_ms, same_ms[i], same_ms[i] * 5 / 4);
    by_chance = by_chance || wait_ms != same_ms[i];
  }
  assert_true(by_chance);
  assert_in_range(resend_wait_ms(&resend, 6, 1000, &random), 1000, 1250); // a receipt has moved on
  assert_in_range(resend_wait_ms(&resend, 6, 1000, &random), 2000, 2500);
}

static void test_options(void **state) {
  (void)state;
  struct options options;
  int exit_code;
  const char *const good[] = {"--relays",    "s/a,s/b", "--duplicates=0.5", "--duration", "1.5",
                              "--clock-off", "-60",     "--receipts"};
  assert_true(parse(&options, &exit_code, 8, good));
  assert_int_equal(options.duplicates_e4, 50);
  assert_int_equal(options.duration_ms, 1500);
  assert_int_equal(options.clock_off_s, -60);
  assert_true(options.receipts);
  assert_string_equal(options.mqtt, "127.0.0.1:1883");
  const char *const bad[][2] = {{"--nonsense", "1"}, {"--rate", "fast"},   {"--duplicates", "101"}, {"--rate", "0"},
                                {"--format", "xml"}, {"--duration", "-1"}, {"relays", "s/a"},       {"--site", "s"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(parse(&options, &exit_code, 2, bad[i]));
    assert_int_equal(exit_code, 2);
  }
}

static void test_fleet(void **state) {
  (void)state;
  struct options options;
  struct fleet fleet;
  int exit_code;
  const char *const words[] = {"--relays", "s/a,t/b,s/a", "--gateways", "2",        "--meters", "3",
                               "--stuck",  "t/b",         "--slow",     "sim/gw-1", "--start",  "1000"};
  assert_true(parse(&options, &exit_code, 12, words));
  assert_int_equal(fleet_init(&fleet, &options), OK);
  assert_int_equal(fleet.count, 4);
  assert_int_equal(fleet.gateway_count, 2);
  assert_true(fleet_find(&fleet, "t/b")->contact.stuck);
  assert_int_equal(fleet_find(&fleet, "sim/gw-1")->contact.slow_ms, 5000);
  assert_string_equal(fleet_find(&fleet, "sim/gw-2")->meters[2].id, "gw-2-3");
  assert_null(fleet_find(&fleet, "s/b"));
  assert_null(fleet_find(&fleet, "nothing"));
  for (size_t i = 0; i < fleet.count; i++) free(fleet.devices[i].meters);
  fleet_fini(&fleet);
  options.stuck = "s/stranger";
  assert_int_equal(fleet_init(&fleet, &options), ERR_CONFIG);
  for (size_t i = 0; i < fleet.count; i++) free(fleet.devices[i].meters);
  fleet_fini(&fleet);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contact),
      cmocka_unit_test(test_meter_stops_when_cut),
      cmocka_unit_test(test_same_seed_same_numbers),
      cmocka_unit_test(test_queue_gives_out_in_time_order),
      cmocka_unit_test(test_a_copy_is_the_same_bytes),
      cmocka_unit_test(test_command_of_both_formats),
      cmocka_unit_test(test_json_that_devices_write),
      cmocka_unit_test(test_receipt),
      cmocka_unit_test(test_waits_before_sending_again_grow),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_fleet),
  };
  return cmocka_run_group_tests_name("metersim", tests, NULL, NULL);
}

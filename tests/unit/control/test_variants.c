// SPDX-License-Identifier: Apache-2.0
// Every variant of the two families against its case file: a variant without one fails.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "control/core/command.h"
#include "control/core/device/codec.h"
#include "control/core/devices.h"
#include "control/core/policy/policy.h"
#include "wire/telemetry.h"

enum { LINE_SIZE = 512, NAME_SIZE = 64 };

// Calls `check` for every line that says something; there must be at least two.
static void each_line(const char *folder, const char *name, void (*check)(const char *name, char *line)) {
  char path[LINE_SIZE], line[LINE_SIZE];
  int lines = 0;
  snprintf(path, sizeof path, "%s/tests/unit/control/%s/%s.txt", RISER_SOURCE_DIR, folder, name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s \"%s\" has no cases: write %s", folder, name, path);
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') continue;
    check(name, line);
    lines++;
  }
  fclose(file);
  assert_true(lines >= 2);
}

// ---------------------------------------------------------------- policy

static const struct policy *policy_named(const char *name) {
  for (size_t i = 0; i < policy_count; i++) {
    if (strcmp(policy_table[i]->name, name) == 0) return policy_table[i];
  }
  fail_msg("no policy %s in the table", name);
  return NULL;
}

static int64_t number_after(const char *line, const char *key, int64_t otherwise) {
  const char *at = strstr(line, key);
  return at ? strtoll(at + strlen(key), NULL, 10) : otherwise;
}

static bool says(const char *line, const char *word) {
  return strstr(line, word) != NULL;
}

// "off relay device=d1 online cuts=2 most=3 now=... offset=... days=0x7f from=8 until=16 => hold rate-limit until=..."
static void check_policy(const char *name, char *line) {
  char *arrow = strstr(line, "=>");
  assert_non_null(arrow);
  *arrow = '\0';
  struct switch_due due = {.supply = says(line, "off ") ? SUPPLY_OFF : SUPPLY_ON,
                           .switch_kind = says(line, "relay")   ? SWITCH_RELAY
                                          : says(line, "valve") ? SWITCH_VALVE : SWITCH_NONE,
                           .device = says(line, "unwired") ? "" : "d1"};
  struct device_view view = {.presence = says(line, "online")    ? PRESENCE_ONLINE
                                         : says(line, "offline") ? PRESENCE_OFFLINE : PRESENCE_UNKNOWN};
  snprintf(view.codec, sizeof view.codec, "%s", says(line, "morse") ? "morse" : "");
  struct policy_settings settings = {.cuts_per_hour = (uint32_t)number_after(line, "most=", 0),
                                     .cut_days = (uint32_t)number_after(line, "days=", 127),
                                     .cut_from_hour = (uint32_t)number_after(line, "from=", 0),
                                     .cut_until_hour = (uint32_t)number_after(line, "until=", 24)};
  struct policy_question question = {.due = &due, .device = says(line, "stranger") ? NULL : &view,
                                     .cuts_this_hour = (uint32_t)number_after(line, "cuts=", 0),
                                     .now_s = number_after(line, "now=", 0),
                                     .utc_offset_s = (int32_t)number_after(line, "offset=", 0), .settings = &settings};
  struct policy_answer answer = policy_named(name)->ask(&question);
  static const char *const verdicts[] = {"allow", "hold", "refuse"};
  char text[LINE_SIZE];
  snprintf(text, sizeof text, "%s%s%s", verdicts[answer.verdict], answer.reason[0] ? " " : "", answer.reason);
  if (answer.until_s) snprintf(text + strlen(text), 32, " until=%lld", (long long)answer.until_s);
  const char *expected = arrow + 2 + strspn(arrow + 2, " ");
  if (strcmp(text, expected) != 0) fail_msg("%s: %s\n  expected: %s\n  answered: %s", name, line, expected, text);
}

// ---------------------------------------------------------------- device

static struct device_command command_of(char *line) {
  char *save;
  struct device_command command = {.command_id = strtok_r(line, " ", &save)};
  command.supply = strcmp(strtok_r(NULL, " ", &save), "off") == 0 ? SUPPLY_OFF : SUPPLY_ON;
  command.not_after_s = strtoll(strtok_r(NULL, " ", &save), NULL, 10);
  command.desired_version = strtoull(strtok_r(NULL, " ", &save), NULL, 10);
  return command;
}

// "disconnect:s:p:v3 off 1464134700 3 => payload", the payload as text or, when it is not, in hexadecimal
static void check_device(const char *name, char *line) {
  char *arrow = strstr(line, "=>");
  assert_non_null(arrow);
  *arrow = '\0';
  const char *expected = arrow + 2 + strspn(arrow + 2, " ");
  struct device_command command = command_of(line);
  struct buffer out;
  buffer_init(&out, DEVICE_PAYLOAD_MAX);
  assert_int_equal(device_codec_find(name)->encode(&command, &out), OK);
  char hex[2 * DEVICE_PAYLOAD_MAX + 1];
  hex_encode(buffer_bytes(&out), hex);
  assert_string_equal(expected[0] == '{' ? buffer_text(&out) : hex, expected);
  buffer_fini(&out);
}

static void test_policies(void **state) {
  (void)state;
  for (size_t i = 0; i < policy_count; i++) each_line("policy", policy_table[i]->name, check_policy);
}

static void test_devices(void **state) {
  (void)state;
  for (size_t i = 0; i < device_count; i++) each_line("device", device_table[i]->name, check_device);
}

static void test_refusal_outweighs_hold(void **state) {
  (void)state;
  struct policy_settings settings = {.cut_days = 0x7f, .cut_until_hour = 24};
  struct switch_due due = {.supply = SUPPLY_OFF, .switch_kind = SWITCH_NONE, .device = "d1"};
  struct policy_answer answer = policy_ask(&(struct policy_question){.due = &due, .settings = &settings});
  assert_int_equal(answer.verdict, POLICY_REFUSE);
  assert_string_equal(answer.reason, "no-switch");
}

// The payload that is written by hand is what lib/wire reads.
static void test_pb_is_protobuf(void **state) {
  (void)state;
  const struct device_command commands[] = {
      {.command_id = "disconnect:s:p:v1", .supply = SUPPLY_OFF, .not_after_s = 1464134700, .desired_version = 1},
      {.command_id = "x", .supply = SUPPLY_ON, .not_after_s = INT64_MAX, .desired_version = UINT64_MAX},
      {.command_id = "", .supply = SUPPLY_ON, .not_after_s = 0, .desired_version = 0},
  };
  struct arena *arena = arena_new(1 << 16);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    struct buffer out, wire;
    struct device_command back;
    buffer_init(&out, DEVICE_PAYLOAD_MAX);
    buffer_init(&wire, DEVICE_PAYLOAD_MAX);
    assert_int_equal(device_codec_find("pb")->encode(&commands[i], &out), OK);
    assert_int_equal(wire_device_command_encode(&commands[i], &wire), OK);
    assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&wire)));
    assert_int_equal(wire_device_command_decode(buffer_bytes(&out), arena, &back), OK);
    assert_string_equal(back.command_id, commands[i].command_id);
    assert_int_equal(back.not_after_s, commands[i].not_after_s);
    buffer_fini(&out);
    buffer_fini(&wire);
  }
  arena_free(arena);
}

static void test_a_full_buffer_is_an_error(void **state) {
  (void)state;
  struct device_command command = {.command_id = "0123456789", .supply = SUPPLY_OFF, .not_after_s = 1,
                                   .desired_version = 1};
  for (size_t i = 0; i < device_count; i++) {
    struct buffer whole, out;
    buffer_init(&whole, DEVICE_PAYLOAD_MAX);
    assert_int_equal(device_table[i]->encode(&command, &whole), OK);
    for (size_t max = 0; max < whole.len; max++) {
      buffer_init(&out, max);
      assert_int_equal(device_table[i]->encode(&command, &out), ERR_LIMIT);
      buffer_fini(&out);
    }
    buffer_fini(&whole);
  }
}

static void test_topic(void **state) {
  (void)state;
  char topic[DEVICE_TOPIC_MAX], long_id[DEVICE_TOPIC_MAX];
  assert_int_equal(device_topic("alicante", "gw-1", topic), OK);
  assert_string_equal(topic, "riser/v1/alicante/gw-1/down/cmd");
  memset(long_id, 'x', sizeof long_id - 1);
  long_id[sizeof long_id - 1] = '\0';
  assert_int_equal(device_topic("alicante", long_id, topic), ERR_LIMIT);
  assert_ptr_equal(device_codec_find(""), device_table[0]);
  assert_null(device_codec_find("morse"));
}

// Whoever may publish below a site can invent devices, but not make room for them.
static void test_only_recorded_devices_are_known(void **state) {
  (void)state;
  struct devices *devices = devices_new(1);
  struct device record = {.site = "s", .device = "d1", .codec = "json"};
  struct device_state_fact heard = {.device = "stranger", .online = true};
  devices_state(devices, "s", &heard);
  assert_int_equal(devices_count(devices), 0);
  assert_int_equal(devices_put(devices, &record, NULL), OK);
  record.device = "d2";
  assert_int_equal(devices_put(devices, &record, NULL), ERR_LIMIT);
  assert_null(devices_find(devices, "s", "d2"));
  heard = (struct device_state_fact){.device = "d1"};
  devices_state(devices, "s", &heard);
  assert_int_equal(devices_find(devices, "s", "d1")->presence, PRESENCE_OFFLINE);
  devices_free(devices);
}

// When nobody moves business time on, a device with a right clock must not take a reconnect for an old one. Of a cut it
// must: billing's permission is of business time.
static void test_a_reconnect_is_never_late(void **state) {
  (void)state;
  const struct command_settings settings = {.permit_s = 86400};
  const int64_t business_s = 1464134700, days_later_ms = (business_s + 4 * 86400) * 1000;
  struct command command = {.allowed_s = business_s, .state = {.switch_due = {.supply = SUPPLY_ON}}};
  assert_int_equal(command_not_after_s(&command, business_s, days_later_ms, &settings), business_s + 5 * 86400);
  assert_int_equal(command_not_after_s(&command, business_s, 1000, &settings), business_s + 86400);
  command.state.switch_due.supply = SUPPLY_OFF;
  assert_int_equal(command_not_after_s(&command, business_s, days_later_ms, &settings), business_s + 86400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_reconnect_is_never_late),
      cmocka_unit_test(test_policies),       cmocka_unit_test(test_devices),
      cmocka_unit_test(test_refusal_outweighs_hold), cmocka_unit_test(test_pb_is_protobuf),
      cmocka_unit_test(test_a_full_buffer_is_an_error), cmocka_unit_test(test_topic),
      cmocka_unit_test(test_only_recorded_devices_are_known),
  };
  return cmocka_run_group_tests_name("control variants", tests, NULL, NULL);
}

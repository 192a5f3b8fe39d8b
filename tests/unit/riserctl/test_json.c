// SPDX-License-Identifier: Apache-2.0
// Records as JSON text.
#include "wire/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fact.h"
#include "wire/reject.h"

static void expect(const char *kind, struct bytes record, const char *wanted) {
  struct arena *arena = arena_new(1 << 20);
  struct buffer text;
  buffer_init(&text, 65536);
  assert_int_equal(wire_json(kind, record, arena, &text), OK);
  assert_string_equal(buffer_text(&text), wanted);
  buffer_fini(&text);
  arena_free(arena);
}

static void a_fact_shows_what_is_set(void **state) {
  (void)state;
  const struct reading readings[] = {{"w-\"1\"", REGISTER_VOLUME_COLD, 1456786800, 42},
                                     {"w-2", REGISTER_ENERGY_IMPORT, -1, INT64_MAX}};
  const struct fact fact = {.kind = FACT_READINGS,
                            .envelope = {.fact_id = "f\n",
                                         .landlord = "",
                                         .site = "north",
                                         .source = "",
                                         .actor = "",
                                         .supersedes = "",
                                         .traceparent = ""},
                            .readings = {.device = "gw", .readings = readings, .count = 2, .by_hand = true}};
  struct buffer encoded;
  buffer_init(&encoded, 65536);
  assert_int_equal(wire_fact_encode(&fact, &encoded), OK);
  expect("site-record", buffer_bytes(&encoded),
         "{\n"
         "  \"envelope\": {\n"
         "    \"fact_id\": \"f\\u000a\",\n"
         "    \"site\": \"north\"\n"
         "  },\n"
         "  \"readings\": {\n"
         "    \"device\": \"gw\",\n"
         "    \"readings\": [{\n"
         "      \"meter\": \"w-\\\"1\\\"\",\n"
         "      \"register\": \"REGISTER_VOLUME_COLD\",\n"
         "      \"time_s\": 1456786800,\n"
         "      \"value\": 42\n"
         "    }, {\n"
         "      \"meter\": \"w-2\",\n"
         "      \"register\": \"REGISTER_ENERGY_IMPORT\",\n"
         "      \"time_s\": -1,\n"
         "      \"value\": 9223372036854775807\n"
         "    }],\n"
         "    \"by_hand\": true\n"
         "  }\n"
         "}\n");
  buffer_fini(&encoded);
}

static void bytes_are_hexadecimal_and_unknown_fields_are_counted(void **state) {
  (void)state;
  // Reject: head (4) ab 01, length (5) 2, and field 99 that no version has.
  static const uint8_t record[] = {0x22, 0x02, 0xab, 0x01, 0x28, 0x02, 0x98, 0x06, 0x01};
  expect("reject", bytes_make(record, sizeof record),
         "{\n  \"head\": \"ab01\",\n  \"length\": 2,\n  \"unknown_fields\": 1\n}\n");
}

static void an_enum_of_a_later_version_is_a_number(void **state) {
  (void)state;
  static const uint8_t record[] = {0x08, 0x63};
  expect("event", bytes_make(record, sizeof record), "{\n  \"kind\": 99\n}\n");
  expect("event", bytes_make(record, 0), "{}\n");
}

static void what_is_no_record_is_refused(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct buffer text;
  static const uint8_t broken[] = {0x0a, 0x05};
  buffer_init(&text, 1024);
  assert_int_equal(wire_json("batch", bytes_make(broken, sizeof broken), arena, &text), ERR_BAD_PROTOBUF);
  assert_int_equal(wire_json("nothing", bytes_make(broken, 0), arena, &text), ERR_NOT_FOUND);
  buffer_fini(&text);
  arena_free(arena);
}

static void every_kind_shows_an_empty_record(void **state) {
  (void)state;
  size_t count = 0;
  for (; wire_kinds[count].name; count++) expect(wire_kinds[count].name, bytes_make("", 0), "{}\n");
  assert_int_equal(count, 18);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fact_shows_what_is_set),
      cmocka_unit_test(bytes_are_hexadecimal_and_unknown_fields_are_counted),
      cmocka_unit_test(an_enum_of_a_later_version_is_a_number),
      cmocka_unit_test(what_is_no_record_is_refused),
      cmocka_unit_test(every_kind_shows_an_empty_record),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

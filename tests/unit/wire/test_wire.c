// SPDX-License-Identifier: Apache-2.0
// Golden bytes decode and encode to themselves, strange bytes never do harm.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "records.h"

#define GOLDEN RISER_SOURCE_DIR "/tests/unit/wire/golden"
enum { ARENA_MAX = 64 << 20, FILE_MAX = 64 << 10, RANDOM_ROUNDS = 20000, RANDOM_MAX = 300 };

typedef enum error again(struct bytes in, struct arena *arena, struct buffer *out);

#define AGAIN(name, type) \
  static enum error name##_again(struct bytes in, struct arena *arena, struct buffer *out) { \
    type value; \
    enum error err = wire_##name##_decode(in, arena, &value); \
    return err ? err : wire_##name##_encode(&value, out); \
  }
RECORDS(AGAIN)

static const struct record {
  const char *name;
  again *again;
} records[] = {
#define ROW(name, type) {#name, name##_again},
    RECORDS(ROW)};
enum { RECORD_COUNT = sizeof records / sizeof records[0] };

struct fixture {
  struct arena *arena;
  struct buffer out;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = arena_new(ARENA_MAX);
  buffer_init(&f->out, ARENA_MAX);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  arena_free(f->arena);
  buffer_fini(&f->out);
  free(f);
  return 0;
}

static const struct record *record_of(const char *file) {
  size_t len = strcspn(file, "-.");
  for (size_t i = 0; i < RECORD_COUNT; i++)
    if (strlen(records[i].name) == len && strncmp(records[i].name, file, len) == 0) return &records[i];
  return NULL;
}

// Reads a golden file: hexadecimal in lines.
static size_t golden_read(const char *name, uint8_t *to) {
  char path[512], line[256];
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = 0;
  while (fgets(line, sizeof line, file)) {
    size_t digits = strcspn(line, "\n");
    assert_int_equal(hex_decode(bytes_make(line, digits), to + len, digits / 2), OK);
    len += digits / 2;
  }
  fclose(file);
  return len;
}

static void golden_decodes_to_itself(struct fixture *f, const char *file) {
  static uint8_t golden[FILE_MAX];
  size_t len = golden_read(file, golden);
  const struct record *record = record_of(file);
  assert_non_null(record);
  buffer_clear(&f->out);
  arena_reset(f->arena);
  assert_int_equal(record->again(bytes_make(golden, len), f->arena, &f->out), OK);
  if (!bytes_equal(buffer_bytes(&f->out), bytes_make(golden, len))) {
    char *hex = malloc(2 * f->out.len + 1);
    hex_encode(buffer_bytes(&f->out), hex);
    print_error("%s comes back as %s\n", file, hex);
    free(hex);
    fail();
  }
}

static void test_golden(void **state) {
  DIR *folder = opendir(GOLDEN);
  assert_non_null(folder);
  int files = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (!strstr(entry->d_name, ".hex")) continue;
    golden_decodes_to_itself(*state, entry->d_name);
    files++;
  }
  closedir(folder);
  assert_true(files >= 40);
}

// What a later version may send: fields that we have never heard of, of every wire type.
static void test_unknown_fields_are_skipped(void **state) {
  struct fixture *f = *state;
  static const uint8_t unknown[] = {0xf8, 0x3f, 0x07,                                     // 1023: varint
                                    0xf9, 0x3f, 1,    2,    3, 4, 5, 6, 7, 8,             // 1023: 64 bit
                                    0xfa, 0x3f, 0x03, 'a',  'b', 'c',                     // 1023: bytes
                                    0xfd, 0x3f, 1,    2,    3, 4};                        // 1023: 32 bit
  static uint8_t golden[FILE_MAX];
  size_t len = golden_read("fact-payment.1.hex", golden);
  memcpy(golden + len, unknown, sizeof unknown);
  assert_int_equal(fact_again(bytes_make(golden, len + sizeof unknown), f->arena, &f->out), OK);
  assert_true(bytes_equal(buffer_bytes(&f->out), bytes_make(golden, len)));
}

static void test_fact_of_a_later_kind_is_none(void **state) {
  struct fixture *f = *state;
  static const uint8_t record[] = {0x0a, 0x02, 0x10, 0x09, // envelope, min_reader 9
                                   0xfa, 0x3f, 0x00};      // field 1023: a message
  struct fact fact;
  assert_int_equal(wire_fact_decode(bytes_make(record, sizeof record), f->arena, &fact), OK);
  assert_int_equal(fact.kind, FACT_NONE);
  assert_int_equal(fact.envelope.min_reader, 9);
  assert_string_equal(fact.envelope.site, "");
}

static void test_unknown_enum_number_is_zero(void **state) {
  struct fixture *f = *state;
  static const uint8_t event[] = {0x08, 0xe7, 0x07}; // kind 999
  struct device_event_fact out;
  assert_int_equal(wire_telemetry_event_decode(bytes_make(event, sizeof event), f->arena, &out), OK);
  assert_int_equal(out.kind, EVENT_NONE);
}

static void test_bad_utf8_of_a_device_is_refused(void **state) {
  struct fixture *f = *state;
  static const uint8_t event[] = {0x1a, 0x02, 0xc3, 0x28}; // detail
  static const uint8_t batch[] = {0x1a, 0x03, 0x0a, 0x01, 0xff};
  struct device_event_fact out;
  struct batch readings;
  assert_int_equal(wire_telemetry_event_decode(bytes_make(event, sizeof event), f->arena, &out), ERR_BAD_UTF8);
  assert_int_equal(wire_batch_decode(bytes_make(batch, sizeof batch), f->arena, &readings), ERR_BAD_UTF8);
}

static void test_missing_parts_are_empty(void **state) {
  struct fixture *f = *state;
  struct fact fact;
  assert_int_equal(wire_fact_decode(bytes_make("", 0), f->arena, &fact), OK);
  assert_int_equal(fact.kind, FACT_NONE);
  assert_string_equal(fact.envelope.fact_id, "");
  static const uint8_t state_without_state[] = {0x62, 0x00};
  assert_int_equal(wire_fact_decode(bytes_make(state_without_state, 2), f->arena, &fact), OK);
  assert_int_equal(fact.kind, FACT_DEVICE_STATE);
  assert_string_equal(fact.device_state.device, "");
  assert_int_equal(fact.device_state.supply, SUPPLY_UNKNOWN);
}

// The hand-written parts of the mappings: a pair swapped in both directions would pass the golden test.
static void test_values_are_in_their_places(void **state) {
  struct fixture *f = *state;
  static uint8_t golden[FILE_MAX];
  struct fact fact;
  size_t len = golden_read("fact-site.1.hex", golden);
  assert_int_equal(wire_fact_decode(bytes_make(golden, len), f->arena, &fact), OK);
  assert_true(fact.site.disconnectable[COMMODITY_ELECTRICITY] && fact.site.disconnectable[COMMODITY_WATER]);
  assert_true(fact.site.rebill_tolerance[COMMODITY_ELECTRICITY] < fact.site.rebill_tolerance[COMMODITY_WATER]);
  assert_int_equal(fact.site.zone.count, 2);
  assert_int_equal(strncmp(fact.site.zone_name, "zone-", 5), 0);

  struct bill bill;
  len = golden_read("bill.1.hex", golden);
  assert_int_equal(wire_bill_decode(bytes_make(golden, len), f->arena, &bill), OK);
  const struct bill_meter *meter = &bill.sections[1].meters[1];
  assert_true(meter->previous_quality < meter->present_quality);
  assert_true(bill.arrears_e4[COMMODITY_ELECTRICITY] < bill.arrears_e4[COMMODITY_WATER]);
  assert_int_equal(bill.arrears_e4[COMMODITY_NONE], 0);

  struct reject reject;
  len = golden_read("reject.1.hex", golden);
  assert_int_equal(wire_reject_decode(bytes_make(golden, len), f->arena, &reject), OK);
  assert_int_equal(reject.sha256[31], 31);
  assert_int_equal(reject.head[0], 'b');
}

static void test_full_arena_is_a_limit(void **state) {
  struct fixture *f = *state;
  struct arena *small = arena_new(512);
  static uint8_t golden[FILE_MAX];
  size_t len = golden_read("decision-bill.1.hex", golden);
  struct decision decision;
  assert_int_equal(wire_decision_decode(bytes_make(golden, len), small, &decision), ERR_LIMIT);
  arena_free(small);
  (void)f;
}

static void test_full_buffer_changes_nothing(void **state) {
  (void)state;
  struct buffer small;
  buffer_init(&small, 4);
  struct receipt receipt = {.sequence = UINT64_MAX};
  assert_int_equal(wire_receipt_encode(&receipt, &small), ERR_LIMIT);
  assert_int_equal(small.len, 0);
  buffer_fini(&small);
}

static void test_many_readings(void **state) {
  struct fixture *f = *state;
  enum { COUNT = 10000 };
  struct reading *readings = calloc(COUNT, sizeof *readings);
  for (int i = 0; i < COUNT; i++)
    readings[i] = (struct reading){.meter = "m-1", .reg = REGISTER_VOLUME_COLD, .time_s = i, .value = 3 * i};
  struct fact in = {.kind = FACT_READINGS, .readings = {.device = "gw", .readings = readings, .count = COUNT}};
  assert_int_equal(wire_fact_encode(&in, &f->out), OK);
  struct fact out;
  assert_int_equal(wire_fact_decode(buffer_bytes(&f->out), f->arena, &out), OK);
  assert_int_equal(out.readings.count, COUNT);
  assert_int_equal(out.readings.readings[COUNT - 1].value, 3 * (COUNT - 1));
  assert_string_equal(out.readings.readings[COUNT - 1].meter, "m-1");
  free(readings);
}

static uint64_t random_next(uint64_t *seed) { // xorshift64*
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return *seed * 0x2545f4914f6cdd1dULL;
}

// Whatever decodes, encodes again; nothing crashes. Sanitizers watch in their build.
static void try_all(struct fixture *f, struct bytes in) {
  uint8_t *exact = malloc(in.len ? in.len : 1); // so that reading one byte too many shows
  memcpy(exact, in.data, in.len);
  for (size_t i = 0; i < RECORD_COUNT; i++) {
    arena_reset(f->arena);
    buffer_clear(&f->out);
    enum error err = records[i].again(bytes_make(exact, in.len), f->arena, &f->out);
    assert_true(err == OK || error_class(err) == CLASS_REJECT);
  }
  free(exact);
}

static void test_truncated(void **state) {
  static uint8_t golden[FILE_MAX];
  static const char *const files[] = {"fact-readings.1.hex", "fact-site.1.hex", "decision-bill.1.hex",
                                      "account_state.1.hex", "batch.1.hex"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    size_t len = golden_read(files[i], golden);
    for (size_t cut = 0; cut < len; cut++) try_all(*state, bytes_make(golden, cut));
  }
}

static uint64_t seed_given;

static void test_random(void **state) {
  uint64_t seed = seed_given ? seed_given : (uint64_t)time(NULL) | 1;
  print_message("seed %llu (give it as the argument to repeat)\n", (unsigned long long)seed);
  static uint8_t bytes[FILE_MAX];
  static uint8_t golden[FILE_MAX];
  size_t golden_len = golden_read("fact-readings.1.hex", golden);
  for (int round = 0; round < RANDOM_ROUNDS; round++) {
    size_t len = random_next(&seed) % RANDOM_MAX;
    for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)random_next(&seed);
    if (round % 2) { // a good record with a few bytes changed gets deeper
      len = golden_len;
      memcpy(bytes, golden, len);
      for (int i = 0; i < 3; i++) bytes[random_next(&seed) % len] = (uint8_t)random_next(&seed);
    }
    try_all(*state, bytes_make(bytes, len));
  }
}

int main(int argc, char **argv) {
  if (argc > 1) seed_given = strtoull(argv[1], NULL, 10);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
      cmocka_unit_test_setup_teardown(test_unknown_fields_are_skipped, setup, teardown),
      cmocka_unit_test_setup_teardown(test_fact_of_a_later_kind_is_none, setup, teardown),
      cmocka_unit_test_setup_teardown(test_unknown_enum_number_is_zero, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bad_utf8_of_a_device_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_missing_parts_are_empty, setup, teardown),
      cmocka_unit_test_setup_teardown(test_values_are_in_their_places, setup, teardown),
      cmocka_unit_test_setup_teardown(test_full_arena_is_a_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(test_full_buffer_changes_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(test_many_readings, setup, teardown),
      cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
      cmocka_unit_test_setup_teardown(test_random, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

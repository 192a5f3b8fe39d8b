// SPDX-License-Identifier: Apache-2.0
#include "case_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/core/instant.h"

enum { PAYLOAD_MAX = 256 * 1024 };

#define CASES RISER_SOURCE_DIR "/tests/unit/ingest/cases/"

static bool payload_line(struct test_case *test, const char *word, const char *rest);
static void fill_random(struct test_case *test, size_t count, uint32_t x);

int case_file_read(const char *name, void (*each)(void *ctx, struct test_case *test), void *ctx) {
  char path[512], line[CASE_TEXT_MAX];
  static struct test_case test;
  int count = 0;
  snprintf(path, sizeof path, CASES "%s", name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  test = (struct test_case){.payload = malloc(CASE_PAYLOAD_MAX), .receive_ms = 1780315200000};
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    if (*line == '#' || !*line) continue;
    char *space = strchr(line, ' ');
    const char *rest = space ? space + 1 : "";
    if (space) *space = 0;
    if (strcmp(line, "case") == 0) {
      if (count++) each(ctx, &test);
      strcpy(test.name, rest);
      *test.expected = 0;
      test.held_ms = 0;
    } else if (strcmp(line, "topic") == 0) {
      strcpy(test.topic, rest);
    } else if (strcmp(line, "receive") == 0) {
      assert_int_equal(instant_parse(bytes_text(rest), &test.receive_ms), OK);
    } else if (strcmp(line, "held") == 0) {
      test.held_ms = strtoll(rest, NULL, 10) * 1000;
    } else if (!payload_line(&test, line, rest)) {
      size_t len = strlen(test.expected);
      snprintf(test.expected + len, sizeof test.expected - len, "%s%s%s\n", line, *rest ? " " : "", rest);
    }
  }
  if (count) each(ctx, &test);
  free(test.payload);
  fclose(file);
  return count;
}

static bool payload_line(struct test_case *test, const char *word, const char *rest) {
  size_t count = 0;
  unsigned number = 0;
  if (strcmp(word, "text") == 0) {
    test->payload_len = strlen(rest);
    memcpy(test->payload, rest, test->payload_len);
  } else if (strcmp(word, "hex") == 0) {
    test->payload_len = strlen(rest) / 2;
    assert_int_equal(hex_decode(bytes_text(rest), test->payload, test->payload_len), OK);
  } else if (strcmp(word, "fill") == 0) {
    assert_int_equal(sscanf(rest, "%zu %x", &count, &number), 2);
    memset(test->payload, (int)number, test->payload_len = count);
  } else if (strcmp(word, "random") == 0) {
    assert_int_equal(sscanf(rest, "%zu %u", &count, &number), 2);
    fill_random(test, count, number);
  } else if (strcmp(word, "wrap") == 0) {
    assert_int_equal(sscanf(rest, "%zu", &count), 1);
    memset(test->payload, '[', count);
    memset(test->payload + count, ']', count);
    test->payload_len = 2 * count;
  } else {
    return false;
  }
  return true;
}

static void fill_random(struct test_case *test, size_t count, uint32_t x) {
  for (size_t i = 0; i < count; i++) {
    x = (x * 1103515245u + 12345u) & 0x7fffffffu;
    test->payload[i] = (uint8_t)(x >> 16);
  }
  test->payload_len = count;
}

// k-1 has the key 00 01 .. 1f, and 20 21 .. 3f before it; that of k-2 could not be unwrapped.
static void put_keyed(struct registry *registry) {
  struct device_keys keys = {.count = 2}, unusable = {.unusable = true};
  for (size_t i = 0; i < sizeof keys.keys; i++) ((uint8_t *)keys.keys)[i] = (uint8_t)i;
  struct registry_entry good = {bytes_text("north"), bytes_text("k-1"), bytes_text("ann"), &keys};
  struct registry_entry bad = {bytes_text("north"), bytes_text("k-2"), bytes_text("ann"), &unusable};
  assert_int_equal(registry_put(registry, &good), OK);
  assert_int_equal(registry_put(registry, &bad), OK);
}

static void put(struct registry *registry, const char *site, const char *device, const char *landlord) {
  struct registry_entry entry = {bytes_text(site), bytes_text(device), bytes_text(landlord), NULL};
  assert_int_equal(registry_put(registry, &entry), OK);
}

void case_world_init(struct case_world *world) {
  world->registry = registry_new(100);
  world->devices = devices_new(100);
  assert_true(world->registry && world->devices);
  put(world->registry, "north", "", "ann");
  put(world->registry, "south", "", "ann");
  put(world->registry, "south", "s-1", "ann");
  put(world->registry, "west", "", "bob");
  put(world->registry, "west", "b-1", "bob");
  put_keyed(world->registry);
  struct intake_options options = {
      .judge =
          {
              .limits = {.readings_max = 10000, .oldest_s = 946684800, .future_ms = 86400000},
              .clock_limit_ms = 300000,
              .clock_event_every_ms = 3600000,
              .refuse_foreign = true,
              .track_sequences = true,
              .registry = world->registry,
              .devices = world->devices,
              .instance = "0",
          },
      .payload_max = PAYLOAD_MAX,
  };
  world->intake = intake_new(&options);
  assert_non_null(world->intake);
}

void case_world_fini(struct case_world *world) {
  intake_free(world->intake);
  devices_free(world->devices);
  registry_free(world->registry);
}

struct arrival case_arrival(const struct test_case *test, uint64_t position) {
  static const uint8_t sha256[ARRIVAL_SHA256_SIZE];
  return (struct arrival){
      .topic = bytes_text(test->topic),
      .payload = bytes_make(test->payload, test->payload_len),
      .length = test->payload_len,
      .sha256 = test->payload_len > PAYLOAD_MAX ? sha256 : NULL,
      .receive_ms = test->receive_ms,
      .held_ms = test->held_ms,
      .position = position,
  };
}

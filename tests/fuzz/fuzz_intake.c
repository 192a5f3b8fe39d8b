// SPDX-License-Identifier: Apache-2.0
// The whole way of a device's message in ingest: input is the topic, a line feed and the payload. Sites and devices are
// those of the case files, and what was heard before is remembered, as in the service.
#include <string.h>

#include "fuzz.h"
#include "ingest/intake.h"

enum { PAYLOAD_MAX = 64 << 10, DEVICES_MAX = 50 };
static const int64_t NOW_MS = 1780315200000;

static struct intake *intake;

static void put(struct registry *registry, const char *site, const char *device, const char *landlord) {
  struct registry_entry entry = {bytes_text(site), bytes_text(device), bytes_text(landlord), NULL};
  FUZZ_HOLDS(registry_put(registry, &entry) == OK);
}

// Nobody who does not know the key gets a word of north/k-1 through.
static void put_keyed(struct registry *registry) {
  struct device_keys keys = {.count = 1};
  for (size_t i = 0; i < DEVICE_KEY_SIZE; i++) keys.keys[0][i] = (uint8_t)(0xa5 ^ 7 * i);
  struct registry_entry entry = {bytes_text("north"), bytes_text("k-1"), bytes_text("ann"), &keys};
  FUZZ_HOLDS(registry_put(registry, &entry) == OK);
}

static void begin(void) {
  struct registry *registry = registry_new(100);
  put(registry, "north", "", "ann");
  put(registry, "south", "", "ann");
  put(registry, "south", "s-1", "ann");
  put(registry, "west", "b-1", "bob");
  put_keyed(registry);
  struct intake_options options = {
      .judge =
          {
              .limits = {.readings_max = 10000, .oldest_s = 946684800, .future_ms = 86400000},
              .clock_limit_ms = 300000,
              .clock_event_every_ms = 3600000,
              .refuse_foreign = true,
              .track_sequences = true,
              .registry = registry,
              .devices = devices_new(DEVICES_MAX),
              .instance = "0",
          },
      .payload_max = PAYLOAD_MAX,
  };
  intake = intake_new(&options);
  FUZZ_HOLDS(intake);
}

static void check_fact(const struct fact *fact, const struct topic *topic) {
  FUZZ_HOLDS(*fact->envelope.fact_id && *fact->envelope.landlord);
  FUZZ_HOLDS(bytes_equal_text(topic->site, fact->envelope.site)); // a device writes into its own site alone
  if (fact->kind != FACT_READINGS) return;
  FUZZ_HOLDS(fact->readings.count >= 1);
  for (size_t i = 0; i < fact->readings.count; i++) {
    const struct reading *reading = &fact->readings.readings[i];
    FUZZ_HOLDS(id_is_valid(bytes_text(reading->meter)));
    FUZZ_HOLDS(reading->value >= 0 && reading->value <= CHECK_VALUE_MAX);
  }
}

static void check(const struct intaken *taken) {
  const struct verdict *verdict = &taken->verdict;
  FUZZ_HOLDS(verdict->fact_count || verdict->refused); // nothing disappears
  FUZZ_HOLDS(verdict->fact_count <= VERDICT_FACTS_MAX);
  bool keyed = bytes_equal_text(taken->topic.site, "north") && bytes_equal_text(taken->topic.device, "k-1");
  FUZZ_HOLDS(!keyed || verdict->refused);
  for (size_t i = 0; i < verdict->fact_count; i++) check_fact(&verdict->facts[i], &taken->topic);
  if (!verdict->refused) return;
  FUZZ_HOLDS(error_class(verdict->refused) == CLASS_REJECT);
  FUZZ_HOLDS(*verdict->detail && bytes_is_utf8(bytes_text(verdict->detail)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint64_t position = 1;
  if (!intake) begin();
  struct fuzz_input input = {data, size};
  struct bytes topic = fuzz_line(&input);
  uint8_t *topic_copy = fuzz_copy(topic), *payload_copy = fuzz_copy(bytes_make(input.at, input.left));
  struct arrival arrival = {
      .topic = bytes_make(topic_copy, topic.len),
      .payload = bytes_make(payload_copy, input.left),
      .length = input.left,
      .receive_ms = NOW_MS,
      .position = position++,
  };
  struct intaken taken;
  FUZZ_HOLDS(intake_take(intake, &arrival, &taken) == OK);
  check(&taken);
  intake_track(intake, &arrival);
  free(topic_copy);
  free(payload_copy);
  return 0;
}

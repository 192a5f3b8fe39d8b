// SPDX-License-Identifier: Apache-2.0
#include "ingest/roster.h"

#include <stdlib.h>

#include "base/log.h"
#include "ingest/topics.h"
#include "wire/device.h"

enum { RECORDS_MAX = 256, PARTITIONS_MAX = 1024, RECORD_MEMORY_MAX = 1 << 20 };

struct roster {
  struct kafka_consumer *consumer;
  struct registry *registry;
  const struct key_ring *key_ring;
  struct arena *arena;
  int32_t partitions; // 0: not assigned yet
  int32_t ended;      // partitions whose end was reached
  bool reached[PARTITIONS_MAX];
};

static void on_end(void *ctx, const struct kafka_position *position);
static enum error assign(struct roster *roster);
static enum error take(struct roster *roster, const struct kafka_record *record);

enum error roster_open(const struct roster_options *from, struct roster **out) {
  struct roster *roster = calloc(1, sizeof *roster);
  if (!roster) return ERR_NO_MEMORY;
  roster->registry = from->registry;
  roster->key_ring = from->key_ring;
  roster->arena = arena_new(RECORD_MEMORY_MAX);
  struct kafka_consumer_options options = {
      .settings = *from->kafka,
      .client_id = from->client_id,
      .group = "riser-ingest-devices",
      .report_end = true,
      .events = {.reached_end = on_end, .ctx = roster},
  };
  enum error err = roster->arena ? kafka_consumer_open(&options, &roster->consumer) : ERR_NO_MEMORY;
  if (err)
    roster_close(roster);
  else
    *out = roster;
  return err;
}

void roster_close(struct roster *roster) {
  if (!roster) return;
  if (roster->consumer) kafka_consumer_close(roster->consumer);
  arena_free(roster->arena);
  free(roster);
}

enum error roster_poll(struct roster *roster, int timeout_ms) {
  enum error err = roster->partitions ? OK : assign(roster);
  size_t count = RECORDS_MAX;
  while (!err && count == RECORDS_MAX) {
    struct kafka_record records[RECORDS_MAX];
    err = kafka_consumer_poll(roster->consumer, timeout_ms, records, RECORDS_MAX, &count);
    for (size_t i = 0; !err && i < count; i++) err = take(roster, &records[i]);
    timeout_ms = 0;
  }
  return err;
}

static enum error assign(struct roster *roster) {
  int32_t count = 0;
  enum error err = kafka_consumer_partitions(roster->consumer, TOPIC_DEVICE, &count);
  if (err == ERR_NOT_FOUND) return ERR_UNAVAILABLE; // it will be made
  if (err) return err;
  if (count > PARTITIONS_MAX) return ERR_CONFIG;
  struct kafka_position positions[PARTITIONS_MAX];
  for (int32_t i = 0; i < count; i++)
    positions[i] = (struct kafka_position){.topic = TOPIC_DEVICE, .partition = i, .offset = KAFKA_OFFSET_BEGINNING};
  err = kafka_consumer_assign(roster->consumer, positions, (size_t)count);
  if (!err) roster->partitions = count;
  return err;
}

static void on_end(void *ctx, const struct kafka_position *position) {
  struct roster *roster = ctx;
  if (position->partition >= PARTITIONS_MAX || roster->reached[position->partition]) return;
  roster->reached[position->partition] = true;
  roster->ended++;
}

// Billing also tells of devices that have merely shown themselves: anybody can do that, anywhere, so they don't count.
static bool is_installed(const struct device *device) {
  return device->device[0] == '\0' || device->meter_count > 0 || device->wrapped_key[0];
}

// Of a device whose key we can't unwrap nothing is believed: the key is there so that nobody else can speak for it.
static enum error put(struct roster *roster, const struct device *device) {
  struct device_keys keys;
  bool keyed = key_ring_keys(roster->key_ring, device, &keys);
  struct registry_entry entry = {.site = bytes_text(device->site),
                                 .device = bytes_text(device->device),
                                 .landlord = bytes_text(device->landlord),
                                 .keys = keyed ? &keys : NULL};
  if (keys.unusable) log_error("device-key-unusable", F_STR("site", device->site), F_STR("device", device->device));
  return registry_put(roster->registry, &entry);
}

// A record that we can't read does no harm to the others: it is said in the log.
static enum error take(struct roster *roster, const struct kafka_record *record) {
  if (!record->value.data) {
    registry_remove(roster->registry, record->key);
    return OK;
  }
  arena_reset(roster->arena);
  struct device device;
  enum error err = wire_device_decode(record->value, roster->arena, &device);
  if (!err && !is_installed(&device)) {
    registry_remove(roster->registry, record->key);
    return OK;
  }
  if (!err) err = put(roster, &device);
  if (!err || error_class(err) == CLASS_FATAL || err == ERR_LIMIT) return err;
  log_error("device-record-refused", F_ERR(err), F_INT("partition", record->partition),
            F_INT("offset", record->offset));
  return OK;
}

bool roster_loaded(const struct roster *roster) {
  return roster->partitions && roster->ended == roster->partitions;
}

// SPDX-License-Identifier: Apache-2.0
#include "control/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "wire/device.h"

enum { BATCH = 512, ARENA_BYTES = 8 << 20, ID_MAX = 256 };

static const char topic[] = "riser.device.v1";

struct roster {
  struct kafka_consumer *consumer;
  struct devices *devices;
  const struct key_ring *key_ring;
  struct arena *arena;
  bool *ended; // by partition; NULL until a broker has said how many there are
  int32_t partitions;
  int32_t open_partitions; // not yet read to their end
  struct counter *unreadable;
  struct counter *passed_over;
  struct gauge *known;
};

static void on_end(void *ctx, const struct kafka_position *position) {
  struct roster *roster = ctx;
  if (!roster->ended || position->partition >= roster->partitions || roster->ended[position->partition]) return;
  roster->ended[position->partition] = true;
  roster->open_partitions--;
}

static enum error assign_all(struct roster *roster) {
  enum error err = kafka_consumer_partitions(roster->consumer, topic, &roster->partitions);
  if (err) return err;
  size_t count = (size_t)roster->partitions;
  struct kafka_position *positions = calloc(count, sizeof *positions);
  bool *ended = calloc(count, sizeof *ended);
  roster->open_partitions = roster->partitions;
  err = positions && ended ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; err == OK && i < count; i++) {
    positions[i] = (struct kafka_position){topic, (int32_t)i, KAFKA_OFFSET_BEGINNING, NULL};
  }
  if (err == OK) err = kafka_consumer_assign(roster->consumer, positions, count);
  free(positions);
  if (err) {
    free(ended);
    return err;
  }
  roster->ended = ended;
  return OK;
}

enum error roster_open(const struct roster_options *options, struct roster **opened) {
  struct roster *roster = calloc(1, sizeof *roster);
  if (!roster) return ERR_NO_MEMORY;
  roster->devices = options->devices;
  roster->key_ring = options->key_ring;
  roster->arena = arena_new(ARENA_BYTES);
  roster->unreadable = metrics_counter(options->process->metrics, "riser_control_unreadable_devices_total",
                                       "Records of riser.device.v1 that could not be read.");
  roster->passed_over = metrics_counter(options->process->metrics, "riser_control_devices_passed_over_total",
                                        "Records of devices beyond RISER_DEVICES_MAX.");
  roster->known = metrics_gauge(options->process->metrics, "riser_control_devices", "Devices that are known.");
  enum error err = roster->arena ? OK : ERR_NO_MEMORY;
  if (err == OK) {
    err = kafka_consumer_open(&(struct kafka_consumer_options){.settings = *options->settings,
                                                               .client_id = "riser-control-roster",
                                                               .group = "riser-control-roster",
                                                               .report_end = true,
                                                               .events = {.reached_end = on_end, .ctx = roster}},
                              &roster->consumer);
  }
  if (err) {
    roster_close(roster);
    return err;
  }
  *opened = roster;
  return OK;
}

void roster_close(struct roster *roster) {
  if (!roster) return;
  if (roster->consumer) kafka_consumer_close(roster->consumer);
  arena_free(roster->arena);
  free(roster->ended);
  free(roster);
}

// The key is site/device; a site itself is "site/".
static void drop(struct roster *roster, struct bytes key) {
  char text[ID_MAX];
  if (key.len == 0 || key.len >= sizeof text) return;
  memcpy(text, key.data, key.len);
  text[key.len] = '\0';
  char *slash = strchr(text, '/');
  if (!slash) return;
  *slash = '\0';
  devices_drop(roster->devices, text, slash + 1);
}

static enum error put(struct roster *roster, const struct device *device) {
  struct device_keys keys;
  key_ring_keys(roster->key_ring, device, &keys);
  if (keys.unusable) log_error("device-key-unusable", F_STR("site", device->site), F_STR("device", device->device));
  return devices_put(roster->devices, device, &keys);
}

static enum error take(struct roster *roster, const struct kafka_record *record) {
  struct device device;
  if (!record->value.data) {
    drop(roster, record->key);
    return OK;
  }
  arena_reset(roster->arena);
  enum error err = wire_device_decode(record->value, roster->arena, &device);
  if (err) {
    counter_add(roster->unreadable, 1);
    log_error("device-unreadable", F_INT("partition", record->partition), F_INT("offset", record->offset), F_ERR(err));
    return OK;
  }
  err = device.device[0] ? put(roster, &device) : OK;
  if (err != ERR_LIMIT) return err;
  counter_add(roster->passed_over, 1); // its commands are held as those of an unknown device
  log_warn("devices-full", F_STR("site", device.site), F_STR("device", device.device));
  return OK;
}

enum error roster_poll(struct roster *roster, int timeout_ms) {
  struct kafka_record records[BATCH];
  size_t count = 0;
  enum error err = roster->ended ? OK : assign_all(roster);
  if (err == OK) err = kafka_consumer_poll(roster->consumer, timeout_ms, records, BATCH, &count);
  for (size_t i = 0; err == OK && i < count; i++) err = take(roster, &records[i]);
  gauge_set(roster->known, (int64_t)devices_count(roster->devices));
  return err;
}

bool roster_loaded(const struct roster *roster) {
  return roster->ended && roster->open_partitions == 0;
}

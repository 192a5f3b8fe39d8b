// SPDX-License-Identifier: Apache-2.0
#include "metersim/installed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/kafka.h"
#include "run/life.h"

enum { BATCH = 256, POLL_MS = 100, RETRY_MS = 500, SETTLE_MS = 1000, KEY_MAX = 256 };

static const char topic[] = "riser.device.v1";

struct wait {
  struct kafka_consumer *consumer;
  const struct fleet *fleet;
  bool *known; // by device
  size_t missing;
};

static enum error assign_all(struct kafka_consumer *consumer) {
  int32_t count = 0;
  enum error err = kafka_consumer_partitions(consumer, topic, &count);
  if (err) return err;
  struct kafka_position *positions = calloc((size_t)count, sizeof *positions);
  if (!positions) return ERR_NO_MEMORY;
  for (int32_t i = 0; i < count; i++) {
    positions[i] = (struct kafka_position){topic, i, KAFKA_OFFSET_BEGINNING, NULL};
  }
  err = kafka_consumer_assign(consumer, positions, (size_t)count);
  free(positions);
  return err;
}

// The key is site/device.
static void take(struct wait *wait, const struct kafka_record *record) {
  char name[KEY_MAX];
  snprintf(name, sizeof name, "%.*s", (int)record->key.len, (const char *)record->key.data);
  const struct sim_device *device = record->value.data ? fleet_find(wait->fleet, name) : NULL;
  if (!device || wait->known[device - wait->fleet->devices]) return;
  wait->known[device - wait->fleet->devices] = true;
  wait->missing--;
}

static enum error run(struct wait *wait) {
  struct kafka_record records[BATCH];
  enum error err;
  while ((err = assign_all(wait->consumer)) != OK) {
    if (error_class(err) != CLASS_RETRY && err != ERR_NOT_FOUND) return err;
    if (life_wait(RETRY_MS)) return ERR_CLOSED;
  }
  while (wait->missing) {
    size_t count = 0;
    err = kafka_consumer_poll(wait->consumer, POLL_MS, records, BATCH, &count);
    if (err && error_class(err) != CLASS_RETRY) return err;
    for (size_t i = 0; err == OK && i < count; i++) take(wait, &records[i]);
    if (life_draining()) return ERR_CLOSED;
  }
  return life_wait(SETTLE_MS) ? ERR_CLOSED : OK; // ingest reads the same records
}

enum error installed_wait(const struct kafka_settings *kafka, const struct fleet *fleet) {
  struct wait wait = {.fleet = fleet, .missing = fleet->count};
  wait.known = calloc(fleet->count + 1, sizeof *wait.known);
  if (!wait.known) return ERR_NO_MEMORY;
  struct kafka_consumer_options options = {.settings = *kafka, .client_id = "metersim", .group = "metersim"};
  enum error err = kafka_consumer_open(&options, &wait.consumer);
  if (err == OK) log_info("waiting-for-installation", F_INT("devices", (int64_t)fleet->count));
  if (err == OK) err = run(&wait);
  if (wait.consumer) kafka_consumer_close(wait.consumer);
  free(wait.known);
  return err;
}

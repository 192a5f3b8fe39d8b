// SPDX-License-Identifier: Apache-2.0
// Decisions go to their site's partition number, in the order of their causes; records of devices go where their own
// key says.
#include "billing/outbox.h"

#include <stdlib.h>

#include "base/canary.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/decision.h"
#include "wire/device.h"

enum { POLL_MS = 20 };

struct publication {
  int64_t pending;
  bool failed;
  bool released; // nobody but the producer knows it any more
};

struct publication *publication_new(void) {
  return calloc(1, sizeof(struct publication));
}

void publication_release(struct publication *publication) {
  if (!publication) return;
  publication->released = true;
  if (publication->pending == 0) free(publication);
}

bool publication_failed(const struct publication *publication) {
  return publication->failed;
}

void publication_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  (void)ctx;
  (void)offset;
  struct publication *publication = opaque;
  if (err) log_warn("publish-failed", F_ERR(err), F_INT("partition", partition));
  if (!publication) return;
  if (err) publication->failed = true;
  publication->pending--;
  if (publication->released && publication->pending == 0) free(publication);
}

static enum error add_decision(struct shell *shell, const struct decision *decision, struct outbox *to) {
  const char *key = decision->site[0] ? decision->site
                                      : arena_printf(shell->work, "@tick/%u", (unsigned)decision->cause.partition);
  buffer_clear(&shell->encoded);
  enum error err = wire_decision_encode(decision, &shell->encoded);
  if (err) return err;
  struct bytes value = arena_bytes(shell->work, buffer_bytes(&shell->encoded));
  if (!value.data || !key) return ERR_NO_MEMORY;
  to->records[to->count++] = (struct outbox_record){.topic = TOPIC_DECISION,
                                                    .key = bytes_text(key),
                                                    .value = value,
                                                    .has_cause = true,
                                                    .cause = decision->cause};
  return OK;
}

static enum error add_device(struct shell *shell, const struct device *device, struct outbox *to) {
  const char *key = arena_printf(shell->work, "%s/%s", device->site, device->device);
  buffer_clear(&shell->encoded);
  enum error err = wire_device_encode(device, &shell->encoded);
  if (err) return err;
  struct bytes value = arena_bytes(shell->work, buffer_bytes(&shell->encoded));
  if (!value.data || !key) return ERR_NO_MEMORY;
  to->records[to->count++] = (struct outbox_record){.topic = TOPIC_DEVICE, .key = bytes_text(key), .value = value};
  return OK;
}

enum error outbox_build(struct shell *shell, const struct effects *effects, struct outbox *out) {
  size_t max = effects->decision_count + effects->device_count;
  struct outbox outbox = {.records = arena_array(shell->work, max, sizeof *outbox.records)};
  enum error err = outbox.records ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; !err && i < effects->decision_count; i++)
    err = add_decision(shell, &effects->decisions[i], &outbox);
  for (size_t i = 0; !err && i < effects->device_count; i++) err = add_device(shell, &effects->devices[i], &outbox);
  if (!err) *out = outbox;
  return err;
}

// While the producer's queue is full it is served. One that has died is replaced by the next pass, and what it did not
// take is published when its partition is opened anew.
static enum error send_one(struct shell *shell, const struct kafka_send *record) {
  int64_t deadline_ms = clock_mono_ms() + shell->config->publish_timeout_ms;
  for (;;) {
    enum error err = kafka_producer_send(shell->producer, record);
    if (err == ERR_KAFKA_FATAL || err == ERR_FENCED) return ERR_ABORTED;
    if (err != ERR_QUEUE_FULL || clock_mono_ms() > deadline_ms) return err;
    kafka_producer_poll(shell->producer, POLL_MS);
    health_beat(shell->health);
  }
}

enum error outbox_publish(struct shell *shell, int32_t partition, const struct outbox *outbox, struct cause tail,
                          struct publication *publication) {
  for (size_t i = 0; i < outbox->count; i++) {
    const struct outbox_record *record = &outbox->records[i];
    bool known = record->has_cause && cause_compare(record->cause, tail) <= 0;
    if (known && !CANARY(TAIL_IGNORED)) continue;
    struct kafka_send send = {.topic = record->topic,
                              .partition = record->has_cause ? partition : KAFKA_PARTITION_BY_KEY,
                              .key = record->key,
                              .value = record->value,
                              .opaque = publication};
    enum error err = send_one(shell, &send);
    if (err) return err;
    publication->pending++;
    counter_add(record->has_cause ? shell->stats->decisions : shell->stats->devices, 1);
  }
  return OK;
}

enum error outbox_wait(struct shell *shell, const struct publication *publication) {
  int64_t deadline_ms = clock_mono_ms() + shell->config->publish_timeout_ms;
  while (publication->pending > 0 && !publication->failed) {
    if (clock_mono_ms() > deadline_ms) return ERR_TIMEOUT;
    kafka_producer_poll(shell->producer, POLL_MS);
    health_beat(shell->health);
  }
  return publication->failed ? ERR_ABORTED : OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "control/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/ring.h"
#include "control/core/device/codec.h"

enum { RING_CAPACITY = 4096 };

struct sender {
  struct mqtt *mqtt;
  const struct devices *devices;
  struct ring *failed; // of struct unpublished
  struct condition *condition;
  struct counter *published;
  struct counter *failures; // by error
  struct counter *notes_dropped;
};

static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason) {
  struct sender *sender = ctx;
  (void)session_present;
  condition_set(sender->condition, state == MQTT_CONNECTED);
  if (state == MQTT_CONNECTED) log_info("mqtt-connected");
  if (state != MQTT_CONNECTED) log_warn("mqtt-disconnected", F_STR("reason", reason));
}

static void on_published(void *ctx, void *opaque, enum error err, int reason) {
  struct sender *sender = ctx;
  struct unpublished *note = opaque;
  if (err == OK) {
    counter_add(sender->published, 1);
  } else {
    note->err = err;
    counter_add(&sender->failures[err], 1);
    log_warn("command-not-published", F_STR("command", note->command_id), F_ERR(err), F_INT("reason", reason));
    if (ring_push(sender->failed, note) != OK) counter_add(sender->notes_dropped, 1);
  }
  free(note);
}

static void register_metrics(struct sender *sender, struct metrics *metrics) {
  struct label errors = {.name = "error"};
  errors.values = error_names(&errors.count);
  sender->published =
      metrics_counter(metrics, "riser_control_published_total", "Commands that the MQTT broker has acknowledged.");
  sender->failures = metrics_counters(metrics, "riser_control_unpublished_total",
                                      "Commands that did not reach the MQTT broker, or that it refused.", errors);
  sender->notes_dropped = metrics_counter(metrics, "riser_control_unpublished_notes_dropped_total",
                                          "Failed publishes that wait for their ordinary pause, the ring being full.");
}

enum error sender_open(const struct sender_options *options, struct sender **opened) {
  struct sender *sender = calloc(1, sizeof *sender);
  if (!sender) return ERR_NO_MEMORY;
  sender->devices = options->devices;
  register_metrics(sender, options->process->metrics);
  sender->condition = health_condition(options->process->health, "mqtt");
  sender->failed = ring_new(RING_CAPACITY, sizeof(struct unpublished));
  enum error err = sender->failed ? OK : ERR_NO_MEMORY;
  if (err == OK) {
    err = mqtt_open(&(struct mqtt_options){.settings = options->settings,
                                           .instance = options->instance,
                                           .handlers = {.on_state = on_state, .on_published = on_published,
                                                        .ctx = sender},
                                           .clean_start = true},
                    &sender->mqtt);
  }
  if (err) {
    sender_close(sender);
    return err;
  }
  *opened = sender;
  return OK;
}

void sender_close(struct sender *sender) {
  if (!sender) return;
  mqtt_close(sender->mqtt);
  ring_free(sender->failed);
  free(sender);
}

bool sender_connected(struct sender *sender) {
  return mqtt_connected(sender->mqtt);
}

// With the newer of two keys: the older one is only believed for as long as the device may not have the other yet.
static enum error sign(const struct sender *sender, const struct publish *publish, const char *topic,
                       struct buffer *payload) {
  const struct device_view *device = devices_find(sender->devices, publish->site, publish->device);
  if (!device || (device->keys.count == 0 && !device->keys.unusable)) return OK;
  if (device->keys.unusable) return ERR_KEY_UNUSABLE;
  return signature_append(device->keys.keys[0], bytes_text(topic), payload);
}

static enum error encode(const struct sender *sender, const struct publish *publish, char topic[DEVICE_TOPIC_MAX],
                         struct buffer *payload) {
  const struct device_codec *codec = device_codec_find(publish->codec);
  if (!codec) return ERR_UNKNOWN_FORMAT;
  enum error err = device_topic(publish->site, publish->device, topic);
  if (!err) err = codec->encode(&publish->command, payload);
  return err ? err : sign(sender, publish, topic, payload);
}

static enum error publish_note(struct sender *sender, const struct mqtt_publish *message, struct unpublished *note) {
  struct mqtt_publish with_note = *message;
  with_note.opaque = note;
  enum error err = mqtt_publish(sender->mqtt, &with_note);
  if (err) free(note);
  return err;
}

enum error sender_send(struct sender *sender, uint32_t partition, const struct publish *publish) {
  char topic[DEVICE_TOPIC_MAX];
  struct buffer payload;
  struct unpublished *note = calloc(1, sizeof *note);
  if (!note) return ERR_NO_MEMORY;
  *note = (struct unpublished){.partition = partition, .attempt = publish->attempt};
  snprintf(note->command_id, sizeof note->command_id, "%s", publish->command.command_id);
  buffer_init(&payload, DEVICE_PAYLOAD_MAX);
  enum error err = encode(sender, publish, topic, &payload);
  if (err) {
    free(note);
  } else {
    struct mqtt_publish message = {
        .topic = topic, .payload = buffer_bytes(&payload), .qos = 1, .expiry_s = publish->expiry_s};
    err = publish_note(sender, &message, note);
  }
  buffer_fini(&payload);
  if (err) counter_add(&sender->failures[err], 1);
  return err;
}

bool sender_collect(struct sender *sender, struct unpublished *unpublished) {
  return ring_pop(sender->failed, unpublished, 1, 0) == 1;
}

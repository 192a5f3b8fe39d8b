// SPDX-License-Identifier: Apache-2.0
#include "metersim/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/tls.h"

enum { TOPIC_MAX = 256, AGAIN_MS = 20, INFLIGHT = 500, KEEP_ALIVE_MS = 20000, RECONNECT_MAX_MS = 2000 };
enum { SESSION_EXPIRY_MS = 86400000 };

static void make_topic(const struct sim_device *device, const char *tail, char topic[TOPIC_MAX]) {
  snprintf(topic, TOPIC_MAX, "riser/v1/%s/%s/%s", device->site, device->id, tail);
}

// ---------------------------------------------------------------- Paho's threads

static void leave_note(struct sim_device *device, enum incoming_kind kind, struct bytes payload) {
  struct incoming incoming = {.device = device, .kind = kind, .len = payload.len};
  if (payload.len > sizeof incoming.payload) return;
  if (payload.len) memcpy(incoming.payload, payload.data, payload.len);
  if (ring_push(device->port->incoming, &incoming) != OK) log_warn("note-dropped", F_STR("device", device->id));
}

static void on_message(void *ctx, const struct mqtt_message *message) {
  const char *tail = strrchr(message->topic, '/');
  bool receipt = tail && strcmp(tail, "/receipt") == 0;
  leave_note(ctx, receipt ? INCOMING_RECEIPT : INCOMING_COMMAND, message->payload);
}

static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason) {
  (void)session_present;
  (void)reason;
  if (state == MQTT_CONNECTED) leave_note(ctx, INCOMING_CONNECTED, bytes_make(NULL, 0));
}

static void on_published(void *ctx, void *opaque, enum error err, int reason) {
  struct sim_device *device = ctx;
  struct decided decided = {.message = opaque, .err = err};
  (void)reason;
  if (ring_push(device->port->decided, &decided) != OK) abort(); // it has room for all that can be in flight
}

// ---------------------------------------------------------------- the simulator's thread

enum error device_open(struct sim_device *device, struct port *port, const char *broker, bool receipts) {
  char commands[TOPIC_MAX], receipt[TOPIC_MAX], will[TOPIC_MAX], client_id[TOPIC_MAX];
  struct buffer goodbye;
  device->port = port;
  make_topic(device, "down/cmd", commands);
  make_topic(device, "down/receipt", receipt);
  make_topic(device, "up/state", will);
  snprintf(client_id, sizeof client_id, "%s.%s", device->site, device->id);
  buffer_init(&goodbye, COMMAND_PAYLOAD_MAX);
  enum error err = payload_state(port->format, &(struct device_state_fact){.device = ""}, &goodbye);
  if (err == OK && device->keys.count) err = signature_append(device->keys.keys[0], bytes_text(will), &goodbye);
  const struct mqtt_subscription subscriptions[] = {{.filter = commands, .qos = 1}, {.filter = receipt, .qos = 1}};
  struct mqtt_settings settings = {.address = broker,
                                   .tls = TLS_OFF,
                                   .client_id = client_id,
                                   .session_expiry_ms = SESSION_EXPIRY_MS,
                                   .keep_alive_ms = KEEP_ALIVE_MS,
                                   .reconnect_max_ms = RECONNECT_MAX_MS};
  if (err == OK) err = identity_mqtt(port->identity, device->site, &settings, device->password);
  if (err == OK) {
    err = mqtt_open(&(struct mqtt_options){.settings = settings,
                                           .handlers = {on_message, on_state, on_published, device},
                                           .subscriptions = subscriptions,
                                           .subscription_count = receipts ? 2 : 1,
                                           .inflight_max = INFLIGHT,
                                           .will_topic = will,
                                           .will_payload = buffer_bytes(&goodbye)},
                    &device->mqtt);
  }
  buffer_fini(&goodbye);
  return err;
}

void device_close(struct sim_device *device) {
  mqtt_close(device->mqtt);
  device->mqtt = NULL;
  struct outgoing *message, *next;
  DL_FOREACH_SAFE(device->unreceipted, message, next) outgoing_free(message);
  device->unreceipted = NULL;
  free(device->meters);
  device->meters = NULL;
}

int64_t device_now_s(const struct sim_device *device) {
  return business_now_s(device->port->business, device->site) + device->port->clock_off_s;
}

static enum error enqueue(struct sim_device *device, struct outgoing *message) {
  enum error err = queue_take(&device->port->queue, message);
  if (err) outgoing_free(message);
  return err;
}

enum error device_show(struct sim_device *device, bool online) {
  struct outgoing *message = outgoing_new(device, OUTGOING_STATE, "up/state");
  if (!message) return ERR_NO_MEMORY;
  message->retain = true;
  struct device_state_fact state = {.device = "",
                                    .online = online,
                                    .supply = online ? device->contact.supply : SUPPLY_UNKNOWN,
                                    .time_s = online ? device_now_s(device) : 0,
                                    .desired_version = online ? device->contact.version : 0};
  enum error err = payload_state(device->port->format, &state, &message->payload);
  if (err) {
    outgoing_free(message);
    return err;
  }
  return enqueue(device, message);
}

static enum error acknowledge(struct sim_device *device, const char *command_id, enum ack_outcome outcome,
                              const char *detail) {
  if (random_hits(&device->port->random, device->port->ack_drops_e4)) return OK;
  struct outgoing *message = outgoing_new(device, OUTGOING_ACK, "up/ack");
  if (!message) return ERR_NO_MEMORY;
  struct command_ack_fact ack = {
      .device = "", .command_id = command_id, .outcome = outcome, .time_s = device_now_s(device), .detail = detail};
  enum error err = payload_ack(device->port->format, &ack, &message->payload);
  if (err) {
    outgoing_free(message);
    return err;
  }
  return enqueue(device, message);
}

// What is not signed is not even answered: an answer would be taken for one to the true command.
static bool is_from_riser(struct sim_device *device, struct bytes payload) {
  char topic[TOPIC_MAX];
  make_topic(device, "down/cmd", topic);
  enum error err = signature_check(&device->keys, bytes_text(topic), payload);
  if (err == OK) return true;
  device->port->forged++;
  log_warn("command-not-believed", F_STR("device", device->id), F_ERR(err));
  return false;
}

static enum error take_command(struct sim_device *device, struct bytes payload) {
  struct device_command command;
  if (device->keys.count && !is_from_riser(device, payload)) return OK;
  arena_reset(device->port->arena);
  enum error err = payload_command(payload, device->port->arena, &command);
  if (err) {
    log_warn("command-unreadable", F_STR("device", device->id), F_ERR(err));
    return OK;
  }
  device->port->commands++;
  struct contact_answer answer = contact_take(&device->contact, &command, device_now_s(device), clock_mono_ms());
  log_info("command", F_STR("device", device->id), F_STR("command", command.command_id),
           F_STR("supply", command.supply == SUPPLY_OFF ? "off" : "on"), F_INT("outcome", answer.outcome));
  err = acknowledge(device, command.command_id, answer.outcome, answer.detail);
  if (err == OK && answer.show) err = device_show(device, true);
  return err;
}

static void take_receipt(struct sim_device *device, struct bytes payload) {
  struct receipt receipt;
  struct outgoing *message, *next;
  arena_reset(device->port->arena);
  if (payload_receipt(payload, device->port->arena, &receipt) != OK) return;
  if (receipt.boot != device->port->boot) return; // of a life before this one
  DL_FOREACH_SAFE(device->unreceipted, message, next) {
    if (message->sequence < receipt.first || message->sequence > receipt.sequence) continue;
    DL_DELETE(device->unreceipted, message);
    device->unreceipted_count--;
    outgoing_free(message);
  }
}

enum error device_take(struct sim_device *device, const struct incoming *incoming) {
  struct bytes payload = bytes_make(incoming->payload, incoming->len);
  if (incoming->kind == INCOMING_CONNECTED) return device_show(device, !device->offline);
  if (incoming->kind == INCOMING_COMMAND) return take_command(device, payload);
  take_receipt(device, payload);
  return OK;
}

enum error device_work(struct sim_device *device, int64_t now_ms) {
  if (!contact_arrives(&device->contact, now_ms)) return OK;
  enum error err = acknowledge(device, device->contact.last_id, ACK_DONE, "");
  return err ? err : device_show(device, true);
}

void device_set_offline(struct sim_device *device, bool offline) {
  if (device->offline && !offline) mqtt_resume(device->mqtt);
  device->offline = offline;
}

// Rubbish that cannot be signed goes as it is.
static void sign(const struct sim_device *device, const char *topic, struct outgoing *message) {
  if (!device->keys.count || message->is_signed) return;
  enum error err = signature_append(device->keys.keys[0], bytes_text(topic), &message->payload);
  message->is_signed = err == OK;
}

enum error device_publish(struct sim_device *device, struct outgoing *message) {
  char topic[TOPIC_MAX];
  make_topic(device, message->tail, topic);
  sign(device, topic, message);
  enum error err = mqtt_publish(device->mqtt, &(struct mqtt_publish){.topic = topic,
                                                                     .payload = buffer_bytes(&message->payload),
                                                                     .qos = 1,
                                                                     .retain = message->retain,
                                                                     .opaque = message});
  if (err == OK) return OK;
  if (error_class(err) != CLASS_RETRY) {
    outgoing_free(message);
    return err;
  }
  message->due_ms = clock_mono_ms() + AGAIN_MS;
  err = enqueue(device, message);
  return err ? err : ERR_AGAIN;
}

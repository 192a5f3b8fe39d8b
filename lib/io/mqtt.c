// SPDX-License-Identifier: Apache-2.0
// Paho calls back under its own global lock, and its functions take that lock: so our lock is never held while one of
// Paho's functions is called. What Paho's callbacks learn is left in `phase`, and the link thread acts on it.
#include "io/mqtt.h"

#include <MQTTAsync.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/mqtt_subscriptions.h"
#include "io/tls.h"

enum {
  RECONNECT_MIN_MS = 100,
  CONNECT_TIMEOUT_S = 5,
  CLOSE_WAIT_MS = 2000,
  PHASE_TIMEOUT_MS = 15000,
  INFLIGHT_DEFAULT = 1000,
  INFLIGHT_MOST = 65535,
  URI_SIZE = 512,
  REASON_REFUSED = 0x80, // MQTT 5, 2.4: reason codes from here on are failures
};

static const char SCHEME_TLS[] = "ssl://";

// What the connection is doing. Left by: IDLE, CONNECTED: the link thread; the others: Paho's callbacks.
enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_SUBSCRIBING, PHASE_CONNECTED, PHASE_DISCONNECTING };

struct client;

// One QoS 1 publish that Paho has not decided yet: the context of its callbacks.
struct slot {
  struct client *client;
  void *opaque;
  struct slot *next; // in the free list
};

struct client {
  struct mqtt base;
  MQTTAsync paho;
  struct mqtt_settings settings; // texts borrowed
  struct mqtt_handlers handlers;
  bool clean_start;
  int receive_maximum;
  int inflight_max;
  char *will_topic;
  struct buffer will_payload;
  struct mqtt_subscriptions subscriptions;

  pthread_mutex_t lock; // guards what follows
  pthread_cond_t changed;
  enum phase phase;
  int64_t phase_since_ms;
  int64_t unsaid_since_ms; // connected for us and not for Paho; 0: not so
  bool paused;
  bool closing;
  bool session_present;
  bool left;    // what is to be left is unsubscribed
  int failures; // attempts since the last connection
  struct slot *slots;
  struct slot *free_slots;

  pthread_t link;
  bool link_started;
};

static const struct mqtt_ops client_ops;

static enum error client_init(struct client *client, const struct mqtt_options *options);
static enum error slots_init(struct client *client);
static enum error paho_create(struct client *client, const char *address, const char *id);
static void client_free(struct client *client);
static void *link_run(void *ctx);
static int64_t link_step(struct client *client);
static int64_t back_off_ms(const struct client *client);
static void start_connect(struct client *client);
static void start_disconnect(struct client *client, int timeout_ms);
static void set_phase(struct client *client, enum phase phase);
static void went_down(struct client *client, const char *reason, bool failed);
static void wait_changed(struct client *client, int64_t timeout_ms);
static void on_connected(void *ctx, MQTTAsync_successData5 *data);
static void on_connect_failed(void *ctx, MQTTAsync_failureData5 *data);
static void on_subscribed(void *ctx, MQTTAsync_successData5 *data);
static void on_subscribe_failed(void *ctx, MQTTAsync_failureData5 *data);
static void leave(struct client *client);
static void on_left(void *ctx, MQTTAsync_successData5 *data);
static void on_leave_failed(void *ctx, MQTTAsync_failureData5 *data);
static void came_up(struct client *client);
static void on_disconnected(void *ctx, MQTTAsync_successData5 *data);
static void on_disconnect_failed(void *ctx, MQTTAsync_failureData5 *data);
static void on_lost(void *ctx, char *cause);
static void on_told_to_leave(void *ctx, MQTTProperties *properties, enum MQTTReasonCodes reason);
static int on_arrived(void *ctx, char *topic, int topic_len, MQTTAsync_message *message);
static void on_acknowledged(void *ctx, MQTTAsync_successData5 *data);
static void on_publish_failed(void *ctx, MQTTAsync_failureData5 *data);

enum error mqtt_open(const struct mqtt_options *options, struct mqtt **opened) {
  struct client *client = calloc(1, sizeof *client);
  if (!client) return ERR_NO_MEMORY;
  enum error err = client_init(client, options);
  if (!err) client->link_started = pthread_create(&client->link, NULL, link_run, client) == 0;
  if (!err && !client->link_started) err = ERR_NO_MEMORY;
  if (err) {
    client_free(client);
    return err;
  }
  *opened = &client->base;
  return OK;
}

enum error mqtt_publish(struct mqtt *mqtt, const struct mqtt_publish *message) {
  return mqtt->ops->publish(mqtt, message);
}

bool mqtt_connected(struct mqtt *mqtt) {
  return mqtt->ops->wait_connected(mqtt, 0);
}

bool mqtt_wait_connected(struct mqtt *mqtt, int timeout_ms) {
  return mqtt->ops->wait_connected(mqtt, timeout_ms);
}

void mqtt_pause(struct mqtt *mqtt) {
  mqtt->ops->pause(mqtt, true);
}

void mqtt_resume(struct mqtt *mqtt) {
  mqtt->ops->pause(mqtt, false);
}

void mqtt_close(struct mqtt *mqtt) {
  if (mqtt) mqtt->ops->close(mqtt);
}

static enum error client_init(struct client *client, const struct mqtt_options *options) {
  char id[URI_SIZE];
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&client->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&client->lock, NULL);
  client->base.ops = &client_ops;
  client->settings = options->settings;
  client->handlers = options->handlers;
  client->paused = options->paused;
  client->clean_start = options->clean_start;
  client->receive_maximum = options->receive_maximum ? options->receive_maximum : INFLIGHT_MOST;
  client->inflight_max = options->inflight_max ? options->inflight_max : INFLIGHT_DEFAULT;
  buffer_init(&client->will_payload, options->will_payload.len);
  enum error err = buffer_append(&client->will_payload, options->will_payload.data, options->will_payload.len);
  if (!err && options->will_topic && !(client->will_topic = strdup(options->will_topic))) err = ERR_NO_MEMORY;
  if (!err) err = mqtt_subscriptions_init(&client->subscriptions, options);
  if (!err) err = slots_init(client);
  const char *instance = options->instance ? options->instance : "";
  const char *key = options->settings.client_key ? options->settings.client_key : "";
  int len = snprintf(id, sizeof id, "%s%s%s%s%s", options->settings.client_id, *instance ? "-" : "", instance,
                     *key ? "-" : "", key);
  if (!err && (size_t)len >= sizeof id) err = ERR_CONFIG; // cut, it might be another process's
  return err ? err : paho_create(client, options->settings.address, id);
}

static enum error slots_init(struct client *client) {
  client->slots = calloc((size_t)client->inflight_max, sizeof *client->slots);
  if (!client->slots) return ERR_NO_MEMORY;
  for (int i = 0; i < client->inflight_max; i++) {
    client->slots[i] = (struct slot){.client = client, .next = client->free_slots};
    client->free_slots = &client->slots[i];
  }
  return OK;
}

bool mqtt_encrypted(const struct mqtt_settings *settings) {
  const char *scheme_end = strstr(settings->address, "://");
  if (!scheme_end) return tls_wanted(settings->tls, settings->address);
  return strncmp(settings->address, SCHEME_TLS, strlen(SCHEME_TLS)) == 0;
}

static enum error paho_create(struct client *client, const char *address, const char *id) {
  char uri[URI_SIZE];
  const char *scheme = mqtt_encrypted(&client->settings) ? SCHEME_TLS : "tcp://";
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  create.maxBufferedMessages = client->inflight_max;
  snprintf(uri, sizeof uri, "%s%s", strstr(address, "://") ? "" : scheme, address);
  int rc = MQTTAsync_createWithOptions(&client->paho, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
  if (rc == MQTTASYNC_SUCCESS) rc = MQTTAsync_setCallbacks(client->paho, client, on_lost, on_arrived, NULL);
  if (rc == MQTTASYNC_SUCCESS) rc = MQTTAsync_setDisconnected(client->paho, client, on_told_to_leave);
  if (rc == MQTTASYNC_SUCCESS) return OK;
  log_error("mqtt-refused", F_STR("address", address), F_STR("reason", MQTTAsync_strerror(rc)));
  return ERR_CONFIG;
}

// What Paho has not decided is decided by destroying its client.
static void client_free(struct client *client) {
  if (client->paho) MQTTAsync_destroy(&client->paho);
  mqtt_subscriptions_fini(&client->subscriptions);
  free(client->slots);
  free(client->will_topic);
  buffer_fini(&client->will_payload);
  pthread_cond_destroy(&client->changed);
  pthread_mutex_destroy(&client->lock);
  free(client);
}

// ---------------------------------------------------------------- the link thread

static void *link_run(void *ctx) {
  struct client *client = ctx;
  pthread_mutex_lock(&client->lock);
  while (!client->closing) wait_changed(client, link_step(client));
  pthread_mutex_unlock(&client->lock);
  return NULL;
}

// Paho 1.3.14 may not say that the broker has ended a connection. Asked without the lock: it calls us with its own.
static bool is_lost_unsaid(struct client *client) {
  int64_t since_ms = client->phase_since_ms, now_ms = clock_mono_ms();
  pthread_mutex_unlock(&client->lock);
  bool gone = !MQTTAsync_isConnected(client->paho);
  pthread_mutex_lock(&client->lock);
  gone = gone && client->phase == PHASE_CONNECTED && client->phase_since_ms == since_ms;
  if (!gone || !client->unsaid_since_ms) client->unsaid_since_ms = gone ? now_ms : 0;
  return gone && now_ms - client->unsaid_since_ms > PHASE_TIMEOUT_MS;
}

// Called and left with the lock held; gives how long to sleep if nothing changes.
static int64_t link_step(struct client *client) {
  int64_t age_ms = clock_mono_ms() - client->phase_since_ms;
  if (client->phase == PHASE_IDLE && !client->paused) {
    int64_t pause_ms = back_off_ms(client);
    if (age_ms < pause_ms) return pause_ms - age_ms;
    start_connect(client);
  } else if (client->phase == PHASE_CONNECTED && client->paused) {
    start_disconnect(client, 0);
  } else if (client->phase == PHASE_SUBSCRIBING && (client->paused || age_ms > PHASE_TIMEOUT_MS)) {
    start_disconnect(client, 0);
  } else if (client->phase != PHASE_IDLE && client->phase != PHASE_CONNECTED && age_ms > PHASE_TIMEOUT_MS) {
    went_down(client, "no answer", true);
  } else if (is_lost_unsaid(client)) {
    went_down(client, "connection lost", true);
  }
  return 1000;
}

// The first attempt at once, then 100 ms, 200 ms, ... up to the maximum, the latter half of it by chance, so that many
// clients don't come back together.
static int64_t back_off_ms(const struct client *client) {
  if (client->failures == 0) return 0;
  int doublings = client->failures < 20 ? client->failures - 1 : 19;
  int64_t pause_ms = (int64_t)RECONNECT_MIN_MS << doublings;
  if (pause_ms > client->settings.reconnect_max_ms) pause_ms = client->settings.reconnect_max_ms;
  return pause_ms / 2 + client->phase_since_ms * 7919 % (pause_ms / 2 + 1);
}

static void start_connect(struct client *client) {
  MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
  MQTTProperties properties = MQTTProperties_initializer;
  const struct mqtt_settings *settings = &client->settings;
  MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};
  MQTTProperty maximum = {.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM};
  expiry.value.integer4 = (unsigned)(settings->session_expiry_ms / 1000);
  maximum.value.integer2 = (unsigned short)client->receive_maximum;
  MQTTProperties_add(&properties, &expiry);
  MQTTProperties_add(&properties, &maximum);
  connect.keepAliveInterval = (int)(settings->keep_alive_ms / 1000);
  connect.cleanstart = client->clean_start;
  connect.maxInflight = client->inflight_max < INFLIGHT_MOST ? client->inflight_max : INFLIGHT_MOST;
  connect.connectTimeout = CONNECT_TIMEOUT_S;
  connect.connectProperties = &properties;
  connect.username = settings->username && settings->username[0] ? settings->username : NULL;
  connect.password = settings->password && settings->password[0] ? settings->password : NULL;
  connect.onSuccess5 = on_connected;
  connect.onFailure5 = on_connect_failed;
  connect.context = client;
  tls.trustStore = settings->ca_file && settings->ca_file[0] ? settings->ca_file : NULL;
  tls.keyStore = settings->cert_file && settings->cert_file[0] ? settings->cert_file : NULL;
  tls.privateKey = settings->key_file && settings->key_file[0] ? settings->key_file : NULL;
  tls.verify = 1;
  if (mqtt_encrypted(settings)) connect.ssl = &tls;
  will.topicName = client->will_topic;
  will.payload.data = client->will_payload.data;
  will.payload.len = (int)client->will_payload.len;
  will.retained = 1;
  will.qos = 1;
  if (client->will_topic) connect.will = &will;
  set_phase(client, PHASE_CONNECTING);
  pthread_mutex_unlock(&client->lock);
  int rc = MQTTAsync_connect(client->paho, &connect);
  MQTTProperties_free(&properties);
  pthread_mutex_lock(&client->lock);
  if (rc != MQTTASYNC_SUCCESS) went_down(client, MQTTAsync_strerror(rc), true);
}

static void start_disconnect(struct client *client, int timeout_ms) {
  MQTTAsync_disconnectOptions disconnect = MQTTAsync_disconnectOptions_initializer5;
  disconnect.timeout = timeout_ms;
  disconnect.onSuccess5 = on_disconnected;
  disconnect.onFailure5 = on_disconnect_failed;
  disconnect.context = client;
  bool was_up = client->phase == PHASE_CONNECTED;
  set_phase(client, PHASE_DISCONNECTING);
  pthread_mutex_unlock(&client->lock);
  if (was_up && client->handlers.on_state)
    client->handlers.on_state(client->handlers.ctx, MQTT_DISCONNECTED, false, "paused or closing");
  int rc = MQTTAsync_disconnect(client->paho, &disconnect);
  pthread_mutex_lock(&client->lock);
  if (rc != MQTTASYNC_SUCCESS) went_down(client, "was not connected", false);
}

static void set_phase(struct client *client, enum phase phase) {
  client->phase = phase;
  client->phase_since_ms = clock_mono_ms();
  pthread_cond_broadcast(&client->changed);
}

// Called and left with the lock held, on any thread.
static void went_down(struct client *client, const char *reason, bool failed) {
  bool was_up = client->phase == PHASE_CONNECTED;
  if (client->phase == PHASE_IDLE) return;
  client->failures = failed && !was_up ? client->failures + 1 : failed;
  set_phase(client, PHASE_IDLE);
  pthread_mutex_unlock(&client->lock);
  if (failed) log_warn("mqtt-down", F_STR("reason", reason), F_STR("address", client->settings.address));
  if (was_up && client->handlers.on_state)
    client->handlers.on_state(client->handlers.ctx, MQTT_DISCONNECTED, false, reason);
  pthread_mutex_lock(&client->lock);
}

static void wait_changed(struct client *client, int64_t timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  int rc = pthread_cond_timedwait(&client->changed, &client->lock, &until);
  assert(rc == 0 || rc == ETIMEDOUT);
  (void)rc;
}

// ---------------------------------------------------------------- Paho's callbacks

static void on_connected(void *ctx, MQTTAsync_successData5 *data) {
  struct client *client = ctx;
  const struct mqtt_subscriptions *subscriptions = &client->subscriptions;
  MQTTAsync_callOptions call = MQTTAsync_callOptions_initializer;
  call.onSuccess5 = on_subscribed;
  call.onFailure5 = on_subscribe_failed;
  call.context = client;
  mqtt_subscriptions_grant(subscriptions, &call);
  pthread_mutex_lock(&client->lock);
  client->session_present = data->alt.connect.sessionPresent != 0;
  set_phase(client, PHASE_SUBSCRIBING);
  pthread_mutex_unlock(&client->lock);
  if (subscriptions->count == 0) {
    on_subscribed(client, NULL);
    return;
  }
  int rc =
      MQTTAsync_subscribeMany(client->paho, subscriptions->count, subscriptions->filters, subscriptions->qos, &call);
  if (rc != MQTTASYNC_SUCCESS) log_warn("mqtt-subscribe-failed", F_STR("reason", MQTTAsync_strerror(rc)));
}

static void on_connect_failed(void *ctx, MQTTAsync_failureData5 *data) {
  struct client *client = ctx;
  const char *reason = data->message ? data->message : MQTTAsync_strerror(data->code);
  if ((int)data->reasonCode >= REASON_REFUSED) reason = MQTTReasonCode_toString(data->reasonCode);
  pthread_mutex_lock(&client->lock);
  went_down(client, reason ? reason : "connect failed", true);
  pthread_mutex_unlock(&client->lock);
}

// Paho tells of a single refused subscription as a failure, of one among several only in the list.
static void on_subscribed(void *ctx, MQTTAsync_successData5 *data) {
  struct client *client = ctx;
  for (int i = 0; data && data->alt.sub.reasonCodeCount > 1 && i < data->alt.sub.reasonCodeCount; i++) {
    if ((int)data->alt.sub.reasonCodes[i] < REASON_REFUSED) continue;
    log_error("mqtt-subscription-refused", F_STR("filter", client->subscriptions.filters[i]),
              F_INT("reason", data->alt.sub.reasonCodes[i]));
    return; // stays in SUBSCRIBING: the link thread disconnects and tries again
  }
  pthread_mutex_lock(&client->lock);
  if (!client->session_present) client->left = true;
  bool leaves = client->subscriptions.leaving_count && !client->left;
  pthread_mutex_unlock(&client->lock);
  if (leaves)
    leave(client);
  else
    came_up(client);
}

// Only now, so that nothing is dropped in between.
static void leave(struct client *client) {
  MQTTAsync_callOptions call = MQTTAsync_callOptions_initializer;
  call.onSuccess5 = on_left;
  call.onFailure5 = on_leave_failed;
  call.context = client;
  const struct mqtt_subscriptions *subscriptions = &client->subscriptions;
  int rc = MQTTAsync_unsubscribeMany(client->paho, subscriptions->leaving_count, subscriptions->leaving, &call);
  if (rc != MQTTASYNC_SUCCESS) log_warn("mqtt-unsubscribe-failed", F_STR("reason", MQTTAsync_strerror(rc)));
}

static void on_left(void *ctx, MQTTAsync_successData5 *data) {
  struct client *client = ctx;
  (void)data; // what the broker says of each does not matter: "no such subscription" is as good
  log_info("mqtt-left", F_INT("filters", client->subscriptions.leaving_count)); // a share's name is a secret
  pthread_mutex_lock(&client->lock);
  client->left = true;
  pthread_mutex_unlock(&client->lock);
  came_up(client);
}

// Stays in SUBSCRIBING: the link thread disconnects and tries again.
static void on_leave_failed(void *ctx, MQTTAsync_failureData5 *data) {
  (void)ctx;
  log_error("mqtt-unsubscribe-refused", F_INT("reason", data->reasonCode), F_INT("code", data->code));
}

static void came_up(struct client *client) {
  pthread_mutex_lock(&client->lock);
  bool up = client->phase == PHASE_SUBSCRIBING, present = client->session_present;
  if (up) {
    client->failures = 0;
    set_phase(client, PHASE_CONNECTED);
  }
  pthread_mutex_unlock(&client->lock);
  if (up && client->handlers.on_state) client->handlers.on_state(client->handlers.ctx, MQTT_CONNECTED, present, "");
}

static void on_subscribe_failed(void *ctx, MQTTAsync_failureData5 *data) {
  (void)ctx;
  log_error("mqtt-subscription-refused", F_INT("reason", data->reasonCode), F_INT("code", data->code));
}

static void on_disconnected(void *ctx, MQTTAsync_successData5 *data) {
  struct client *client = ctx;
  (void)data;
  pthread_mutex_lock(&client->lock);
  went_down(client, "disconnected", false);
  pthread_mutex_unlock(&client->lock);
}

static void on_disconnect_failed(void *ctx, MQTTAsync_failureData5 *data) {
  (void)data;
  on_disconnected(ctx, NULL);
}

static void on_lost(void *ctx, char *cause) {
  struct client *client = ctx;
  pthread_mutex_lock(&client->lock);
  went_down(client, cause ? cause : "connection lost", true);
  pthread_mutex_unlock(&client->lock);
}

// The broker closes the connection right after this, and on_lost follows.
static void on_told_to_leave(void *ctx, MQTTProperties *properties, enum MQTTReasonCodes reason) {
  struct client *client = ctx;
  (void)properties;
  log_warn("mqtt-told-to-leave", F_STR("reason", MQTTReasonCode_toString(reason)),
           F_STR("address", client->settings.address));
}

static int on_arrived(void *ctx, char *topic, int topic_len, MQTTAsync_message *message) {
  struct client *client = ctx;
  (void)topic_len; // only set if the topic holds a zero, which MQTT forbids
  struct mqtt_message arrived = {
      .topic = topic,
      .payload = bytes_make(message->payload, (size_t)message->payloadlen),
      .qos = message->qos,
      .retain = message->retained != 0,
      .duplicate = message->dup != 0,
  };
  if (client->handlers.on_message) client->handlers.on_message(client->handlers.ctx, &arrived);
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

// ---------------------------------------------------------------- publishing

static struct slot *slot_take(struct client *client, void *opaque) {
  pthread_mutex_lock(&client->lock);
  struct slot *slot = client->free_slots;
  if (slot) {
    client->free_slots = slot->next;
    slot->opaque = opaque;
  }
  pthread_mutex_unlock(&client->lock);
  return slot;
}

static void slot_give(struct slot *slot) {
  struct client *client = slot->client;
  pthread_mutex_lock(&client->lock);
  slot->next = client->free_slots;
  client->free_slots = slot;
  pthread_mutex_unlock(&client->lock);
}

static enum error client_publish(struct mqtt *base, const struct mqtt_publish *publish) {
  struct client *client = (struct client *)base;
  MQTTAsync_message message = MQTTAsync_message_initializer;
  MQTTAsync_callOptions call = MQTTAsync_callOptions_initializer;
  assert(publish->qos == 0 || publish->qos == 1);
  if (!mqtt_connected(base)) return ERR_DISCONNECTED;
  struct slot *slot = publish->qos ? slot_take(client, publish->opaque) : NULL;
  if (publish->qos && !slot) return ERR_QUEUE_FULL;
  message.payload = (void *)(uintptr_t)publish->payload.data;
  message.payloadlen = (int)publish->payload.len;
  message.qos = publish->qos;
  message.retained = publish->retain;
  call.onSuccess5 = slot ? on_acknowledged : NULL;
  call.onFailure5 = slot ? on_publish_failed : NULL;
  call.context = slot;
  MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL};
  expiry.value.integer4 = (unsigned)publish->expiry_s;
  if (publish->expiry_s) MQTTProperties_add(&message.properties, &expiry);
  int rc = MQTTAsync_sendMessage(client->paho, publish->topic, &message, &call);
  if (publish->expiry_s) MQTTProperties_free(&message.properties);
  if (rc == MQTTASYNC_SUCCESS) return OK;
  if (slot) slot_give(slot);
  if (rc == MQTTASYNC_DISCONNECTED) return ERR_DISCONNECTED;
  if (rc == MQTTASYNC_BAD_UTF8_STRING) return ERR_BAD_TOPIC;
  return ERR_QUEUE_FULL;
}

static void slot_decide(struct slot *slot, enum error err, int reason) {
  struct client *client = slot->client;
  void *opaque = slot->opaque;
  slot_give(slot);
  if (client->handlers.on_published) client->handlers.on_published(client->handlers.ctx, opaque, err, reason);
}

static void on_acknowledged(void *ctx, MQTTAsync_successData5 *data) {
  slot_decide(ctx, OK, data->reasonCode);
}

static void on_publish_failed(void *ctx, MQTTAsync_failureData5 *data) {
  bool refused = (int)data->reasonCode >= REASON_REFUSED;
  slot_decide(ctx, refused ? ERR_REFUSED : ERR_UNKNOWN_OUTCOME, refused ? (int)data->reasonCode : 0);
}

// ---------------------------------------------------------------- the other operations

static bool client_wait_connected(struct mqtt *base, int timeout_ms) {
  struct client *client = (struct client *)base;
  int64_t until_ms = timeout_ms ? clock_mono_ms() + timeout_ms : 0;
  pthread_mutex_lock(&client->lock);
  while (client->phase != PHASE_CONNECTED && timeout_ms) {
    int64_t left_ms = until_ms - clock_mono_ms();
    if (left_ms <= 0) break;
    wait_changed(client, left_ms);
  }
  bool connected = client->phase == PHASE_CONNECTED;
  pthread_mutex_unlock(&client->lock);
  return connected;
}

static void client_pause(struct mqtt *base, bool paused) {
  struct client *client = (struct client *)base;
  pthread_mutex_lock(&client->lock);
  client->paused = paused;
  if (!paused) client->failures = 0;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
}

static void client_close(struct mqtt *base) {
  struct client *client = (struct client *)base;
  pthread_mutex_lock(&client->lock);
  client->closing = true;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
  pthread_join(client->link, NULL);
  int64_t until_ms = clock_mono_ms() + CLOSE_WAIT_MS + 1000;
  pthread_mutex_lock(&client->lock);
  if (client->phase == PHASE_CONNECTED || client->phase == PHASE_SUBSCRIBING) start_disconnect(client, CLOSE_WAIT_MS);
  while (client->phase == PHASE_DISCONNECTING && clock_mono_ms() < until_ms) wait_changed(client, 100);
  pthread_mutex_unlock(&client->lock);
  client_free(client);
}

static const struct mqtt_ops client_ops = {
    .publish = client_publish,
    .wait_connected = client_wait_connected,
    .pause = client_pause,
    .close = client_close,
};

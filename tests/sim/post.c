// SPDX-License-Identifier: Apache-2.0
#include "post.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "check.h"
#include "faults.h"
#include "house.h"
#include "ports.h"
#include "process.h"
#include "trace.h"

enum {
  CLIENTS_MAX = 16,
  PUBLISHES_MAX = 64,
  QUICK_MS = 10,
  SLOW_MS = 20000,
  SLOW = 200,   // in ten thousand
  TWICE = 150,  // of messages of either direction
  UNSAID = 100, // publishes of which nobody hears whether they arrived
  LOST = 100,   // publishes that the connection swallows
  NEAR = 4,     // how far a letter may overtake others
  CONNECT_MS = 200,
};

struct letter {
  char *topic;
  struct bytes payload;
};

struct client {
  struct mqtt base;
  uint64_t id;
  struct unit *unit;
  struct mqtt_handlers handlers;
  bool subscribes;
  bool paused;
  bool up;
  bool known; // it was connected before
  struct pending {
    uint64_t id;
    void *opaque;
  } pending[PUBLISHES_MAX];
  size_t pending_count;
};

struct publication {
  uint64_t client, id;
  enum error err;
  struct letter letter; // to a device; topic NULL: nothing arrives
  int64_t until_ms;
};

static struct client *clients[CLIENTS_MAX];
static struct letter *letters; // for the services
static size_t letter_count, letter_room;
static bool pumping;
static int64_t broken_until_ms;
static uint64_t ids;

static const struct mqtt_ops ops;

static void pump(void *ctx, uint64_t argument);
static void connect_later(const struct client *client);

static struct letter letter_make(const char *topic, struct bytes payload) {
  struct letter letter = {.topic = strdup(topic), .payload = {malloc(payload.len + 1), payload.len}};
  if (!letter.topic || !letter.payload.data) abort();
  if (payload.len) memcpy((void *)(uintptr_t)letter.payload.data, payload.data, payload.len);
  return letter;
}

static void letter_fini(struct letter *letter) {
  free(letter->topic);
  free((void *)(uintptr_t)letter->payload.data);
}

void post_begin(void) {
  broken_until_ms = 0;
  pumping = false;
  ids = 0;
}

void post_end(void) {
  for (size_t i = 0; i < letter_count; i++) letter_fini(&letters[i]);
  letter_count = 0;
}

bool post_is_broken(void) {
  return machine_now_ms() < broken_until_ms;
}

bool post_is_empty(void) {
  return letter_count == 0;
}

static int64_t delay_ms(void) {
  return 1 + (int64_t)chance_below(!bus_is_calm() && chance_of(SLOW) ? SLOW_MS : QUICK_MS);
}

static void start_pump(void) {
  if (pumping || letter_count == 0) return;
  pumping = true;
  machine_in(delay_ms(), pump, NULL, 0);
}

bool post_take(const char *topic, struct bytes payload) {
  if (post_is_broken()) return false;
  if (letter_count == letter_room) {
    letter_room = letter_room ? 2 * letter_room : 256;
    letters = realloc(letters, letter_room * sizeof *letters);
    if (!letters) abort();
  }
  letters[letter_count++] = letter_make(topic, payload);
  start_pump();
  return true;
}

// ---- to the services

static struct client *somebody(void) {
  struct client *there[CLIENTS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < CLIENTS_MAX; i++) {
    struct client *client = clients[i];
    if (client && client->subscribes && client->up && !unit_is_stopped(client->unit)) there[count++] = client;
  }
  return count ? there[chance_below(count)] : NULL;
}

static void pump(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  pumping = false;
  struct client *client = post_is_broken() ? NULL : somebody();
  if (client && letter_count) {
    size_t at = bus_is_calm() ? 0 : chance_below(letter_count < NEAR ? letter_count : NEAR);
    struct letter letter = letters[at];
    struct mqtt_message message = {.topic = letter.topic, .payload = letter.payload, .qos = 1};
    unit_enter(client->unit);
    client->handlers.on_message(client->handlers.ctx, &message);
    unit_leave();
    faults_tempt(client->unit);
    if (bus_is_calm() || !chance_of(TWICE)) { // else its acknowledgement is lost
      memmove(letters + at, letters + at + 1, (--letter_count - at) * sizeof letter);
      letter_fini(&letter);
    }
  }
  if (client) start_pump();
}

static struct client *find(uint64_t id) {
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i] && clients[i]->id == id) return clients[i];
  return NULL;
}

// ---- connections

static void set_up(struct client *client, bool up) {
  if (client->up == up) return;
  client->up = up;
  bool present = client->known && up;
  client->known |= up;
  unit_enter(client->unit);
  if (client->handlers.on_state)
    client->handlers.on_state(client->handlers.ctx, up ? MQTT_CONNECTED : MQTT_DISCONNECTED, present, "");
  unit_leave();
  start_pump();
}

static void on_connect(void *ctx, uint64_t id) {
  struct client *client = find(id);
  (void)ctx;
  if (!client || client->paused) return;
  if (post_is_broken() || unit_is_stopped(client->unit))
    connect_later(client);
  else
    set_up(client, true);
}

static void connect_later(const struct client *client) {
  int64_t from_ms = post_is_broken() ? broken_until_ms : machine_now_ms();
  if (unit_is_stopped(client->unit) && client->unit->stopped_until > from_ms) from_ms = client->unit->stopped_until;
  machine_at(from_ms + 1 + (int64_t)chance_below(CONNECT_MS), on_connect, NULL, client->id);
}

enum error sim_mqtt_open(const struct mqtt_options *options, struct mqtt **opened) {
  size_t at = 0;
  while (at < CLIENTS_MAX && clients[at]) at++;
  assert(at < CLIENTS_MAX);
  struct client *client = calloc(1, sizeof *client);
  if (!client) abort();
  client->base.ops = &ops;
  client->id = ++ids;
  client->unit = unit_current();
  client->handlers = options->handlers;
  client->subscribes = options->subscription_count > 0;
  client->known = !options->clean_start && client->unit->life > 1;
  client->paused = options->paused;
  clients[at] = client;
  *opened = &client->base;
  connect_later(client);
  return OK;
}

static bool client_wait(struct mqtt *base, int timeout_ms) {
  (void)timeout_ms;
  const struct client *client = (struct client *)base;
  return client->up && !unit_is_dead(client->unit);
}

static void on_pause(void *ctx, uint64_t id) {
  struct client *client = find(id);
  (void)ctx;
  if (client && client->paused) set_up(client, false);
}

static void client_pause(struct mqtt *base, bool paused) {
  struct client *client = (struct client *)base;
  client->paused = paused;
  if (paused)
    machine_in(1, on_pause, NULL, client->id);
  else
    connect_later(client);
}

void post_break(int64_t for_ms) {
  trace("the MQTT connections break for %lld ms", (long long)for_ms);
  broken_until_ms = machine_now_ms() + for_ms;
  for (size_t i = 0; i < CLIENTS_MAX; i++) {
    if (!clients[i] || !clients[i]->up) continue;
    set_up(clients[i], false);
    connect_later(clients[i]);
  }
  house_disconnected();
}

void post_crash(void) {
  trace("the MQTT broker dies and forgets %zu messages", letter_count);
  post_end();
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i]) clients[i]->known = false;
  post_break((int64_t)chance_below(SLOW_MS));
}

// ---- from the services

static void say(struct client *client, uint64_t id, enum error err) {
  for (size_t i = 0; i < client->pending_count; i++) {
    struct pending pending = client->pending[i];
    if (pending.id != id) continue;
    client->pending[i] = client->pending[--client->pending_count];
    unit_enter(client->unit);
    if (client->handlers.on_published) client->handlers.on_published(client->handlers.ctx, pending.opaque, err, 0);
    unit_leave();
    return;
  }
}

static void on_arrival(void *ctx, uint64_t argument) {
  struct publication *publication = ctx;
  (void)argument;
  if (publication->letter.topic)
    house_take(publication->letter.topic, publication->letter.payload, publication->until_ms);
  struct client *client = publication->id ? find(publication->client) : NULL;
  if (client) say(client, publication->id, publication->err);
  letter_fini(&publication->letter);
  free(publication);
}

static void send(uint64_t client, uint64_t id, enum error err, const struct mqtt_publish *message) {
  struct publication *publication = calloc(1, sizeof *publication);
  if (!publication) abort();
  *publication = (struct publication){.client = client, .id = id, .err = err};
  publication->until_ms = message->expiry_s ? machine_now_ms() + message->expiry_s * 1000 : INT64_MAX;
  if (err != ERR_DISCONNECTED) publication->letter = letter_make(message->topic, message->payload);
  machine_in(delay_ms(), on_arrival, publication, 0);
}

static enum error client_publish(struct mqtt *base, const struct mqtt_publish *message) {
  struct client *client = (struct client *)base;
  if (unit_is_dead(client->unit) || !client->up) return ERR_DISCONNECTED;
  if (client->pending_count == PUBLISHES_MAX) return ERR_QUEUE_FULL;
  uint64_t id = ++ids;
  client->pending[client->pending_count++] = (struct pending){id, message->opaque};
  check_published(message->topic, message->payload);
  faults_tempt(client->unit);
  bool calm = bus_is_calm();
  enum error err = calm ? OK : chance_of(LOST) ? ERR_DISCONNECTED : chance_of(UNSAID) ? ERR_TIMEOUT : OK;
  send(client->id, id, err, message);
  if (!calm && err == OK && chance_of(TWICE)) send(client->id, 0, OK, message);
  return OK;
}

static void client_close(struct mqtt *base) {
  struct client *client = (struct client *)base;
  for (size_t i = 0; i < client->pending_count; i++)
    if (client->handlers.on_published)
      client->handlers.on_published(client->handlers.ctx, client->pending[i].opaque, ERR_DISCONNECTED, 0);
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i] == client) clients[i] = NULL;
  free(client);
}

static const struct mqtt_ops ops = {
    .publish = client_publish,
    .wait_connected = client_wait,
    .pause = client_pause,
    .close = client_close,
};

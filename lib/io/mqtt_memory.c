// SPDX-License-Identifier: Apache-2.0
// A queue of messages per client is its session: what is published while the connections are broken waits in it.
#include "io/mqtt_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS_MAX = 32, QUEUE_MAX = 65536 };

struct letter {
  char *topic;
  uint8_t *payload;
  size_t payload_len;
  int qos;
  bool retain;
};

struct verdict {
  void *opaque;
  enum error err;
};

struct memory_client {
  struct mqtt base;
  struct mqtt_memory *broker;
  struct mqtt_handlers handlers;
  struct mqtt_subscription *subscriptions;
  size_t subscription_count;
  bool paused;
  bool up;
  bool subscribed; // has been up: its session has the subscriptions
  struct letter *inbox;
  size_t inbox_count;
  struct verdict *verdicts;
  size_t verdict_count;
};

struct mqtt_memory {
  struct memory_client *clients[CLIENTS_MAX];
  size_t client_count;
  struct letter *retained;
  size_t retained_count;
  bool broken;
  int failing;
  enum error failure;
  size_t turn; // of shared subscriptions
};

static const struct mqtt_ops memory_ops;

static void update_up(struct memory_client *client);
static void deliver(struct mqtt_memory *broker, const struct mqtt_publish *message);
static bool shared(const char *filter, const char **group, size_t *group_len, const char **rest);
static void deliver_shared(struct mqtt_memory *broker, const struct mqtt_publish *message);
static void enqueue(struct memory_client *client, const struct mqtt_publish *message, bool retain);
static void retain(struct mqtt_memory *broker, const struct mqtt_publish *message);
static struct letter letter_make(const struct mqtt_publish *message);
static void letter_fini(struct letter *letter);
static size_t client_run(struct memory_client *client);

struct mqtt_memory *mqtt_memory_new(void) {
  return calloc(1, sizeof(struct mqtt_memory));
}

void mqtt_memory_free(struct mqtt_memory *broker) {
  if (!broker) return;
  assert(broker->client_count == 0);
  for (size_t i = 0; i < broker->retained_count; i++) letter_fini(&broker->retained[i]);
  free(broker->retained);
  free(broker);
}

enum error mqtt_memory_open(struct mqtt_memory *broker, const struct mqtt_options *options, struct mqtt **opened) {
  assert(broker->client_count < CLIENTS_MAX);
  struct memory_client *client = calloc(1, sizeof *client);
  if (!client) return ERR_NO_MEMORY;
  client->base.ops = &memory_ops;
  client->broker = broker;
  client->handlers = options->handlers;
  client->paused = options->paused;
  client->subscriptions = calloc(options->subscription_count + 1, sizeof *client->subscriptions);
  client->inbox = calloc(QUEUE_MAX, sizeof *client->inbox);
  client->verdicts = calloc(QUEUE_MAX, sizeof *client->verdicts);
  if (!client->subscriptions || !client->inbox || !client->verdicts) abort();
  for (size_t i = 0; i < options->subscription_count; i++) {
    client->subscriptions[i] = options->subscriptions[i];
    client->subscriptions[i].filter = strdup(options->subscriptions[i].filter);
  }
  client->subscription_count = options->subscription_count;
  broker->clients[broker->client_count++] = client;
  *opened = &client->base;
  update_up(client);
  return OK;
}

void mqtt_memory_break(struct mqtt_memory *broker, bool broken) {
  broker->broken = broken;
  for (size_t i = 0; i < broker->client_count; i++) update_up(broker->clients[i]);
}

void mqtt_memory_fail_publishes(struct mqtt_memory *broker, int count, enum error err) {
  broker->failing = count;
  broker->failure = err;
}

// A client that comes up gets the retained messages of its own filters, as after each real subscription.
static void update_up(struct memory_client *client) {
  struct mqtt_memory *broker = client->broker;
  bool up = !client->paused && !broker->broken;
  if (up == client->up) return;
  client->up = up;
  for (size_t s = 0; up && s < client->subscription_count; s++)
    for (size_t i = 0; i < broker->retained_count; i++) {
      const struct letter *letter = &broker->retained[i];
      if (!mqtt_filter_matches(client->subscriptions[s].filter, letter->topic)) continue;
      if (client->subscriptions[s].retained_once && client->subscribed) continue;
      struct mqtt_publish again = {
          .topic = letter->topic, .payload = bytes_make(letter->payload, letter->payload_len), .qos = letter->qos};
      enqueue(client, &again, true);
    }
  client->subscribed |= up;
  if (client->handlers.on_state)
    client->handlers.on_state(client->handlers.ctx, up ? MQTT_CONNECTED : MQTT_DISCONNECTED, true, "");
}

static enum error memory_publish(struct mqtt *base, const struct mqtt_publish *message) {
  struct memory_client *client = (struct memory_client *)base;
  struct mqtt_memory *broker = client->broker;
  if (!client->up) return ERR_DISCONNECTED;
  if (client->verdict_count == QUEUE_MAX) return ERR_QUEUE_FULL;
  enum error err = broker->failing > 0 ? broker->failure : OK;
  broker->failing -= err != OK;
  if (message->qos) client->verdicts[client->verdict_count++] = (struct verdict){.opaque = message->opaque, .err = err};
  if (err) return OK;
  if (message->retain) retain(broker, message);
  deliver(broker, message);
  return OK;
}

static void deliver(struct mqtt_memory *broker, const struct mqtt_publish *message) {
  for (size_t c = 0; c < broker->client_count; c++) {
    bool matches = false;
    for (size_t s = 0; s < broker->clients[c]->subscription_count; s++)
      matches |= mqtt_filter_matches(broker->clients[c]->subscriptions[s].filter, message->topic);
    if (matches) enqueue(broker->clients[c], message, false);
  }
  deliver_shared(broker, message);
}

// One member of each group gets it, in turn; only members that are up, if there are any. A client is taken to be in a
// group once.
static void deliver_shared(struct mqtt_memory *broker, const struct mqtt_publish *message) {
  const char *done[CLIENTS_MAX];
  size_t done_count = 0, turn = broker->turn++;
  for (int needs_up = 1; needs_up >= 0; needs_up--)
    for (size_t i = 0; i < broker->client_count; i++) {
      struct memory_client *client = broker->clients[(turn + i) % broker->client_count];
      for (size_t s = 0; s < client->subscription_count; s++) {
        const char *group, *rest, *filter = client->subscriptions[s].filter;
        size_t len;
        if ((needs_up && !client->up) || !shared(filter, &group, &len, &rest)) continue;
        bool seen = !mqtt_filter_matches(rest, message->topic);
        for (size_t d = 0; d < done_count; d++) seen |= strncmp(done[d], group, len + 1) == 0;
        if (seen || done_count == CLIENTS_MAX) continue;
        done[done_count++] = group;
        enqueue(client, message, false);
      }
    }
}

static bool shared(const char *filter, const char **group, size_t *group_len, const char **rest) {
  if (strncmp(filter, "$share/", 7) != 0) return false;
  *group = filter + 7;
  *group_len = strcspn(*group, "/");
  *rest = *group + *group_len + 1;
  return true;
}

static void enqueue(struct memory_client *client, const struct mqtt_publish *message, bool retained) {
  assert(client->inbox_count < QUEUE_MAX);
  struct letter letter = letter_make(message);
  letter.retain = retained;
  client->inbox[client->inbox_count++] = letter;
}

static void retain(struct mqtt_memory *broker, const struct mqtt_publish *message) {
  size_t i = 0;
  while (i < broker->retained_count && strcmp(broker->retained[i].topic, message->topic) != 0) i++;
  if (i < broker->retained_count) {
    letter_fini(&broker->retained[i]);
    broker->retained[i] = broker->retained[--broker->retained_count];
  }
  if (message->payload.len == 0) return; // an empty one deletes
  broker->retained = realloc(broker->retained, (broker->retained_count + 1) * sizeof *broker->retained);
  if (!broker->retained) abort();
  broker->retained[broker->retained_count++] = letter_make(message);
}

static struct letter letter_make(const struct mqtt_publish *message) {
  struct letter letter = {.topic = strdup(message->topic),
                          .payload = malloc(message->payload.len + 1),
                          .payload_len = message->payload.len,
                          .qos = message->qos};
  if (!letter.topic || !letter.payload) abort();
  if (letter.payload_len) memcpy(letter.payload, message->payload.data, letter.payload_len);
  return letter;
}

static void letter_fini(struct letter *letter) {
  free(letter->topic);
  free(letter->payload);
}

size_t mqtt_memory_run(struct mqtt_memory *broker) {
  size_t delivered = 0, round;
  do {
    round = 0;
    for (size_t i = 0; i < broker->client_count; i++) round += client_run(broker->clients[i]);
    delivered += round;
  } while (round);
  return delivered;
}

// Handlers may publish, and so add to any queue: each thing is taken out before it is told.
static size_t client_run(struct memory_client *client) {
  size_t delivered = 0;
  while (client->verdict_count) {
    struct verdict verdict = client->verdicts[0];
    memmove(client->verdicts, client->verdicts + 1, --client->verdict_count * sizeof verdict);
    if (client->handlers.on_published)
      client->handlers.on_published(client->handlers.ctx, verdict.opaque, verdict.err, 0);
  }
  while (client->up && client->inbox_count) {
    struct letter letter = client->inbox[0];
    memmove(client->inbox, client->inbox + 1, --client->inbox_count * sizeof letter);
    struct mqtt_message message = {.topic = letter.topic,
                                   .payload = bytes_make(letter.payload, letter.payload_len),
                                   .qos = letter.qos,
                                   .retain = letter.retain};
    if (client->handlers.on_message) client->handlers.on_message(client->handlers.ctx, &message);
    letter_fini(&letter);
    delivered++;
  }
  return delivered;
}

static bool memory_wait_connected(struct mqtt *base, int timeout_ms) {
  (void)timeout_ms;
  return ((struct memory_client *)base)->up;
}

static void memory_pause(struct mqtt *base, bool paused) {
  struct memory_client *client = (struct memory_client *)base;
  client->paused = paused;
  update_up(client);
}

static void memory_close(struct mqtt *base) {
  struct memory_client *client = (struct memory_client *)base;
  struct mqtt_memory *broker = client->broker;
  for (size_t i = 0; i < client->verdict_count; i++)
    if (client->handlers.on_published)
      client->handlers.on_published(client->handlers.ctx, client->verdicts[i].opaque, client->verdicts[i].err, 0);
  for (size_t i = 0; i < client->inbox_count; i++) letter_fini(&client->inbox[i]);
  for (size_t i = 0; i < broker->client_count; i++)
    if (broker->clients[i] == client) broker->clients[i] = broker->clients[--broker->client_count];
  for (size_t i = 0; i < client->subscription_count; i++) free((void *)(uintptr_t)client->subscriptions[i].filter);
  free(client->subscriptions);
  free(client->inbox);
  free(client->verdicts);
  free(client);
}

static const struct mqtt_ops memory_ops = {
    .publish = memory_publish,
    .wait_connected = memory_wait_connected,
    .pause = memory_pause,
    .close = memory_close,
};

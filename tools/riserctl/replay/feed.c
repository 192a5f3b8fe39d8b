// SPDX-License-Identifier: Apache-2.0
// Paho's threads hand their outcomes over through a ring that is as large as the window, so it can't be full. Payloads
// are made when they are published; a message that is published again is made again, with a new sent_at.
#include "riserctl/replay/feed.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "domain/telemetry.h"
#include "riserctl/digest.h"
#include "wire/telemetry.h"

enum { CONNECT_TIMEOUT_MS = 10000, TOPIC_SIZE = 256, BATCH = 64, RECEIVED_DIGITS_MAX = 20 };

struct decided {
  struct send *send;
  enum error err;
};

struct feed {
  struct feed_options options;
  struct mqtt *mqtt;
  struct ring *outcomes;
  struct buffer payload;
  size_t next;         // of the script
  struct send **again; // to be published once more
  size_t again_count;
  int64_t unacked;
  struct feed_counts counts;
  _Atomic int64_t broker_received;
  _Atomic int64_t broker_dropped;
};

static void on_published(void *ctx, void *opaque, enum error err, int reason);
static void on_message(void *ctx, const struct mqtt_message *message);
static enum error publish(struct feed *feed, struct send *send, bool again);
static enum error make_reading(struct feed *feed, const struct send *send, char *topic);
static enum error make_json(struct feed *feed, const struct send *send, const struct row *row);
static enum error make_pb(struct feed *feed, const struct send *send, const struct row *row);
static enum error expect(struct feed *feed, const struct send *send);
static enum error take_outcomes(struct feed *feed, int64_t tick_s);
static void give_up(struct feed *feed, const struct send *send);
static enum error write_down(struct feed *feed, const struct send *send, int64_t tick_s);
static void topic_of(const struct feed *feed, const struct row *row, char *topic);
static struct reading reading_of(const struct row *row);

enum error feed_open(const struct feed_options *options, struct feed **out) {
  static const struct mqtt_subscription counters[] = {{.filter = "$SYS/broker/publish/messages/#"}};
  struct feed *feed = calloc(1, sizeof *feed);
  if (!feed) return ERR_NO_MEMORY;
  feed->options = *options;
  feed->broker_received = feed->broker_dropped = -1;
  feed->outcomes = ring_new((size_t)options->window + 1, sizeof(struct decided));
  feed->again = calloc((size_t)options->window + 1, sizeof *feed->again);
  buffer_init(&feed->payload, MALFORMED_MAX);
  struct mqtt_options mqtt = {
      .settings = options->mqtt,
      .handlers = {.on_message = on_message, .on_published = on_published, .ctx = feed},
      .subscriptions = counters,
      .subscription_count = 1,
      .clean_start = true,
      .inflight_max = options->window,
  };
  enum error err = feed->outcomes && feed->again ? mqtt_open(&mqtt, &feed->mqtt) : ERR_NO_MEMORY;
  if (!err && !mqtt_wait_connected(feed->mqtt, CONNECT_TIMEOUT_MS)) err = ERR_TIMEOUT;
  if (err) {
    feed_close(feed);
    return err;
  }
  *out = feed;
  return OK;
}

void feed_close(struct feed *feed) {
  if (!feed) return;
  mqtt_close(feed->mqtt);
  ring_free(feed->outcomes);
  buffer_fini(&feed->payload);
  free(feed->again);
  free(feed);
}

// Paho's thread.
static void on_published(void *ctx, void *opaque, enum error err, int reason) {
  struct feed *feed = ctx;
  const struct decided outcome = {opaque, err};
  (void)reason;
  if (ring_push(feed->outcomes, &outcome) != OK) abort(); // as many places as messages on their way
}

// Paho's thread. "$SYS/broker/publish/messages/received": a number as text.
static void on_message(void *ctx, const struct mqtt_message *message) {
  struct feed *feed = ctx;
  char digits[RECEIVED_DIGITS_MAX + 1];
  snprintf(digits, sizeof digits, "%.*s", (int)message->payload.len, (const char *)message->payload.data);
  if (strstr(message->topic, "/received")) atomic_store(&feed->broker_received, strtoll(digits, NULL, 10));
  if (strstr(message->topic, "/dropped")) atomic_store(&feed->broker_dropped, strtoll(digits, NULL, 10));
}

void feed_broker_counters(struct feed *feed, int64_t *received, int64_t *dropped) {
  *received = atomic_load(&feed->broker_received);
  *dropped = atomic_load(&feed->broker_dropped);
  // Mosquitto publishes a counter only when it has changed, and forgets it after a minute. One that did not come while
  // others did has not changed since we came.
  if (*received >= 0 && *dropped < 0) *dropped = 0;
}

size_t feed_position(const struct feed *feed) {
  return feed->next;
}

struct feed_counts feed_counts(const struct feed *feed) {
  return feed->counts;
}

enum error feed_step(struct feed *feed, int64_t until_s, int64_t tick_s, bool *done) {
  struct script *script = feed->options.script;
  enum error err = take_outcomes(feed, tick_s);
  while (!err && feed->again_count) {
    err = publish(feed, feed->again[feed->again_count - 1], true);
    if (!err) feed->again_count--;
  }
  while (!err && feed->next < script->count && script->sends[feed->next].at_s <= until_s) {
    if ((int64_t)arrivals_open(feed->options.arrivals) >= feed->options.distance) break;
    err = publish(feed, &script->sends[feed->next], false);
    if (!err) feed->next++;
  }
  // The window is full, or the connection is being made again.
  if (err == ERR_QUEUE_FULL || err == ERR_DISCONNECTED) err = OK;
  bool all_sent = feed->next == script->count || script->sends[feed->next].at_s > until_s;
  *done = all_sent && feed->unacked == 0 && feed->again_count == 0;
  return err;
}

static enum error publish(struct feed *feed, struct send *send, bool again) {
  struct malformed malformed;
  char topic[TOPIC_SIZE];
  enum error err = OK;
  if (feed->unacked >= feed->options.window) return ERR_QUEUE_FULL;
  buffer_clear(&feed->payload);
  if (send->kind == SEND_MALFORMED) {
    err = malformed_make(feed->options.site, feed->options.seed, send->index, &malformed, &feed->payload);
    if (!err) snprintf(topic, sizeof topic, "%s", malformed.topic);
  } else {
    err = make_reading(feed, send, topic);
  }
  if (err) return err;
  digest_of(buffer_bytes(&feed->payload), send->digest);
  const struct mqtt_publish message = {
      .topic = topic, .payload = buffer_bytes(&feed->payload), .qos = 1, .opaque = send};
  err = mqtt_publish(feed->mqtt, &message);
  if (err) return err;
  feed->unacked++;
  feed->counts.resent += again;
  return again ? OK : expect(feed, send);
}

static enum error expect(struct feed *feed, const struct send *send) {
  if (send->kind == SEND_MALFORMED) return arrivals_expect_reject(feed->options.arrivals, send->digest);
  struct reading reading = reading_of(&feed->options.rows->items[send->index]);
  return arrivals_expect(feed->options.arrivals, &reading);
}

static struct reading reading_of(const struct row *row) {
  return (struct reading){.meter = row->meter, .reg = row->column->reg, .time_s = row->time_s, .value = row->value};
}

static void topic_of(const struct feed *feed, const struct row *row, char *topic) {
  snprintf(topic, TOPIC_SIZE, "riser/v1/%s/%s/up/%s", feed->options.site, row->device,
           row->source->payload == PAYLOAD_PB ? "pb" : "json");
}

static enum error make_reading(struct feed *feed, const struct send *send, char *topic) {
  const struct row *row = &feed->options.rows->items[send->index];
  topic_of(feed, row, topic);
  return row->source->payload == PAYLOAD_PB ? make_pb(feed, send, row) : make_json(feed, send, row);
}

// The value goes out as it stands in the file: "2e+05" too.
static enum error make_json(struct feed *feed, const struct send *send, const struct row *row) {
  bool own = strcmp(row->meter, row->device) == 0;
  return buffer_printf(
      &feed->payload,
      "{\"seq\":%" PRIu64 ",\"sent_at\":%" PRId64 ",\"readings\":[{%s%s%s\"at\":%" PRId64 ",\"%s_%s\":%s}]}",
      send->sequence, clock_wall_ms(), own ? "" : "\"meter\":\"", own ? "" : row->meter, own ? "" : "\",", row->time_s,
      register_name(row->column->reg), row->column->unit->json, row->text);
}

static enum error make_pb(struct feed *feed, const struct send *send, const struct row *row) {
  const struct reading reading = reading_of(row);
  const struct batch batch = {
      .sequence = send->sequence, .sent_at_ms = clock_wall_ms(), .readings = &reading, .count = 1};
  return wire_batch_encode(&batch, &feed->payload);
}

static enum error take_outcomes(struct feed *feed, int64_t tick_s) {
  struct decided outcomes[BATCH];
  size_t count;
  enum error err = OK;
  while (!err && (count = ring_pop(feed->outcomes, outcomes, BATCH, 0)) > 0) {
    for (size_t i = 0; i < count && !err; i++) {
      struct send *send = outcomes[i].send;
      feed->unacked--;
      if (error_class(outcomes[i].err) == CLASS_RETRY) {
        feed->again[feed->again_count++] = send;
        continue;
      }
      send->acked = outcomes[i].err == OK;
      feed->counts.published += send->acked;
      feed->counts.refused += !send->acked;
      if (!send->acked) give_up(feed, send);
      err = write_down(feed, send, tick_s);
    }
  }
  return err;
}

// The broker refused it: it will not come out anywhere.
static void give_up(struct feed *feed, const struct send *send) {
  if (send->kind == SEND_MALFORMED) {
    arrivals_seen_reject(feed->options.arrivals, send->digest);
    return;
  }
  struct reading reading = reading_of(&feed->options.rows->items[send->index]);
  arrivals_seen(feed->options.arrivals, &reading);
}

static enum error write_down(struct feed *feed, const struct send *send, int64_t tick_s) {
  char topic[TOPIC_SIZE];
  struct malformed malformed;
  if (send->kind != SEND_MALFORMED) {
    const struct row *row = &feed->options.rows->items[send->index];
    topic_of(feed, row, topic);
    ledger_reading(feed->options.ledger, send, row, topic, tick_s);
    return OK;
  }
  buffer_clear(&feed->payload);
  enum error err = malformed_make(feed->options.site, feed->options.seed, send->index, &malformed, &feed->payload);
  if (!err) ledger_malformed(feed->options.ledger, send, &malformed);
  return err;
}

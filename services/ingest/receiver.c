// SPDX-License-Identifier: Apache-2.0
// The broker is told that a message is ours when on_message returns, whatever happened in it: so when the message can't
// be kept, the process ends right there.
#include "ingest/receiver.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/canary.h"
#include "base/clock.h"
#include "base/log.h"
#include "ingest/arrival.h"
#include "ingest/subscription.h"

enum {
  EXIT_APPEND_FAILED = 74, // EX_IOERR
  MEASURE_EVERY = 64,      // one append of so many is timed
  CATCH_UP_MS = 60000,     // beside the time that we were away: for the broker to hand over what it held
  TEXT_SIZE = INGEST_CLIENT_ID_SIZE,
};

struct receiver {
  struct receiver_options options;
  struct mqtt *mqtt;
  char client_id[TEXT_SIZE];
  char filter[SUBSCRIPTION_SIZE];
  struct subscription held;
  bool stopped; // the intake; main's
  int full_fd;  // readable when the spool got nearly full
  bool full;    // that has been said; Paho's thread only
  atomic_bool connected;
  _Atomic int64_t away_ms, held_until_ms; // of the newest connection
  uint64_t appended;                      // Paho's thread only
};

static void on_message(void *ctx, const struct mqtt_message *message);
static enum error append(struct receiver *receiver, const struct mqtt_message *message, int64_t now_ms);
static void say_when_full(struct receiver *receiver);
static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason);
static void stop_or_go_on(struct receiver *receiver, const struct spool_level *level);

enum error receiver_open(const struct receiver_options *options, struct receiver **out) {
  struct receiver *receiver = calloc(1, sizeof *receiver);
  if (!receiver) return ERR_NO_MEMORY;
  const struct ingest_config *config = options->config;
  receiver->options = *options;
  snprintf(receiver->client_id, TEXT_SIZE, "%s-%s", config->mqtt.client_id, config->run.instance);
  ingest_filter(config, receiver->filter, sizeof receiver->filter);
  if (subscription_open(&receiver->held, config->spool_dir, receiver->filter))
    log_warn("subscription-not-kept"); // on a full disk, say; it matters at the next change of mqtt_share
  struct mqtt_subscription subscription = {.filter = receiver->filter, .qos = 1, .retained_once = true};
  struct mqtt_options mqtt = {
      .settings = config->mqtt,
      .handlers = {.on_message = on_message, .on_state = on_state, .ctx = receiver},
      .subscriptions = &subscription,
      .subscription_count = 1,
      .leaving = receiver->held.old,
      .leaving_count = receiver->held.old_count,
      .receive_maximum = (int)config->mqtt_receive_max,
  };
  mqtt.settings.client_id = receiver->client_id;
  mqtt.paused = receiver->stopped = spool_level(options->spool).near_full;
  receiver->full_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  enum error err = receiver->full_fd < 0 ? ERR_IO : mqtt_open(&mqtt, &receiver->mqtt);
  if (err) {
    receiver_close(receiver);
    return err;
  }
  *out = receiver;
  return OK;
}

void receiver_close(struct receiver *receiver) {
  if (!receiver) return;
  mqtt_close(receiver->mqtt);
  if (receiver->full_fd >= 0) close(receiver->full_fd);
  free(receiver);
}

struct mqtt *receiver_mqtt(struct receiver *receiver) {
  return receiver->mqtt;
}

static void on_message(void *ctx, const struct mqtt_message *message) {
  struct receiver *receiver = ctx;
  int64_t now_ms = clock_wall_ms();
  bool measured = receiver->appended++ % MEASURE_EVERY == 0;
  int64_t before_us = measured ? clock_mono_us() : 0;
  enum error err = append(receiver, message, now_ms);
  if (err) {
    log_error("append-failed", F_ERR(err), F_INT("bytes", (int64_t)message->payload.len));
    _exit(EXIT_APPEND_FAILED);
  }
  if (measured) histogram_observe(receiver->options.gauges->append, clock_mono_us() - before_us);
  counter_add(receiver->options.gauges->messages, 1);
  say_when_full(receiver);
}

static void say_when_full(struct receiver *receiver) {
  bool full = spool_level(receiver->options.spool).near_full;
  uint64_t one = 1;
  if (full && !receiver->full && write(receiver->full_fd, &one, sizeof one) != sizeof one)
    log_error("not-woken"); // the supervision finds it a little later
  receiver->full = full;
}

static enum error append(struct receiver *receiver, const struct mqtt_message *message, int64_t now_ms) {
  struct absence absence = {.away_ms = atomic_load_explicit(&receiver->away_ms, memory_order_relaxed),
                            .until_ms = atomic_load_explicit(&receiver->held_until_ms, memory_order_relaxed)};
  // What an earlier session left comes before on_state has said that we are subscribed.
  if (!atomic_load_explicit(&receiver->connected, memory_order_relaxed))
    absence = absence_after(atomic_load(receiver->options.alive_ms), now_ms, true);
  struct arrival_note note = {
      .receive_ms = now_ms,
      .held_ms = absence_held_ms(&absence, now_ms),
      .payload_max = (size_t)receiver->options.config->payload_max,
  };
  if (CANARY(SPOOL_SKIPPED) && receiver->appended % 50 == 0) return OK;
  return arrival_append(receiver->options.spool, bytes_text(message->topic), message->payload, &note);
}

static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason) {
  (void)reason;
  struct receiver *receiver = ctx;
  int64_t now_ms = clock_wall_ms();
  bool connected = state == MQTT_CONNECTED, before = atomic_exchange(&receiver->connected, connected);
  condition_set(receiver->options.gauges->mqtt, connected);
  int64_t alive_ms = atomic_load(receiver->options.alive_ms);
  if (connected || before) atomic_store(receiver->options.alive_ms, now_ms);
  if (!connected) return; // logged where it was noticed
  struct absence absence = absence_after(alive_ms, now_ms, session_present);
  atomic_store(&receiver->away_ms, absence.away_ms);
  atomic_store(&receiver->held_until_ms, absence.until_ms);
  counter_add(receiver->options.gauges->connects, 1);
  log_info("mqtt-connected", F_BOOL("session_present", session_present), F_INT("away_ms", absence.away_ms));
}

struct absence absence_after(int64_t alive_ms, int64_t now_ms, bool session_present) {
  if (!session_present || alive_ms <= 0 || alive_ms >= now_ms) return (struct absence){0, 0};
  int64_t away_ms = now_ms - alive_ms;
  return (struct absence){.away_ms = away_ms, .until_ms = now_ms + away_ms + CATCH_UP_MS};
}

int64_t absence_held_ms(const struct absence *absence, int64_t now_ms) {
  return now_ms < absence->until_ms ? absence->away_ms : 0;
}

void receiver_supervise(struct receiver *receiver, int timeout_ms) {
  struct pollfd wake[] = {{.fd = receiver->full_fd, .events = POLLIN}, {.fd = life_fd(), .events = POLLIN}};
  uint64_t count;
  if (poll(wake, 2, timeout_ms) > 0 && (wake[0].revents & POLLIN))
    while (read(receiver->full_fd, &count, sizeof count) > 0) continue;
  struct gauges *gauges = receiver->options.gauges;
  if (atomic_load(&receiver->connected)) {
    atomic_store(receiver->options.alive_ms, clock_wall_ms());
    if (receiver->held.old_count && subscription_settled(&receiver->held)) log_warn("subscription-not-kept");
  }
  struct spool_level level = spool_level(receiver->options.spool);
  stop_or_go_on(receiver, &level);
  condition_set(gauges->spool, !receiver->stopped);
  gauge_set(gauges->spool_used, (int64_t)level.used_bytes);
  gauge_set(gauges->spool_free, (int64_t)level.free_bytes);
  gauge_set(gauges->spool_segments, (int64_t)level.segments);
  gauge_set(gauges->spool_damaged, (int64_t)level.damaged_bytes);
  gauge_set(gauges->spool_disk_full, level.disk_full);
}

// Goes on when a quarter of what lies above the reserve is free again, so that a spool at the edge does not make us
// connect and disconnect all the time. On a disk that others have filled that is a quarter of what we have of it.
static void stop_or_go_on(struct receiver *receiver, const struct spool_level *level) {
  uint64_t reserve = (uint64_t)ingest_reserve_bytes(receiver->options.config);
  uint64_t total = level->used_bytes + level->free_bytes;
  if (!receiver->stopped && level->near_full && !CANARY(BACK_PRESSURE_OFF)) {
    receiver->stopped = true;
    mqtt_pause(receiver->mqtt);
    counter_add(receiver->options.gauges->stops, 1);
    log_warn("intake-stopped", F_INT("spool_used_bytes", (int64_t)level->used_bytes),
             F_BOOL("disk_full", level->disk_full));
  } else if (receiver->stopped && total > reserve && level->free_bytes > reserve + (total - reserve) / 4) {
    receiver->stopped = false;
    mqtt_resume(receiver->mqtt);
    log_info("intake-goes-on", F_INT("spool_used_bytes", (int64_t)level->used_bytes));
  }
}

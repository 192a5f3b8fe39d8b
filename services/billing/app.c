// SPDX-License-Identifier: Apache-2.0
// A pass: poll, sort by partition, take. If little has come, the rest of the linger is slept through, so that the next
// pass finds more for each commit; if much has come, the next pass follows at once. Rebalances happen inside the poll:
// assigned partitions begin closed and are opened in the next pass.
#include "billing/app.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "billing/opening.h"
#include "billing/partition.h"
#include "billing/ticker.h"
#include "billing/watch.h"

enum {
  IDLE_POLL_MS = 100,
  CONNECT_PAUSE_MS = 200,
  ERROR_PAUSE_MS = 200,
  PRODUCER_LINGER_MS = 2,
  HOUSEKEEPING_MS = 5000,
  WATCH_MS = 1000,
  LAG_PAUSE_MS = 100,
  REJOIN_PAUSE_MS = 60000,
  CLIENT_ID_SIZE = 128,
  PROPERTIES_SIZE = 4096,
  PARTITIONS_MAX = 1024, // as PARTITIONS_SETTING
};

#define GROUP "riser-billing"

struct slot {
  struct partition *partition; // NULL: not ours
  size_t from, count;          // its records of this pass
  int64_t end_offset;          // where the log was seen to end; -1: it was not
};

struct app {
  struct shell shell;
  struct process process;
  char client_id[CLIENT_ID_SIZE];
  char producer_properties[PROPERTIES_SIZE];
  struct condition *kafka_ok, *redis_ok, *partitions_ok;
  bool joined; // the group has given us our share, be it nothing
  struct slot *slots; // by partition number
  size_t slot_count;
  size_t owned; // slots with a partition
  struct kafka_record *polled, *sorted;
  int64_t minute;          // of the last ticks
  int64_t housekeeping_ms; // when it is due
  int64_t watch_ms;        // when the fences are to be looked at
  int64_t rejoined_ms;     // when we last came back after Kafka had shut us out; 0: never
  int64_t lag_ms;          // when the next partition's lag is to be measured
  size_t lag_slot;
};

static enum error open_handles(struct app *app);
static enum error open_producer(struct app *app);
static enum error open_consumer(struct app *app);
static enum error check_topics(struct app *app);
static void on_assigned(void *ctx, struct kafka_position *positions, size_t count);
static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost);
static void on_end(void *ctx, const struct kafka_position *position);
static void on_cut_off(void *ctx);
static enum error pass(struct app *app);
static enum error open_partitions(struct app *app);
static enum error take_all(struct app *app, size_t count);
static enum error revive_producer(struct app *app);
static enum error rejoin(struct app *app);
static void tick_all(struct app *app);
static void measure_lag(struct app *app);
static void watch_all(struct app *app);
static void housekeeping(struct app *app);

enum error app_open(const struct app_options *options, struct app **opened) {
  struct app *app = calloc(1, sizeof *app);
  if (!app) return ERR_NO_MEMORY;
  size_t records = (size_t)options->config->poll_records;
  app->process = *options->process;
  app->shell = (struct shell){
      .config = options->config,
      .stats = options->stats,
      .health = options->process->health,
      .redis = options->redis,
      .facts = arena_new(FACTS_ARENA_MAX),
      .work = arena_new(WORK_ARENA_MAX),
      .load = arena_new(WORK_ARENA_MAX),
  };
  buffer_init(&app->shell.encoded, BUFFER_MAX);
  app->slot_count = (size_t)options->config->partitions;
  app->slots = calloc(app->slot_count, sizeof *app->slots);
  app->polled = calloc(records, sizeof *app->polled);
  app->sorted = calloc(records, sizeof *app->sorted);
  app->kafka_ok = health_condition(app->shell.health, "kafka");
  app->redis_ok = health_condition(app->shell.health, "redis");
  app->partitions_ok = health_condition(app->shell.health, "partitions");
  bool whole = app->shell.facts && app->shell.work && app->shell.load && app->slots && app->polled && app->sorted;
  enum error err = whole ? open_handles(app) : ERR_NO_MEMORY;
  if (err) {
    app_close(app);
    return err;
  }
  *opened = app;
  return OK;
}

static enum error open_handles(struct app *app) {
  const struct billing_config *config = app->shell.config;
  snprintf(app->client_id, sizeof app->client_id, "riser-billing-%s", config->run.instance);
  struct kafka_consumer_options reader = {
      .settings = config->kafka, .client_id = app->client_id, .group = GROUP, .report_end = true};
  enum error err = kafka_consumer_open(&reader, &app->shell.reader);
  if (!err) err = open_producer(app);
  if (!err) err = check_topics(app);
  if (!err) err = open_consumer(app);
  condition_set(app->kafka_ok, !err);
  return err;
}

// Without gaps: a decision that Kafka refuses for good must not be followed by a later one, behind whose cause it would
// never be published again. The producer then ends with a fatal error and is replaced.
static enum error open_producer(struct app *app) {
  struct kafka_settings settings = app->shell.config->kafka;
  const char *given = settings.properties ? settings.properties : "";
  int len = snprintf(app->producer_properties, sizeof app->producer_properties, "%s%senable.gapless.guarantee=true",
                     given, given[0] ? ";" : "");
  if (len < 0 || len >= PROPERTIES_SIZE) return ERR_CONFIG;
  settings.properties = app->producer_properties;
  struct kafka_producer_options options = {
      .settings = settings,
      .client_id = app->client_id,
      .linger_ms = PRODUCER_LINGER_MS,
      .on_delivered = publication_delivered,
  };
  return kafka_producer_open(&options, &app->shell.producer);
}

static enum error open_consumer(struct app *app) {
  static const char *const topics[] = {TOPIC_SITE};
  const struct billing_config *config = app->shell.config;
  struct kafka_consumer_options options = {
      .settings = config->kafka,
      .client_id = app->client_id,
      .group = GROUP,
      .instance_id = config->static_member ? app->client_id : NULL,
      .assignor = KAFKA_ASSIGN_COOPERATIVE,
      .topics = topics,
      .topic_count = 1,
      .report_end = true,
      .session_timeout_ms = config->session_timeout_ms,
      .events = {on_assigned, on_revoked, on_end, on_cut_off, app},
  };
  return kafka_consumer_open(&options, &app->shell.consumer);
}

// The state in Redis is kept by partition, so their number may never change.
static enum error check_topic(struct app *app, const char *topic) {
  int32_t count = 0;
  enum error err;
  while ((err = kafka_producer_partitions(app->shell.producer, topic, &count)) != OK) {
    if (life_draining()) return ERR_CLOSED;
    log_warn("waiting-for-kafka", F_STR("topic", topic), F_ERR(err));
    if (error_class(err) == CLASS_FATAL) return err;
    health_beat(app->shell.health);
    clock_sleep_ms(CONNECT_PAUSE_MS);
  }
  if (count == app->shell.config->partitions) return OK;
  log_error("partition-count-differs", F_STR("topic", topic), F_INT("topic_has", count),
            F_INT("configured", app->shell.config->partitions));
  return ERR_MISMATCH;
}

static enum error check_topics(struct app *app) {
  enum error err = check_topic(app, TOPIC_SITE);
  return err ? err : check_topic(app, TOPIC_DECISION);
}

void app_close(struct app *app) {
  if (!app) return;
  struct shell *shell = &app->shell;
  int64_t wait_ms = shell->config->run.drain_deadline_ms / 2;
  if (shell->producer && kafka_producer_flush(shell->producer, (int)wait_ms) != OK)
    log_warn("decisions-left-in-outbox", F_INT("count", kafka_producer_pending(shell->producer)));
  kafka_consumer_close(shell->consumer); // revokes what is still ours
  kafka_consumer_close(shell->reader);
  kafka_producer_close(shell->producer);
  for (size_t i = 0; app->slots && i < app->slot_count; i++) partition_free(app->slots[i].partition);
  buffer_fini(&shell->encoded);
  arena_free(shell->facts);
  arena_free(shell->work);
  arena_free(shell->load);
  free(app->slots);
  free(app->polled);
  free(app->sorted);
  free(app);
}

// ---- the group

// NULL: the topic has more partitions than when we started; no key belongs there.
static struct slot *slot_of(struct app *app, int32_t partition) {
  return (size_t)partition < app->slot_count ? &app->slots[partition] : NULL;
}

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct app *app = ctx;
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = slot_of(app, positions[i].partition);
    if (slot && slot->partition) partition_close(slot->partition, 0);
    if (slot && !slot->partition) slot->partition = partition_new(positions[i].partition);
    if (!slot || !slot->partition) {
      process_fail("assign", slot ? ERR_NO_MEMORY : ERR_MISMATCH);
      continue;
    }
    slot->end_offset = -1;
  }
  app->joined = true;
  log_info("partitions-assigned", F_INT("count", (int64_t)count));
}

// What is not committed is the next owner's to do again.
static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct app *app = ctx;
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = slot_of(app, positions[i].partition);
    if (!slot) continue;
    partition_free(slot->partition);
    slot->partition = NULL;
    gauge_set(&app->shell.stats->lag[positions[i].partition], 0);
  }
  log_info("partitions-revoked", F_INT("count", (int64_t)count), F_BOOL("lost", lost));
}

static void on_end(void *ctx, const struct kafka_position *position) {
  struct slot *slot = slot_of(ctx, position->partition);
  if (slot) slot->end_offset = position->offset;
}

static void close_all(struct app *app, int64_t retry_at_ms) {
  for (size_t i = 0; i < app->slot_count; i++) {
    if (app->slots[i].partition) partition_close(app->slots[i].partition, retry_at_ms);
    app->slots[i].end_offset = -1; // it was another log's, perhaps
  }
}

// Opening compares the log with the state; going on where we were would not notice that the log is another one.
static void on_cut_off(void *ctx) {
  struct app *app = ctx;
  log_warn("cut-off-from-kafka");
  close_all(app, 0);
}

// ---- the loop

enum error app_run(struct app *app) {
  enum error err = OK;
  while (!err && !life_draining()) {
    health_beat(app->shell.health);
    err = pass(app);
  }
  housekeeping(app);
  return err;
}

static enum error pass(struct app *app) {
  struct shell *shell = &app->shell;
  size_t max = (size_t)shell->config->poll_records, count = 0;
  enum error err = open_partitions(app);
  if (err) return err;
  err = kafka_consumer_poll(shell->consumer, IDLE_POLL_MS, app->polled, max, &count);
  condition_set(app->kafka_ok, err == OK);
  if (err == ERR_FENCED) return rejoin(app);
  if (err == ERR_MISMATCH) { // the log does not reach to where we are: opening says so of the partitions concerned
    close_all(app, clock_mono_ms() + shell->config->retry_ms);
    return OK;
  }
  if (error_class(err) == CLASS_RETRY) {
    log_warn("poll-failed", F_ERR(err));
    clock_sleep_ms(ERROR_PAUSE_MS);
  } else if (err) {
    return err;
  }
  int64_t began_ms = clock_mono_ms();
  err = take_all(app, count);
  if (err) return err;
  kafka_producer_poll(shell->producer, 0);
  err = revive_producer(app);
  if (err) return err;
  tick_all(app);
  measure_lag(app);
  watch_all(app);
  if (clock_mono_ms() >= app->housekeeping_ms) housekeeping(app);
  int64_t rest_ms = began_ms + shell->config->linger_ms - clock_mono_ms();
  if (count > 0 && count < max && rest_ms > 0) clock_sleep_ms(rest_ms);
  return OK;
}

static enum error open_partitions(struct app *app) {
  struct partition *due[PARTITIONS_MAX];
  size_t count = 0, owned = 0, refused = 0, closed = 0;
  int64_t now_ms = clock_mono_ms();
  for (size_t i = 0; i < app->slot_count; i++) {
    struct partition *p = app->slots[i].partition;
    if (p && p->status != PARTITION_OPEN && p->retry_at_ms <= now_ms) due[count++] = p;
  }
  enum error err = count ? opening_run(&app->shell, due, count) : OK;
  for (size_t i = 0; i < app->slot_count; i++) {
    struct partition *p = app->slots[i].partition;
    owned += p != NULL;
    refused += p && p->status == PARTITION_REFUSED;
    closed += p && p->status == PARTITION_CLOSED;
  }
  app->owned = owned;
  gauge_set(app->shell.stats->owned, (int64_t)owned);
  gauge_set(app->shell.stats->refused, (int64_t)refused);
  condition_set(app->partitions_ok, app->joined && refused == 0 && closed == 0);
  condition_set(app->redis_ok, closed == 0);
  return err;
}

// A stable sort by partition: two walks over the records.
static void sort_records(struct app *app, size_t count) {
  for (size_t i = 0; i < app->slot_count; i++) app->slots[i].count = 0;
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = slot_of(app, app->polled[i].partition);
    if (slot) slot->count++;
  }
  size_t at = 0;
  for (size_t i = 0; i < app->slot_count; i++) {
    app->slots[i].from = at;
    at += app->slots[i].count;
    app->slots[i].count = 0;
  }
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = slot_of(app, app->polled[i].partition);
    if (slot) app->sorted[slot->from + slot->count++] = app->polled[i];
  }
}

// A partition's share of the cache. Trimming sorts what is held, so it makes room for a while.
static void trim(const struct app *app, struct partition *p) {
  size_t share = (size_t)app->shell.config->state_cache_bytes / (app->owned ? app->owned : 1);
  if (p->status == PARTITION_OPEN && store_bytes(p->store) > share) store_trim(p->store, share - share / 5);
}

static enum error take_all(struct app *app, size_t count) {
  sort_records(app, count);
  enum error err = OK;
  for (size_t i = 0; !err && i < app->slot_count; i++) {
    struct slot *slot = &app->slots[i];
    if (!slot->partition) continue;
    if (slot->count) err = partition_take(&app->shell, slot->partition, app->sorted + slot->from, slot->count);
    if (!err && slot->end_offset >= 0) err = partition_reach(&app->shell, slot->partition, slot->end_offset);
    slot->end_offset = -1;
    trim(app, slot->partition);
  }
  return err;
}

// A producer that is dead is replaced; what it had in flight is published anew when its partitions are opened again.
static enum error revive_producer(struct app *app) {
  if (kafka_producer_status(app->shell.producer) == OK) return OK;
  log_warn("producer-replaced");
  kafka_producer_close(app->shell.producer);
  app->shell.producer = NULL;
  close_all(app, 0);
  return open_producer(app);
}

// A static member that joins again while Kafka itself restarts may be taken for its own double; its consumer is dead
// then, and a new one takes the name back. Two processes that were given one name do the same to each other: the one
// that is shut out again so soon ends.
static enum error rejoin(struct app *app) {
  int64_t now_ms = clock_mono_ms();
  if (app->rejoined_ms && now_ms - app->rejoined_ms < REJOIN_PAUSE_MS) return ERR_FENCED;
  app->rejoined_ms = now_ms;
  log_warn("rejoining");
  kafka_consumer_close(app->shell.consumer);
  app->shell.consumer = NULL;
  for (size_t i = 0; i < app->slot_count; i++) {
    partition_free(app->slots[i].partition);
    app->slots[i].partition = NULL;
  }
  return open_consumer(app);
}

static void tick_all(struct app *app) {
  if (app->shell.config->clock != BILLING_CLOCK_SYSTEM) return;
  int64_t minute = ticker_minute(clock_wall_ms());
  if (minute == app->minute) return; // a lower one is a clock that was put right: the higher ticks were refused
  for (size_t i = 0; i < app->slot_count; i++) {
    struct partition *p = app->slots[i].partition;
    if (!p || p->status != PARTITION_OPEN) continue;
    enum error err = ticker_write(&app->shell, p->id, minute);
    if (err) log_warn("tick-not-written", F_INT("partition", p->id), F_ERR(err));
    app->minute = minute;
  }
}

// ---- now and then

// Of one partition at a time, since it asks the broker; by the reader, whose connection no waiting fetch holds up.
static void measure_lag(struct app *app) {
  if (clock_mono_ms() < app->lag_ms) return;
  app->lag_ms = clock_mono_ms() + LAG_PAUSE_MS;
  app->lag_slot = (app->lag_slot + 1) % app->slot_count;
  const struct partition *p = app->slots[app->lag_slot].partition;
  int64_t low, high;
  if (!p || p->status != PARTITION_OPEN) return;
  if (kafka_consumer_watermarks(app->shell.reader, TOPIC_SITE, p->id, &low, &high) != OK) return;
  gauge_set(&app->shell.stats->lag[p->id], high - p->meta.next_offset);
}

static void watch_all(struct app *app) {
  if (clock_mono_ms() < app->watch_ms) return;
  struct partition *open[PARTITIONS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < app->slot_count; i++) {
    struct partition *p = app->slots[i].partition;
    if (p && p->status == PARTITION_OPEN) open[count++] = p;
  }
  watch_fences(&app->shell, open, count);
  app->watch_ms = clock_mono_ms() + WATCH_MS;
}

// Kafka's own offsets are for the eyes of its tools; what counts is the fence.
static void housekeeping(struct app *app) {
  struct kafka_position positions[PARTITIONS_MAX];
  size_t open = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < app->slot_count; i++) {
    struct partition *p = app->slots[i].partition;
    if (!p || p->status != PARTITION_OPEN) continue;
    positions[open++] =
        (struct kafka_position){.topic = TOPIC_SITE, .partition = p->id, .offset = p->meta.next_offset};
    bytes += (int64_t)store_bytes(p->store);
  }
  enum error err = open ? kafka_consumer_commit(app->shell.consumer, positions, open) : OK;
  if (err) log_warn("offsets-not-committed", F_ERR(err));
  gauge_set(app->shell.stats->cache_bytes, bytes);
  app->housekeeping_ms = clock_mono_ms() + HOUSEKEEPING_MS;
}

// SPDX-License-Identifier: Apache-2.0
// Offsets are committed only behind effects that Kafka has confirmed, so that whatever a death interrupts is done
// again; ids and steps make "again" harmless. No transaction: an open one would hold up every reader of the site log,
// and a dead control would hold up billing until it times out.
#include "control/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/partition.h"
#include "control/performer.h"
#include "control/roster.h"
#include "control/sender.h"
#include "wire/decision.h"
#include "wire/fact.h"

enum {
  BATCH = 512,
  EFFECTS_MAX = 256,
  EFFECTS_ARENA_BYTES = 4 << 20,
  RECORD_ARENA_BYTES = 64 << 20,
  POLL_MS = 50,
  ADVANCE_MS = 100,
  COMMIT_MS = 1000,
  RETRY_MS = 500,
  DRAIN_PATIENCE_MS = 5000,
  MEMBER_MAX = 128,
};

struct app {
  const struct control_config *config;
  const struct process *process;
  struct control_settings settings;
  struct devices *devices;
  struct key_ring *key_ring;
  struct roster *roster;
  struct sender *sender;
  struct performer *performer;
  struct kafka_consumer *consumer;
  struct partition **partitions; // by number; NULL: not ours
  size_t count;
  struct partition *current; // whose effects are in the list
  struct effects effects;
  struct arena *record_arena;
  struct arena *offsets_arena;
  enum error failure;       // of an event of the consumer
  bool broken;              // effects were lost: nothing may be committed any more
  int64_t known_ms;         // when we last knew that our partitions are ours
  int64_t next_advance_ms;
  int64_t next_commit_ms;
  int64_t patience_ms; // once draining: how long Kafka is still waited for
  struct condition *assigned;
  struct condition *loaded;
  struct condition *readable; // no partition has been stopped
  struct gauge *owned;
  struct gauge *open_commands;
  struct counter *decisions;
  struct counter *facts;
  struct counter *unreadable;
};

static bool beat(void *ctx) {
  struct app *app = ctx;
  health_beat(app->process->health);
  if (!life_draining()) return true;
  if (app->patience_ms == 0) app->patience_ms = clock_mono_ms() + DRAIN_PATIENCE_MS;
  return clock_mono_ms() < app->patience_ms;
}

// ---------------------------------------------------------------- effects

// Until then nobody else can own our partitions.
static int64_t fresh_until_ms(const struct app *app) {
  return app->known_ms + app->config->session_timeout / 2;
}

static enum error perform(struct app *app) {
  enum error err = OK;
  if (app->effects.count) {
    struct performance performance = {.partition = app->current, .effects = &app->effects};
    err = performer_perform(app->performer, &performance, fresh_until_ms(app));
  }
  app->effects.count = 0;
  arena_reset(app->effects.arena);
  app->current = NULL;
  return err;
}

// Makes room for one step of this partition.
static enum error turn_to(struct app *app, struct partition *partition) {
  enum error err = OK;
  if (app->current != partition || !effects_have_room(&app->effects)) err = perform(app);
  app->current = partition;
  return err;
}

static enum error advance(struct app *app) {
  int64_t now_ms = clock_mono_ms();
  bool all = now_ms >= app->next_advance_ms;
  int64_t open_commands = 0;
  if (all) app->next_advance_ms = now_ms + ADVANCE_MS;
  for (size_t i = 0; i < app->count; i++) {
    struct partition *partition = app->partitions[i];
    if (!partition || partition->stopped) continue;
    bool more = partition->touched || all;
    enum error err = OK;
    while (more && err == OK) {
      err = turn_to(app, partition);
      if (err == OK) {
        err = control_advance(partition->control, sender_connected(app->sender), clock_wall_ms(), &app->effects, &more);
      }
    }
    if (err) return err;
    partition->touched = false;
    open_commands += (int64_t)control_open_count(partition->control);
  }
  gauge_set(app->open_commands, open_commands);
  return perform(app);
}

static void collect_unpublished(struct app *app) {
  struct unpublished note;
  while (sender_collect(app->sender, &note)) {
    struct partition *partition = note.partition < app->count ? app->partitions[note.partition] : NULL;
    if (!partition) continue;
    control_take_unpublished(partition->control, note.command_id, note.attempt, note.err, clock_wall_ms());
  }
}

// ---------------------------------------------------------------- intake

// A decision that cannot be read might be a reconnect: it is not skipped.
static enum error take_decision(struct app *app, struct partition *partition, const struct kafka_record *record) {
  struct decision decision;
  enum error err = wire_decision_decode(record->value, app->record_arena, &decision);
  if (err) {
    log_error("decision-unreadable", F_INT("partition", record->partition), F_INT("offset", record->offset),
              F_ERR(err));
    return ERR_CORRUPT;
  }
  counter_add(app->decisions, 1);
  partition->next_decision = record->offset + 1;
  partition->touched = true;
  return control_take_decision(partition->control, &decision, clock_wall_ms(), &app->effects);
}

// A record must not be passed over: its partition stands right before it until a newer control takes over, and the
// others go on. What was taken in before it stays taken in.
static enum error stop_partition(struct app *app, struct partition *partition, const struct kafka_record *record,
                                 uint32_t min_reader) {
  static const char *const topics[] = {TOPIC_DECISION, TOPIC_SITE};
  log_error("needs-newer-reader", F_INT("partition", record->partition), F_INT("offset", record->offset),
            F_INT("min_reader", min_reader));
  partition->stopped = true;
  partition->next_site = record->offset;
  condition_set(app->readable, false);
  enum error err = OK;
  for (size_t i = 0; i < sizeof topics / sizeof *topics && err == OK; i++)
    err = kafka_consumer_pause(app->consumer, &(struct kafka_position){topics[i], record->partition, 0, NULL});
  return err;
}

// A fact that cannot be read is billing's to judge; what control needs of the site log is level-triggered.
static enum error take_fact(struct app *app, struct partition *partition, const struct kafka_record *record) {
  struct fact fact;
  enum error err = wire_fact_decode(record->value, app->record_arena, &fact);
  partition->next_site = record->offset + 1;
  counter_add(app->facts, 1);
  if (err) {
    counter_add(app->unreadable, 1);
    log_error("fact-unreadable", F_INT("partition", record->partition), F_INT("offset", record->offset), F_ERR(err));
    return OK;
  }
  if (fact.envelope.min_reader > FACT_READER_VERSION)
    return stop_partition(app, partition, record, fact.envelope.min_reader);
  if (fact.kind != FACT_DEVICE_STATE && fact.kind != FACT_COMMAND_ACK) return OK;
  partition->touched = true;
  if (fact.kind == FACT_DEVICE_STATE) devices_state(app->devices, fact.envelope.site, &fact.device_state);
  return control_take_fact(partition->control, &fact, clock_wall_ms(), &app->effects);
}

static enum error take(struct app *app, const struct kafka_record *record) {
  struct partition *partition = (size_t)record->partition < app->count ? app->partitions[record->partition] : NULL;
  if (!partition || partition->stopped || !record->value.data) return OK;
  arena_reset(app->record_arena);
  enum error err = turn_to(app, partition);
  if (err) return err;
  bool decision = strcmp(record->topic, TOPIC_DECISION) == 0;
  return decision ? take_decision(app, partition, record) : take_fact(app, partition, record);
}

// ---------------------------------------------------------------- commit

static enum error commit(struct app *app) {
  struct kafka_position *positions = calloc(2 * app->count, sizeof *positions);
  char(*notes)[PARTITION_NOTE_MAX] = calloc(app->count, sizeof *notes);
  enum error err = positions && notes ? OK : ERR_NO_MEMORY;
  size_t count = 0;
  for (size_t i = 0; err == OK && i < app->count; i++) {
    const struct partition *partition = app->partitions[i];
    if (partition && partition->next_decision != KAFKA_OFFSET_INVALID) {
      partition_note(partition, notes[i]);
      positions[count++] =
          (struct kafka_position){TOPIC_DECISION, (int32_t)i, partition->next_decision, notes[i]};
    }
    if (partition && partition->next_site != KAFKA_OFFSET_INVALID) {
      positions[count++] = (struct kafka_position){TOPIC_SITE, (int32_t)i, partition->next_site, NULL};
    }
  }
  if (err == OK && count) err = kafka_consumer_commit(app->consumer, positions, count);
  for (size_t i = 0; err == OK && i < app->count; i++) {
    if (!app->partitions[i]) continue;
    app->partitions[i]->next_decision = app->partitions[i]->next_site = KAFKA_OFFSET_INVALID;
  }
  free(notes);
  free(positions);
  if (err && error_class(err) == CLASS_RETRY) log_warn("not-committed", F_ERR(err));
  return error_class(err) == CLASS_RETRY ? OK : err; // the next one says it again
}

// ---------------------------------------------------------------- partitions come and go

static enum error open_assigned(struct app *app, const struct kafka_position *positions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t number = (size_t)positions[i].partition;
    if (number >= app->count) return ERR_MISMATCH;
    if (strcmp(positions[i].topic, TOPIC_DECISION) != 0) continue;
    enum error err = partition_open((uint32_t)number, &app->settings, app->devices, &app->partitions[number]);
    if (err) return err;
  }
  for (size_t i = 0; i < count; i++) { // each partition of one topic with its like of the other
    if (!app->partitions[positions[i].partition]) return ERR_MISMATCH;
  }
  return OK;
}

static enum error take_notes(struct app *app, const struct kafka_position *positions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(positions[i].topic, TOPIC_DECISION) != 0) continue;
    struct kafka_position committed = positions[i];
    arena_reset(app->offsets_arena);
    enum error err;
    while ((err = kafka_consumer_committed(app->consumer, &committed, 1, app->offsets_arena)) != OK) {
      if (error_class(err) != CLASS_RETRY) return err;
      if (!beat(app) || life_draining()) return ERR_CLOSED;
      clock_sleep_ms(RETRY_MS);
    }
    if (committed.offset == KAFKA_OFFSET_INVALID || !committed.metadata) continue;
    err = partition_take_note(app->partitions[positions[i].partition], committed.metadata);
    if (err) return err;
  }
  return OK;
}

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct app *app = ctx;
  int64_t begun_ms = clock_mono_ms();
  enum error err = open_assigned(app, positions, count);
  if (err == OK) {
    err = partition_restore_all(&(struct partition_restore){.settings = &app->config->kafka,
                                                            .partitions = app->partitions,
                                                            .count = app->count,
                                                            .beat = beat,
                                                            .ctx = app});
  }
  if (err == OK) err = take_notes(app, positions, count);
  if (err) {
    app->failure = err;
    return;
  }
  app->known_ms = clock_mono_ms(); // restoring may have taken its time
  gauge_set(app->owned, (int64_t)count / 2);
  condition_set(app->assigned, true);
  condition_set(app->readable, true);
  log_info("partitions-assigned", F_INT("count", (int64_t)count / 2), F_INT("ms", clock_mono_ms() - begun_ms));
}

static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct app *app = ctx;
  condition_set(app->assigned, false);
  enum error err = lost || app->broken ? OK : commit(app);
  if (err) app->failure = err;
  for (size_t i = 0; i < count; i++) {
    size_t number = (size_t)positions[i].partition;
    if (number >= app->count) continue;
    partition_close(app->partitions[number]);
    app->partitions[number] = NULL;
  }
  devices_forget_states(app->devices);
  gauge_set(app->owned, 0);
  log_info("partitions-revoked", F_INT("count", (int64_t)count / 2), F_BOOL("lost", lost));
}

// ---------------------------------------------------------------- life

static void register_metrics(struct app *app, struct metrics *metrics) {
  app->owned = metrics_gauge(metrics, "riser_control_partitions", "Partitions that this process owns.");
  app->open_commands = metrics_gauge(metrics, "riser_control_open_commands", "Commands that are not final.");
  app->decisions = metrics_counter(metrics, "riser_control_decisions_total", "Decisions taken in.");
  app->facts = metrics_counter(metrics, "riser_control_facts_total", "Records of the site log taken in.");
  app->unreadable =
      metrics_counter(metrics, "riser_control_unreadable_facts_total", "Records of the site log that cannot be read.");
}

static enum error open_parts(struct app *app) {
  const struct control_config *config = app->config;
  enum error err = key_ring_open(config->device_keys, &app->key_ring);
  if (err) {
    log_error("device-keys-file-refused", F_ERR(err),
              F_STR("mend", "RISER_DEVICE_KEYS_FILE: one key a line, 64 hexadecimal digits, at most 16"));
    return err == ERR_INTERNAL || err == ERR_NO_MEMORY ? err : ERR_CONFIG;
  }
  err = sender_open(&(struct sender_options){.settings = config->mqtt,
                                             .instance = config->run.instance,
                                             .devices = app->devices,
                                             .process = app->process},
                    &app->sender);
  if (err) return err;
  err = performer_open(&(struct performer_options){.kafka = &config->kafka,
                                                   .sender = app->sender,
                                                   .process = app->process,
                                                   .beat = beat,
                                                   .ctx = app},
                       &app->performer);
  if (err) return err;
  return roster_open(&(struct roster_options){.settings = &config->kafka,
                                              .devices = app->devices,
                                              .key_ring = app->key_ring,
                                              .process = app->process},
                     &app->roster);
}

enum error app_open(const struct control_config *config, const struct process *process, struct app **opened) {
  char problem[256];
  struct app *app = calloc(1, sizeof *app);
  if (!app) return ERR_NO_MEMORY;
  app->config = config;
  app->process = process;
  app->count = (size_t)config->partitions;
  app->devices = devices_new((size_t)config->devices_max);
  app->partitions = calloc(app->count, sizeof *app->partitions);
  app->effects = (struct effects){.arena = arena_new(EFFECTS_ARENA_BYTES),
                                  .items = calloc(EFFECTS_MAX, sizeof *app->effects.items),
                                  .max = EFFECTS_MAX};
  app->record_arena = arena_new(RECORD_ARENA_BYTES);
  app->offsets_arena = arena_new(RECORD_ARENA_BYTES);
  app->assigned = health_condition(process->health, "assigned");
  app->loaded = health_condition(process->health, "devices");
  app->readable = health_condition(process->health, "partitions");
  register_metrics(app, process->metrics);
  bool complete = app->devices && app->partitions && app->effects.arena && app->effects.items && app->record_arena &&
                  app->offsets_arena;
  enum error err = complete ? control_config_settings(config, &app->settings, problem, sizeof problem) : ERR_NO_MEMORY;
  if (err == OK) err = open_parts(app);
  if (err) {
    app_close(app);
    return err;
  }
  *opened = app;
  return OK;
}

void app_close(struct app *app) {
  if (!app) return;
  if (app->consumer) kafka_consumer_close(app->consumer);
  roster_close(app->roster);
  performer_close(app->performer);
  sender_close(app->sender);
  for (size_t i = 0; app->partitions && i < app->count; i++) partition_close(app->partitions[i]);
  free(app->partitions);
  devices_free(app->devices);
  key_ring_free(app->key_ring);
  free(app->effects.items);
  arena_free(app->effects.arena);
  arena_free(app->record_arena);
  arena_free(app->offsets_arena);
  free(app);
}

// Not a static member: a Kafka that restarts within the session fences those as if there were two of them.
static enum error open_consumer(struct app *app) {
  static const char *const topics[] = {TOPIC_DECISION, TOPIC_SITE};
  char member[MEMBER_MAX];
  snprintf(member, sizeof member, "riser-control-%s", app->config->run.instance);
  return kafka_consumer_open(
      &(struct kafka_consumer_options){.settings = app->config->kafka,
                                       .client_id = member,
                                       .session_timeout_ms = app->config->session_timeout,
                                       .group = "riser-control",
                                       .assignor = KAFKA_ASSIGN_RANGE,
                                       .topics = topics,
                                       .topic_count = sizeof topics / sizeof *topics,
                                       .events = {.assigned = on_assigned, .revoked = on_revoked, .ctx = app}},
      &app->consumer);
}

// A passing error is waited out, until the drain begins (ERR_CLOSED).
static enum error wait_out(struct app *app, enum error err) {
  if (error_class(err) != CLASS_RETRY || err == ERR_CLOSED) return err;
  beat(app);
  return life_wait(RETRY_MS) ? ERR_CLOSED : OK;
}

// The topics must be cut as the configuration says: partition numbers are what ties them together.
static enum error check_topics(struct app *app) {
  static const char *const topics[] = {TOPIC_SITE, TOPIC_DECISION, TOPIC_COMMAND};
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
    int32_t count = 0;
    enum error err;
    while ((err = kafka_consumer_partitions(app->consumer, topics[i], &count)) != OK) {
      bool missing = err == ERR_NOT_FOUND; // perhaps not made yet
      if (missing) log_warn("topic-missing", F_STR("topic", topics[i]));
      err = wait_out(app, missing ? ERR_UNAVAILABLE : err);
      if (err) return err;
    }
    if ((size_t)count == app->count) continue;
    log_error("partitions-differ", F_STR("topic", topics[i]), F_INT("there", count),
              F_INT("configured", (int64_t)app->count));
    return ERR_MISMATCH;
  }
  return OK;
}

static enum error load_devices(struct app *app) {
  while (!roster_loaded(app->roster)) {
    enum error err = roster_poll(app->roster, POLL_MS);
    if (err) err = wait_out(app, err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err);
    if (err) return err;
    if (!beat(app) || life_draining()) return ERR_CLOSED;
  }
  condition_set(app->loaded, true);
  log_info("devices-loaded", F_INT("count", (int64_t)devices_count(app->devices)));
  return OK;
}

static enum error take_batch(struct app *app) {
  struct kafka_record records[BATCH];
  size_t count = 0;
  enum error err = kafka_consumer_poll(app->consumer, POLL_MS, records, BATCH, &count);
  if (err == OK) err = app->failure;
  for (size_t i = 0; err == OK && i < count; i++) err = take(app, &records[i]);
  return err ? err : perform(app);
}

// Whoever slept, or waited for Kafka, for so long that another process may own its partitions knows nothing of what has
// been done meanwhile, and Kafka tells it a moment too late. It begins anew, from what is recorded.
static enum error rejoin(struct app *app) {
  log_warn("rejoining", F_INT("silent_ms", clock_mono_ms() - app->known_ms));
  kafka_consumer_close(app->consumer);
  app->consumer = NULL;
  app->known_ms = clock_mono_ms();
  return open_consumer(app);
}

static enum error round_once(struct app *app) {
  beat(app);
  if (clock_mono_ms() > fresh_until_ms(app)) return rejoin(app);
  app->known_ms = clock_mono_ms();
  enum error err = roster_poll(app->roster, 0);
  if (err == OK || error_class(err) == CLASS_RETRY) err = take_batch(app);
  if (err == OK) {
    collect_unpublished(app);
    err = advance(app);
  }
  if (err == OK && clock_mono_ms() >= app->next_commit_ms) {
    err = commit(app);
    app->next_commit_ms = clock_mono_ms() + COMMIT_MS;
  }
  return err;
}

enum error app_run(struct app *app) {
  enum error err = load_devices(app);
  if (err == OK) err = open_consumer(app);
  if (err == OK) err = check_topics(app);
  app->known_ms = clock_mono_ms();
  while (err == OK && !life_draining()) {
    err = round_once(app);
    if (err) err = wait_out(app, err);
  }
  app->broken = err != OK;
  return err == ERR_CLOSED ? OK : err;
}

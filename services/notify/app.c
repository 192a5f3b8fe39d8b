// SPDX-License-Identifier: Apache-2.0
// One loop: what is due is begun, what has ended is recorded and committed, what is new is taken in. It waits in
// libcurl while something is in flight and in Kafka while nothing is, so that neither delays the other by more than
// BUSY_WAIT_MS. A commit follows at once upon the first delivery that has ended; what ends meanwhile is the next one's.
#include "notify/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/kafka.h"
#include "notify/courier.h"
#include "notify/directory.h"
#include "notify/dispatch.h"
#include "notify/ledger.h"
#include "notify/work.h"
#include "wire/decision.h"

enum {
  BATCH = 64,
  BUSY_WAIT_MS = 5,
  IDLE_WAIT_MS = 50,
  RECONNECT_MS = 1000,
  COMMIT_PAUSE_MS = 500,    // after one that failed
  PROGRESS_PAUSE_MS = 1000, // between commits of progress alone
  REVOKE_WAIT_MS = 5000,
  REJOIN_PAUSE_MS = 60000,
  NOTE_ARENA_MAX = 1 << 20,
  NAME_SIZE = 128,
};

struct app {
  const struct notify_config *config;
  struct process *process;
  struct dispatch dispatch; // and in it: work, courier, directory, ledger
  struct kafka_consumer *consumer;
  struct condition *kafka_ready;
  struct condition *persons_ready;
  struct condition *partitions_ready;
  struct gauge *unfinished;
  struct gauge *persons;
  struct counter *decisions;
  struct counter *commit_failures;
  struct histogram *commit_time;
  int64_t commit_after_ms;   // not before this
  int64_t progress_after_ms; // progress alone not before this
  int64_t step_ms;           // when we last looked at the clock, before sending anything
  bool doubtful;             // we slept for so long that our partitions may be another's: to be proved by a commit
  int64_t rejoined_ms;       // when we last came back after Kafka had shut us out; 0: never
  enum error failed;         // in a callback
  bool recording;            // the last transaction succeeded
  bool forsaken;             // what is revoked now is lost
};

static enum error app_connect(struct app *app);
static enum error app_step(struct app *app);
static void app_drain(struct app *app);
static void on_assigned(void *ctx, struct kafka_position *positions, size_t count);
static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost);

static void register_metrics(struct app *app) {
  struct metrics *metrics = app->process->metrics;
  app->unfinished = metrics_gauge(metrics, "riser_notify_unfinished", "Messages that are not settled yet.");
  app->persons = metrics_gauge(metrics, "riser_notify_persons", "Persons that are known.");
  app->decisions = metrics_counter(metrics, "riser_notify_decisions_total", "Decisions read.");
  app->commit_failures = metrics_counter(metrics, "riser_notify_commit_failures_total", "Transactions that failed.");
  app->commit_time = metrics_histogram_seconds(metrics, "riser_notify_commit_seconds", "Time a transaction takes.");
  app->kafka_ready = health_condition(app->process->health, "kafka");
  app->persons_ready = health_condition(app->process->health, "persons");
  app->partitions_ready = health_condition(app->process->health, "partitions");
}

enum error app_new(const struct notify_config *config, struct process *process, struct app **created) {
  struct app *app = calloc(1, sizeof *app);
  if (!app) return ERR_NO_MEMORY;
  app->config = config;
  app->process = process;
  register_metrics(app);
  enum error err = dispatch_init(&app->dispatch, config, process->metrics);
  if (err) {
    free(app);
    return err;
  }
  *created = app;
  return OK;
}

void app_free(struct app *app) {
  if (!app) return;
  dispatch_fini(&app->dispatch);
  free(app);
}

// ---- connecting

// A static member: whoever comes back under the same name, even after SIGKILL, has its partitions back at once.
static enum error open_consumer(struct app *app) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "riser-notify-%s", app->config->run.instance);
  static const char *const topics[] = {notify_decision_topic};
  const struct kafka_consumer_options options = {
      .settings = app->config->kafka,
      .client_id = name,
      .group = "riser-notify",
      .instance_id = name,
      .topics = topics,
      .topic_count = 1,
      .session_timeout_ms = app->config->session_timeout_ms,
      .events = {.assigned = on_assigned, .revoked = on_revoked, .ctx = app},
  };
  return kafka_consumer_open(&options, &app->consumer);
}

static enum error read_persons(struct app *app) {
  struct directory *directory = app->dispatch.directory;
  while (!directory_is_complete(directory) && !life_draining()) {
    health_beat(app->process->health);
    enum error err = directory_poll(directory, IDLE_WAIT_MS);
    if (err && error_class(err) != CLASS_RETRY) return err;
  }
  gauge_set(app->persons, (int64_t)directory_count(directory));
  condition_set(app->persons_ready, directory_is_complete(directory));
  return OK;
}

// The ledger comes first: it ends the open transaction of a process before us, whose progress we are about to read.
static enum error app_connect(struct app *app) {
  struct dispatch *dispatch = &app->dispatch;
  enum error err = OK;
  if (!dispatch->ledger) err = ledger_open(app->config, &dispatch->ledger);
  if (!err) err = ledger_check_partitions(dispatch->ledger, app->config->partitions);
  if (!err && !dispatch->directory) err = directory_open(app->config, &dispatch->directory);
  if (!err) err = read_persons(app);
  if (!err && !life_draining()) err = open_consumer(app);
  return err;
}

static bool connect_until_it_holds(struct app *app) {
  while (!life_draining()) {
    health_beat(app->process->health);
    enum error err = app_connect(app);
    if (!err && app->consumer) {
      condition_set(app->kafka_ready, true);
      app->recording = true;
      return true;
    }
    if (err && error_class(err) != CLASS_RETRY) {
      process_fail("connect", err);
    } else if (err) {
      log_warn("not-connected", F_ERR(err));
      life_wait(RECONNECT_MS);
    }
  }
  return false;
}

// As if everything had been taken from us: the committed progress says what is left to do. A consumer that is dead does
// not always say what it gives back.
static void disconnect(struct app *app) {
  struct work *work = &app->dispatch.work;
  app->forsaken = true;
  kafka_consumer_close(app->consumer);
  app->consumer = NULL;
  for (size_t i = 0; i < work->part_count; i++) {
    const struct kafka_position left = {.topic = notify_decision_topic, .partition = (int32_t)i};
    if (work->parts[i]) on_revoked(app, &left, 1, true);
  }
  app->forsaken = false;
  app->doubtful = false; // what we are given next is ours
  app->step_ms = 0;
  app->failed = OK;
  ledger_close(app->dispatch.ledger);
  app->dispatch.ledger = NULL;
}

// Kafka shuts a static member out when another one takes its name, and at times a lone one whose return crosses Kafka's
// own restart. So it comes back, but two processes of one name don't fight for ever: the one that is shut out again so
// soon ends.
static bool may_begin_anew(struct app *app, enum error err) {
  if (err != ERR_FENCED) return err == ERR_KAFKA_FATAL;
  int64_t now_ms = clock_mono_ms(), before_ms = app->rejoined_ms;
  app->rejoined_ms = now_ms;
  return before_ms == 0 || now_ms - before_ms >= REJOIN_PAUSE_MS;
}

static void work_until_it_ends(struct app *app) {
  log_info("ready-to-work", F_INT("persons", (int64_t)directory_count(app->dispatch.directory)));
  enum error err = OK;
  while (!life_draining() && !err) err = app_step(app);
  if (may_begin_anew(app, err)) {
    log_error("beginning-anew", F_ERR(err));
    disconnect(app);
  } else if (err) {
    process_fail("worker", err);
  }
}

void app_run(struct app *app) {
  while (connect_until_it_holds(app)) work_until_it_ends(app);
  if (!app->consumer) return;
  app_drain(app);
  kafka_consumer_close(app->consumer);
}

// ---- the loop

static bool tolerate(enum error err, const char *where) {
  if (!err) return true;
  if (error_class(err) != CLASS_RETRY) return false;
  log_warn("kafka-trouble", F_STR("where", where), F_ERR(err));
  return true;
}

static enum error take_record(struct app *app, const struct kafka_record *record, int64_t now_ms) {
  struct part *part = work_part(&app->dispatch.work, record->partition);
  if (!part) return ERR_INTERNAL;
  counter_add(app->decisions, 1);
  part->dirty = true;
  return dispatch_take(&app->dispatch, part, record, now_ms);
}

// A partition pauses when its window is full, all of them when the total is.
static enum error steer_intake(struct app *app) {
  struct work *work = &app->dispatch.work;
  bool full = work->job_count + ledger_waiting(app->dispatch.ledger) + BATCH > (size_t)app->config->unfinished;
  for (size_t i = 0; i < work->part_count; i++) {
    struct part *part = work->parts[i];
    bool pause = part && (full || part->jobs >= (size_t)app->config->window);
    if (!part || pause == part->paused) continue;
    const struct kafka_position position = {.topic = notify_decision_topic, .partition = part->partition};
    enum error err =
        pause ? kafka_consumer_pause(app->consumer, &position) : kafka_consumer_resume(app->consumer, &position);
    if (err) return err;
    part->paused = pause;
  }
  return OK;
}

static enum error take_in(struct app *app, int timeout_ms) {
  struct kafka_record records[BATCH];
  size_t count = 0;
  enum error err = steer_intake(app);
  if (!err) err = kafka_consumer_poll(app->consumer, timeout_ms, records, BATCH, &count);
  if (!tolerate(err, "poll")) return err;
  if (app->failed) return app->failed;
  int64_t now_ms = clock_mono_ms();
  for (size_t i = 0; i < count; i++) {
    err = take_record(app, &records[i], now_ms);
    if (err) return err;
  }
  return OK;
}

static bool is_dirty(const struct work *work) {
  for (size_t i = 0; i < work->part_count; i++) {
    if (work->parts[i] && work->parts[i]->dirty) return true;
  }
  return false;
}

static enum error commit_now(struct app *app) {
  int64_t begin_us = clock_mono_us();
  enum error err = ledger_commit(app->dispatch.ledger, app->consumer, &app->dispatch.work);
  histogram_observe(app->commit_time, clock_mono_us() - begin_us);
  int64_t now_ms = clock_mono_ms();
  condition_set(app->kafka_ready, err == OK);
  app->recording = err == OK;
  app->progress_after_ms = now_ms + PROGRESS_PAUSE_MS;
  if (!err) return OK;
  counter_add(app->commit_failures, 1);
  app->commit_after_ms = now_ms + COMMIT_PAUSE_MS;
  return err;
}

static enum error commit_if_due(struct app *app) {
  int64_t now_ms = clock_mono_ms();
  if (now_ms < app->commit_after_ms) return OK;
  bool facts = ledger_waiting(app->dispatch.ledger) > 0 || app->doubtful;
  if (!facts && (now_ms < app->progress_after_ms || !is_dirty(&app->dispatch.work))) return OK;
  enum error err = commit_now(app);
  if (!err) app->doubtful = false;
  return tolerate(err, "commit") ? OK : err;
}

// Until then nobody else can own our partitions.
static int64_t fresh_until_ms(const struct app *app) {
  return app->step_ms + app->config->session_timeout_ms / 2;
}

// Whoever was silent for half the session may have lost its partitions, and Kafka tells it a moment too late: what it
// would send now, another process may have delivered long ago. So nothing is begun, and what is in flight is left as it
// is, until a commit of all progress has succeeded, which it does only for the owner.
static void note_silence(struct app *app, int64_t now_ms) {
  struct work *work = &app->dispatch.work;
  bool silent = app->step_ms != 0 && now_ms > fresh_until_ms(app);
  app->step_ms = now_ms;
  if (!silent) return;
  log_warn("was-silent");
  app->doubtful = true;
  for (size_t i = 0; i < work->part_count; i++)
    if (work->parts[i]) work->parts[i]->dirty = true;
}

static int idle_wait_ms(struct app *app) {
  if (!app->recording) return IDLE_WAIT_MS;
  int64_t wait_ms = work_next_due_ms(&app->dispatch.work) - clock_mono_ms();
  return wait_ms < 0 ? 0 : wait_ms > IDLE_WAIT_MS ? IDLE_WAIT_MS : (int)wait_ms;
}

// While nothing can be recorded nothing new is begun: it would have to be sent again after a crash.
static enum error app_step(struct app *app) {
  struct dispatch *dispatch = &app->dispatch;
  health_beat(app->process->health);
  int64_t now_ms = clock_mono_ms();
  note_silence(app, now_ms);
  enum error err = directory_poll(dispatch->directory, 0);
  if (!tolerate(err, "persons")) return err;
  err = app->recording && !app->doubtful ? dispatch_begin_due(dispatch, now_ms, fresh_until_ms(app)) : OK;
  bool busy = courier_in_flight(dispatch->courier) > 0 && !app->doubtful;
  if (!err && busy) err = courier_run(dispatch->courier, BUSY_WAIT_MS, fresh_until_ms(app));
  if (!err) err = dispatch->failed;
  if (!err) err = commit_if_due(app);
  if (!err) err = take_in(app, busy ? 0 : idle_wait_ms(app));
  gauge_set(app->unfinished, (int64_t)dispatch->work.job_count);
  gauge_set(app->persons, (int64_t)directory_count(dispatch->directory));
  return err;
}

// ---- the group's events

// What the group knows of a partition: without it we could repeat everything, so we insist.
static enum error read_progress(struct app *app, struct kafka_position *position, struct arena *arena) {
  for (;;) {
    enum error err = kafka_consumer_committed(app->consumer, position, 1, arena);
    if (error_class(err) != CLASS_RETRY || life_draining()) return err;
    log_warn("progress-unknown", F_INT("partition", position->partition), F_ERR(err));
    health_beat(app->process->health);
    clock_sleep_ms(COMMIT_PAUSE_MS);
  }
}

static enum error assign_part(struct app *app, struct kafka_position *position, struct arena *arena) {
  struct part *part;
  struct kafka_position committed = {.topic = position->topic, .partition = position->partition};
  enum error err = work_add_part(&app->dispatch.work, position->partition, &part);
  if (!err) err = read_progress(app, &committed, arena);
  if (err) return err;
  bool fresh = committed.offset == KAFKA_OFFSET_INVALID;
  position->offset = fresh ? KAFKA_OFFSET_BEGINNING : committed.offset;
  if (!fresh) err = progress_resume(&part->progress, committed.offset, committed.metadata);
  if (err) log_error("progress-unreadable", F_INT("partition", position->partition), F_ERR(err));
  return err;
}

static void on_assigned(void *ctx, struct kafka_position *positions, size_t count) {
  struct app *app = ctx;
  struct arena *arena = arena_new(NOTE_ARENA_MAX);
  enum error err = arena ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; i < count && !err; i++) err = assign_part(app, &positions[i], arena);
  arena_free(arena);
  if (err && !life_draining()) app->failed = err;
  condition_set(app->partitions_ready, err == OK);
  log_info("assigned", F_INT("partitions", (int64_t)count));
}

static bool is_among(const struct kafka_position *positions, size_t count, const struct part *part) {
  for (size_t i = 0; i < count; i++) {
    if (positions[i].partition == part->partition) return true;
  }
  return false;
}

// How many deliveries of these partitions are being sent; cuts them off if `cancel`.
static size_t sending(struct app *app, const struct kafka_position *positions, size_t count, bool cancel) {
  size_t found = 0;
  for (struct job *job = app->dispatch.work.jobs; job; job = job->next) {
    if (!is_among(positions, count, job->part)) continue;
    for (size_t i = 0; i < job->count; i++) {
      if (!job->errands[i].sending) continue;
      if (cancel) courier_cancel(app->dispatch.courier, &job->errands[i]);
      found++;
    }
  }
  return found;
}

// Goes on with what is in flight, without beginning anything.
static enum error keep_sending(struct app *app) {
  health_beat(app->process->health);
  note_silence(app, clock_mono_ms());
  return app->doubtful ? OK : courier_run(app->dispatch.courier, IDLE_WAIT_MS, fresh_until_ms(app));
}

static void finish_sending(struct app *app, const struct kafka_position *positions, size_t count, int64_t wait_ms) {
  int64_t deadline_ms = clock_mono_ms() + wait_ms;
  while (sending(app, positions, count, false) > 0 && clock_mono_ms() < deadline_ms && !app->dispatch.failed &&
         !app->doubtful) {
    enum error err = keep_sending(app);
    if (err) app->failed = err;
    if (err) return;
  }
}

// The next owner sends what we cut off: once more at worst, as promised.
static void on_revoked(void *ctx, const struct kafka_position *positions, size_t count, bool lost) {
  struct app *app = ctx;
  condition_set(app->partitions_ready, false);
  if (!lost && !app->forsaken) {
    finish_sending(app, positions, count, life_draining() ? 0 : REVOKE_WAIT_MS); // the drain has waited for them
    enum error err = commit_now(app);
    if (err) log_warn("revoked-without-commit", F_ERR(err));
  }
  size_t cut = sending(app, positions, count, true);
  for (size_t i = 0; i < count; i++) {
    ledger_drop(app->dispatch.ledger, positions[i].partition);
    work_drop_part(&app->dispatch.work, positions[i].partition);
  }
  log_info("revoked", F_INT("partitions", (int64_t)count), F_BOOL("lost", lost), F_INT("cut_off", (int64_t)cut));
}

// ---- the drain

static void app_drain(struct app *app) {
  struct dispatch *dispatch = &app->dispatch;
  int64_t deadline_ms = clock_mono_ms() + app->config->run.drain_deadline_ms / 2;
  while (courier_in_flight(dispatch->courier) > 0 && clock_mono_ms() < deadline_ms && !dispatch->failed &&
         !app->doubtful) {
    enum error err = keep_sending(app);
    if (err) break;
    if (ledger_waiting(dispatch->ledger) > 0 && commit_now(app) != OK) life_wait(0);
  }
  log_info("drained", F_INT("cut_off", (int64_t)courier_in_flight(dispatch->courier)),
           F_INT("unfinished", (int64_t)dispatch->work.job_count));
}

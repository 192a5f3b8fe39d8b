// SPDX-License-Identifier: Apache-2.0
#include "ingest/app.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ingest/receiver.h"
#include "ingest/worker.h"

enum { SUPERVISE_EVERY_MS = 50, DRAIN_MARGIN_MS = 4000 };

struct app {
  const struct ingest_config *config;
  struct gauges gauges;
  _Atomic int64_t alive_ms; // see receiver.h
  struct spool *spool;
  struct worker *worker;
  struct receiver *receiver;
};

static enum error open_spool(struct app *app);
static const char *hint_of(enum error err);
static enum error open_parts(struct app *app);

enum error app_open(const struct ingest_config *config, const struct process *process, struct app **out) {
  struct app *app = calloc(1, sizeof *app);
  if (!app) return ERR_NO_MEMORY;
  app->config = config;
  gauges_init(&app->gauges, process);
  enum error err = open_spool(app);
  if (!err) err = open_parts(app);
  if (err) {
    app_close(app);
    return err;
  }
  *out = app;
  return OK;
}

static enum error open_spool(struct app *app) {
  const struct ingest_config *config = app->config;
  struct spool_options options = {
      .folder = config->spool_dir,
      .max_bytes = (uint64_t)config->spool_size,
      .segment_bytes = (uint64_t)config->spool_segment,
      .reserve_bytes = (uint64_t)ingest_reserve_bytes(config),
      .sync = (enum spool_sync)config->spool_sync,
      .sync_interval_ms = (int)config->spool_sync_interval_ms,
  };
  enum error err = spool_open(&options, &app->spool);
  if (err) {
    log_error("spool-not-opened", F_STR("folder", config->spool_dir), F_ERR(err), F_STR("hint", hint_of(err)));
    return err;
  }
  struct spool_level level = spool_level(app->spool);
  atomic_store(&app->alive_ms, spool_stamped(app->spool));
  log_info("spool-opened", F_INT("used_bytes", (int64_t)level.used_bytes),
           F_INT("waiting_bytes", (int64_t)spool_waiting(app->spool)), F_INT("segments", level.segments),
           F_INT("damaged_bytes", (int64_t)level.damaged_bytes));
  return OK;
}

static const char *hint_of(enum error err) {
  switch (err) {
  case ERR_UNAVAILABLE: return "another process has it";
  case ERR_QUEUE_FULL: return "the disk has no room for a single segment: make room, or spool_segment smaller";
  case ERR_CORRUPT: return "its key file is gone or damaged: put it back from a copy, or move the folder away";
  default: return "see docs/spool.md";
  }
}

static enum error open_parts(struct app *app) {
  struct worker_options worker = {
      .config = app->config, .spool = app->spool, .gauges = &app->gauges, .alive_ms = &app->alive_ms};
  struct receiver_options receiver = {
      .config = app->config, .spool = app->spool, .gauges = &app->gauges, .alive_ms = &app->alive_ms};
  enum error err = worker_start(&worker, &app->worker);
  if (!err) err = receiver_open(&receiver, &app->receiver);
  if (!err) worker_set_mqtt(app->worker, receiver_mqtt(app->receiver));
  if (err) log_error("not-opened", F_ERR(err));
  return err;
}

void app_run(struct app *app) {
  while (!life_draining()) receiver_supervise(app->receiver, SUPERVISE_EVERY_MS);
  int64_t deadline_ms = clock_mono_ms() + app->config->run.drain_deadline_ms - DRAIN_MARGIN_MS;
  log_info("draining");
  worker_set_mqtt(app->worker, NULL);
  receiver_close(app->receiver);
  app->receiver = NULL;
  worker_drain(app->worker, deadline_ms);
  worker_free(app->worker);
  app->worker = NULL;
}

void app_close(struct app *app) {
  if (!app) return;
  if (app->worker) {
    worker_drain(app->worker, clock_mono_ms());
    worker_free(app->worker);
  }
  receiver_close(app->receiver);
  spool_close(app->spool);
  free(app);
}

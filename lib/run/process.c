// SPDX-License-Identifier: Apache-2.0
// The order matters: logging first, so that everything else can say why it failed; signals before any thread.
#include "run/process.h"

#include "base/canary.h"
#include "base/log.h"

enum error process_open(const char *service, const struct run_settings *settings, struct process *process) {
  log_init(service, (enum log_level)settings->log_level);
  *process = (struct process){.metrics = NULL};
  enum error err = life_init(settings->drain_deadline_ms);
  if (!err && !(process->metrics = metrics_new())) err = ERR_NO_MEMORY;
  struct health_options health = {
      .host = settings->http_host,
      .port = (int)settings->http_port,
      .heartbeat_limit_ms = settings->heartbeat_limit_ms,
      .metrics = process->metrics,
  };
  if (!err) err = health_open(&health, &process->health);
  if (err) {
    log_error("not-started", F_ERR(err));
    metrics_free(process->metrics);
    return err;
  }
  if (!CANARY(NONE)) log_error("broken-on-purpose", F_STR("version", RISER_VERSION));
  log_info("started", F_STR("version", RISER_VERSION), F_INT("http_port", health_port(process->health)));
  return OK;
}

int process_close(struct process *process) {
  health_free(process->health);
  metrics_free(process->metrics);
  log_info("stopped", F_INT("status", life_exit_code()));
  return life_exit_code();
}

void process_fail(const char *where, enum error err) {
  log_error("fatal", F_STR("where", where), F_ERR(err));
  life_fail(err);
}

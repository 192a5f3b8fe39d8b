// SPDX-License-Identifier: Apache-2.0
// riser-billing: wiring.
#include "billing/app.h"
#include "billing/config.h"
#include "billing/stats.h"

static enum error serve(const struct app_options *options) {
  struct app *app = NULL;
  enum error err = app_open(options, &app);
  if (err == ERR_CLOSED) return OK; // told to end while waiting for Kafka
  if (!err) err = app_run(app);
  app_close(app);
  return err;
}

int main(int argc, char **argv) {
  struct billing_config settings;
  int exit_code;
  struct config *config = config_load(&billing_schema, argc, argv, &settings, &exit_code);
  if (!config) return exit_code;

  struct process process;
  struct stats stats;
  struct redis *redis = NULL;
  exit_code = 1;
  if (process_open("billing", &settings.run, &process) != OK) goto free_config;
  enum error err = stats_init(&stats, process.metrics, settings.partitions);
  if (!err) err = redis_open(&settings.redis, &redis);
  if (!err) err = serve(&(struct app_options){&settings, &process, &stats, redis});
  if (err) process_fail("billing", err);

  redis_close(redis);
  exit_code = process_close(&process);
  stats_fini(&stats);
free_config:
  config_free(config);
  return life_end(exit_code, argv);
}

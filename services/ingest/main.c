// SPDX-License-Identifier: Apache-2.0
// riser-ingest: MQTT in, Kafka out. docs/services/ingest.md.
#include <stdlib.h>

#include "ingest/app.h"

int main(int argc, char **argv) {
  struct ingest_config settings;
  int exit_code = EXIT_FAILURE;
  struct config *config = config_load(&INGEST_SCHEMA, argc, argv, &settings, &exit_code);
  if (!config) return exit_code;
  struct process process;
  struct app *app = NULL;
  enum error err = process_open("ingest", &settings.run, &process);
  if (err) {
    config_free(config);
    return EXIT_FAILURE;
  }
  err = app_open(&settings, &process, &app);
  if (err)
    process_fail("open", err);
  else
    app_run(app);
  app_close(app);
  exit_code = process_close(&process);
  config_free(config);
  return life_end(exit_code, argv);
}

// SPDX-License-Identifier: Apache-2.0
#include "control/app.h"

int main(int argc, char **argv) {
  struct control_config settings = {.partitions = 0};
  struct process process;
  struct app *app = NULL;
  int exit_code;
  struct config *config = config_load(&control_config_schema, argc, argv, &settings, &exit_code);
  if (!config) return exit_code;
  if (process_open("control", &settings.run, &process) != OK) {
    config_free(config);
    return 1;
  }
  enum error err = app_open(&settings, &process, &app);
  if (err == OK) err = app_run(app);
  if (err) process_fail("control", err);
  app_close(app);
  exit_code = process_close(&process);
  config_free(config);
  return life_end(exit_code, argv);
}

// SPDX-License-Identifier: Apache-2.0
// riser-notify: wiring.
#include <curl/curl.h>

#include "base/log.h"
#include "notify/app.h"
#include "notify/config.h"
#include "run/process.h"

static void work(const struct notify_config *settings, struct process *process) {
  struct app *app = NULL;
  enum error err = app_new(settings, process, &app);
  if (err)
    process_fail("start", err);
  else
    app_run(app);
  app_free(app);
}

int main(int argc, char **argv) {
  struct notify_config settings;
  struct process process;
  int exit_code = 0;
  struct config *config = config_load(&notify_schema, argc, argv, &settings, &exit_code);
  if (!config) return exit_code;
  exit_code = 1;
  if (process_open("notify", &settings.run, &process) == OK) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
      work(&settings, &process);
    else
      process_fail("curl", ERR_INTERNAL);
    curl_global_cleanup();
    exit_code = process_close(&process);
  }
  config_free(config);
  return life_end(exit_code, argv);
}

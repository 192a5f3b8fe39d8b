// SPDX-License-Identifier: Apache-2.0
// Configuration files of every service, with its real table: input is the service, then the file. Whatever is in it, it
// is taken, or refused with a reason.
#include <string.h>
#include <unistd.h>

#include "billing/config.h"
#include "control/config.h"
#include "folder.h"
#include "fuzz.h"
#include "ingest/config.h"
#include "notify/config.h"

static const struct config_schema *const schemas[] = {&INGEST_SCHEMA, &billing_schema, &control_config_schema,
                                                      &notify_schema};
enum { SCHEMAS = sizeof schemas / sizeof schemas[0] };

union settings {
  struct ingest_config ingest;
  struct billing_config billing;
  struct control_config control;
  struct notify_config notify;
};

// Not the values that name files: what is read there would not be the input's.
static bool names_a_file(const struct config_schema *schema, struct bytes text) {
  for (size_t i = 0; i < schema->count; i++) {
    bool file = schema->entries[i].type == CONFIG_TYPE_FILE;
    if (file && memmem(text.data, text.len, schema->entries[i].key, strlen(schema->entries[i].key))) return true;
  }
  return memmem(text.data, text.len, "_FILE", 5) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  const struct config_schema *schema = schemas[fuzz_u8(&input) % SCHEMAS];
  struct bytes text = bytes_make(input.at, input.left);
  if (names_a_file(schema, text)) return 0;
  folder_empty();
  char *path = strdup(folder_put("config", text)), program[] = "fuzz", option[] = "--config";
  char *arguments[] = {program, option, path, NULL};
  union settings settings;
  memset(&settings, 0, sizeof settings);
  int exit_code = -1;
  struct config *config = config_load(schema, 3, arguments, &settings, &exit_code);
  if (!config) FUZZ_HOLDS(exit_code == 2);
  config_free(config);
  free(path);
  return 0;
}

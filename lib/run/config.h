// SPDX-License-Identifier: Apache-2.0
// Configuration from ONE table per service. The table drives the parsing of environment and file, --help,
// --check-config, the generated page (--print-config-doc) and the ConfigMap (--print-config-env).
// A value comes from, strongest first: the environment, the KEY=VALUE file of --config FILE, the table's default.
// Read once at the start, before any thread; afterwards it does not change.
//
//   struct ingest_config { struct run_settings run; int64_t spool_bytes; const char *mqtt_url; };
//   static const struct config_entry entries[] = {
//     RUN_SETTINGS(struct ingest_config, run),
//     CONFIG_BYTES(struct ingest_config, spool_bytes, "256MiB", "1MiB", "1TiB", "what the spool may hold"),
//     CONFIG_STRING(struct ingest_config, spool_dir, "./spool", "the spool's folder", .required = true),
//   };
// The key is the member's name, the variable RISER_<KEY> in capitals, unless .key or .env says otherwise.
#ifndef RISER_RUN_CONFIG_H
#define RISER_RUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum config_type {
  CONFIG_TYPE_STRING,   // const char *
  CONFIG_TYPE_INT,      // int64_t
  CONFIG_TYPE_DURATION, // int64_t milliseconds: "250ms", "30s", "5m", "24h", "30d"
  CONFIG_TYPE_BYTES,    // int64_t bytes: "4096", "64KiB", "256MiB", "1GiB"
  CONFIG_TYPE_BOOL,     // bool: "true" or "false"
  CONFIG_TYPE_ENUM,     // int: the place of the word in `choices`, from 0
  CONFIG_TYPE_FILE,     // const char *: the content of the file named, without a final newline; "" if no file is named
};

struct config_entry {
  const char *key;
  enum config_type type;
  size_t offset;        // of the member in the service's struct
  const char *fallback; // the default, as one would write it
  const char *min;      // of numbers, as one would write them
  const char *max;
  const char *choices; // of an enum: "system|log"
  const char *env;     // NULL: RISER_<KEY>
  const char *help;    // one sentence
  bool required;       // may not be empty
  bool secret;         // masked when printed; CONFIG_FILE's content always is
};

#define CONFIG_ENTRY(S, member, kind, ...)                                                                             \
  { .key = #member, .type = kind, .offset = offsetof(S, member), __VA_ARGS__ }
#define CONFIG_STRING(S, member, fallback_, help_, ...)                                                                \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_STRING, .fallback = fallback_, .help = help_, ##__VA_ARGS__)
#define CONFIG_INT(S, member, fallback_, min_, max_, help_, ...)                                                       \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_INT, .fallback = fallback_, .min = min_, .max = max_, .help = help_,             \
               ##__VA_ARGS__)
#define CONFIG_DURATION(S, member, fallback_, min_, max_, help_, ...)                                                  \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_DURATION, .fallback = fallback_, .min = min_, .max = max_, .help = help_,        \
               ##__VA_ARGS__)
#define CONFIG_BYTES(S, member, fallback_, min_, max_, help_, ...)                                                     \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_BYTES, .fallback = fallback_, .min = min_, .max = max_, .help = help_,           \
               ##__VA_ARGS__)
#define CONFIG_BOOL(S, member, fallback_, help_, ...)                                                                  \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_BOOL, .fallback = fallback_, .help = help_, ##__VA_ARGS__)
#define CONFIG_ENUM(S, member, choices_, fallback_, help_, ...)                                                        \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_ENUM, .choices = choices_, .fallback = fallback_, .help = help_, ##__VA_ARGS__)
#define CONFIG_FILE(S, member, help_, ...)                                                                             \
  CONFIG_ENTRY(S, member, CONFIG_TYPE_FILE, .fallback = "", .help = help_, ##__VA_ARGS__)

struct config_schema {
  const char *service; // "ingest"
  const char *summary; // one sentence for --help
  const struct config_entry *entries;
  size_t count;
  // Rules between entries, may be NULL: writes a sentence that says what to change into `problem` and returns
  // ERR_CONFIG.
  enum error (*check)(const void *settings, char *problem, size_t size);
};

struct config; // owns the texts that the filled struct points to

// Fills `settings` (the service's struct). Returns the owner, to be freed at the end; or NULL when the program is to
// end with *exit_code: 0 after --help, --version, --check-config, --print-config-doc, --print-config-env; 2 after
// errors, all of which are on standard error: what is wrong, where it came from, how to mend it.
struct config *config_load(const struct config_schema *schema, int argc, char **argv, void *settings,
                           int *exit_code) MUST_USE;
void config_free(struct config *config);

#endif

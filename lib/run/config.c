// SPDX-License-Identifier: Apache-2.0
// Load in four steps: command line, file, values, the schema's own rules. Problems are collected and told together, so
// that nobody has to start a service five times to learn of five mistakes.
#include "run/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "run/config_print.h"
#include "run/config_value.h"

enum { LINE_MAX_LEN = 64 * 1024, EXIT_BAD_CONFIG = 2, PROBLEMS_MAX = 64 * 1024 };

enum mode { MODE_RUN, MODE_CHECK, MODE_HELP, MODE_DOC, MODE_ENV, MODE_VERSION };

struct config {
  const struct config_schema *schema;
  const char *path;              // of --config, or NULL
  char **owned;                  // per entry: a file's content
  char **file_texts;             // per entry: what the configuration file says, or NULL
  struct config_origin *origins; // per entry
  struct buffer problems;
};

static struct config *config_new(const struct config_schema *schema);
static void read_arguments(struct config *config, int argc, char **argv, enum mode *mode);
static void read_config_file(struct config *config);
static void read_config_line(struct config *config, char *line, int number);
static void set_values(struct config *config, void *settings);
static void set_value(struct config *config, size_t index, void *settings);
static void problem_add(struct config *config, const char *where, const char *value, const char *what);
static int print_mode(const struct config *config, enum mode mode);
static const struct config_entry *entry_named(const struct config_schema *schema, const char *name);

struct config *config_load(const struct config_schema *schema, int argc, char **argv, void *settings, int *exit_code) {
  struct config *config = config_new(schema);
  enum mode mode = MODE_RUN;
  *exit_code = EXIT_BAD_CONFIG;
  if (!config) return NULL;
  read_arguments(config, argc, argv, &mode);
  if (config->problems.len == 0 && (mode == MODE_RUN || mode == MODE_CHECK)) {
    read_config_file(config);
    set_values(config, settings);
  }
  if (config->problems.len) {
    fprintf(stderr, "%s", buffer_text(&config->problems));
  } else if (mode == MODE_RUN) {
    return config;
  } else {
    *exit_code = print_mode(config, mode);
  }
  config_free(config);
  return NULL;
}

static struct config *config_new(const struct config_schema *schema) {
  struct config *config = calloc(1, sizeof *config);
  if (!config) return NULL;
  config->schema = schema;
  config->owned = calloc(schema->count, sizeof *config->owned);
  config->file_texts = calloc(schema->count, sizeof *config->file_texts);
  config->origins = calloc(schema->count, sizeof *config->origins);
  buffer_init(&config->problems, PROBLEMS_MAX);
  if (config->owned && config->file_texts && config->origins) return config;
  config_free(config);
  return NULL;
}

void config_free(struct config *config) {
  if (!config) return;
  for (size_t i = 0; i < config->schema->count; i++) {
    if (config->owned) free(config->owned[i]);
    if (config->file_texts) free(config->file_texts[i]);
  }
  free(config->owned);
  free(config->file_texts);
  free(config->origins);
  buffer_fini(&config->problems);
  free(config);
}

static void read_arguments(struct config *config, int argc, char **argv, enum mode *mode) {
  static const char *const names[] = {"--check-config",     "--help",    "--print-config-doc",
                                      "--print-config-env", "--version", NULL};
  static const enum mode modes[] = {MODE_CHECK, MODE_HELP, MODE_DOC, MODE_ENV, MODE_VERSION};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
      config->path = argv[++i];
      continue;
    }
    int option = 0;
    while (names[option] && strcmp(names[option], argv[i]) != 0) option++;
    if (names[option]) {
      *mode = modes[option];
    } else {
      problem_add(config, "command line", argv[i], "is no option, or lacks its argument; see --help");
    }
  }
}

static void read_config_file(struct config *config) {
  if (!config->path) return;
  FILE *file = fopen(config->path, "re");
  if (!file) {
    problem_add(config, "--config", config->path, strerror(errno));
    return;
  }
  char *line = NULL;
  size_t size = 0;
  ssize_t len;
  for (int number = 1; (len = getline(&line, &size, file)) >= 0; number++) {
    if (len && line[len - 1] == '\n') line[len - 1] = 0;
    read_config_line(config, line, number);
  }
  if (ferror(file)) problem_add(config, "--config", config->path, "can't be read to its end");
  free(line);
  fclose(file);
}

static void read_config_line(struct config *config, char *line, int number) {
  char where[CONFIG_PROBLEM_SIZE];
  snprintf(where, sizeof where, "%s line %d", config->path, number);
  char *key = line + strspn(line, " \t");
  if (*key == 0 || *key == '#') return;
  char *equals = strchr(key, '=');
  if (!equals) {
    problem_add(config, where, key, "is not KEY=VALUE");
    return;
  }
  *equals = 0;
  const struct config_entry *entry = entry_named(config->schema, key);
  if (!entry) {
    problem_add(config, where, key, "is no key of this service; see --help");
    return;
  }
  size_t index = (size_t)(entry - config->schema->entries);
  free(config->file_texts[index]);
  config->file_texts[index] = strdup(equals + 1);
  if (!config->file_texts[index]) problem_add(config, where, key, "no memory");
}

static const struct config_entry *entry_named(const struct config_schema *schema, const char *name) {
  char variable[CONFIG_NAME_SIZE];
  for (size_t i = 0; i < schema->count; i++) {
    config_variable(&schema->entries[i], variable);
    if (strcmp(name, variable) == 0 || strcmp(name, schema->entries[i].key) == 0) return &schema->entries[i];
  }
  return NULL;
}

static void set_values(struct config *config, void *settings) {
  for (size_t i = 0; i < config->schema->count; i++) set_value(config, i, settings);
  char problem[CONFIG_PROBLEM_SIZE] = "";
  if (config->problems.len || !config->schema->check) return;
  if (config->schema->check(settings, problem, sizeof problem))
    problem_add(config, "configuration", config->schema->service, problem);
}

static void set_value(struct config *config, size_t index, void *settings) {
  const struct config_entry *entry = &config->schema->entries[index];
  char variable[CONFIG_NAME_SIZE], problem[CONFIG_PROBLEM_SIZE];
  config_variable(entry, variable);
  struct config_origin *origin = &config->origins[index];
  const char *environment = getenv(variable);
  *origin = (struct config_origin){entry->fallback, "default"};
  if (config->file_texts[index]) *origin = (struct config_origin){config->file_texts[index], config->path};
  if (environment) *origin = (struct config_origin){environment, "environment"};
  if (config_set(entry, origin->text, settings, &config->owned[index], problem) == OK) return;
  char where[CONFIG_PROBLEM_SIZE];
  snprintf(where, sizeof where, "%s (%s)", variable, origin->from);
  problem_add(config, where, entry->secret ? "***" : origin->text, problem);
}

static void problem_add(struct config *config, const char *where, const char *value, const char *what) {
  enum error err = buffer_printf(&config->problems, "%s: %s: \"%s\" %s\n", config->schema->service, where, value, what);
  if (err) fprintf(stderr, "%s: %s: \"%s\" %s\n", config->schema->service, where, value, what);
}

static int print_mode(const struct config *config, enum mode mode) {
  struct buffer text;
  buffer_init(&text, CONFIG_PRINT_MAX);
  enum error err = OK;
  if (mode == MODE_HELP) err = config_print_help(config->schema, &text);
  if (mode == MODE_DOC) err = config_print_doc(config->schema, &text);
  if (mode == MODE_ENV) err = config_print_env(config->schema, &text);
  if (mode == MODE_CHECK) err = config_print_effective(config->schema, config->origins, &text);
  if (mode == MODE_VERSION) err = buffer_printf(&text, "%s %s\n", config->schema->service, RISER_VERSION);
  bool printed = !err && fputs(buffer_text(&text), stdout) >= 0 && fflush(stdout) == 0;
  buffer_fini(&text);
  return printed ? 0 : EXIT_BAD_CONFIG;
}

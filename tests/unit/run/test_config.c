// SPDX-License-Identifier: Apache-2.0
// The configuration is tried as a program is: by command lines, variables and files, and by what comes out on standard
// output and standard error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/config.h"
#include "run/settings.h"

struct sample {
  struct run_settings run;
  struct redis_settings redis;
  const char *name;
  int64_t count;
  int64_t pause_ms;
  int64_t spool_bytes;
  bool strict;
  int clock;
  const char *password;
  const char *token;
};

static const struct config_entry entries[] = {
    RUN_SETTINGS(struct sample, run, "9100"),
    REDIS_SETTINGS(struct sample, redis),
    CONFIG_STRING(struct sample, name, "riser", "A name.", .required = true),
    CONFIG_INT(struct sample, count, "7", "-10", "100", "A count."),
    CONFIG_DURATION(struct sample, pause_ms, "30s", "10ms", "1h", "A pause.", .key = "pause"),
    CONFIG_BYTES(struct sample, spool_bytes, "256MiB", "1KiB", "1TiB", "A size.", .key = "spool_size"),
    CONFIG_BOOL(struct sample, strict, "true", "Whether | it is strict."),
    CONFIG_ENUM(struct sample, clock, "system|log", "system", "Which clock."),
    CONFIG_FILE(struct sample, password, "A secret.", .key = "password_file"),
    CONFIG_STRING(struct sample, token, "", "A token.", .secret = true, .env = "SAMPLE_TOKEN"),
};

static enum error check(const void *settings, char *problem, size_t size) {
  const struct sample *sample = settings;
  if (sample->count != 13) return OK;
  snprintf(problem, size, "13 is unlucky; write 12");
  return ERR_CONFIG;
}

static const struct config_schema schema = {"sample", "A sample.", entries, sizeof entries / sizeof *entries, check};

static struct sample sample;
static char output[256 * 1024];
static int exit_code;
static char folder[] = "/tmp/riser-config-XXXXXX";

static const char *path_of(const char *name) {
  static char paths[4][256];
  static int turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static const char *file_with(const char *name, const char *text) {
  const char *path = path_of(name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  return path;
}

// Loads with standard output and error caught in `output`.
static struct config *load(const char *first, const char *second) {
  char name[] = "sample";
  char *argv[] = {name, (char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL};
  int argc = 1 + (first != NULL) + (second != NULL);
  FILE *caught = tmpfile();
  assert_non_null(caught);
  fflush(NULL);
  int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  dup2(fileno(caught), STDOUT_FILENO);
  dup2(fileno(caught), STDERR_FILENO);
  memset(&sample, 0, sizeof sample);
  exit_code = -1;
  struct config *config = config_load(&schema, argc, argv, &sample, &exit_code);
  fflush(NULL);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);
  rewind(caught);
  output[fread(output, 1, sizeof output - 1, caught)] = 0;
  fclose(caught);
  return config;
}

static void refused(const char *variable, const char *value, const char *why) {
  setenv(variable, value, 1);
  assert_null(load(NULL, NULL));
  unsetenv(variable);
  assert_int_equal(exit_code, 2);
  if (!strstr(output, variable) || !strstr(output, why)) fail_msg("%s=%s: %s", variable, value, output);
}

static void test_defaults(void **state) {
  struct config *config = load(NULL, NULL);
  (void)state;
  assert_non_null(config);
  assert_string_equal(sample.name, "riser");
  assert_int_equal(sample.count, 7);
  assert_int_equal(sample.pause_ms, 30000);
  assert_int_equal(sample.spool_bytes, 256 << 20);
  assert_true(sample.strict);
  assert_int_equal(sample.clock, 0);
  assert_string_equal(sample.password, "");
  assert_int_equal(sample.run.http_port, 9100);
  assert_string_equal(sample.redis.address, "127.0.0.1:6379");
  assert_string_equal(output, "");
  config_free(config);
  config_free(NULL);
}

static void test_environment(void **state) {
  (void)state;
  setenv("RISER_NAME", "x=y z", 1);
  setenv("RISER_COUNT", "-3", 1);
  setenv("RISER_PAUSE", "250ms", 1);
  setenv("RISER_SPOOL_SIZE", "1TiB", 1);
  setenv("RISER_STRICT", "false", 1);
  setenv("RISER_CLOCK", "log", 1);
  setenv("RISER_PASSWORD_FILE", file_with("password", "s3cret\n"), 1);
  setenv("SAMPLE_TOKEN", "t0ken", 1);
  struct config *config = load(NULL, NULL);
  assert_non_null(config);
  assert_string_equal(sample.name, "x=y z");
  assert_int_equal(sample.count, -3);
  assert_int_equal(sample.pause_ms, 250);
  assert_int_equal(sample.spool_bytes, 1LL << 40);
  assert_false(sample.strict);
  assert_int_equal(sample.clock, 1);
  assert_string_equal(sample.password, "s3cret");
  assert_string_equal(sample.token, "t0ken");
  config_free(config);
  assert_null(load("--check-config", NULL));
  assert_int_equal(exit_code, 0);
  assert_non_null(strstr(output, "count = -3 (environment)"));
  assert_non_null(strstr(output, "instance = 0 (default)"));
  assert_non_null(strstr(output, "token = *** (environment)"));
  assert_null(strstr(output, "t0ken"));
  assert_null(strstr(output, "s3cret"));
  const char *names[] = {"NAME", "COUNT", "PAUSE", "SPOOL_SIZE", "STRICT", "CLOCK", "PASSWORD_FILE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char variable[64];
    snprintf(variable, sizeof variable, "RISER_%s", names[i]);
    unsetenv(variable);
  }
  unsetenv("SAMPLE_TOKEN");
}

static void test_refused(void **state) {
  (void)state;
  refused("RISER_NAME", "", "is empty");
  refused("RISER_COUNT", "101", "out of bounds; write a whole number from -10 to 100");
  refused("RISER_COUNT", "-11", "out of bounds");
  refused("RISER_COUNT", "seven", "can't be read");
  refused("RISER_COUNT", "7.5", "can't be read");
  refused("RISER_COUNT", "", "can't be read");
  refused("RISER_COUNT", "99999999999999999999", "can't be read");
  refused("RISER_PAUSE", "30", "such as 250ms");
  refused("RISER_PAUSE", "5ms", "out of bounds");
  refused("RISER_PAUSE", "30 s", "can't be read");
  refused("RISER_SPOOL_SIZE", "12x", "such as 4096");
  refused("RISER_SPOOL_SIZE", "9000000TiB", "can't be read"); // overflows
  refused("RISER_STRICT", "yes", "write true or false");
  refused("RISER_CLOCK", "lo", "one of system|log");
  refused("RISER_CLOCK", "", "one of system|log");
  refused("RISER_PASSWORD_FILE", "/no/such/file", "No such file");
  refused("RISER_PASSWORD_FILE", folder, "can't be read");
  setenv("RISER_COUNT", "13", 1); // the schema's own rule
  assert_null(load(NULL, NULL));
  assert_non_null(strstr(output, "13 is unlucky; write 12"));
  unsetenv("RISER_COUNT");
}

// All at once, not one a start.
static void test_all_problems(void **state) {
  (void)state;
  setenv("RISER_COUNT", "x", 1);
  setenv("RISER_PAUSE", "x", 1);
  assert_null(load("--check-config", NULL));
  assert_int_equal(exit_code, 2);
  assert_non_null(strstr(output, "RISER_COUNT (environment): \"x\""));
  assert_non_null(strstr(output, "RISER_PAUSE (environment): \"x\""));
  unsetenv("RISER_COUNT");
  unsetenv("RISER_PAUSE");
}

static void test_file(void **state) {
  const char *good = file_with("good", "# comment\n\n  name=from file\nRISER_COUNT=9\nclock=log");
  const char *bad = file_with("bad", "count=8\nnonsense\nunknown=1\n");
  (void)state;
  setenv("RISER_COUNT", "10", 1);
  struct config *config = load("--config", good);
  assert_non_null(config);
  assert_string_equal(sample.name, "from file");
  assert_int_equal(sample.count, 10); // the environment is stronger
  assert_int_equal(sample.clock, 1);
  config_free(config);
  unsetenv("RISER_COUNT");
  assert_null(load("--config", bad));
  assert_int_equal(exit_code, 2);
  assert_non_null(strstr(output, "bad line 2: \"nonsense\" is not KEY=VALUE"));
  assert_non_null(strstr(output, "bad line 3: \"unknown\" is no key"));
  assert_null(load("--config", "/no/such/file"));
  assert_int_equal(exit_code, 2);
  assert_null(load("--config", NULL));
  assert_int_equal(exit_code, 2);
  assert_null(load("--nonsense", NULL));
  assert_int_equal(exit_code, 2);
}

static void test_printed(void **state) {
  (void)state;
  assert_null(load("--help", NULL));
  assert_int_equal(exit_code, 0);
  assert_non_null(strstr(output, "RISER_SPOOL_SIZE=256MiB\n      A size. (size: 1KiB to 1TiB)"));
  assert_null(load("--print-config-doc", NULL));
  assert_int_equal(exit_code, 0);
  assert_non_null(strstr(output, "| `clock` | `RISER_CLOCK` | choice | `system` | system, log | Which clock. |\n"));
  assert_non_null(strstr(output, "Whether \\| it is strict."));
  assert_null(load("--print-config-env", NULL));
  assert_non_null(strstr(output, "\nRISER_PAUSE=30s\n"));
  assert_null(load("--version", NULL));
  assert_int_equal(strncmp(output, "sample ", 7), 0);
  setenv("RISER_COUNT", "x", 1);
  assert_null(load("--help", NULL));
  assert_int_equal(exit_code, 0); // help helps even then
  unsetenv("RISER_COUNT");
}

// What --print-config-env prints is a file that --config takes, and changes nothing.
static void test_env_is_a_config(void **state) {
  (void)state;
  assert_null(load("--print-config-env", NULL));
  struct config *config = load("--config", file_with("env", output));
  assert_non_null(config);
  assert_int_equal(sample.pause_ms, 30000);
  config_free(config);
}

static int setup(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  const char *names[] = {"password", "good", "bad", "env"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(names[i]));
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),        cmocka_unit_test(test_environment), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_all_problems),    cmocka_unit_test(test_file),        cmocka_unit_test(test_printed),
      cmocka_unit_test(test_env_is_a_config),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

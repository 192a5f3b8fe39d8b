// SPDX-License-Identifier: Apache-2.0
// The rules of the wires, tried as an operator meets them: by variables, and by what a service says before it ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/redis_tls.h"
#include "run/settings.h"

struct sample {
  struct kafka_settings kafka;
  struct mqtt_settings mqtt;
  struct redis_settings redis;
};

static const struct config_entry entries[] = {
    KAFKA_SETTINGS(struct sample, kafka),
    MQTT_SETTINGS(struct sample, mqtt, "sample"),
    REDIS_SETTINGS(struct sample, redis),
};

static enum error check(const void *settings, char *problem, size_t size) {
  const struct sample *sample = settings;
  if (settings_check_kafka(&sample->kafka, problem, size)) return ERR_CONFIG;
  if (settings_check_mqtt(&sample->mqtt, problem, size)) return ERR_CONFIG;
  return settings_check_redis(&sample->redis, problem, size);
}

static const struct config_schema schema = {"sample", "A sample.", entries, sizeof entries / sizeof *entries, check};

static struct sample sample;
static char output[64 * 1024];
static char client_key[80]; // of what was loaded last: the configuration is gone by then
static char folder[] = "/tmp/riser-settings-XXXXXX";

static const char *file_with(const char *name, const char *text) {
  static char paths[4][256];
  static int turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  return path;
}

// Loads with `variables`, pairs of name and value up to a NULL; NULL when it was refused, with the reason in `output`.
static bool load(const char *const *variables, const char *argument) {
  char name[] = "sample";
  char *argv[] = {name, (char *)(uintptr_t)argument, NULL};
  int exit_code = 0;
  for (const char *const *pair = variables; *pair; pair += 2) setenv(pair[0], pair[1], 1);
  FILE *caught = tmpfile();
  assert_non_null(caught);
  fflush(NULL);
  int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  dup2(fileno(caught), STDOUT_FILENO);
  dup2(fileno(caught), STDERR_FILENO);
  struct config *config = config_load(&schema, argument ? 2 : 1, argv, &sample, &exit_code);
  fflush(NULL);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);
  rewind(caught);
  output[fread(output, 1, sizeof output - 1, caught)] = 0;
  fclose(caught);
  for (const char *const *pair = variables; *pair; pair += 2) unsetenv(pair[0]);
  const char *key = config && sample.mqtt.client_key ? sample.mqtt.client_key : "";
  snprintf(client_key, sizeof client_key, "%s", key);
  config_free(config);
  return config != NULL;
}

#define ACCEPTED(...) assert_true(load((const char *const[]){__VA_ARGS__, NULL}, NULL))
#define REFUSED(why, ...)                                                                                              \
  do {                                                                                                                 \
    assert_false(load((const char *const[]){__VA_ARGS__, NULL}, NULL));                                                \
    if (!strstr(output, why)) fail_msg("it says %snot \"%s\"", output, why);                                           \
  } while (0)

static void test_kafka_outside_loopback_is_encrypted_or_said_not_to_be(void **state) {
  (void)state;
  ACCEPTED("RISER_KAFKA", "kafka:9092");
  assert_true(tls_wanted(sample.kafka.tls, "kafka:9092"));
  ACCEPTED("RISER_KAFKA", "kafka:9092", "RISER_KAFKA_TLS", "off");
  ACCEPTED("RISER_KAFKA", "127.0.0.1:1", "RISER_KAFKA_PROPERTIES", "security.protocol=plaintext");
  REFUSED("set kafka_tls to off", "RISER_KAFKA", "kafka:9092", "RISER_KAFKA_PROPERTIES",
          "a=b;security.protocol=PLAINTEXT");
  REFUSED("security.protocol=sasl_plaintext", "RISER_KAFKA", "kafka:9092", "RISER_KAFKA_PROPERTIES_FILE",
          file_with("properties", "# ours\nsasl.username=me\nsecurity.protocol=sasl_plaintext\n"));
  ACCEPTED("RISER_KAFKA", "kafka:9092", "RISER_KAFKA_PROPERTIES", "security.protocol=sasl_ssl");
  ACCEPTED("RISER_KAFKA", "kafka:9092", "RISER_KAFKA_TLS", "off", "RISER_KAFKA_PROPERTIES",
           "security.protocol=plaintext");
}

static void test_kafka_properties_do_not_go_round_the_wire(void **state) {
  static const char *const refused[] = {"enable.ssl.certificate.verification=false",
                                        "a=b;ssl.endpoint.identification.algorithm=none",
                                        "metadata.broker.list=kafka.example:9092", "bootstrap.servers=kafka:9092"};
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    REFUSED("must not say where Kafka is", "RISER_KAFKA_PROPERTIES", refused[i]);
    REFUSED("must not say where Kafka is", "RISER_KAFKA", "kafka:9092", "RISER_KAFKA_PROPERTIES", refused[i]);
    ACCEPTED("RISER_KAFKA", "kafka:9092", "RISER_KAFKA_TLS", "off", "RISER_KAFKA_PROPERTIES", refused[i]);
  }
  REFUSED("must not say where Kafka is", "RISER_KAFKA_PROPERTIES_FILE",
          file_with("properties", "enable.ssl.certificate.verification=false\n"));
  REFUSED("and kafka_tls is on", "RISER_KAFKA", "127.0.0.1:1", "RISER_KAFKA_TLS", "on", "RISER_KAFKA_PROPERTIES",
          "security.protocol=plaintext");
}

static void test_mqtt_outside_loopback_is_encrypted_or_said_not_to_be(void **state) {
  (void)state;
  ACCEPTED("RISER_MQTT", "broker:8883");
  assert_true(mqtt_encrypted(&sample.mqtt));
  ACCEPTED("RISER_MQTT", "127.0.0.1:1883");
  assert_false(mqtt_encrypted(&sample.mqtt));
  ACCEPTED("RISER_MQTT", "ssl://127.0.0.1:8883");
  assert_true(mqtt_encrypted(&sample.mqtt));
  ACCEPTED("RISER_MQTT", "tcp://broker:1883", "RISER_MQTT_TLS", "off");
  assert_false(mqtt_encrypted(&sample.mqtt));
  REFUSED("not on loopback: write ssl://", "RISER_MQTT", "tcp://broker:1883");
  REFUSED("mqtt_tls is on", "RISER_MQTT", "tcp://127.0.0.1:1883", "RISER_MQTT_TLS", "on");
  REFUSED("mqtt_tls is off", "RISER_MQTT", "ssl://broker:8883", "RISER_MQTT_TLS", "off");
  REFUSED("write host:port", "RISER_MQTT", "wss://broker:443");
}

static void test_redis_outside_loopback_is_encrypted_or_said_not_to_be(void **state) {
  (void)state;
  ACCEPTED("RISER_REDIS", "redis:6379", "RISER_REDIS_TLS", "off");
  ACCEPTED("RISER_REDIS", "127.0.0.1:6379");
  assert_false(tls_wanted(sample.redis.tls, sample.redis.address));
  if (redis_tls_built()) {
    ACCEPTED("RISER_REDIS", "redis:6379");
    assert_true(tls_wanted(sample.redis.tls, sample.redis.address));
    return;
  }
  REFUSED("it is not on loopback), which this build cannot speak", "RISER_REDIS", "redis:6379");
  REFUSED("set redis_tls to off", "RISER_REDIS", "redis:6379");
  REFUSED("redis_tls is on", "RISER_REDIS", "127.0.0.1:6379", "RISER_REDIS_TLS", "on");
}

static void test_secrets_are_in_files_alone(void **state) {
  const char *secret = file_with("password", "hunter2-in-a-file\n");
  (void)state;
  REFUSED("kafka_properties holds a secret", "RISER_KAFKA_PROPERTIES", "sasl.username=me;sasl.password=hunter2");
  assert_null(strstr(output, "hunter2"));
  REFUSED("kafka_properties holds a secret", "RISER_KAFKA_PROPERTIES", "ssl.key.pem=hunter2");
  assert_null(strstr(output, "hunter2"));
  REFUSED("redis_username and redis_password_file", "RISER_REDIS", "me:hunter2@127.0.0.1:6379");
  REFUSED("mqtt_username and mqtt_password_file", "RISER_MQTT", "tcp://me:hunter2@127.0.0.1:1883");
  const char *const files[] = {"RISER_KAFKA_PASSWORD_FILE",
                               secret,
                               "RISER_MQTT_PASSWORD_FILE",
                               secret,
                               "RISER_REDIS_PASSWORD_FILE",
                               secret,
                               "RISER_KAFKA_PROPERTIES_FILE",
                               file_with("more", "sasl.password=hunter2-too\n"),
                               NULL};
  assert_false(load(files, "--check-config"));
  assert_non_null(strstr(output, secret));
  assert_null(strstr(output, "hunter2"));
}

static void test_what_belongs_together_and_what_is_not_there(void **state) {
  const char *pem = file_with("pem", "-----BEGIN\n");
  (void)state;
  REFUSED("/nowhere/ca.pem, which can't be read: No such file", "RISER_KAFKA_CA_FILE", "/nowhere/ca.pem");
  REFUSED("mqtt_key_file is /nowhere/key.pem", "RISER_MQTT_KEY_FILE", "/nowhere/key.pem");
  REFUSED("redis_cert_file and redis_key_file belong together", "RISER_REDIS_CERT_FILE", pem);
  REFUSED("name kafka_password_file too", "RISER_KAFKA_USERNAME", "me");
  REFUSED("name redis_password_file too", "RISER_REDIS_USERNAME", "me");
  ACCEPTED("RISER_KAFKA_CERT_FILE", pem, "RISER_KAFKA_KEY_FILE", pem, "RISER_KAFKA_CA_FILE", pem);
}

// "openssl rand -base64 32" has a slash in every fourth key.
static void test_the_client_key_fits_into_names(void **state) {
  char key[80];
  (void)state;
  ACCEPTED("RISER_MQTT_CLIENT_KEY_FILE", file_with("pem", "0aZ9_-b\n"));
  assert_string_equal(client_key, "0aZ9_-b");
  static const char *const bad[] = {"a/b", "a+b", "a#b", "a b", "a\nb", "a="};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    REFUSED("openssl rand -hex", "RISER_MQTT_CLIENT_KEY_FILE", file_with("pem", bad[i]));
  memset(key, 'k', sizeof key);
  key[64] = 0;
  ACCEPTED("RISER_MQTT_CLIENT_KEY_FILE", file_with("pem", key));
  key[64] = 'k', key[65] = 0;
  REFUSED("openssl rand -hex", "RISER_MQTT_CLIENT_KEY_FILE", file_with("pem", key));
  REFUSED("mqtt_client_id is longer", "RISER_MQTT_CLIENT_ID",
          "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
          "123456789012345678901234567890123456789");
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  static const char *const names[] = {"properties", "password", "more", "pem"};
  char path[256];
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kafka_outside_loopback_is_encrypted_or_said_not_to_be),
      cmocka_unit_test(test_kafka_properties_do_not_go_round_the_wire),
      cmocka_unit_test(test_mqtt_outside_loopback_is_encrypted_or_said_not_to_be),
      cmocka_unit_test(test_redis_outside_loopback_is_encrypted_or_said_not_to_be),
      cmocka_unit_test(test_secrets_are_in_files_alone),
      cmocka_unit_test(test_the_client_key_fits_into_names),
      cmocka_unit_test(test_what_belongs_together_and_what_is_not_there),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

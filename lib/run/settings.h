// SPDX-License-Identifier: Apache-2.0
// The entries that several services have in common, as lines for their configuration tables, and the structs that
// these fill. `S` is the service's struct, `m` the member of it that holds the settings.
#ifndef RISER_RUN_SETTINGS_H
#define RISER_RUN_SETTINGS_H

#include <stdint.h>

#include "io/kafka.h"
#include "io/mqtt.h"
#include "io/redis.h"
#include "io/tls.h"
#include "run/config.h"

struct run_settings {
  const char *instance;
  int log_level; // an enum log_level
  const char *http_host;
  int64_t http_port;
  int64_t drain_deadline_ms;
  int64_t heartbeat_limit_ms;
};

#define RUN_SETTINGS(S, m, port)                                                                                       \
  CONFIG_STRING(S, m.instance, "0",                                                                                    \
                "Which of several processes of this service this is: part of names that must be "                      \
                "stable and differ between them.",                                                                     \
                .key = "instance", .required = true),                                                                  \
      CONFIG_ENUM(S, m.log_level, "debug|info|warn|error", "info", "The lowest level that is logged.",                 \
                  .key = "log_level"),                                                                                 \
      CONFIG_STRING(S, m.http_host, "127.0.0.1", "Address on which /livez, /readyz and /metrics are served.",          \
                    .key = "http_host", .required = true),                                                             \
      CONFIG_INT(S, m.http_port, port, "0", "65535", "Port of the same; 0 takes any free one.", .key = "http_port"),   \
      CONFIG_DURATION(S, m.drain_deadline_ms, "20s", "1s", "10m",                                                      \
                      "How long a drain may take before the process ends itself.", .key = "drain_deadline"),           \
      CONFIG_DURATION(S, m.heartbeat_limit_ms, "30s", "1s", "10m",                                                     \
                      "How long the worker may be silent before /livez fails.", .key = "heartbeat_limit")

// int64_t: the member itself
#define PARTITIONS_SETTING(S, m)                                                                                       \
  CONFIG_INT(S, m, "64", "1", "1024", "Partitions of the topics that are keyed by site; chosen once.",                 \
             .key = "partitions")

// What the three engines' wires have in common. `key` is the engine's literal prefix: "kafka", "mqtt", "redis".
#define WIRE_SETTINGS(S, m, engine)                                                                                    \
  CONFIG_ENUM(                                                                                                         \
      S, m.tls, "auto|on|off", "auto",                                                                                 \
      "TLS: auto, wherever the address is not on loopback; off outside loopback only where the network itself "        \
      "is trusted.",                                                                                                   \
      .key = engine "_tls"),                                                                                           \
      CONFIG_STRING(S, m.ca_file, "", "Certificates (PEM) that sign the server's; empty: the system's.",               \
                    .key = engine "_ca_file"),                                                                         \
      CONFIG_STRING(S, m.cert_file, "", "Our own certificate (PEM), if the server wants one.",                         \
                    .key = engine "_cert_file"),                                                                       \
      CONFIG_STRING(S, m.key_file, "", "The private key (PEM) of that certificate.", .key = engine "_key_file")

// struct kafka_settings
#define KAFKA_SETTINGS(S, m)                                                                                           \
  CONFIG_STRING(S, m.brokers, "127.0.0.1:9092", "Kafka's bootstrap servers, host:port, separated by commas.",          \
                .key = "kafka", .required = true),                                                                     \
      WIRE_SETTINGS(S, m, "kafka"),                                                                                    \
      CONFIG_STRING(S, m.username, "", "SASL user name (SCRAM-SHA-512); empty for none.", .key = "kafka_username"),    \
      CONFIG_FILE(S, m.password, "File that holds the password of that user.", .key = "kafka_password_file"),          \
      CONFIG_STRING(S, m.properties, "", "More librdkafka properties, name=value, separated by semicolons.",           \
                    .key = "kafka_properties"),                                                                        \
      CONFIG_FILE(S, m.secret_properties,                                                                              \
                  "File with more librdkafka properties that are secret (sasl.password=...), one a line.",             \
                  .key = "kafka_properties_file")

// struct mqtt_settings
#define MQTT_SETTINGS(S, m, id)                                                                                        \
  CONFIG_STRING(S, m.address, "127.0.0.1:1883",                                                                        \
                "The MQTT broker: host:port; ssl://host:port or tcp://host:port overrule mqtt_tls.", .key = "mqtt",    \
                .required = true),                                                                                     \
      WIRE_SETTINGS(S, m, "mqtt"),                                                                                     \
      CONFIG_STRING(S, m.client_id, id, "MQTT client id; a dash and the instance are added to it.",                    \
                    .key = "mqtt_client_id", .required = true),                                                        \
      CONFIG_FILE(S, m.client_key,                                                                                     \
                  "File with a random text of 1 to 64 letters, digits, - and _ that becomes part of the client id "    \
                  "and of mqtt_share: another user of the broker who knows those can take messages away from us.",     \
                  .key = "mqtt_client_key_file"),                                                                      \
      CONFIG_STRING(S, m.username, "", "MQTT user name; empty for none.", .key = "mqtt_username"),                     \
      CONFIG_FILE(S, m.password, "File that holds the MQTT password.", .key = "mqtt_password_file"),                   \
      CONFIG_DURATION(S, m.session_expiry_ms, "7d", "0s", "365d", "How long the broker keeps our session.",            \
                      .key = "mqtt_session_expiry"),                                                                   \
      CONFIG_DURATION(S, m.keep_alive_ms, "30s", "1s", "1h", "MQTT keep-alive.", .key = "mqtt_keep_alive"),            \
      CONFIG_DURATION(S, m.reconnect_max_ms, "10s", "100ms", "10m", "Longest pause between attempts to connect.",      \
                      .key = "mqtt_reconnect_max")

// const char *: the file's content, for run/key_ring.h
#define DEVICE_KEYS_SETTING(S, m)                                                                                      \
  CONFIG_FILE(S, m,                                                                                                    \
              "File with the keys under which devices' keys are wrapped, one a line, 64 hexadecimal digits; the "      \
              "first one wraps. Needed as soon as a device has a key.",                                                \
              .key = "device_keys_file")

// struct redis_settings
#define REDIS_SETTINGS(S, m)                                                                                           \
  CONFIG_STRING(S, m.address, "127.0.0.1:6379", "Redis: host:port; of a cluster some nodes, separated by commas.",     \
                .key = "redis", .required = true),                                                                     \
      CONFIG_BOOL(S, m.cluster, "false", "Whether that is a Redis Cluster.", .key = "redis_cluster"),                  \
      WIRE_SETTINGS(S, m, "redis"),                                                                                    \
      CONFIG_STRING(S, m.username, "", "Redis ACL user; empty for the default user.", .key = "redis_username"),        \
      CONFIG_FILE(S, m.password, "File that holds the Redis password.", .key = "redis_password_file"),                 \
      CONFIG_DURATION(S, m.connect_timeout_ms, "2s", "10ms", "1m", "How long connecting may take.",                    \
                      .key = "redis_connect_timeout"),                                                                 \
      CONFIG_DURATION(S, m.timeout_ms, "5s", "10ms", "5m", "How long Redis may take to answer.",                       \
                      .key = "redis_timeout")

// For a service's `check`: the rules between these entries. A wire that leaves loopback is encrypted, or its mode says
// off; secrets are in files; files are there and can be read; a certificate has its key, a user name its password.
// ERR_CONFIG: `problem` says which key to change to what.
enum error settings_check_kafka(const struct kafka_settings *settings, char *problem, size_t size) MUST_USE;
enum error settings_check_mqtt(const struct mqtt_settings *settings, char *problem, size_t size) MUST_USE;
enum error settings_check_redis(const struct redis_settings *settings, char *problem, size_t size) MUST_USE;

#endif

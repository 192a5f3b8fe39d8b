// SPDX-License-Identifier: Apache-2.0
#include "ingest/config.h"

#include <stdio.h>

#include <string.h>

#include "ingest/arrival.h"
#include "io/spool.h"

enum { TOPIC_ROOM = 4096 }; // beside the payload: what arrival_append keeps of the topic, and header

static int64_t record_max(const struct ingest_config *config);
static enum error check_mqtt(const struct ingest_config *config, char *problem, size_t size);

typedef struct ingest_config S;

static const struct config_entry ENTRIES[] = {
    RUN_SETTINGS(S, run, "9101"),
    KAFKA_SETTINGS(S, kafka),
    PARTITIONS_SETTING(S, partitions),
    DEVICE_KEYS_SETTING(S, device_keys),
    MQTT_SETTINGS(S, mqtt, "riser-ingest"),
    CONFIG_STRING(S, mqtt_filter, "riser/v1/+/+/up/#", "Topic filter to subscribe to.", .required = true),
    CONFIG_STRING(S, mqtt_share, "riser-ingest",
                  "Name of the shared subscription: the broker spreads messages over the processes of one name. Empty: "
                  "not shared, for a single process; its subscription then survives a restart of Mosquitto."),
    CONFIG_INT(S, mqtt_receive_max, "256", "1", "65535",
               "How many messages the broker may send before the first of them is acknowledged."),

    CONFIG_STRING(S, spool_dir, "./spool", "Folder of the spool; one process at a time.", .required = true),
    CONFIG_BYTES(S, spool_size, "512MiB", "1MiB", "1TiB",
                 "What the spool may hold: what waits there while Kafka is away."),
    CONFIG_BYTES(S, spool_segment, "8MiB", "64KiB", "1GiB",
                 "Size of one of its files; at least 4 times payload_max, a multiple of 4 KiB."),
    CONFIG_ENUM(S, spool_sync, "none|interval|always", "none",
                "What an acknowledged message survives: none, the death of the process; always, that of the node, at "
                "one fdatasync a message; interval, that of the node but for the last interval."),
    CONFIG_DURATION(S, spool_sync_interval_ms, "100ms", "1ms", "1h", "The interval of spool_sync=interval.",
                    .key = "spool_sync_interval"),

    CONFIG_BYTES(S, payload_max, "256KiB", "1KiB", "16MiB", "Larger messages are refused."),
    CONFIG_INT(S, readings_max, "10000", "1", "1000000", "Messages with more readings are refused."),
    CONFIG_DURATION(S, future_limit_ms, "24h", "0s", "30d", "Readings further in the future than this are refused.",
                    .key = "future_limit"),
    CONFIG_DURATION(
        S, clock_limit_ms, "5m", "1s", "7d",
        "A device's clock may be that far off (sent_at against arrival); beyond it its readings rank lowest.",
        .key = "clock_limit"),
    CONFIG_ENUM(S, foreign, "refuse|accept", "refuse",
                "Messages of a device that is installed at another site of the same landlord, and not at the topic's."),
    CONFIG_BOOL(S, sequences, "true",
                "Watch the sequences of devices: gaps become events, receipts are given. Only if one process hears all "
                "that a device says: set it to false for more than one process of one mqtt_share."),

    CONFIG_INT(S, window, "65536", "16", "1000000", "Messages on their way to Kafka at one time."),
    CONFIG_BYTES(S, window_bytes, "64MiB", "4MiB", "4GiB", "What their records may take in memory."),
    CONFIG_INT(S, devices_max, "1000000", "100", "100000000",
               "Sites and devices that are remembered; each takes 0.6 KB of memory."),
    CONFIG_DURATION(S, linger_ms, "5ms", "0ms", "10s", "How long a record waits for others to fill a batch.",
                    .key = "linger"),
};

int64_t ingest_reserve_bytes(const struct ingest_config *config) {
  return (int64_t)spool_reserve((uint64_t)config->spool_segment, (uint64_t)config->mqtt_receive_max,
                                (size_t)record_max(config));
}

// A message that is larger than payload_max leaves its first bytes, which may be more than payload_max.
static int64_t record_max(const struct ingest_config *config) {
  return (config->payload_max > ARRIVAL_CUT_MAX ? config->payload_max : ARRIVAL_CUT_MAX) + TOPIC_ROOM;
}

// Whoever joins a share is handed a part of what comes, and Mosquitto throws away what he may not read: so nobody may
// guess its name either.
int ingest_filter(const struct ingest_config *config, char *out, size_t size) {
  const char *share = config->mqtt_share, *key = config->mqtt.client_key;
  if (!*share) return snprintf(out, size, "%s", config->mqtt_filter);
  return snprintf(out, size, "$share/%s%s%s/%s", share, *key ? "-" : "", key, config->mqtt_filter);
}

// A share's name ends at its first slash: what stood behind would be part of the filter, and nothing would ever come.
static enum error check_mqtt(const struct ingest_config *config, char *problem, size_t size) {
  char filter[INGEST_FILTER_SIZE];
  if (settings_check_mqtt(&config->mqtt, problem, size)) return ERR_CONFIG;
  if (strpbrk(config->mqtt_share, "/+#\r\n")) {
    snprintf(problem, size, "mqtt_share is %s: take a name without /, + and #", config->mqtt_share);
    return ERR_CONFIG;
  }
  if (strpbrk(config->mqtt_filter, "\r\n") || strncmp(config->mqtt_filter, "$share/", 7) == 0) {
    snprintf(problem, size, "mqtt_filter must be one plain filter; name a share in mqtt_share");
    return ERR_CONFIG;
  }
  if (ingest_filter(config, filter, sizeof filter) >= (int)sizeof filter) {
    snprintf(problem, size, "mqtt_share and mqtt_filter are too long: at most %d bytes together",
             INGEST_FILTER_SIZE - 80);
    return ERR_CONFIG;
  }
  if (strlen(config->mqtt.client_id) + 1 + strlen(config->run.instance) >= INGEST_CLIENT_ID_SIZE) {
    snprintf(problem, size, "mqtt_client_id and instance are too long: at most %d bytes together",
             INGEST_CLIENT_ID_SIZE - 2);
    return ERR_CONFIG;
  }
  return OK;
}

static enum error check(const void *settings, char *problem, size_t size) {
  const struct ingest_config *config = settings;
  if (settings_check_kafka(&config->kafka, problem, size)) return ERR_CONFIG;
  if (check_mqtt(config, problem, size)) return ERR_CONFIG;
  if (config->spool_segment % 4096) {
    snprintf(problem, size, "spool_segment must be a multiple of 4KiB");
    return ERR_CONFIG;
  }
  if (config->spool_segment / 4 < record_max(config)) {
    snprintf(problem, size, "spool_segment must be at least 4 times payload_max and 4KiB: make it %lld",
             (long long)((record_max(config) / 4096 + 1) * 4 * 4096));
    return ERR_CONFIG;
  }
  int64_t least = ingest_reserve_bytes(config) + 3 * config->spool_segment;
  if (config->spool_size < least) {
    snprintf(problem, size,
             "spool_size must be at least %lld: room for mqtt_receive_max messages of payload_max, and three "
             "segments; or make those smaller",
             (long long)least);
    return ERR_CONFIG;
  }
  return OK;
}

const struct config_schema INGEST_SCHEMA = {
    .service = "ingest",
    .summary = "MQTT in, decode, validate, normalise, Kafka out; loses nothing that it has acknowledged.",
    .entries = ENTRIES,
    .count = sizeof ENTRIES / sizeof *ENTRIES,
    .check = check,
};

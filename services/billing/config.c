// SPDX-License-Identifier: Apache-2.0
#include "billing/config.h"

typedef struct billing_config S;

static const struct config_entry entries[] = {
    RUN_SETTINGS(S, run, "9102"),
    KAFKA_SETTINGS(S, kafka),
    REDIS_SETTINGS(S, redis),
    PARTITIONS_SETTING(S, partitions),
    CONFIG_ENUM(S, clock, "system|log", "system",
                "Who tells the time: system, the partition's owner writes a tick a minute; log, only a replay does."),
    CONFIG_DURATION(S, linger_ms, "10ms", "0ms", "1s",
                    "How long a pass over what has come may last at least, so that a commit carries more.",
                    .key = "linger"),
    CONFIG_INT(S, poll_records, "8000", "1", "100000", "Records taken from Kafka in one pass."),
    CONFIG_INT(S, batch_records, "2000", "1", "100000", "Records of a partition that one commit covers at most."),
    CONFIG_INT(S, batch_writes, "2000", "10", "20000",
               "Writes of one commit, roughly: Redis serves nobody else meanwhile, about 2 ms at 1,000."),
    CONFIG_INT(S, batch_decisions, "1000", "1", "20000", "Decisions that one commit brings about, roughly."),
    CONFIG_BYTES(S, state_cache_bytes, "512MiB", "1MiB", "1TiB",
                 "State kept in memory, all partitions together; what was not used for longest is loaded again.",
                 .key = "state_cache"),
    CONFIG_DURATION(S, retry_ms, "1s", "10ms", "10m",
                    "Pause before a partition that could not be opened is tried again.", .key = "retry"),
    CONFIG_DURATION(S, publish_timeout_ms, "30s", "1s", "10m",
                    "How long Kafka may take to store a commit's decisions before the partition is opened anew.",
                    .key = "publish_timeout"),
    CONFIG_DURATION(S, session_timeout_ms, "15s", "3s", "10m",
                    "How long a process may be silent before its partitions go to another one. "
                    "Below 6s Kafka must allow it (group.min.session.timeout.ms).",
                    .key = "session_timeout"),
    CONFIG_BOOL(S, static_member, "true",
                "The instance is a lasting name, so a process that comes back within the session timeout gets its "
                "partitions back at once; false where each start has another name."),
};

static enum error check(const void *settings, char *problem, size_t size) {
  const struct billing_config *config = settings;
  if (settings_check_kafka(&config->kafka, problem, size)) return ERR_CONFIG;
  return settings_check_redis(&config->redis, problem, size);
}

const struct config_schema billing_schema = {
    .service = "billing",
    .summary = "Folds the site log into usage, bills, balances and arrears, and decides what follows.",
    .entries = entries,
    .count = sizeof entries / sizeof entries[0],
    .check = check,
};

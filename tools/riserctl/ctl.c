// SPDX-License-Identifier: Apache-2.0
// The addresses go through the same configuration table as the services', so riserctl takes the same variables.
#include "riserctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "run/settings.h"

enum { ARENA_MAX = 512 * 1024 * 1024, FLUSH_TIMEOUT_MS = 30000 };

#define S struct ctl_config
static const struct config_entry entries[] = {
    KAFKA_SETTINGS(S, kafka),
    REDIS_SETTINGS(S, redis),
    MQTT_SETTINGS(S, mqtt, "riserctl"),
    PARTITIONS_SETTING(S, partitions),
    DEVICE_KEYS_SETTING(S, device_keys),
};
#undef S

static enum error check(const void *settings, char *problem, size_t size) {
  const struct ctl_config *config = settings;
  if (settings_check_kafka(&config->kafka, problem, size)) return ERR_CONFIG;
  if (settings_check_redis(&config->redis, problem, size)) return ERR_CONFIG;
  return settings_check_mqtt(&config->mqtt, problem, size);
}

static const struct config_schema schema = {
    .service = "riserctl",
    .summary = "The operator's command line.",
    .entries = entries,
    .count = sizeof entries / sizeof entries[0],
    .check = check,
};

static void complain(const struct ctl *ctl, const char *format, va_list list) __attribute__((format(printf, 2, 0)));
static enum status status_of(enum error err);
static void note_delivery(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset);

bool ctl_open(struct ctl *ctl, const struct arguments *arguments, enum status *status) {
  char *argv[] = {(char *)"riserctl", (char *)"--config", (char *)arguments->config, NULL};
  int exit_code = 0;
  *ctl = (struct ctl){.command = arguments->command};
  *status = STATUS_USAGE;
  log_init("riserctl", LOG_LEVEL_ERROR);
  ctl->config_owner = config_load(&schema, arguments->config ? 3 : 1, argv, &ctl->config, &exit_code);
  if (!ctl->config_owner) return false;
  ctl->arena = arena_new(ARENA_MAX);
  if (ctl->arena) return true;
  *status = STATUS_INTERNAL;
  ctl_close(ctl);
  return false;
}

void ctl_close(struct ctl *ctl) {
  kafka_producer_close(ctl->producer);
  redis_close(ctl->redis);
  arena_free(ctl->arena);
  config_free(ctl->config_owner);
}

struct redis *ctl_redis(struct ctl *ctl) {
  if (ctl->redis) return ctl->redis;
  enum error err = redis_open(&ctl->config.redis, &ctl->redis);
  if (!err) err = redis_connect(ctl->redis);
  if (!err) return ctl->redis;
  ctl_fail(ctl, err, "Redis at %s can't be reached; is the stack up, is RISER_REDIS right?", ctl->config.redis.address);
  redis_close(ctl->redis);
  ctl->redis = NULL;
  return NULL;
}

static void note_delivery(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  struct ctl *ctl = ctx;
  if (err && !ctl->delivery_error) ctl->delivery_error = err;
  if (!err && opaque)
    *(struct kafka_position *)opaque = (struct kafka_position){.partition = partition, .offset = offset};
}

struct kafka_producer *ctl_producer(struct ctl *ctl) {
  if (ctl->producer) return ctl->producer;
  struct kafka_producer_options options = {
      .settings = ctl->config.kafka,
      .client_id = "riserctl",
      .on_delivered = note_delivery,
      .ctx = ctl,
  };
  enum error err = kafka_producer_open(&options, &ctl->producer);
  int32_t count = 0;
  if (!err) err = kafka_producer_partitions(ctl->producer, "riser.site.v1", &count);
  if (!err && count == ctl->config.partitions) return ctl->producer;
  if (err) {
    ctl_fail(ctl, err,
             "Kafka's topic riser.site.v1 at %s can't be asked for; is the stack up, are the topics made "
             "(riserctl topics)?",
             ctl->config.kafka.brokers);
  } else {
    ctl_refuse(ctl, "riser.site.v1 has %d partitions, but RISER_PARTITIONS says %d; set it to what the topic has",
               (int)count, (int)ctl->config.partitions);
  }
  kafka_producer_close(ctl->producer);
  ctl->producer = NULL;
  return NULL;
}

enum error ctl_flush(struct ctl *ctl) {
  enum error err = kafka_producer_flush(ctl->producer, FLUSH_TIMEOUT_MS);
  if (!err) err = ctl->delivery_error;
  ctl->delivery_error = OK;
  return err;
}

enum status ctl_refuse(const struct ctl *ctl, const char *format, ...) {
  va_list list;
  va_start(list, format);
  complain(ctl, format, list);
  va_end(list);
  fputc('\n', stderr);
  return STATUS_FAILED;
}

enum status ctl_misuse(const struct ctl *ctl, const char *format, ...) {
  va_list list;
  va_start(list, format);
  complain(ctl, format, list);
  va_end(list);
  fputc('\n', stderr);
  return STATUS_USAGE;
}

enum status ctl_fail(const struct ctl *ctl, enum error err, const char *format, ...) {
  va_list list;
  va_start(list, format);
  complain(ctl, format, list);
  va_end(list);
  fprintf(stderr, " (%s)\n", error_name(err));
  return status_of(err);
}

static void complain(const struct ctl *ctl, const char *format, va_list list) {
  fflush(stdout);
  fprintf(stderr, "riserctl %s: ", ctl->command->name);
  vfprintf(stderr, format, list);
}

static enum status status_of(enum error err) {
  switch (error_class(err)) {
  case CLASS_OK:
    return STATUS_OK;
  case CLASS_RETRY:
    return STATUS_UNAVAILABLE;
  case CLASS_REJECT:
    return STATUS_FAILED;
  case CLASS_FATAL:
    break;
  }
  return STATUS_INTERNAL;
}

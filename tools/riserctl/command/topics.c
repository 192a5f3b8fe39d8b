// SPDX-License-Identifier: Apache-2.0
// topics: makes what is missing, changes nothing that is there, and says what differs. Kafka's administration interface
// is needed here alone, so it is used directly and not through lib/io.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "io/kafka_conf.h"
#include "riserctl/ctl.h"
#include "riserctl/table.h"

enum { TIMEOUT_MS = 30000, SETTINGS_MAX = 4, TOPIC_COUNT = 6 };

struct setting {
  const char *name;
  const char *value;
};

struct topic {
  const char *name;
  struct setting settings[SETTINGS_MAX];
};

// Time stamps are the broker's: a tick is judged by when it was appended, and a replayed record may carry an old time.
#define COMMON                                                                                                         \
  {"message.timestamp.type", "LogAppendTime"}, {                                                                       \
    "max.message.bytes", "4194304"                                                                                     \
  }
static const struct topic topics[TOPIC_COUNT] = {
    {"riser.site.v1", {COMMON, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}},
    {"riser.decision.v1", {COMMON, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}},
    {"riser.command.v1", {COMMON, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}},
    {"riser.device.v1", {COMMON, {"cleanup.policy", "compact"}}},
    {"riser.person.v1", {COMMON, {"cleanup.policy", "compact"}}},
    {"riser.reject.v1", {COMMON, {"retention.ms", "2592000000"}}}, // 30 days
};

struct outcome {
  int partitions; // 0: the topic is not there
  bool made;
};

static enum status topics_run(struct ctl *ctl, const struct arguments *arguments);
static rd_kafka_t *connect_admin(struct ctl *ctl);
static enum status look(struct ctl *ctl, rd_kafka_t *admin, struct outcome outcomes[TOPIC_COUNT]);
static enum status make_missing(struct ctl *ctl, rd_kafka_t *admin, int replicas, struct outcome outcomes[TOPIC_COUNT]);
static rd_kafka_NewTopic_t *describe(const struct topic *topic, int partitions, int replicas);
static enum status await_made(struct ctl *ctl, rd_kafka_queue_t *queue, struct outcome outcomes[TOPIC_COUNT]);
static enum status report(struct ctl *ctl, const struct outcome outcomes[TOPIC_COUNT], bool json);

static const struct option options[] = {
    {"partitions", "P", "of each topic; default: RISER_PARTITIONS. Chosen once: it can't be changed later"},
    {"replicas", "N", "copies of each partition; default: what the brokers have configured"},
    {"check", NULL, "make nothing, only compare"},
};

const struct command command_topics = {
    .name = "topics",
    .operands = "",
    .summary = "Make Kafka's topics and check those that are there",
    .details = "Topics that exist are never changed. Ends with 1 when one has another number of partitions.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = topics_run,
};

static enum status topics_run(struct ctl *ctl, const struct arguments *arguments) {
  const char *partitions = arguments_value(arguments, "partitions");
  const char *replicas = arguments_value(arguments, "replicas");
  struct outcome outcomes[TOPIC_COUNT] = {{0}};
  if (partitions) ctl->config.partitions = strtol(partitions, NULL, 10);
  if (ctl->config.partitions < 1 || ctl->config.partitions > 1024) {
    return ctl_misuse(ctl, "--partitions must be a number from 1 to 1024");
  }
  rd_kafka_t *admin = connect_admin(ctl);
  if (!admin) return STATUS_UNAVAILABLE;
  enum status status = look(ctl, admin, outcomes);
  if (status == STATUS_OK && !arguments_given(arguments, "check")) {
    status = make_missing(ctl, admin, replicas ? atoi(replicas) : -1, outcomes);
  }
  if (status == STATUS_OK) status = report(ctl, outcomes, arguments->json);
  rd_kafka_destroy(admin);
  return status;
}

static rd_kafka_t *connect_admin(struct ctl *ctl) {
  char problem[512];
  const struct kafka_property properties[] = {{"client.id", "riserctl"}, {"log_level", "2"}, {NULL, NULL}};
  rd_kafka_conf_t *conf = NULL;
  enum error err = kafka_conf_new(&ctl->config.kafka, properties, NULL, &conf);
  if (err) {
    ctl_fail(ctl, err, "Kafka's address or properties are refused");
    return NULL;
  }
  rd_kafka_t *admin = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
  if (admin) return admin;
  rd_kafka_conf_destroy(conf);
  ctl_refuse(ctl, "Kafka's client can't start: %s", problem);
  return NULL;
}

static enum status look(struct ctl *ctl, rd_kafka_t *admin, struct outcome outcomes[TOPIC_COUNT]) {
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t err = rd_kafka_metadata(admin, 1, NULL, &metadata, TIMEOUT_MS);
  if (err) {
    ctl_refuse(ctl, "Kafka at %s doesn't answer: %s; is the stack up, is RISER_KAFKA right?", ctl->config.kafka.brokers,
               rd_kafka_err2str(err));
    return STATUS_UNAVAILABLE;
  }
  for (int i = 0; i < metadata->topic_cnt; i++) {
    for (size_t j = 0; j < TOPIC_COUNT; j++) {
      if (strcmp(metadata->topics[i].topic, topics[j].name) != 0 || metadata->topics[i].err) continue;
      outcomes[j].partitions = metadata->topics[i].partition_cnt;
    }
  }
  rd_kafka_metadata_destroy(metadata);
  return STATUS_OK;
}

static enum status make_missing(struct ctl *ctl, rd_kafka_t *admin, int replicas,
                                struct outcome outcomes[TOPIC_COUNT]) {
  rd_kafka_NewTopic_t *missing[TOPIC_COUNT];
  size_t count = 0;
  for (size_t i = 0; i < TOPIC_COUNT; i++) {
    if (outcomes[i].partitions == 0) missing[count++] = describe(&topics[i], (int)ctl->config.partitions, replicas);
  }
  if (count == 0) return STATUS_OK;
  char problem[512];
  rd_kafka_queue_t *queue = rd_kafka_queue_new(admin);
  rd_kafka_AdminOptions_t *admin_options = rd_kafka_AdminOptions_new(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(admin_options, TIMEOUT_MS, problem, sizeof problem);
  rd_kafka_CreateTopics(admin, missing, count, admin_options, queue);
  enum status status = await_made(ctl, queue, outcomes);
  rd_kafka_AdminOptions_destroy(admin_options);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy_array(missing, count);
  return status;
}

static rd_kafka_NewTopic_t *describe(const struct topic *topic, int partitions, int replicas) {
  char problem[512];
  rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic->name, partitions, replicas, problem, sizeof problem);
  for (size_t i = 0; made && i < SETTINGS_MAX && topic->settings[i].name; i++) {
    rd_kafka_NewTopic_set_config(made, topic->settings[i].name, topic->settings[i].value);
  }
  return made;
}

static enum status await_made(struct ctl *ctl, rd_kafka_queue_t *queue, struct outcome outcomes[TOPIC_COUNT]) {
  enum status status = STATUS_OK;
  size_t count = 0;
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS * 2);
  if (!event || rd_kafka_event_error(event)) {
    ctl_refuse(ctl, "the topics can't be made: %s", event ? rd_kafka_event_error_string(event) : "no answer");
    if (event) rd_kafka_event_destroy(event);
    return STATUS_UNAVAILABLE;
  }
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (size_t i = 0; i < count; i++) {
    const char *name = rd_kafka_topic_result_name(results[i]);
    rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
    for (size_t j = 0; !err && j < TOPIC_COUNT; j++) {
      if (strcmp(topics[j].name, name) != 0) continue;
      outcomes[j] = (struct outcome){.partitions = (int)ctl->config.partitions, .made = true};
    }
    if (err) status = ctl_refuse(ctl, "%s can't be made: %s", name, rd_kafka_topic_result_error_string(results[i]));
  }
  rd_kafka_event_destroy(event);
  return status;
}

static enum status report(struct ctl *ctl, const struct outcome outcomes[TOPIC_COUNT], bool json) {
  static const struct column columns[] = {{"topic", CELL_TEXT}, {"partitions", CELL_NUMBER}, {"state", CELL_TEXT}};
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  int wanted = (int)ctl->config.partitions, wrong = 0;
  for (size_t i = 0; i < TOPIC_COUNT; i++) {
    const char *state = outcomes[i].made ? "made" : "there";
    if (outcomes[i].partitions != wanted) state = outcomes[i].partitions ? "another number of partitions" : "missing";
    wrong += outcomes[i].partitions != wanted;
    table_row(table);
    table_text(table, topics[i].name);
    table_integer(table, outcomes[i].partitions);
    table_text(table, state);
  }
  table_print(table, json);
  table_free(table);
  if (!wrong) return STATUS_OK;
  return ctl_refuse(ctl, "%d topics are not as wanted; RISER_PARTITIONS must be what the topics were made with", wrong);
}

// SPDX-License-Identifier: Apache-2.0
#include "io/kafka_conf.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "io/tls.h"

// Before 2.6.1 librdkafka repeats its own nonce in SCRAM, which Kafka takes up to 3.8 and refuses from 4.0 on.
enum { PROPERTY_MAX = 4096, SCRAM_MENDED = 0x020601ff };

static enum error conf_set_wire(rd_kafka_conf_t *conf, const struct kafka_settings *settings);
static enum error conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
static enum error conf_set_texts(rd_kafka_conf_t *conf, const char *texts, const char *separators);
static enum error conf_set_text(rd_kafka_conf_t *conf, const char *text, size_t len);
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);

enum error kafka_conf_new(const struct kafka_settings *settings, const struct kafka_property *properties, void *opaque,
                          rd_kafka_conf_t **made) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set_opaque(conf, opaque);
  rd_kafka_conf_set_log_cb(conf, on_log);
  rd_kafka_conf_set_error_cb(conf, on_error);
  enum error err = conf_set(conf, "bootstrap.servers", settings->brokers);
  if (!err) err = conf_set_wire(conf, settings);
  if (!err) err = conf_set(conf, "log.connection.close", "false");
  if (!err) err = conf_set(conf, "reconnect.backoff.max.ms", "2000");
  for (; !err && properties->name; properties++)
    if (properties->value) err = conf_set(conf, properties->name, properties->value);
  if (!err) err = conf_set_texts(conf, settings->properties, ";\n");
  if (!err) err = conf_set_texts(conf, settings->secret_properties, "\n");
  if (!err) {
    *made = conf;
    return OK;
  }
  rd_kafka_conf_destroy(conf);
  return err;
}

// How the wire is protected, and who we are. The host name in a broker's certificate is always checked.
static enum error conf_set_wire(rd_kafka_conf_t *conf, const struct kafka_settings *settings) {
  bool tls = tls_wanted(settings->tls, settings->brokers), named = settings->username && settings->username[0];
  const char *protocol = named ? (tls ? "sasl_ssl" : "sasl_plaintext") : (tls ? "ssl" : "plaintext");
  const struct kafka_property properties[] = {
      {"security.protocol", protocol},
      {"ssl.endpoint.identification.algorithm", tls ? "https" : NULL},
      {"ssl.ca.location", tls ? settings->ca_file : NULL},
      {"ssl.certificate.location", tls ? settings->cert_file : NULL},
      {"ssl.key.location", tls ? settings->key_file : NULL},
      {"sasl.mechanisms", named ? "SCRAM-SHA-512" : NULL},
      {"sasl.username", named ? settings->username : NULL},
      {"sasl.password", named ? settings->password : NULL},
  };
  enum error err = OK;
  if (named && rd_kafka_version() < SCRAM_MENDED)
    log_warn("kafka-scram-too-old", F_STR("librdkafka", rd_kafka_version_str()),
             F_STR("mend", "Kafka 4 refuses user names of librdkafka before 2.6.1: use a certificate"));
  for (size_t i = 0; !err && i < sizeof properties / sizeof *properties; i++) {
    if (properties[i].value && properties[i].value[0]) err = conf_set(conf, properties[i].name, properties[i].value);
  }
  return err;
}

static enum error conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[KAFKA_REASON_SIZE];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) return OK;
  log_error("kafka-property-refused", F_STR("property", name), F_STR("reason", reason));
  return ERR_CONFIG;
}

static enum error conf_set_texts(rd_kafka_conf_t *conf, const char *texts, const char *separators) {
  enum error err = OK;
  while (!err && texts && *texts) {
    texts += strspn(texts, separators);
    size_t len = strcspn(texts, separators);
    if (len && texts[0] != '#') err = conf_set_text(conf, texts, len);
    texts += len;
  }
  return err;
}

static enum error conf_set_text(rd_kafka_conf_t *conf, const char *text, size_t len) {
  char property[PROPERTY_MAX];
  const char *equals = memchr(text, '=', len);
  if (!equals || len >= sizeof property) {
    log_error("kafka-property-refused", F_STR("reason", "it is not name=value, or is too long"));
    return ERR_CONFIG;
  }
  memcpy(property, text, len);
  property[len] = 0;
  property[equals - text] = 0;
  return conf_set(conf, property, property + (equals - text) + 1);
}

enum error kafka_error(rd_kafka_t *rk, rd_kafka_resp_err_t code) {
  char reason[KAFKA_REASON_SIZE];
  if (code == RD_KAFKA_RESP_ERR__FATAL && rk) code = rd_kafka_fatal_error(rk, reason, sizeof reason);
  switch (code) {
  case RD_KAFKA_RESP_ERR_NO_ERROR:
    return OK;
  case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    return ERR_QUEUE_FULL;
  case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
  case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    return ERR_TOO_LARGE;
  case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    return ERR_BAD_VALUE;
  case RD_KAFKA_RESP_ERR__TIMED_OUT:
  case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
  case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    return ERR_TIMEOUT;
  case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    return ERR_CLOSED;
  case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    return ERR_UNKNOWN_OUTCOME;
  case RD_KAFKA_RESP_ERR__FENCED:
  case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
  case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
  case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    return ERR_FENCED;
  case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
  case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
  case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
  case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
  case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    return ERR_FENCE_LOST;
  case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
  case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    return ERR_MISMATCH;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR__INVALID_ARG:
    return ERR_CONFIG;
  case RD_KAFKA_RESP_ERR__FATAL:
  case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
  case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
  case RD_KAFKA_RESP_ERR__INCONSISTENT:
    return ERR_KAFKA_FATAL;
  default:
    return ERR_UNAVAILABLE; // the network, a broker on its way down or up, a topic that is not there yet
  }
}

enum error kafka_error_take(rd_kafka_t *rk, const char *event, rd_kafka_error_t *error) {
  if (!error) return OK;
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  enum error err = kafka_error(rk, code);
  if (rd_kafka_error_is_fatal(error) && err != ERR_FENCED) err = ERR_KAFKA_FATAL;
  if (!rd_kafka_error_is_fatal(error) && rd_kafka_error_txn_requires_abort(error)) err = ERR_ABORTED;
  log_warn(event, F_ERR(err), F_STR("code", rd_kafka_err2name(code)), F_STR("reason", rd_kafka_error_string(error)));
  rd_kafka_error_destroy(error);
  return err;
}

enum error kafka_partition_count(rd_kafka_t *rk, const char *topic, int32_t *count) {
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
  if (!handle) return kafka_error(rk, rd_kafka_last_error());
  enum error err = kafka_error(rk, rd_kafka_metadata(rk, 0, handle, &metadata, KAFKA_WAIT_MS));
  if (!err && (metadata->topic_cnt != 1 || metadata->topics[0].err || metadata->topics[0].partition_cnt == 0))
    err = ERR_UNAVAILABLE;
  if (!err) *count = metadata->topics[0].partition_cnt;
  if (metadata) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return err;
}

rd_kafka_topic_partition_list_t *kafka_list_new(const struct kafka_position *positions, size_t count) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
  for (size_t i = 0; i < count; i++) {
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition);
    entry->offset = positions[i].offset;
    if (!positions[i].metadata) continue;
    entry->metadata = strdup(positions[i].metadata); // freed with the list
    entry->metadata_size = entry->metadata ? strlen(positions[i].metadata) : 0;
  }
  return list;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
  const char *name = rk ? rd_kafka_name(rk) : NULL;
  if (level <= LOG_ERR) {
    log_error("kafka-log", F_STR("client", name), F_STR("facility", facility), F_STR("text", text));
  } else if (level <= LOG_NOTICE) {
    log_warn("kafka-log", F_STR("client", name), F_STR("facility", facility), F_STR("text", text));
  } else {
    log_debug("kafka-log", F_STR("client", name), F_STR("facility", facility), F_STR("text", text));
  }
}

void kafka_log_event(rd_kafka_t *rk, int code, const char *reason) {
  log_warn("kafka-error", F_STR("client", rd_kafka_name(rk)), F_STR("code", rd_kafka_err2name(code)),
           F_STR("reason", reason));
}

// Only told here: what matters comes back from the calls.
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
  (void)opaque;
  kafka_log_event(rk, code, reason);
}

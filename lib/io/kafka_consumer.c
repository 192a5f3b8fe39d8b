// SPDX-License-Identifier: Apache-2.0
// A batch is many single polls, the first of which may wait. librdkafka has a call that takes a batch at once, but it
// waits until the batch is full or the time is up, and hides where in the batch a rebalance happened; one by one we
// know it, and drop exactly what came before it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/kafka_conf.h"

enum {
  NUMBER_SIZE = 24,
  QUEUE_BYTES = 32 << 20,
  SESSION_TIMEOUT_MS = 45000,
  POLL_INTERVAL_MS = 300000,
  HEARTBEAT_MS = 3000, // it also tells of a rebalance
  HEARTBEATS_A_SESSION = 3,
  NUDGE_AFTER_MS = 2,
  NUDGE_EVERY_MS = 20,
  NUDGES_MAX = 10, // in vain, before it is taken that there is nothing: markers of transactions look like records
  QUEUE_BACKOFF_VERSION = 0x02020000, // the first librdkafka with fetch.queue.backoff.ms
};

struct consumer {
  struct kafka_consumer base;
  rd_kafka_t *rk;
  struct kafka_consumer_events events;
  bool from_end;
  bool rebalanced; // in the poll that is running
  bool nudges_needed;
  int nudged;                    // where the next nudge begins to look
  int nudges;                    // since the last record
  enum error stashed;            // an error that came behind records: said by the next poll
  rd_kafka_message_t **messages; // those lent out, or being collected
  size_t count;
  size_t capacity;
  rd_kafka_topic_partition_list_t *ends;   // reached behind records: told by the next poll
  rd_kafka_topic_partition_list_t *paused; // of those that are ours
};

static const struct kafka_consumer_ops consumer_ops;

static enum error consumer_conf(const struct kafka_consumer_options *options, void *opaque, rd_kafka_conf_t **conf);
static enum error consumer_start(struct consumer *consumer, const struct kafka_consumer_options *options);
static enum error subscribe(struct consumer *consumer, const struct kafka_consumer_options *options);
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque);
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);
static void rebalance_assign(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, bool cooperative);
static void rebalance_revoke(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, bool cooperative);
static void end_pauses(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list);
static void resolve_stored(struct consumer *consumer, rd_kafka_topic_partition_list_t *list);
static struct kafka_position *positions_of(const rd_kafka_topic_partition_list_t *list);
static void drop_messages(struct consumer *consumer, const rd_kafka_topic_partition_list_t *of);
static bool tell_ends(struct consumer *consumer);
static enum error collect(struct consumer *consumer, int timeout_ms, size_t max);
static rd_kafka_message_t *wait_for_first(struct consumer *consumer, int timeout_ms);
static bool nudge(struct consumer *consumer);
static enum error query_offset(rd_kafka_t *rk, const rd_kafka_topic_partition_t *of, int64_t *offset, int timeout_ms);
static enum error take_special(struct consumer *consumer, rd_kafka_message_t *message);
static void fill_record(const rd_kafka_message_t *message, struct kafka_record *record);
static void consumer_close(struct kafka_consumer *base);

enum error kafka_consumer_open(const struct kafka_consumer_options *options, struct kafka_consumer **opened) {
  struct consumer *consumer = calloc(1, sizeof *consumer);
  if (!consumer) return ERR_NO_MEMORY;
  consumer->base.ops = &consumer_ops;
  consumer->events = options->events;
  consumer->from_end = options->from_end;
  consumer->nudges_needed = rd_kafka_version() < QUEUE_BACKOFF_VERSION;
  consumer->ends = rd_kafka_topic_partition_list_new(0);
  consumer->paused = rd_kafka_topic_partition_list_new(0);
  enum error err = consumer_start(consumer, options);
  if (err) {
    consumer_close(&consumer->base);
    return err;
  }
  *opened = &consumer->base;
  return OK;
}

static enum error consumer_start(struct consumer *consumer, const struct kafka_consumer_options *options) {
  char reason[KAFKA_REASON_SIZE];
  rd_kafka_conf_t *conf = NULL;
  enum error err = consumer_conf(options, consumer, &conf);
  if (err) return err;
  consumer->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  if (!consumer->rk) {
    rd_kafka_conf_destroy(conf);
    log_error("kafka-consumer-refused", F_STR("reason", reason));
    return ERR_CONFIG;
  }
  rd_kafka_poll_set_consumer(consumer->rk);
  return options->topics ? subscribe(consumer, options) : OK;
}

static enum error consumer_conf(const struct kafka_consumer_options *options, void *opaque, rd_kafka_conf_t **conf) {
  char kbytes[NUMBER_SIZE], session[NUMBER_SIZE], heartbeat[NUMBER_SIZE], interval[NUMBER_SIZE];
  int64_t bytes = options->queue_max_bytes ? options->queue_max_bytes : QUEUE_BYTES;
  int64_t session_ms = options->session_timeout_ms ? options->session_timeout_ms : SESSION_TIMEOUT_MS;
  int64_t interval_ms = options->poll_interval_ms ? options->poll_interval_ms : POLL_INTERVAL_MS;
  int64_t heartbeat_ms = session_ms / HEARTBEATS_A_SESSION;
  if (heartbeat_ms > HEARTBEAT_MS) heartbeat_ms = HEARTBEAT_MS;
  if (interval_ms < session_ms) interval_ms = session_ms;
  snprintf(kbytes, sizeof kbytes, "%lld", (long long)(bytes / 1024 + 1));
  snprintf(session, sizeof session, "%lld", (long long)session_ms);
  snprintf(heartbeat, sizeof heartbeat, "%lld", (long long)heartbeat_ms);
  snprintf(interval, sizeof interval, "%lld", (long long)interval_ms);
  struct kafka_property properties[] = {
      {"client.id", options->client_id ? options->client_id : "riser"},
      {"group.id", options->group ? options->group : "riser-unused"},
      {"partition.assignment.strategy", options->assignor == KAFKA_ASSIGN_COOPERATIVE ? "cooperative-sticky" : "range"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", options->report_end ? "true" : "false"},
      {"allow.auto.create.topics", "false"},
      {"fetch.wait.max.ms", "100"},
      {"fetch.error.backoff.ms", "100"},
      {"queued.max.messages.kbytes", kbytes},
      {"session.timeout.ms", session},
      {"heartbeat.interval.ms", heartbeat},
      {"max.poll.interval.ms", interval},
      {"fetch.queue.backoff.ms", rd_kafka_version() < QUEUE_BACKOFF_VERSION ? NULL : "10"},
      {"group.instance.id", options->instance_id},
      {NULL, NULL},
  };
  enum error err = kafka_conf_new(&options->settings, properties, opaque, conf);
  if (err) return err;
  rd_kafka_conf_set_rebalance_cb(*conf, on_rebalance);
  rd_kafka_conf_set_error_cb(*conf, on_error);
  return OK;
}

static enum error subscribe(struct consumer *consumer, const struct kafka_consumer_options *options) {
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)options->topic_count);
  for (size_t i = 0; i < options->topic_count; i++)
    rd_kafka_topic_partition_list_add(topics, options->topics[i], RD_KAFKA_PARTITION_UA);
  rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->rk, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  return kafka_error(consumer->rk, code);
}

rd_kafka_t *kafka_consumer_handle(struct kafka_consumer *base) {
  return ((struct consumer *)base)->rk;
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque) {
  struct consumer *consumer = opaque;
  bool cooperative = strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0;
  consumer->rebalanced = true;
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    rebalance_assign(consumer, list, cooperative);
    return;
  }
  if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
    log_warn("kafka-rebalance-failed", F_STR("code", rd_kafka_err2name(code)));
  rebalance_revoke(consumer, list, cooperative);
}

// Comes in its place among the records: those behind it were fetched after the cut.
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
  struct consumer *consumer = opaque;
  kafka_log_event(rk, code, reason);
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && consumer->events.cut_off)
    consumer->events.cut_off(consumer->events.ctx);
}

static void rebalance_assign(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, bool cooperative) {
  struct kafka_position *positions = positions_of(list);
  for (int i = 0; i < list->cnt; i++) positions[i].offset = KAFKA_OFFSET_STORED;
  if (consumer->events.assigned) consumer->events.assigned(consumer->events.ctx, positions, (size_t)list->cnt);
  for (int i = 0; i < list->cnt; i++) list->elems[i].offset = positions[i].offset;
  free(positions);
  resolve_stored(consumer, list);
  if (cooperative) {
    kafka_error_take(consumer->rk, "kafka-assign-failed", rd_kafka_incremental_assign(consumer->rk, list));
  } else if (rd_kafka_assign(consumer->rk, list)) {
    log_warn("kafka-assign-failed", F_STR("code", rd_kafka_err2name(rd_kafka_last_error())));
  }
}

// Where the group has committed nothing we begin as from_end says. librdkafka's auto.offset.reset would do the same
// when an offset is out of range, and so skip or repeat records unseen; that is why it is set to "error".
static void resolve_stored(struct consumer *consumer, rd_kafka_topic_partition_list_t *list) {
  rd_kafka_topic_partition_list_t *stored = rd_kafka_topic_partition_list_new(list->cnt);
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].offset == RD_KAFKA_OFFSET_STORED)
      rd_kafka_topic_partition_list_add(stored, list->elems[i].topic, list->elems[i].partition);
  rd_kafka_resp_err_t code = stored->cnt ? rd_kafka_committed(consumer->rk, stored, KAFKA_WAIT_MS) : 0;
  if (code) log_warn("kafka-committed-unknown", F_STR("code", rd_kafka_err2name(code))); // librdkafka asks again
  for (int i = 0; !code && i < stored->cnt; i++) {
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_find(list, stored->elems[i].topic, stored->elems[i].partition);
    entry->offset = stored->elems[i].offset;
    if (entry->offset < 0) entry->offset = consumer->from_end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_topic_partition_list_destroy(stored);
}

static void rebalance_revoke(struct consumer *consumer, rd_kafka_topic_partition_list_t *list, bool cooperative) {
  bool lost = rd_kafka_assignment_lost(consumer->rk) != 0;
  drop_messages(consumer, list);
  struct kafka_position *positions = positions_of(list);
  if (consumer->events.revoked && list->cnt)
    consumer->events.revoked(consumer->events.ctx, positions, (size_t)list->cnt, lost);
  free(positions);
  end_pauses(consumer, list);
  if (cooperative) {
    kafka_error_take(consumer->rk, "kafka-unassign-failed", rd_kafka_incremental_unassign(consumer->rk, list));
  } else if (rd_kafka_assign(consumer->rk, NULL)) {
    log_warn("kafka-unassign-failed", F_STR("code", rd_kafka_err2name(rd_kafka_last_error())));
  }
}

// librdkafka keeps a pause for as long as it lives: a partition that comes back to us would stay silent. It is resumed
// before it goes, since one that is resumed right after it was assigned forgets where it was to begin.
static void end_pauses(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list) {
  rd_kafka_topic_partition_list_t *paused = rd_kafka_topic_partition_list_new(0);
  for (int i = 0; i < list->cnt; i++)
    if (rd_kafka_topic_partition_list_del(consumer->paused, list->elems[i].topic, list->elems[i].partition))
      rd_kafka_topic_partition_list_add(paused, list->elems[i].topic, list->elems[i].partition);
  if (paused->cnt) rd_kafka_resume_partitions(consumer->rk, paused);
  for (int i = 0; i < paused->cnt; i++)
    if (paused->elems[i].err) log_warn("kafka-resume-failed", F_STR("code", rd_kafka_err2name(paused->elems[i].err)));
  rd_kafka_topic_partition_list_destroy(paused);
}

static struct kafka_position *positions_of(const rd_kafka_topic_partition_list_t *list) {
  struct kafka_position *positions = calloc((size_t)list->cnt + 1, sizeof *positions);
  if (!positions) abort(); // inside a callback there is nobody to tell
  for (int i = 0; i < list->cnt; i++) {
    positions[i].topic = list->elems[i].topic;
    positions[i].partition = list->elems[i].partition;
    positions[i].offset = list->elems[i].offset;
  }
  return positions;
}

// Of the batch that is being collected; those partitions' pending ends are forgotten too.
static void drop_messages(struct consumer *consumer, const rd_kafka_topic_partition_list_t *of) {
  size_t kept = 0;
  for (size_t i = 0; i < consumer->count; i++) {
    rd_kafka_message_t *message = consumer->messages[i];
    const char *topic = rd_kafka_topic_name(message->rkt);
    if (rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)of, topic,
                                           message->partition)) {
      rd_kafka_message_destroy(message);
    } else {
      consumer->messages[kept++] = message;
    }
  }
  consumer->count = kept;
  for (int i = 0; i < of->cnt; i++)
    rd_kafka_topic_partition_list_del(consumer->ends, of->elems[i].topic, of->elems[i].partition);
}

static enum error consumer_poll(struct kafka_consumer *base, int timeout_ms, struct kafka_record *records, size_t max,
                                size_t *count) {
  struct consumer *consumer = (struct consumer *)base;
  for (size_t i = 0; i < consumer->count; i++) rd_kafka_message_destroy(consumer->messages[i]);
  consumer->count = 0;
  *count = 0;
  if (tell_ends(consumer)) timeout_ms = 0; // the owner may have waited for just that
  enum error err = consumer->stashed;
  consumer->stashed = OK;
  if (!err) err = collect(consumer, timeout_ms, max);
  if (err && consumer->count) {
    consumer->stashed = err;
    err = OK;
  }
  for (size_t i = 0; i < consumer->count; i++) fill_record(consumer->messages[i], &records[i]);
  *count = consumer->count;
  return err;
}

static bool tell_ends(struct consumer *consumer) {
  if (consumer->ends->cnt == 0) return false;
  for (int i = 0; i < consumer->ends->cnt; i++) {
    const rd_kafka_topic_partition_t *end = &consumer->ends->elems[i];
    struct kafka_position position = {.topic = end->topic, .partition = end->partition, .offset = end->offset};
    if (consumer->events.reached_end) consumer->events.reached_end(consumer->events.ctx, &position);
  }
  rd_kafka_topic_partition_list_destroy(consumer->ends);
  consumer->ends = rd_kafka_topic_partition_list_new(0);
  return true;
}

static enum error collect(struct consumer *consumer, int timeout_ms, size_t max) {
  if (max > consumer->capacity) {
    rd_kafka_message_t **messages = realloc(consumer->messages, max * sizeof *messages);
    if (!messages) return ERR_NO_MEMORY;
    consumer->messages = messages;
    consumer->capacity = max;
  }
  consumer->rebalanced = false;
  while (consumer->count < max && !consumer->rebalanced) {
    bool first = consumer->count == 0 && timeout_ms > 0;
    rd_kafka_message_t *message =
        first ? wait_for_first(consumer, timeout_ms) : rd_kafka_consumer_poll(consumer->rk, 0);
    if (!message) break;
    if (!message->err) {
      consumer->messages[consumer->count++] = message;
      consumer->nudges = 0;
      continue;
    }
    enum error err = take_special(consumer, message);
    if (err) return err;
    timeout_ms = 0;
  }
  if (consumer->count == 0) tell_ends(consumer);
  return OK;
}

// librdkafka before 2.2 looks only once a second whether a full queue has room again, and consuming does not wake it.
// So when the queue has run dry although the log goes on, its thread is woken by a question to the broker.
static rd_kafka_message_t *wait_for_first(struct consumer *consumer, int timeout_ms) {
  if (consumer->nudges_needed) {
    int64_t until_ms = clock_mono_ms() + timeout_ms;
    int64_t slice_ms = NUDGE_AFTER_MS;
    do {
      int64_t left_ms = until_ms - clock_mono_ms();
      rd_kafka_message_t *message =
          rd_kafka_consumer_poll(consumer->rk, (int)(left_ms < slice_ms ? left_ms : slice_ms));
      if (message || consumer->rebalanced) return message;
      timeout_ms = (int)(until_ms - clock_mono_ms());
      slice_ms = NUDGE_EVERY_MS;
    } while (timeout_ms > 0 && consumer->nudges < NUDGES_MAX && nudge(consumer));
  }
  return rd_kafka_consumer_poll(consumer->rk, timeout_ms > 0 ? timeout_ms : 0);
}

// Asks the broker of one partition that is behind, in turn; false if none is. The answer does not matter, so it is
// hardly waited for.
static bool nudge(struct consumer *consumer) {
  rd_kafka_topic_partition_list_t *list = NULL;
  bool behind = false;
  if (rd_kafka_assignment(consumer->rk, &list)) return false;
  if (list->cnt) rd_kafka_position(consumer->rk, list);
  for (int i = 0; !behind && i < list->cnt; i++) {
    rd_kafka_topic_partition_t *entry = &list->elems[(consumer->nudged + i) % list->cnt];
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(consumer->rk, entry->topic, entry->partition, &low, &high)) continue;
    behind = entry->offset >= 0 && high > entry->offset;
    if (!behind) continue;
    entry->offset = RD_KAFKA_OFFSET_END;
    enum error ignored = query_offset(consumer->rk, entry, &high, 1);
    (void)ignored;
    consumer->nudges++;
    consumer->nudged = (consumer->nudged + i + 1) % list->cnt;
  }
  rd_kafka_topic_partition_list_destroy(list);
  return behind;
}

// The end of a partition, or an error.
static enum error take_special(struct consumer *consumer, rd_kafka_message_t *message) {
  enum error err = OK;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    const char *topic = rd_kafka_topic_name(message->rkt);
    rd_kafka_topic_partition_t *end = rd_kafka_topic_partition_list_find(consumer->ends, topic, message->partition);
    if (!end) end = rd_kafka_topic_partition_list_add(consumer->ends, topic, message->partition);
    end->offset = message->offset;
  } else {
    err = kafka_error(consumer->rk, message->err);
    log_warn("kafka-consumer-error", F_ERR(err), F_STR("code", rd_kafka_err2name(message->err)),
             F_STR("topic", message->rkt ? rd_kafka_topic_name(message->rkt) : NULL),
             F_INT("partition", message->partition), F_STR("reason", rd_kafka_message_errstr(message)));
  }
  rd_kafka_message_destroy(message);
  return err;
}

static void fill_record(const rd_kafka_message_t *message, struct kafka_record *record) {
  rd_kafka_timestamp_type_t type;
  record->topic = rd_kafka_topic_name(message->rkt);
  record->partition = message->partition;
  record->offset = message->offset;
  record->timestamp_ms = rd_kafka_message_timestamp(message, &type);
  record->append_time = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
  record->key = bytes_make(message->key, message->key_len);
  record->value = bytes_make(message->payload, message->len);
}

static enum error consumer_assign(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct consumer *consumer = (struct consumer *)base;
  rd_kafka_topic_partition_list_t *list = kafka_list_new(positions, count);
  rd_kafka_resp_err_t code = rd_kafka_assign(consumer->rk, list);
  rd_kafka_topic_partition_list_destroy(list);
  return kafka_error(consumer->rk, code);
}

static enum error consumer_seek(struct kafka_consumer *base, const struct kafka_position *position) {
  struct consumer *consumer = (struct consumer *)base;
  rd_kafka_topic_partition_list_del(consumer->ends, position->topic, position->partition);
  rd_kafka_topic_partition_list_t *list = kafka_list_new(position, 1);
  rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->rk, list, KAFKA_WAIT_MS);
  rd_kafka_resp_err_t code = list->elems[0].err;
  rd_kafka_topic_partition_list_destroy(list);
  enum error err = kafka_error_take(consumer->rk, "kafka-seek-failed", error);
  return err ? err : kafka_error(consumer->rk, code);
}

// librdkafka goes back to where it last began when one is resumed that is not paused.
static enum error consumer_pause(struct kafka_consumer *base, const struct kafka_position *position, bool paused) {
  struct consumer *consumer = (struct consumer *)base;
  rd_kafka_topic_partition_list_t *known = consumer->paused;
  if ((rd_kafka_topic_partition_list_find(known, position->topic, position->partition) != NULL) == paused) return OK;
  rd_kafka_topic_partition_list_t *list = kafka_list_new(position, 1);
  rd_kafka_resp_err_t code =
      paused ? rd_kafka_pause_partitions(consumer->rk, list) : rd_kafka_resume_partitions(consumer->rk, list);
  if (!code) code = list->elems[0].err;
  rd_kafka_topic_partition_list_destroy(list);
  if (!code && paused) rd_kafka_topic_partition_list_add(known, position->topic, position->partition);
  if (!code && !paused) rd_kafka_topic_partition_list_del(known, position->topic, position->partition);
  return kafka_error(consumer->rk, code);
}

static enum error consumer_commit(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct consumer *consumer = (struct consumer *)base;
  rd_kafka_topic_partition_list_t *list = kafka_list_new(positions, count);
  rd_kafka_resp_err_t code = rd_kafka_commit(consumer->rk, list, 0);
  for (int i = 0; !code && i < list->cnt; i++) code = list->elems[i].err;
  rd_kafka_topic_partition_list_destroy(list);
  return kafka_error(consumer->rk, code);
}

static enum error consumer_committed(struct kafka_consumer *base, struct kafka_position *positions, size_t count,
                                     struct arena *arena) {
  struct consumer *consumer = (struct consumer *)base;
  rd_kafka_topic_partition_list_t *list = kafka_list_new(positions, count);
  rd_kafka_resp_err_t code = rd_kafka_committed(consumer->rk, list, KAFKA_WAIT_MS);
  enum error err = kafka_error(consumer->rk, code);
  for (size_t i = 0; !err && i < count; i++) {
    const rd_kafka_topic_partition_t *entry = &list->elems[i];
    err = kafka_error(consumer->rk, entry->err);
    positions[i].offset = entry->offset >= 0 ? entry->offset : KAFKA_OFFSET_INVALID;
    positions[i].metadata = NULL;
    if (err || !entry->metadata_size) continue;
    positions[i].metadata = arena_text(arena, bytes_make(entry->metadata, entry->metadata_size));
    if (!positions[i].metadata) err = ERR_LIMIT;
  }
  rd_kafka_topic_partition_list_destroy(list);
  return err;
}

// librdkafka's own question for both watermarks waits beyond its timeout while no broker answers.
static enum error query_offset(rd_kafka_t *rk, const rd_kafka_topic_partition_t *of, int64_t *offset, int timeout_ms) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, of->topic, of->partition)->offset = of->offset;
  rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list, timeout_ms);
  if (!code) code = list->elems[0].err;
  if (!code) *offset = list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  return kafka_error(rk, code);
}

static enum error consumer_watermarks(struct kafka_consumer *base, const char *topic, int32_t partition, int64_t *low,
                                      int64_t *high) {
  rd_kafka_t *rk = ((struct consumer *)base)->rk;
  rd_kafka_topic_partition_t of = {.topic = (char *)(uintptr_t)topic, .partition = partition};
  of.offset = RD_KAFKA_OFFSET_BEGINNING;
  enum error err = query_offset(rk, &of, low, KAFKA_WAIT_MS);
  of.offset = RD_KAFKA_OFFSET_END;
  return err ? err : query_offset(rk, &of, high, KAFKA_WAIT_MS);
}

static enum error consumer_partitions(struct kafka_consumer *base, const char *topic, int32_t *count) {
  return kafka_partition_count(((struct consumer *)base)->rk, topic, count);
}

static void consumer_set_events(struct kafka_consumer *base, const struct kafka_consumer_events *events) {
  ((struct consumer *)base)->events = *events;
}

static void consumer_close(struct kafka_consumer *base) {
  struct consumer *consumer = (struct consumer *)base;
  for (size_t i = 0; i < consumer->count; i++) rd_kafka_message_destroy(consumer->messages[i]);
  consumer->count = 0;
  if (consumer->rk) rd_kafka_consumer_close(consumer->rk);
  rd_kafka_topic_partition_list_destroy(consumer->ends); // librdkafka waits for its lists before it goes
  rd_kafka_topic_partition_list_destroy(consumer->paused);
  if (consumer->rk) rd_kafka_destroy(consumer->rk);
  free(consumer->messages);
  free(consumer);
}

static const struct kafka_consumer_ops consumer_ops = {
    .poll = consumer_poll,
    .assign = consumer_assign,
    .seek = consumer_seek,
    .pause = consumer_pause,
    .commit = consumer_commit,
    .committed = consumer_committed,
    .watermarks = consumer_watermarks,
    .partitions = consumer_partitions,
    .set_events = consumer_set_events,
    .close = consumer_close,
};

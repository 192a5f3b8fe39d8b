// SPDX-License-Identifier: Apache-2.0
// Why this is no race: the fence is read first, then the ends of the topics. If by then everything up to those ends has
// been seen here, and the fence says that all of it is folded and its outbox published, then all consequences are
// known; and if none of them waits for anything, nothing more comes unless somebody outside writes.
#include "riserctl/replay/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "riserctl/log_reader.h"
#include "riserctl/state.h"
#include "wire/command.h"
#include "wire/decision.h"
#include "wire/fact.h"
#include "wire/person.h"
#include "wire/reject.h"

enum {
  RECORDS_MAX = 512,
  SCRATCH_MAX = 256 * 1024 * 1024,
  SCRATCH_KEEP = 8 * 1024 * 1024,
  REJECT_PARTITIONS_MAX = 1024
};
enum stream_name { STREAM_SITE, STREAM_DECISION, STREAM_COMMAND, STREAM_COUNT };
static const char *const topics[STREAM_COUNT] = {"riser.site.v1", "riser.decision.v1", "riser.command.v1"};
static const char reject_topic[] = "riser.reject.v1";

struct stream {
  int64_t next; // offset behind the last record seen, or behind the markers at the end
  int64_t last; // offset of the last record seen; -1: none
};

struct watch {
  struct watch_options options;
  struct kafka_consumer *consumer;
  struct arena *scratch;
  struct stream streams[STREAM_COUNT];
  struct cause decision_last;
  int64_t written;         // offset of the last record that we wrote into the site log
  struct fence_view fence; // as last read; the texts are gone
  struct watch_counts counts;
};

static enum error read_persons(struct watch *watch);
static enum error visit_person(void *ctx, const struct kafka_record *record, struct arena *arena);
static enum error stand_at_ends(struct watch *watch);
static enum error find_tail(struct watch *watch, enum stream_name name);
static void note_end(void *ctx, const struct kafka_position *position);
static struct stream *stream_of(struct watch *watch, const char *topic, int32_t partition);
static enum error take(struct watch *watch, const struct kafka_record *record);
static enum error take_fact(struct watch *watch, const struct kafka_record *record);
static enum error take_decision(struct watch *watch, const struct kafka_record *record);
static enum error take_command(struct watch *watch, const struct kafka_record *record);
static enum error take_reject(struct watch *watch, const struct kafka_record *record);
static void count_decision(struct watch *watch, const struct decision *decision);
static enum error read_fence(struct watch *watch, bool *reached);
static enum error ends_seen(struct watch *watch, bool *seen);

enum error watch_open(const struct watch_options *options, struct watch **out) {
  struct watch *watch = calloc(1, sizeof *watch);
  if (!watch) return ERR_NO_MEMORY;
  watch->options = *options;
  watch->written = -1;
  watch->decision_last = (struct cause){.offset = -1};
  watch->scratch = arena_new(SCRATCH_MAX);
  enum error err = watch->scratch ? read_persons(watch) : ERR_NO_MEMORY;
  for (int i = 0; i < STREAM_COUNT && !err; i++) err = find_tail(watch, (enum stream_name)i);
  if (!err) err = stand_at_ends(watch);
  if (err) {
    watch_close(watch);
    return err;
  }
  *out = watch;
  return OK;
}

void watch_close(struct watch *watch) {
  if (!watch) return;
  kafka_consumer_close(watch->consumer);
  arena_free(watch->scratch);
  free(watch);
}

static enum error read_persons(struct watch *watch) {
  const struct log_range range = {"riser.person.v1", LOG_ALL_PARTITIONS, KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit_person, .ctx = watch};
  return log_read(watch->options.ctl, &range, &reader);
}

static enum error visit_person(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct watch *watch = ctx;
  struct person person = {.mail = "", .webhook_url = ""};
  enum error err = OK;
  if (record->value.data) {
    err = wire_person_decode(record->value, arena, &person);
  } else {
    person.id = arena_text(arena, record->key);
    if (!person.id) err = ERR_NO_MEMORY;
  }
  return err ? err : settle_person(watch->options.settle, &person);
}

// The last record there is: behind it may stand transaction markers, which are no records.
static enum error find_tail(struct watch *watch, enum stream_name name) {
  struct kafka_consumer *consumer = NULL;
  struct kafka_record tail;
  const struct kafka_consumer_options options = {
      .settings = watch->options.ctl->config.kafka, .client_id = "riserctl", .group = "riserctl", .report_end = true};
  enum error err = kafka_consumer_open(&options, &consumer);
  if (!err) err = kafka_tail_read(consumer, topics[name], &watch->options.partition, 1, watch->scratch, &tail);
  kafka_consumer_close(consumer);
  if (err) return err;
  bool empty = tail.offset == KAFKA_OFFSET_INVALID;
  watch->streams[name] = (struct stream){.next = empty ? 0 : tail.offset + 1, .last = empty ? -1 : tail.offset};
  if (empty || name != STREAM_DECISION) return OK;
  struct decision decision;
  err = wire_decision_decode(tail.value, watch->scratch, &decision);
  if (!err) watch->decision_last = decision.cause;
  return err;
}

static enum error stand_at_ends(struct watch *watch) {
  struct ctl *ctl = watch->options.ctl;
  struct kafka_position positions[STREAM_COUNT + REJECT_PARTITIONS_MAX];
  size_t count = 0;
  // The end of a partition is told by an empty answer, so an empty answer must not take long.
  struct kafka_settings settings = ctl->config.kafka;
  settings.properties =
      arena_printf(ctl->arena, "%s%sfetch.wait.max.ms=5", settings.properties, settings.properties[0] ? ";" : "");
  if (!settings.properties) return ERR_NO_MEMORY;
  const struct kafka_consumer_options options = {
      .settings = settings,
      .client_id = "riserctl-replay",
      .group = "riserctl-replay",
      .report_end = true,
      .events = {.reached_end = note_end, .ctx = watch},
  };
  enum error err = kafka_consumer_open(&options, &watch->consumer);
  for (; count < STREAM_COUNT; count++) {
    positions[count] =
        (struct kafka_position){topics[count], watch->options.partition, watch->streams[count].next, NULL};
  }
  int32_t rejects = 0;
  if (!err) err = kafka_consumer_partitions(watch->consumer, reject_topic, &rejects);
  for (int32_t p = 0; !err && p < rejects && p < REJECT_PARTITIONS_MAX; p++) {
    int64_t low, high;
    err = kafka_consumer_watermarks(watch->consumer, reject_topic, p, &low, &high);
    positions[count++] = (struct kafka_position){reject_topic, p, high, NULL};
  }
  return err ? err : kafka_consumer_assign(watch->consumer, positions, count);
}

static struct stream *stream_of(struct watch *watch, const char *topic, int32_t partition) {
  for (int i = 0; i < STREAM_COUNT; i++) {
    if (strcmp(topics[i], topic) == 0 && partition == watch->options.partition) return &watch->streams[i];
  }
  return NULL;
}

static void note_end(void *ctx, const struct kafka_position *position) {
  struct stream *stream = stream_of(ctx, position->topic, position->partition);
  if (stream && position->offset > stream->next) stream->next = position->offset;
}

enum error watch_step(struct watch *watch, int timeout_ms) {
  struct kafka_record records[RECORDS_MAX];
  size_t count = 0;
  enum error err = kafka_consumer_poll(watch->consumer, timeout_ms, records, RECORDS_MAX, &count);
  for (size_t i = 0; i < count && !err; i++) err = take(watch, &records[i]);
  if (arena_used(watch->scratch) > SCRATCH_KEEP) arena_reset(watch->scratch);
  return err;
}

static enum error take(struct watch *watch, const struct kafka_record *record) {
  struct stream *stream = stream_of(watch, record->topic, record->partition);
  watch->counts.records++;
  if (!stream) return take_reject(watch, record);
  stream->last = record->offset;
  if (record->offset >= stream->next) stream->next = record->offset + 1;
  if (stream == &watch->streams[STREAM_SITE]) return take_fact(watch, record);
  if (stream == &watch->streams[STREAM_DECISION]) return take_decision(watch, record);
  return take_command(watch, record);
}

static enum error take_fact(struct watch *watch, const struct kafka_record *record) {
  struct fact fact;
  enum error err = wire_fact_decode(record->value, watch->scratch, &fact);
  if (err) return err;
  if (fact.kind == FACT_TICK && strcmp(fact.envelope.source, "riserctl") != 0) return ERR_MISMATCH;
  for (size_t i = 0; fact.kind == FACT_READINGS && i < fact.readings.count; i++) {
    arrivals_seen(watch->options.arrivals, &fact.readings.readings[i]);
  }
  watch->counts.told += fact.kind == FACT_NOTICE_DELIVERED;
  watch->counts.outcomes += fact.kind == FACT_COMMAND_OUTCOME;
  return settle_fact(watch->options.settle, &fact);
}

static enum error take_decision(struct watch *watch, const struct kafka_record *record) {
  struct decision decision;
  enum error err = wire_decision_decode(record->value, watch->scratch, &decision);
  if (err) return err;
  if (cause_compare(decision.cause, watch->decision_last) <= 0) return OK; // a repetition
  watch->decision_last = decision.cause;
  count_decision(watch, &decision);
  err = settle_decision(watch->options.settle, &decision);
  return err ? err : payers_decision(watch->options.payers, &decision);
}

static void count_decision(struct watch *watch, const struct decision *decision) {
  watch->counts.bills += decision->kind == DECISION_BILL;
  watch->counts.alerts += decision->kind == DECISION_USAGE_ALERT;
  watch->counts.notices += decision->kind == DECISION_NOTICE_DUE;
  watch->counts.switches += decision->kind == DECISION_SWITCH_DUE;
}

static enum error take_command(struct watch *watch, const struct kafka_record *record) {
  struct command_state state;
  enum error err = wire_command_state_decode(record->value, watch->scratch, &state);
  return err ? err : settle_command(watch->options.settle, &state);
}

static enum error take_reject(struct watch *watch, const struct kafka_record *record) {
  struct reject reject;
  enum error err = wire_reject_decode(record->value, watch->scratch, &reject);
  if (err) return err;
  arrivals_seen_reject(watch->options.arrivals, reject.sha256);
  watch->counts.rejects++;
  return OK;
}

void watch_written(struct watch *watch, const struct kafka_position *position) {
  if (position->offset > watch->written) watch->written = position->offset;
}

enum error watch_settled(struct watch *watch, bool *settled) {
  bool reached = false, seen = false;
  *settled = false;
  if (settle_pending(watch->options.settle) || watch->streams[STREAM_SITE].last < watch->written) return OK;
  enum error err = read_fence(watch, &reached);
  if (!err && reached) err = ends_seen(watch, &seen);
  *settled = seen;
  return err;
}

static enum error read_fence(struct watch *watch, bool *reached) {
  enum error err = state_fence(watch->options.ctl, watch->options.partition, watch->scratch, &watch->fence);
  if (err) return err;
  struct settle_positions positions = {
      .site_next = watch->streams[STREAM_SITE].last + 1,
      .site_end = watch->streams[STREAM_SITE].next,
      .folded_next = watch->fence.meta.next_offset,
      .folded_index = watch->fence.meta.next_index,
      .outbox_last = {.offset = -1},
      .decision_last = watch->decision_last,
  };
  for (size_t i = 0; i < watch->fence.outbox.count; i++) {
    if (watch->fence.outbox.records[i].has_cause) positions.outbox_last = watch->fence.outbox.records[i].cause;
  }
  *reached = watch->fence.installed && settle_positions_reached(&positions);
  return OK;
}

static enum error ends_seen(struct watch *watch, bool *seen) {
  for (int i = 0; i <= STREAM_DECISION; i++) {
    int64_t low, high;
    enum error err = kafka_consumer_watermarks(watch->consumer, topics[i], watch->options.partition, &low, &high);
    if (err) return err;
    if (watch->streams[i].next < high) return OK;
  }
  *seen = true;
  return OK;
}

struct watch_counts watch_counts(const struct watch *watch) {
  return watch->counts;
}

enum error watch_describe(struct watch *watch, struct buffer *to) {
  const struct stream *site = &watch->streams[STREAM_SITE];
  bool reached;
  enum error err = read_fence(watch, &reached);
  if (!err && site->last < watch->written) {
    err =
        buffer_printf(to, "  not yet seen in riser.site.v1: our record at offset %" PRId64 ", only up to %" PRId64 "\n",
                      watch->written, site->last);
  }
  if (!err && !watch->fence.installed) {
    err = buffer_printf(to, "  partition %d has no fence in Redis: riserctl rebuild\n", (int)watch->options.partition);
  } else if (!err && (watch->fence.meta.next_offset <= site->last || watch->fence.meta.next_offset > site->next)) {
    err = buffer_printf(to, "  billing has folded up to offset %" PRId64 ", the log goes to %" PRId64 "\n",
                        watch->fence.meta.next_offset, site->next);
  }
  if (!err) err = arrivals_describe(watch->options.arrivals, 5, to);
  return err ? err : settle_describe(watch->options.settle, 10, to);
}

// SPDX-License-Identifier: Apache-2.0
// A batch: decode, apply, commit. Loading happens in between, when the fold finds something missing; then all that the
// rest of the batch will want is loaded with it, in one round trip. The decisions of one commit must be in Kafka before
// the next commit replaces the outbox, and while they are on their way the next batch is already computed.
#include "billing/partition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/canary.h"
#include "base/clock.h"
#include "base/log.h"
#include "billing/core/fold.h"
#include "billing/intake.h"
#include "wire/state.h"

enum { FENCE_MAX = 4096, WANTED_MAX = 4096, BATCH_BYTES = 4 << 20, SPOIL_PAUSE_MS = 100 };

struct batch {
  const struct kafka_record *records;
  struct fact *facts;
  enum intake *verdicts;
  size_t count;
  // Since the last commit:
  struct effects effects;
  int64_t next_offset;
  uint32_t next_index;
  const struct kafka_record *last; // the last one that is applied whole; NULL: none
  int64_t applied;
  int64_t readings;
};

static enum error join_log(struct shell *shell, struct partition *p, int64_t first);
static enum error take_batch(struct shell *shell, struct partition *p, struct batch *batch);
static enum error batch_decode(struct shell *shell, struct partition *p, struct batch *batch);
static enum error apply(struct shell *shell, struct partition *p, struct batch *batch, size_t at);
static void want_ahead(struct partition *p, const struct batch *batch, size_t at);
static void batch_begin(struct shell *shell, struct batch *batch);
static enum error batch_commit(struct shell *shell, struct partition *p, struct batch *batch);
static enum error write_out(struct shell *shell, struct partition *p, struct batch *batch);
static enum error settle(struct shell *shell, struct partition *p, enum error err);

struct partition *partition_new(int32_t id) {
  struct partition *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->id = id;
  redis_store_tag(id, p->tag);
  buffer_init(&p->fence, FENCE_MAX);
  return p;
}

void partition_free(struct partition *p) {
  if (!p) return;
  partition_close(p, 0);
  buffer_fini(&p->fence);
  free(p);
}

void partition_close(struct partition *p, int64_t retry_at_ms) {
  p->status = PARTITION_CLOSED;
  p->retry_at_ms = retry_at_ms;
  fold_free(p->fold);
  store_free(p->store);
  publication_release(p->publication);
  p->fold = NULL;
  p->store = NULL;
  p->publication = NULL;
}

void partition_refuse(struct shell *shell, struct partition *p, const char *reason) {
  bool known = p->reason && strcmp(p->reason, reason) == 0;
  if (!known) log_error("partition-refused", F_INT("partition", p->id), F_STR("reason", reason));
  partition_close(p, clock_mono_ms() + shell->config->retry_ms);
  p->status = PARTITION_REFUSED;
  p->reason = reason;
}

enum error partition_start(struct partition *p, const struct partition_meta *meta, struct bytes fence,
                           struct cause tail) {
  partition_close(p, 0);
  p->store = store_new();
  p->fold = p->store ? fold_new(p->store, (uint32_t)p->id, meta->business_time_s) : NULL;
  p->publication = publication_new();
  buffer_clear(&p->fence);
  enum error err = p->fold && p->publication ? buffer_append(&p->fence, fence.data, fence.len) : ERR_NO_MEMORY;
  if (err) return err;
  p->meta = *meta;
  p->tail = tail;
  p->joined = false;
  p->reason = NULL;
  p->status = PARTITION_OPEN;
  return OK;
}

// How many of the records make a batch: it ends with the record that brings it to its number or size.
static size_t batch_size(const struct shell *shell, const struct kafka_record *records, size_t count) {
  size_t max = (size_t)shell->config->batch_records, n = 0, bytes = 0;
  while (n < count && n < max && bytes < BATCH_BYTES) bytes += records[n++].value.len;
  return n;
}

enum error partition_take(struct shell *shell, struct partition *p, const struct kafka_record *records, size_t count) {
  if (p->status != PARTITION_OPEN) return OK;
  while (count > 0 && records->offset < p->meta.next_offset) {
    records++;
    count--;
  }
  if (count > 0) {
    enum error err = join_log(shell, p, records->offset);
    if (err) return err;
  }
  while (p->status == PARTITION_OPEN && count > 0) {
    size_t n = batch_size(shell, records, count);
    struct batch batch = {.records = records, .count = n};
    enum error err = settle(shell, p, take_batch(shell, p, &batch));
    if (err) return err;
    records += n;
    count -= n;
  }
  return OK;
}

// A consumer may be put to its place and go on from another: librdkafka asks once more where a position like "the end"
// is when a broker was away, and goes there, though it was told otherwise meanwhile. So what comes first behind an
// opening must be what the log has next; otherwise the partition is opened again. `first`: a record's offset, or the
// end that was reached without one.
static enum error join_log(struct shell *shell, struct partition *p, int64_t first) {
  int64_t next = first;
  struct kafka_position from = {.topic = TOPIC_SITE, .partition = p->id, .offset = p->meta.next_offset};
  bool asked = !p->joined && first != from.offset && !CANARY(JUMP_BELIEVED);
  enum error err = asked ? kafka_next_read(shell->reader, &from, &next) : OK;
  if (err) return settle(shell, p, err);
  p->joined = next >= first;
  if (p->joined) return OK;
  log_error("records-jumped-over", F_INT("partition", p->id), F_INT("next_offset", from.offset),
            F_INT("log_has", next), F_INT("came", first));
  counter_add(shell->stats->jumps, 1);
  partition_close(p, clock_mono_ms());
  return OK;
}

static enum error take_batch(struct shell *shell, struct partition *p, struct batch *batch) {
  enum error err = batch_decode(shell, p, batch);
  if (err) return err;
  batch->next_offset = p->meta.next_offset;
  batch->next_index = p->meta.next_index;
  batch_begin(shell, batch);
  for (size_t i = 0; !err && i < batch->count; i++)
    if (batch->records[i].offset >= p->meta.next_offset) err = apply(shell, p, batch, i);
  if (err && err != ERR_NEWER_READER) return err;
  enum error committed = batch_commit(shell, p, batch);
  return committed ? committed : err;
}

static enum error batch_decode(struct shell *shell, struct partition *p, struct batch *batch) {
  int32_t partitions = (int32_t)shell->config->partitions;
  arena_reset(shell->facts);
  batch->facts = arena_array(shell->facts, batch->count, sizeof *batch->facts);
  batch->verdicts = arena_array(shell->facts, batch->count, sizeof *batch->verdicts);
  if (!batch->facts || !batch->verdicts) return ERR_NO_MEMORY;
  enum error err = OK;
  for (size_t i = 0; !err && i < batch->count; i++) {
    if (batch->records[i].offset < p->meta.next_offset) continue;
    err = intake_fact(&batch->records[i], partitions, shell->facts, &batch->verdicts[i], &batch->facts[i]);
  }
  return err;
}

// A record that may not be applied leaves an exception. Ticks don't: the next one is only a minute away.
static enum error skip(struct shell *shell, struct partition *p, struct batch *batch, size_t at, struct cause base) {
  enum intake verdict = batch->verdicts[at];
  const struct fact *fact = &batch->facts[at];
  enum error err = verdict == INTAKE_TICK_AHEAD
                       ? fold_pass_over(p->fold, fact, base, &batch->effects)
                       : fold_refuse(p->fold, fact, base, intake_names[verdict], &batch->effects);
  if (err) return err;
  counter_add(&shell->stats->skipped[verdict], 1);
  log_error("record-passed-over", F_INT("partition", p->id), F_INT("offset", base.offset),
            F_STR("reason", intake_names[verdict]));
  return OK;
}

// One record, with as many loads and commits in between as it takes.
static enum error apply(struct shell *shell, struct partition *p, struct batch *batch, size_t at) {
  const struct kafka_record *record = &batch->records[at];
  struct cause base = {.partition = (uint32_t)p->id, .offset = record->offset};
  if (record->offset == batch->next_offset) base.index = batch->next_index;
  enum error err = ERR_AGAIN;
  while (err == ERR_AGAIN) {
    err = batch->verdicts[at] ? skip(shell, p, batch, at, base)
                              : fold_apply(p->fold, &batch->facts[at], base, &batch->effects);
    if (err == ERR_AGAIN) {
      want_ahead(p, batch, at + 1);
      enum error loaded = redis_store_load(shell, p->tag, p->store);
      if (loaded) return loaded;
      health_beat(shell->health);
    } else if (err == ERR_QUEUE_FULL) {
      batch->next_offset = record->offset;
      batch->next_index = base.index = fold_next_index(p->fold);
      enum error committed = batch_commit(shell, p, batch);
      if (committed) return committed;
      err = ERR_AGAIN;
    }
  }
  if (err) return err;
  batch->next_offset = record->offset + 1;
  batch->next_index = 0;
  batch->last = record;
  batch->applied++;
  if (batch->facts[at].kind == FACT_READINGS) batch->readings += (int64_t)batch->facts[at].readings.count;
  bool full = store_dirty_count(p->store) >= (size_t)shell->config->batch_writes ||
              batch->effects.decision_count >= (size_t)shell->config->batch_decisions;
  return full ? batch_commit(shell, p, batch) : OK;
}

// Has the store note what the readings of the rest of the batch need, up to a bound.
static void want_ahead(struct partition *p, const struct batch *batch, size_t at) {
  const struct store_want *wants;
  for (; at < batch->count && store_wanted(p->store, &wants) < WANTED_MAX; at++)
    if (batch->verdicts[at] == INTAKE_OK) fold_want(p->fold, &batch->facts[at]);
}

static void batch_begin(struct shell *shell, struct batch *batch) {
  arena_reset(shell->work);
  effects_init(&batch->effects, shell->work, (size_t)shell->config->batch_decisions,
               (size_t)shell->config->batch_writes);
  batch->last = NULL;
  batch->applied = 0;
  batch->readings = 0;
}

// A tick that is done in part may have changed state without a decision: then only the store knows.
static bool has_news(const struct partition *p, const struct batch *batch) {
  return batch->next_offset != p->meta.next_offset || batch->next_index != p->meta.next_index ||
         store_dirty_count(p->store) > 0;
}

static enum error batch_commit(struct shell *shell, struct partition *p, struct batch *batch) {
  if (!has_news(p, batch)) return OK;
  enum error err = outbox_wait(shell, p->publication);
  if (!err) err = write_out(shell, p, batch);
  if (err) return err;
  counter_add(shell->stats->records, batch->applied);
  counter_add(shell->stats->readings, batch->readings);
  histogram_observe(shell->stats->batch_records, batch->applied);
  batch_begin(shell, batch);
  return OK;
}

static enum error next_meta(struct partition *p, const struct batch *batch, struct partition_meta *next) {
  *next = p->meta;
  next->next_offset = batch->next_offset;
  next->next_index = batch->next_index;
  next->business_time_s = fold_business_time(p->fold);
  if (!batch->last) return OK;
  next->last_offset = batch->last->offset;
  return intake_digest(batch->last, next->digest);
}

static enum error commit(struct shell *shell, struct partition *p, const struct redis_writes *writes,
                         struct bytes next) {
  int64_t began_us = clock_mono_us();
  char *key = arena_printf(shell->work, "%smeta", p->tag);
  if (!key) return ERR_NO_MEMORY;
  struct redis_fence fence = {bytes_text(key), buffer_bytes(&p->fence), next};
  enum error err = redis_commit(shell->redis, &fence, writes->commands, writes->count);
  if (CANARY(OUTCOME_GUESSED) && err == ERR_UNKNOWN_OUTCOME) err = OK;
  histogram_observe(shell->stats->commit_seconds, clock_mono_us() - began_us);
  counter_add(&shell->stats->commits[err], 1);
  if (!err) counter_add(shell->stats->writes, (int64_t)writes->count);
  return err;
}

static void count_exceptions(struct shell *shell, const struct effects *effects) {
  for (size_t i = 0; i < effects->decision_count; i++)
    if (effects->decisions[i].kind == DECISION_FACT_EXCEPTION) counter_add(shell->stats->exceptions, 1);
}

// The commit itself: state, outbox and fence; then the outbox goes to Kafka.
static enum error write_out(struct shell *shell, struct partition *p, struct batch *batch) {
  struct partition_meta next;
  struct outbox outbox;
  struct redis_writes writes;
  enum error err = next_meta(p, batch, &next);
  if (!err) err = outbox_build(shell, &batch->effects, &outbox);
  if (!err) err = redis_store_writes(shell, p->tag, p->store, &batch->effects, &writes);
  if (!err && (outbox.count || p->outbox_stored)) err = redis_store_add_outbox(shell, p->tag, &outbox, &writes);
  buffer_clear(&shell->encoded);
  if (!err) err = wire_partition_meta_encode(&next, &shell->encoded);
  if (!err) err = commit(shell, p, &writes, buffer_bytes(&shell->encoded));
  if (err) return err;
  p->meta = next;
  p->outbox_stored = outbox.count > 0;
  store_clear_dirty(p->store);
  count_exceptions(shell, &batch->effects);
  buffer_clear(&p->fence);
  err = buffer_append(&p->fence, shell->encoded.data, shell->encoded.len);
  return err ? err : outbox_publish(shell, p->id, &outbox, p->tail, p->publication);
}

// Of an EXEC in which a command failed Redis has done the others, the fence among them: the state is torn, and would be
// opened as if it were whole. Without its meta nobody goes on from it until it is rebuilt from the log.
static enum error spoil(struct shell *shell, const struct partition *p) {
  char *key = arena_printf(shell->work, "%smeta", p->tag);
  if (!key) return ERR_NO_MEMORY;
  struct bytes words[] = {bytes_text("DEL"), bytes_text(key)};
  struct redis_command command = {words, 2};
  int64_t deadline_ms = clock_mono_ms() + shell->config->publish_timeout_ms;
  for (;;) {
    struct redis_value reply;
    enum error err = redis_pipeline(shell->redis, &command, 1, shell->work, &reply);
    if (!err && reply.type != REDIS_ERROR) return OK;
    if (clock_mono_ms() > deadline_ms) {
      log_error("torn-state-not-marked", F_INT("partition", p->id), F_STR("mend", "rebuild it before billing starts"));
      return err ? err : ERR_EXEC_FAILED;
    }
    clock_sleep_ms(SPOIL_PAUSE_MS);
    health_beat(shell->health);
  }
}

// What an error means for the partition; only what ends the process goes on.
static enum error settle(struct shell *shell, struct partition *p, enum error err) {
  if (err == OK) return OK;
  if (err == ERR_EXEC_FAILED && CANARY(TORN_STATE_USED)) err = ERR_ABORTED;
  if (err == ERR_EXEC_FAILED && spoil(shell, p) == OK) {
    partition_refuse(shell, p, error_name(err));
    return OK;
  }
  // A record or a decision that cannot be dealt with stops its partition, not all the others.
  if (err == ERR_NEWER_READER || err == ERR_CORRUPT || error_class(err) == CLASS_REJECT) {
    partition_refuse(shell, p, error_name(err));
    return OK;
  }
  if (error_class(err) == CLASS_FATAL) return err;
  log_warn("partition-dropped", F_INT("partition", p->id), F_ERR(err), F_INT("next_offset", p->meta.next_offset));
  partition_close(p, clock_mono_ms() + (err == ERR_FENCE_LOST ? 0 : shell->config->retry_ms));
  return OK;
}

enum error partition_reach(struct shell *shell, struct partition *p, int64_t end_offset) {
  if (p->status != PARTITION_OPEN || p->meta.next_offset >= end_offset) return OK;
  enum error err = join_log(shell, p, end_offset);
  if (err || p->status != PARTITION_OPEN) return err;
  struct batch batch = {.next_offset = end_offset};
  batch_begin(shell, &batch);
  return settle(shell, p, batch_commit(shell, p, &batch));
}

// SPDX-License-Identifier: Apache-2.0
#include "billing/opening.h"

#include <string.h>

#include "base/canary.h"
#include "base/clock.h"
#include "base/log.h"
#include "billing/intake.h"
#include "wire/decision.h"
#include "wire/outbox.h"
#include "wire/state.h"

enum { READ_BATCH = 256, READ_POLL_MS = 500, READ_TIMEOUT_MS = 20000 };

struct opening {
  struct partition *partition;
  const char *refusal; // NULL: none so far
  enum error failed;   // its own failure, which passes: the master that holds it may be away
  struct bytes meta_bytes;
  struct bytes outbox_bytes;
  struct partition_meta meta;
  bool unread; // the last record applied is still to be compared
  struct cause tail;
};

struct openings {
  struct shell *shell;
  struct opening *list;
  size_t count;
};

static enum error load(struct openings *all);
static enum error load_one(struct openings *all, struct opening *one);
static bool is_out(const struct opening *one);
static void check_meta(struct openings *all, struct opening *one);
static enum error check_log(struct openings *all);
static enum error read_last_records(struct openings *all, size_t unread);
static enum error read_tails(struct openings *all);
static enum error start(struct openings *all, struct opening *one);

enum error opening_run(struct shell *shell, struct partition *const *partitions, size_t count) {
  arena_reset(shell->work);
  struct openings all = {shell, arena_array(shell->work, count, sizeof *all.list), count};
  if (!all.list) return ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++) all.list[i].partition = partitions[i];
  enum error err = load(&all);
  for (size_t i = 0; !err && i < count; i++)
    if (!is_out(&all.list[i])) check_meta(&all, &all.list[i]);
  if (!err) err = check_log(&all);
  if (!err) err = read_tails(&all);
  enum error worst = err;
  for (size_t i = 0; i < count; i++) {
    struct opening *one = &all.list[i];
    enum error failed = one->failed ? one->failed : err;
    if (!failed && !one->refusal) failed = start(&all, one);
    if (one->refusal) partition_refuse(shell, one->partition, one->refusal);
    if (failed && !one->refusal) partition_close(one->partition, clock_mono_ms() + shell->config->retry_ms);
    if (failed && error_class(worst) != CLASS_FATAL) worst = failed;
  }
  if (worst) log_warn("partitions-not-opened", F_ERR(worst), F_INT("count", (int64_t)count));
  return error_class(worst) == CLASS_RETRY ? OK : worst;
}

// Each for itself, so that on a cluster a master that is away keeps its own partitions closed only.
static enum error load(struct openings *all) {
  enum error err = OK;
  for (size_t i = 0; !err && i < all->count; i++) {
    err = load_one(all, &all->list[i]);
    health_beat(all->shell->health);
    if (error_class(err) != CLASS_RETRY) continue;
    all->list[i].failed = err;
    err = OK;
  }
  return err;
}

static enum error load_one(struct openings *all, struct opening *one) {
  struct arena *arena = all->shell->work;
  const char *meta = arena_printf(arena, "%smeta", one->partition->tag);
  const char *outbox = arena_printf(arena, "%soutbox", one->partition->tag);
  const struct bytes keys[2] = {bytes_text(meta), bytes_text(outbox)};
  struct bytes values[2];
  if (!meta || !outbox) return ERR_NO_MEMORY;
  enum error err = redis_get_many(all->shell->redis, keys, 2, arena, values);
  if (err) return err;
  one->meta_bytes = values[0];
  one->outbox_bytes = values[1];
  return OK;
}

static bool is_out(const struct opening *one) {
  return one->refusal || one->failed;
}

static void check_meta(struct openings *all, struct opening *one) {
  static const uint8_t none[sizeof one->meta.digest] = {0};
  struct shell *shell = all->shell;
  if (!one->meta_bytes.data) {
    one->refusal = "no-meta";
  } else if (wire_partition_meta_decode(one->meta_bytes, shell->work, &one->meta) || one->meta.next_offset < 0) {
    one->refusal = "corrupt-meta";
  } else if (one->meta.partition_count != (uint32_t)shell->config->partitions) {
    one->refusal = "partition-count";
  } else if (one->meta.fold_version != FOLD_VERSION) {
    one->refusal = "fold-version";
  }
  if (!one->refusal) one->unread = memcmp(one->meta.digest, none, sizeof none) != 0;
}

// That the log reaches as far as the state and holds, where it ends, the record that was applied there.
static enum error check_log(struct openings *all) {
  size_t unread = 0;
  for (size_t i = 0; i < all->count; i++) {
    struct opening *one = &all->list[i];
    if (is_out(one)) continue;
    int64_t low, high;
    enum error err = kafka_consumer_watermarks(all->shell->reader, TOPIC_SITE, one->partition->id, &low, &high);
    if (err) return err;
    if (one->meta.next_offset > high) one->refusal = "log-shorter";
    if (one->unread && one->meta.last_offset < low) one->refusal = "log-differs";
    if (one->refusal) one->unread = false;
    unread += one->unread;
  }
  return unread ? read_last_records(all, unread) : OK;
}

static struct opening *of_partition(struct openings *all, int32_t partition) {
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].partition->id == partition) return &all->list[i];
  return NULL;
}

// True if this was the record that was waited for.
static bool compare(struct openings *all, const struct kafka_record *record) {
  uint8_t digest[sizeof all->list->meta.digest];
  struct opening *one = of_partition(all, record->partition);
  if (!one || !one->unread) return false;
  one->unread = false;
  if (intake_digest(record, digest) || record->offset != one->meta.last_offset ||
      memcmp(digest, one->meta.digest, sizeof digest) != 0)
    one->refusal = "log-differs";
  return true;
}

static enum error read_last_records(struct openings *all, size_t unread) {
  struct shell *shell = all->shell;
  struct kafka_record batch[READ_BATCH];
  struct kafka_position *positions = arena_array(shell->work, unread, sizeof *positions);
  if (!positions) return ERR_NO_MEMORY;
  size_t at = 0, count;
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].unread)
      positions[at++] = (struct kafka_position){
          .topic = TOPIC_SITE, .partition = all->list[i].partition->id, .offset = all->list[i].meta.last_offset};
  int64_t deadline_ms = clock_mono_ms() + READ_TIMEOUT_MS;
  enum error err = kafka_consumer_assign(shell->reader, positions, unread);
  while (!err && unread) {
    err = kafka_consumer_poll(shell->reader, READ_POLL_MS, batch, READ_BATCH, &count);
    for (size_t i = 0; !err && i < count; i++) unread -= compare(all, &batch[i]);
    if (!err && unread && clock_mono_ms() > deadline_ms) err = ERR_TIMEOUT;
    health_beat(shell->health);
  }
  enum error cleared = kafka_consumer_assign(shell->reader, NULL, 0);
  return err ? err : cleared;
}

// Up to which cause the decision log already has everything.
static enum error read_tails(struct openings *all) {
  struct arena *arena = all->shell->work;
  int32_t *ids = arena_array(arena, all->count, sizeof *ids);
  struct kafka_record *records = arena_array(arena, all->count, sizeof *records);
  if (!ids || !records) return ERR_NO_MEMORY;
  size_t count = 0;
  for (size_t i = 0; i < all->count; i++)
    if (!is_out(&all->list[i])) ids[count++] = all->list[i].partition->id;
  enum error err = count ? kafka_tail_read(all->shell->reader, TOPIC_DECISION, ids, count, arena, records) : OK;
  for (size_t i = 0; !err && i < count; i++) {
    struct opening *one = of_partition(all, ids[i]);
    struct decision last = {.cause = {.partition = (uint32_t)ids[i], .offset = -1}};
    if (records[i].offset >= 0 && wire_decision_decode(records[i].value, arena, &last))
      one->refusal = "corrupt-decision-tail";
    one->tail = last.cause;
  }
  return err;
}

static enum error start(struct openings *all, struct opening *one) {
  struct shell *shell = all->shell;
  struct partition *p = one->partition;
  struct outbox outbox = {0};
  struct kafka_position position = {.topic = TOPIC_SITE, .partition = p->id, .offset = one->meta.next_offset};
  if (one->outbox_bytes.len && wire_outbox_decode(one->outbox_bytes, shell->work, &outbox)) {
    one->refusal = "corrupt-outbox";
    return OK;
  }
  enum error err = partition_start(p, &one->meta, one->meta_bytes, one->tail);
  if (!err && !CANARY(OUTBOX_LOST)) err = outbox_publish(shell, p->id, &outbox, one->tail, p->publication);
  if (error_class(err) == CLASS_REJECT) { // a decision that Kafka does not take: not the end of all the others
    one->refusal = error_name(err);
    return OK;
  }
  if (!err) err = kafka_consumer_seek(shell->consumer, &position);
  if (err) return err;
  p->outbox_stored = one->outbox_bytes.len > 0;
  log_info("partition-opened", F_INT("partition", p->id), F_INT("next_offset", p->meta.next_offset),
           F_INT("published", (int64_t)outbox.count));
  return OK;
}

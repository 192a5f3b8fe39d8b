// SPDX-License-Identifier: Apache-2.0
// A record waits in its producer's queue until the broker has taken it, in order. A fatal error takes a part of what is
// on its way into the log without saying so, as a lost answer does.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "faults.h"
#include "ports.h"
#include "process.h"
#include "trace.h"

enum {
  PRODUCERS_MAX = 32,
  NAME_SIZE = 64,
  QUICK_MS = 8,
  SLOW_MS = 3000,
  SLOW = 300, // in ten thousand
  HELD_PAUSE_MS = 500,
  TRANSACTION_TIMEOUT_MS = 20000,
  TROUBLE = 60, // of transactions, in ten thousand
};

struct sent {
  enum bus_topic topic;
  int32_t partition;
  struct bytes key, value; // copies
  void *opaque;
  bool decided;
  enum error err;
  int64_t offset;
};

struct producer {
  struct kafka_producer base;
  uint64_t id; // events know it by that: it may be gone by then
  struct unit *unit;
  kafka_delivered *on_delivered;
  void *ctx;
  struct sent *queue;
  size_t count, room;
  size_t decided; // the first so many are
  bool scheduled;
  enum error dead;
  // Transactions:
  char transactional[NAME_SIZE]; // "": none
  uint64_t transaction;          // 0: none is open
  bool committed;                // the open one is, but the producer does not know yet
  bool doomed;                   // it can only be aborted
  struct kafka_position *offsets;
  char (*notes)[4096];
  size_t offset_count;
  struct bus_member *member;
};

static struct producer *producers[PRODUCERS_MAX];
static struct orphan {
  uint64_t transaction;
  char transactional[NAME_SIZE];
} orphans[PRODUCERS_MAX];
static size_t orphan_count;
static uint64_t transactions, ids;

static const struct kafka_producer_ops ops;

static void on_delivery(void *ctx, uint64_t argument);
static void fence_older(const struct producer *producer);
static void end_orphan(uint64_t transaction);
static void leave_orphan(const struct producer *producer);

// Nothing that a dead process does reaches the broker.
static bool is_cut_off(const struct producer *producer) {
  return unit_is_dead(producer->unit);
}

enum error sim_kafka_producer_open(const struct kafka_producer_options *options, struct kafka_producer **opened) {
  task_give_way();
  if (unit_is_dead(unit_current())) return ERR_UNAVAILABLE;
  if (options->transactional_id && bus_is_held()) {
    task_wait(machine_now_ms() + HELD_PAUSE_MS, NULL, NULL);
    return ERR_UNAVAILABLE;
  }
  struct producer *producer = calloc(1, sizeof *producer);
  if (!producer) abort();
  producer->base.ops = &ops;
  producer->id = ++ids;
  producer->unit = unit_current();
  producer->on_delivered = options->on_delivered;
  producer->ctx = options->ctx;
  if (options->transactional_id) {
    snprintf(producer->transactional, NAME_SIZE, "%s", options->transactional_id);
    fence_older(producer);
  }
  size_t at = 0;
  while (at < PRODUCERS_MAX && producers[at]) at++;
  assert(at < PRODUCERS_MAX);
  producers[at] = producer;
  *opened = &producer->base;
  return OK;
}

static void fence_older(const struct producer *producer) {
  for (size_t i = orphan_count; i > 0; i--)
    if (strcmp(orphans[i - 1].transactional, producer->transactional) == 0) end_orphan(orphans[i - 1].transaction);
  for (size_t i = 0; i < PRODUCERS_MAX; i++) {
    struct producer *older = producers[i];
    if (!older || strcmp(older->transactional, producer->transactional) != 0) continue;
    if (older->transaction && !older->committed) bus_end_transaction(older->transaction, false);
    older->transaction = 0;
    older->dead = ERR_FENCED;
  }
}

static struct bytes copy_of(struct bytes from) {
  if (!from.data) return from;
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  if (from.len) memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

static void schedule(struct producer *producer) {
  if (producer->scheduled || producer->decided == producer->count) return;
  producer->scheduled = true;
  bool slow = !bus_is_calm() && chance_of(SLOW);
  machine_in(1 + (int64_t)chance_below(slow ? SLOW_MS : QUICK_MS), on_delivery, NULL, producer->id);
}

static enum error producer_send(struct kafka_producer *base, const struct kafka_send *record) {
  struct producer *producer = (struct producer *)base;
  if (is_cut_off(producer)) return ERR_UNAVAILABLE;
  if (producer->dead) return producer->dead;
  assert(!producer->transactional[0] || producer->transaction);
  if (producer->count == producer->room) {
    producer->room = producer->room ? 2 * producer->room : 64;
    producer->queue = realloc(producer->queue, producer->room * sizeof *producer->queue);
    if (!producer->queue) abort();
  }
  int32_t partition = record->partition == KAFKA_PARTITION_BY_KEY ? bus_partition_of(record->key) : record->partition;
  producer->queue[producer->count++] = (struct sent){.topic = bus_topic_of(record->topic),
                                                     .partition = partition,
                                                     .key = copy_of(record->key),
                                                     .value = copy_of(record->value),
                                                     .opaque = record->opaque};
  schedule(producer);
  if (producer->transactional[0]) faults_tempt(producer->unit);
  task_give_way();
  return OK;
}

static void take(struct producer *producer, size_t upto) {
  for (; producer->decided < upto; producer->decided++) {
    struct sent *sent = &producer->queue[producer->decided];
    struct kafka_send send = {.key = sent->key, .value = sent->value};
    sent->offset = bus_append(sent->topic, sent->partition, &send, producer->transaction);
    sent->decided = true;
  }
}

static struct producer *find(uint64_t id) {
  for (size_t i = 0; i < PRODUCERS_MAX; i++)
    if (producers[i] && producers[i]->id == id) return producers[i];
  return NULL;
}

static void on_delivery(void *ctx, uint64_t id) {
  struct producer *producer = find(id);
  (void)ctx;
  if (!producer) return;
  producer->scheduled = false;
  if (producer->dead || producer->decided == producer->count) return;
  if (bus_is_held()) {
    producer->scheduled = true;
    machine_at(bus_held_until_ms() + (int64_t)chance_below(HELD_PAUSE_MS), on_delivery, NULL, producer->id);
    return;
  }
  take(producer, producer->decided + 1 + chance_below(producer->count - producer->decided));
  schedule(producer);
}

static bool is_told(void *ctx) {
  struct producer *producer = ctx;
  return producer->decided > 0 || producer->dead;
}

// The callback may send again, so what is told is taken out first.
static int tell(struct producer *producer) {
  int told = 0;
  while (producer->count && producer->queue[0].decided) {
    struct sent sent = producer->queue[0];
    memmove(producer->queue, producer->queue + 1, --producer->count * sizeof sent);
    producer->decided--;
    free((void *)(uintptr_t)sent.key.data);
    free((void *)(uintptr_t)sent.value.data);
    told++;
    if (producer->on_delivered)
      producer->on_delivered(producer->ctx, sent.opaque, sent.err, sent.partition, sent.offset);
  }
  return told;
}

static int producer_poll(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  if (timeout_ms > 0 && !is_told(producer)) task_wait(machine_now_ms() + timeout_ms, is_told, producer);
  return is_cut_off(producer) ? 0 : tell(producer);
}

static enum error producer_status(struct kafka_producer *base) {
  return ((struct producer *)base)->dead;
}

static bool is_through(void *ctx) {
  struct producer *producer = ctx;
  return producer->decided == producer->count || producer->dead;
}

static enum error producer_flush(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  if (!is_through(producer)) task_wait(machine_now_ms() + timeout_ms, is_through, producer);
  if (is_cut_off(producer)) return ERR_TIMEOUT;
  tell(producer);
  return producer->count ? ERR_TIMEOUT : OK;
}

static int64_t producer_pending(struct kafka_producer *base) {
  return (int64_t)((struct producer *)base)->count;
}

static enum error producer_partitions(struct kafka_producer *base, const char *topic, int32_t *count) {
  (void)topic;
  task_give_way();
  if (is_cut_off((struct producer *)base) || bus_is_held()) return ERR_UNAVAILABLE;
  *count = BUS_PARTITIONS;
  return OK;
}

// ---- transactions

static void end_orphan(uint64_t transaction) {
  for (size_t i = 0; i < orphan_count; i++) {
    if (orphans[i].transaction != transaction) continue;
    trace("an open transaction of %s times out", orphans[i].transactional);
    orphans[i] = orphans[--orphan_count];
    bus_end_transaction(transaction, false);
    return;
  }
}

static void on_transaction_timeout(void *ctx, uint64_t transaction) {
  (void)ctx;
  end_orphan(transaction);
  for (size_t i = 0; i < PRODUCERS_MAX; i++) {
    struct producer *producer = producers[i];
    if (!producer || producer->transaction != transaction || producer->committed || producer->dead) continue;
    trace("a transaction of %s times out", producer->transactional);
    bus_end_transaction(transaction, false);
    producer->dead = ERR_KAFKA_FATAL;
  }
}

void bus_watch_transactions(void) {
  for (size_t i = 0; i < PRODUCERS_MAX; i++)
    if (producers[i] && producers[i]->transaction && unit_is_stopped(producers[i]->unit))
      machine_in(TRANSACTION_TIMEOUT_MS, on_transaction_timeout, NULL, producers[i]->transaction);
}

// Of a process that died: it holds up the readers until it times out, or another of that name comes.
static void leave_orphan(const struct producer *producer) {
  assert(orphan_count < PRODUCERS_MAX);
  orphans[orphan_count].transaction = producer->transaction;
  memcpy(orphans[orphan_count++].transactional, producer->transactional, NAME_SIZE);
  machine_in(TRANSACTION_TIMEOUT_MS, on_transaction_timeout, NULL, producer->transaction);
}

static enum error producer_begin(struct kafka_producer *base) {
  struct producer *producer = (struct producer *)base;
  if (is_cut_off(producer)) return ERR_UNAVAILABLE;
  if (producer->dead) return producer->dead;
  assert(producer->transactional[0] && !producer->transaction);
  producer->transaction = ++transactions;
  producer->committed = producer->doomed = false;
  return OK;
}

static void drop_offsets(struct producer *producer) {
  free(producer->offsets);
  free(producer->notes);
  producer->offsets = NULL;
  producer->notes = NULL;
  producer->offset_count = 0;
}

static enum error producer_send_offsets(struct kafka_producer *base, struct kafka_consumer *consumer,
                                        const struct kafka_position *offsets, size_t count, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  task_give_way();
  if (is_cut_off(producer)) return ERR_UNAVAILABLE;
  if (producer->dead) return producer->dead;
  assert(producer->transaction && !producer->offsets);
  if (bus_is_held()) {
    task_wait(machine_now_ms() + timeout_ms, NULL, NULL);
    if (bus_is_held()) return ERR_TIMEOUT;
    if (producer->dead) return producer->dead;
  }
  producer->offsets = calloc(count, sizeof *producer->offsets);
  producer->notes = calloc(count, sizeof *producer->notes);
  if (!producer->offsets || !producer->notes) abort();
  producer->member = bus_consumer_member(consumer);
  for (size_t i = 0; i < count; i++) {
    producer->offsets[i] = offsets[i];
    producer->offsets[i].topic = bus_topic_names[bus_topic_of(offsets[i].topic)];
    snprintf(producer->notes[i], sizeof producer->notes[i], "%s", offsets[i].metadata ? offsets[i].metadata : "");
    producer->offsets[i].metadata = producer->notes[i];
    if (!bus_member_may_commit(producer->member, offsets[i].partition)) producer->doomed = true;
  }
  producer->offset_count = count;
  return producer->doomed ? ERR_ABORTED : OK;
}

static void really_commit(struct producer *producer) {
  for (size_t i = 0; i < producer->offset_count; i++) bus_member_commit(producer->member, &producer->offsets[i]);
  drop_offsets(producer);
  bus_end_transaction(producer->transaction, true);
  producer->committed = true;
}

// The generation is looked at again: it may have changed since the offsets were sent.
static bool may_commit(const struct producer *producer) {
  bool may = !producer->doomed;
  for (size_t i = 0; i < producer->offset_count; i++)
    may &= bus_member_may_commit(producer->member, producer->offsets[i].partition);
  return may;
}

static enum error producer_commit(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  if (!is_through(producer)) task_wait(machine_now_ms() + timeout_ms, is_through, producer);
  if (bus_is_held()) task_wait(machine_now_ms() + timeout_ms, NULL, NULL);
  if (is_cut_off(producer)) return ERR_UNAVAILABLE;
  if (producer->dead) return producer->dead;
  if (bus_is_held() || producer->decided < producer->count) return ERR_TIMEOUT;
  tell(producer);
  bool trouble = !bus_is_calm() && chance_of(TROUBLE);
  uint64_t which = chance_below(3);
  if (!producer->committed) {
    if (!may_commit(producer) || (trouble && which == 0)) return ERR_ABORTED;
    if (!(trouble && which == 1)) really_commit(producer);
    faults_tempt(producer->unit);
    if (trouble && which == 1) {
      bus_end_transaction(producer->transaction, false);
      producer->dead = ERR_KAFKA_FATAL;
      return producer->dead;
    }
    task_give_way();
    if (is_cut_off(producer)) return ERR_UNAVAILABLE;
    if (trouble) return ERR_TIMEOUT; // done, but the answer is late
  }
  producer->transaction = 0;
  return OK;
}

static enum error producer_abort(struct kafka_producer *base, int timeout_ms) {
  struct producer *producer = (struct producer *)base;
  (void)timeout_ms;
  task_give_way();
  if (is_cut_off(producer)) return ERR_UNAVAILABLE;
  if (producer->dead) return producer->dead;
  if (bus_is_held()) return ERR_TIMEOUT;
  assert(!producer->committed);
  take(producer, producer->count);
  tell(producer);
  if (producer->transaction) bus_end_transaction(producer->transaction, false);
  producer->transaction = 0;
  drop_offsets(producer);
  return OK;
}

// ---- the end

// What is on its way when a producer goes: the broker takes some of it.
static void let_go(struct producer *producer) {
  if (!bus_is_held() && !producer->dead)
    take(producer, producer->decided + chance_below(producer->count - producer->decided + 1));
}

static void producer_close(struct kafka_producer *base) {
  struct producer *producer = (struct producer *)base;
  let_go(producer);
  bool open = producer->transaction && !producer->committed && producer->dead == OK;
  if (open && is_cut_off(producer)) leave_orphan(producer);
  if (open && !is_cut_off(producer)) bus_end_transaction(producer->transaction, false);
  for (size_t i = 0; i < PRODUCERS_MAX; i++)
    if (producers[i] == producer) producers[i] = NULL;
  bool cut_off = is_cut_off(producer);
  while (producer->count) {
    struct sent sent = producer->queue[0];
    memmove(producer->queue, producer->queue + 1, --producer->count * sizeof sent);
    free((void *)(uintptr_t)sent.key.data);
    free((void *)(uintptr_t)sent.value.data);
    enum error err = sent.decided && !cut_off ? sent.err : ERR_UNKNOWN_OUTCOME;
    if (producer->on_delivered) producer->on_delivered(producer->ctx, sent.opaque, err, sent.partition, sent.offset);
  }
  drop_offsets(producer);
  free(producer->queue);
  free(producer);
}

void bus_producers_begin(void) {
  orphan_count = 0;
}

void bus_kill_producer(const char *unit_name) {
  for (size_t i = 0; i < PRODUCERS_MAX; i++) {
    struct producer *producer = producers[i];
    if (!producer || strcmp(producer->unit->name, unit_name) != 0 || producer->dead) continue;
    trace("a producer of %s dies", unit_name);
    let_go(producer);
    if (producer->transaction && !producer->committed) bus_end_transaction(producer->transaction, chance_of(5000));
    producer->dead = ERR_KAFKA_FATAL;
    for (size_t k = chance_below(producer->decided + 1); k < producer->count; k++) {
      producer->queue[k].decided = true; // whatever became of it
      producer->queue[k].err = ERR_KAFKA_FATAL;
    }
    producer->decided = producer->count;
  }
}

static const struct kafka_producer_ops ops = {
    .send = producer_send,
    .poll = producer_poll,
    .status = producer_status,
    .flush = producer_flush,
    .pending = producer_pending,
    .partitions = producer_partitions,
    .begin = producer_begin,
    .send_offsets = producer_send_offsets,
    .commit = producer_commit,
    .abort = producer_abort,
    .close = producer_close,
};

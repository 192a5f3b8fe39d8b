// SPDX-License-Identifier: Apache-2.0
// Before a commit is done, what it is about to overwrite is kept for a second, so that it can be taken back.
#include "vault.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billing/core/fold.h"
#include "bus.h"
#include "canary.h"
#include "check.h"
#include "faults.h"
#include "ports.h"
#include "process.h"
#include "trace.h"
#include "wire/state.h"

enum {
  FORGET_MS = 1000,
  UNDOS_MAX = 4096,
  ARENA_MAX = 256 << 20,
  LOST_ANSWER = 40, // in ten thousand
  REFUSED = 40,
  BROKEN = 20,
  META_MAX = 4096,
};

// One key's value before a commit.
struct undo {
  int64_t at_ms;
  uint64_t commit;
  struct bytes key, member; // member .data NULL: a string
  struct bytes value;       // NULL: there was none; of a member: its score
};

struct connection {
  struct redis base;
  struct unit *unit;
  struct redis *inner;
  bool second;
};

static struct redis_memory *store, *second_store;
static char second_instance[8];
static struct redis *own;
static struct arena *arena;
static struct undo undos[UNDOS_MAX];
static size_t undo_count;
static uint64_t commits;
static int64_t away_until_ms;

static const struct redis_ops ops;

#define MUST(call)                                                                                                     \
  do {                                                                                                                 \
    if ((call) != OK) abort();                                                                                         \
  } while (0)

static void put_metas(struct redis_memory *into) {
  struct redis *redis;
  MUST(redis_memory_open(into, &redis));
  for (int p = 0; p < BUS_PARTITIONS; p++) {
    struct partition_meta meta = {.partition_count = BUS_PARTITIONS, .fold_version = FOLD_VERSION};
    struct buffer encoded;
    char key[32];
    snprintf(key, sizeof key, "{p%d}:meta", p);
    buffer_init(&encoded, META_MAX);
    MUST(wire_partition_meta_encode(&meta, &encoded));
    struct redis_fence fence = {.key = bytes_text(key), .next = buffer_bytes(&encoded)};
    MUST(redis_commit(redis, &fence, NULL, 0));
    buffer_fini(&encoded);
  }
  redis_close(redis);
}

void vault_begin(void) {
  store = redis_memory_new();
  arena = arena_new(ARENA_MAX);
  if (!store || !arena) abort();
  undo_count = 0;
  commits = 0;
  away_until_ms = 0;
  put_metas(store);
  MUST(redis_memory_open(store, &own));
}

static void drop_undos(size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((void *)(uintptr_t)undos[i].key.data);
    free((void *)(uintptr_t)undos[i].member.data);
    free((void *)(uintptr_t)undos[i].value.data);
  }
  memmove(undos, undos + count, (undo_count - count) * sizeof *undos);
  undo_count -= count;
}

void vault_end(void) {
  drop_undos(undo_count);
  redis_close(own);
  redis_memory_free(store);
  arena_free(arena);
}

struct redis_memory *vault_open_second(const char *instance) {
  second_store = redis_memory_new();
  if (!second_store) abort();
  snprintf(second_instance, sizeof second_instance, "%s", instance);
  put_metas(second_store);
  return second_store;
}

void vault_close_second(void) {
  redis_memory_free(second_store);
  second_store = NULL;
}

struct redis_memory *vault_store(void) {
  return store;
}

void vault_dump(struct redis_memory *from, struct buffer *to) {
  struct buffer all;
  buffer_init(&all, ARENA_MAX);
  MUST(redis_memory_dump(from, &all));
  const char *text = buffer_text(&all);
  for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
    const char *outbox = strstr(line, ":outbox ");
    if (!outbox || outbox > end) MUST(buffer_append(to, line, (size_t)(end - line) + 1));
  }
  buffer_fini(&all);
}

// ---- forgetting

static struct bytes copy_of(struct bytes from) {
  if (!from.data) return from;
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  if (from.len) memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

static struct bytes value_of(const struct bytes *words, size_t count) {
  struct redis_command command = {words, count};
  struct redis_value reply;
  arena_reset(arena);
  MUST(redis_pipeline(own, &command, 1, arena, &reply));
  return reply.type == REDIS_STRING ? reply.text : (struct bytes){NULL, 0};
}

static void keep(struct bytes key, struct bytes member) {
  if (undo_count == UNDOS_MAX) drop_undos(UNDOS_MAX / 4); // older than a second is not forgotten, nor is this
  struct bytes words[] = {bytes_text(member.data ? "ZSCORE" : "GET"), key, member};
  undos[undo_count++] = (struct undo){.at_ms = machine_now_ms(),
                                      .commit = commits,
                                      .key = copy_of(key),
                                      .member = copy_of(member),
                                      .value = copy_of(value_of(words, member.data ? 3 : 2))};
}

static void keep_old(struct bytes fence_key, const struct redis_command *writes, size_t count) {
  size_t old = 0;
  while (old < undo_count && undos[old].at_ms < machine_now_ms() - FORGET_MS) old++;
  drop_undos(old);
  commits++;
  keep(fence_key, (struct bytes){NULL, 0});
  for (size_t i = 0; i < count; i++) {
    const struct bytes *words = writes[i].words;
    bool added = bytes_equal_text(words[0], "ZADD"), removed = bytes_equal_text(words[0], "ZREM");
    keep(words[1], added ? words[3] : removed ? words[2] : (struct bytes){NULL, 0});
  }
}

static void take_back(const struct undo *undo) {
  bool was = undo->value.data != NULL;
  struct bytes words[4] = {bytes_text(undo->member.data ? was ? "ZADD" : "ZREM" : was ? "SET" : "DEL"), undo->key};
  size_t count = 2;
  if (undo->member.data && was) words[count++] = undo->value;
  if (undo->member.data) words[count++] = undo->member;
  if (!undo->member.data && was) words[count++] = undo->value;
  struct redis_command command = {words, count};
  struct redis_value reply;
  arena_reset(arena);
  MUST(redis_pipeline(own, &command, 1, arena, &reply));
  assert(reply.type != REDIS_ERROR);
}

void vault_crash(int64_t away_ms) {
  uint64_t first = undo_count ? undos[0].commit : commits;
  uint64_t last_kept = first + chance_below(commits - first + 2); // this one and later ones are forgotten
  size_t taken = 0;
  for (; undo_count > 0 && undos[undo_count - 1].commit >= last_kept; taken++) {
    bool recent = undos[undo_count - 1].at_ms >= machine_now_ms() - FORGET_MS;
    if (!recent) break;
    take_back(&undos[undo_count - 1]);
    struct undo gone = undos[--undo_count];
    free((void *)(uintptr_t)gone.key.data);
    free((void *)(uintptr_t)gone.member.data);
    free((void *)(uintptr_t)gone.value.data);
  }
  away_until_ms = machine_now_ms() + away_ms;
  trace("Redis dies, forgets %zu writes and is away for %lld ms", taken, (long long)away_ms);
}

// ---- connections

enum error sim_redis_open(const struct redis_settings *settings, struct redis **redis) {
  (void)settings;
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) abort();
  connection->base.ops = &ops;
  connection->unit = unit_current();
  connection->second = second_store && strcmp(connection->unit->instance, second_instance) == 0;
  MUST(redis_memory_open(connection->second ? second_store : store, &connection->inner));
  *redis = &connection->base;
  return OK;
}

static bool is_cut_off(const struct connection *connection) {
  if (unit_is_dead(connection->unit)) return true;
  return !connection->second && machine_now_ms() < away_until_ms;
}

static enum error connection_connect(struct redis *base) {
  task_give_way();
  return is_cut_off((struct connection *)base) ? ERR_UNAVAILABLE : OK;
}

static enum error connection_pipeline(struct redis *base, const struct redis_command *commands, size_t count,
                                      struct arena *to, struct redis_value *values) {
  struct connection *connection = (struct connection *)base;
  task_give_way();
  if (is_cut_off(connection)) return ERR_UNAVAILABLE;
  if (!connection->second && !bus_is_calm() && chance_of(BROKEN)) return ERR_DISCONNECTED;
  enum error err = redis_pipeline(connection->inner, commands, count, to, values);
  task_give_way();
  return is_cut_off(connection) ? ERR_DISCONNECTED : err;
}

static enum error really_commit(const struct connection *connection, const struct redis_fence *fence,
                                const struct redis_command *writes, size_t count) {
  if (connection->second) return redis_commit(connection->inner, fence, writes, count);
  struct redis_command *kept = calloc(count + 1, sizeof *kept);
  if (!kept) abort();
  size_t kept_count = 0;
  for (size_t i = 0; i < count; i++) {
    struct bytes key = writes[i].words[1];
    bool outbox = key.len > 7 && memcmp(key.data + key.len - 7, ":outbox", 7) == 0;
    if (!(outbox && canary_sings(CANARY_OUTBOX))) kept[kept_count++] = writes[i];
  }
  struct redis_fence own_fence = *fence;
  struct bytes words[] = {bytes_text("GET"), fence->key};
  struct bytes stored = value_of(words, 2);
  bool holds = bytes_equal(stored, fence->expected);
  if (!holds && !canary_sings(CANARY_FENCE)) {
    free(kept);
    return ERR_FENCE_LOST;
  }
  struct bytes expected = copy_of(stored);
  own_fence.expected = expected;
  keep_old(fence->key, kept, kept_count);
  enum error err = redis_commit(connection->inner, &own_fence, kept, kept_count);
  if (!err) check_committed(connection->unit, &own_fence, writes, count);
  free((void *)(uintptr_t)expected.data);
  free(kept);
  return err;
}

static enum error connection_commit(struct redis *base, const struct redis_fence *fence,
                                    const struct redis_command *writes, size_t count) {
  struct connection *connection = (struct connection *)base;
  faults_tempt(connection->unit);
  task_give_way();
  if (is_cut_off(connection)) return ERR_UNAVAILABLE;
  bool calm = connection->second || bus_is_calm();
  if (!calm && chance_of(REFUSED)) return ERR_UNAVAILABLE;
  bool lost = !calm && chance_of(LOST_ANSWER);
  if (lost && chance_of(5000)) return ERR_UNKNOWN_OUTCOME; // before it was done
  enum error err = really_commit(connection, fence, writes, count);
  faults_tempt(connection->unit);
  task_give_way();
  if (lost || is_cut_off(connection)) return ERR_UNKNOWN_OUTCOME;
  return err;
}

static void connection_close(struct redis *base) {
  struct connection *connection = (struct connection *)base;
  redis_close(connection->inner);
  free(connection);
}

static const struct redis_ops ops = {
    .connect = connection_connect,
    .pipeline = connection_pipeline,
    .commit = connection_commit,
    .close = connection_close,
};

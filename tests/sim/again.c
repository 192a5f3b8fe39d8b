// SPDX-License-Identifier: Apache-2.0
#include "again.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "check.h"
#include "ports.h"
#include "process.h"
#include "trace.h"
#include "vault.h"
#include "wire/decision.h"
#include "wire/state.h"

enum { DUMP_MAX = 512 << 20, ARENA_MAX = 64 << 20, STEPS_MAX = 5000000, SHOWN = 300 };

static const char *const settings[] = {"RISER_CLOCK",         "log", "RISER_BATCH_RECORDS",   "300",
                                       "RISER_BATCH_WRITES",  "900", "RISER_BATCH_DECISIONS", "150",
                                       "RISER_POLL_RECORDS",  "500", NULL};
static const struct program program = {"billing", billing_main, settings};

static struct unit *folder;
static bool running;
static int64_t limits[BUS_PARTITIONS];

void again_begin(void) {
  running = false;
  folder = unit_make(&program, "again");
}

bool again_is_running(void) {
  return running;
}

bool again_is(const struct unit *unit) {
  return unit && unit == folder;
}

int64_t again_limit(int32_t partition) {
  return limits[partition];
}

static bool fence_in(struct redis_memory *store, int32_t partition, int64_t *next_offset) {
  struct redis *redis;
  struct bytes value;
  struct partition_meta meta = {.next_index = 1};
  char key[32];
  struct arena *arena = arena_new(ARENA_MAX);
  snprintf(key, sizeof key, "{p%d}:meta", (int)partition);
  struct bytes name = bytes_text(key);
  if (!arena || redis_memory_open(store, &redis) || redis_get_many(redis, &name, 1, arena, &value)) abort();
  if (!value.data || wire_partition_meta_decode(value, arena, &meta)) violated("same log, same state", "no fence");
  redis_close(redis);
  arena_free(arena);
  *next_offset = meta.next_offset;
  return meta.next_index == 0;
}

bool again_fence(int32_t partition, int64_t *next_offset) {
  return fence_in(vault_store(), partition, next_offset);
}

static bool is_there(struct redis_memory *second) {
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) {
    int64_t next;
    if (!fence_in(second, p, &next) || next < limits[p]) return false;
  }
  return true;
}

static void compare_states(struct redis_memory *second) {
  struct buffer first, other;
  buffer_init(&first, DUMP_MAX);
  buffer_init(&other, DUMP_MAX);
  vault_dump(vault_store(), &first);
  vault_dump(second, &other);
  const char *a = buffer_text(&first), *b = buffer_text(&other);
  size_t at = 0, line = 0;
  while (a[at] && a[at] == b[at]) {
    at++;
    if (a[at - 1] == '\n') line = at;
  }
  if (a[at] || b[at])
    violated("same log, same state", "Redis: %.*s | from the log: %.*s", SHOWN, a + line, SHOWN, b + line);
  for (const char *c = a; *c; c++) machine_note((uint64_t)*c);
  buffer_fini(&first);
  buffer_fini(&other);
}

// The next one that was not said before; repetitions were compared when they came.
static bool next_new(int32_t partition, size_t *at, struct cause *last, struct bytes *value, struct arena *arena) {
  const struct bus_log *log = bus_log(BUS_DECISION, partition);
  for (; *at < log->count; (*at)++) {
    struct decision decision;
    arena_reset(arena);
    if (log->records[*at].state != BUS_COMMITTED) continue;
    if (wire_decision_decode(log->records[*at].value, arena, &decision)) continue;
    if (cause_compare(decision.cause, *last) <= 0) continue;
    *last = decision.cause;
    *value = log->records[(*at)++].value;
    return true;
  }
  return false;
}

static void compare_decisions(int32_t partition, bool whole) {
  struct arena *arena = arena_new(ARENA_MAX);
  const struct bus_log *again = bus_log(BUS_DECISION_AGAIN, partition);
  struct cause last = {.partition = (uint32_t)partition, .offset = -1};
  struct bytes value;
  size_t at = 0, same = 0;
  if (!arena) abort();
  while (!is_violated() && next_new(partition, &at, &last, &value, arena)) {
    // Beyond the fence: Redis has forgotten what Kafka knows.
    if (same == again->count && last.offset >= limits[partition]) break;
    if (same < again->count && bytes_equal(again->records[same++].value, value)) continue;
    violated("same log, same decisions", "partition %d: number %zu, cause %lld.%u", (int)partition, same,
             (long long)last.offset, last.index);
  }
  if (whole && same < again->count && !is_violated()) {
    struct decision decision = {.id = "?"};
    arena_reset(arena);
    if (wire_decision_decode(again->records[same].value, arena, &decision)) decision.id = "?";
    violated("no decision is lost", "partition %d: %zu of %zu, first %s", (int)partition, again->count - same,
             again->count, decision.id);
  }
  arena_free(arena);
}

void again_check(bool whole) {
  for (size_t i = 0; i < unit_count(); i++) unit_kill(unit_at(i));
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) {
    if (!again_fence(p, &limits[p])) return; // a record is applied in part: another time
  }
  bool was_calm = bus_is_calm();
  running = true;
  bus_set_calm(true);
  trace("the log is folded again");
  struct redis_memory *second = vault_open_second(folder->instance);
  bus_forget(BUS_DECISION_AGAIN);
  bus_forget(BUS_DEVICE_AGAIN);
  unit_start(folder);
  for (uint64_t i = 0; !is_violated() && (i % 64 || !is_there(second)); i++) {
    if (i == STEPS_MAX || folder->state == PROCESS_DOWN) violated("same log, same state", "the fold does not end");
    machine_step();
  }
  unit_drain(folder); // flushes what it has to say
  for (uint64_t i = 0; !is_violated() && folder->state != PROCESS_DOWN && i < STEPS_MAX; i++) machine_step();
  if (!is_violated()) compare_states(second);
  for (int32_t p = 0; !is_violated() && p < BUS_PARTITIONS; p++) compare_decisions(p, whole);
  unit_kill(folder);
  vault_close_second();
  bus_set_calm(was_calm);
  running = false;
  tally.folds++;
}

// SPDX-License-Identifier: Apache-2.0
#include "bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "base/murmur2.h"
#include "check.h"
#include "process.h"
#include "trace.h"

const char *const bus_topic_names[BUS_TOPICS] = {"riser.site.v1",   "riser.decision.v1", "riser.command.v1",
                                                 "riser.device.v1", "riser.person.v1",   "riser.reject.v1",
                                                 "riser.decision.v1", "riser.device.v1"};

static struct bus_log logs[BUS_TOPICS][BUS_PARTITIONS];
static int64_t held_until_ms;
static bool calm;

void bus_begin(void) {
  held_until_ms = 0;
  calm = false;
  bus_groups_begin();
  bus_producers_begin();
}

void bus_forget(enum bus_topic topic) {
  for (int p = 0; p < BUS_PARTITIONS; p++) {
    struct bus_log *log = &logs[topic][p];
    for (size_t i = 0; i < log->count; i++) {
      free((void *)(uintptr_t)log->records[i].key.data);
      free((void *)(uintptr_t)log->records[i].value.data);
    }
    free(log->records);
    *log = (struct bus_log){.records = NULL};
  }
}

void bus_end(void) {
  bus_groups_end();
  for (int t = 0; t < BUS_TOPICS; t++) bus_forget((enum bus_topic)t);
}

struct bus_log *bus_log(enum bus_topic topic, int32_t partition) {
  assert(partition >= 0 && partition < BUS_PARTITIONS);
  return &logs[topic][partition];
}

enum bus_topic bus_topic_of(const char *name) {
  int t = 0;
  while (t < BUS_TOPICS && strcmp(bus_topic_names[t], name) != 0) t++;
  assert(t < BUS_TOPICS);
  if (!again_is(unit_current())) return (enum bus_topic)t;
  return t == BUS_DECISION ? BUS_DECISION_AGAIN : t == BUS_DEVICE ? BUS_DEVICE_AGAIN : (enum bus_topic)t;
}

int32_t bus_partition_of(struct bytes key) {
  return key.data ? murmur2_partition(key, BUS_PARTITIONS) : 0;
}

static struct bytes copy_of(struct bytes from) {
  if (!from.data) return from;
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  if (from.len) memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

static void settle_stable(enum bus_topic topic, int32_t partition) {
  struct bus_log *log = bus_log(topic, partition);
  for (; log->stable < log->count && log->records[log->stable].state != BUS_OPEN; log->stable++) {
    if (log->records[log->stable].state != BUS_COMMITTED) continue;
    struct kafka_record record;
    bus_record_at(topic, partition, (int64_t)log->stable, &record);
    check_record(topic, &record);
  }
}

int64_t bus_append(enum bus_topic topic, int32_t partition, const struct kafka_send *record, uint64_t writer) {
  struct bus_log *log = bus_log(topic, partition);
  if (log->count == log->room) {
    log->room = log->room ? 2 * log->room : 256;
    log->records = realloc(log->records, log->room * sizeof *log->records);
    if (!log->records) abort();
  }
  log->records[log->count] = (struct bus_record){.state = writer ? BUS_OPEN : BUS_COMMITTED,
                                                 .writer = writer,
                                                 .timestamp_ms = machine_now_ms(),
                                                 .key = copy_of(record->key),
                                                 .value = copy_of(record->value)};
  int64_t offset = (int64_t)log->count++;
  machine_note((uint64_t)offset << 8 | (uint64_t)topic << 4 | (uint64_t)partition);
  struct kafka_record appended;
  bus_record_at(topic, partition, offset, &appended);
  check_appended(topic, &appended);
  settle_stable(topic, partition);
  return offset;
}

void bus_end_transaction(uint64_t writer, bool commit) {
  static const struct kafka_send marker = {.timestamp_ms = 1};
  for (int t = 0; t < BUS_TOPICS; t++)
    for (int32_t p = 0; p < BUS_PARTITIONS; p++) {
      struct bus_log *log = bus_log((enum bus_topic)t, p);
      bool touched = false;
      for (size_t i = log->stable; i < log->count; i++) {
        struct bus_record *record = &log->records[i];
        if (record->state != BUS_OPEN || record->writer != writer) continue;
        record->state = commit ? BUS_COMMITTED : BUS_ABORTED;
        touched = true;
      }
      if (!touched) continue;
      int64_t at = bus_append((enum bus_topic)t, p, &marker, writer);
      log->records[at].state = BUS_MARKER;
      settle_stable((enum bus_topic)t, p);
    }
}

void bus_record_at(enum bus_topic topic, int32_t partition, int64_t offset, struct kafka_record *record) {
  const struct bus_record *kept = &bus_log(topic, partition)->records[offset];
  *record = (struct kafka_record){.topic = bus_topic_names[topic],
                                  .partition = partition,
                                  .offset = offset,
                                  .timestamp_ms = kept->timestamp_ms,
                                  .append_time = true,
                                  .key = kept->key,
                                  .value = kept->value};
}

bool bus_write(enum bus_topic topic, struct bytes key, struct bytes value) {
  if (bus_is_held()) return false;
  struct kafka_send send = {.key = key, .value = value};
  bus_append(topic, bus_partition_of(key), &send, 0);
  return true;
}

void bus_hold(int64_t for_ms) {
  trace("Kafka is away for %lld ms", (long long)for_ms);
  held_until_ms = machine_now_ms() + for_ms;
}

bool bus_is_held(void) {
  return machine_now_ms() < held_until_ms;
}

int64_t bus_held_until_ms(void) {
  return held_until_ms;
}

void bus_set_calm(bool is_calm) {
  calm = is_calm;
}

bool bus_is_calm(void) {
  return calm;
}

bool bus_is_idle(void) {
  return bus_groups_are_still() && bus_consumers_are_done();
}

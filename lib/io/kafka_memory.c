// SPDX-License-Identifier: Apache-2.0
// The twin's broker. Plain arrays and linear searches: tests are small. Without memory it aborts.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "io/kafka_memory_log.h"

static struct bytes copy_bytes(struct bytes from);
static struct memory_partition *partition_named(struct kafka_memory *broker, const char *topic, int32_t partition);

struct kafka_memory *kafka_memory_new(int32_t partitions) {
  struct kafka_memory *broker = calloc(1, sizeof *broker);
  if (broker) broker->partition_count = partitions;
  return broker;
}

void kafka_memory_free(struct kafka_memory *broker) {
  if (!broker) return;
  assert(broker->producer_count == 0 && broker->consumer_count == 0);
  for (size_t t = 0; t < broker->topic_count; t++) {
    for (int32_t p = 0; p < broker->partition_count; p++) {
      struct memory_partition *partition = &broker->topics[t].partitions[p];
      for (size_t i = 0; i < partition->count; i++) {
        free((void *)(uintptr_t)partition->records[i]->key.data);
        free((void *)(uintptr_t)partition->records[i]->value.data);
        free(partition->records[i]);
      }
      free(partition->records);
    }
    free(broker->topics[t].partitions);
    free(broker->topics[t].name);
  }
  for (size_t g = 0; g < broker->group_count; g++) {
    for (size_t i = 0; i < broker->groups[g].offset_count; i++) {
      free(broker->groups[g].offsets[i].topic);
      free(broker->groups[g].offsets[i].metadata);
    }
    free(broker->groups[g].offsets);
    free(broker->groups[g].name);
  }
  free(broker);
}

void kafka_memory_fail_deliveries(struct kafka_memory *broker, int count, enum error err) {
  broker->failing_deliveries = count;
  broker->delivery_error = err;
}

void kafka_memory_fail_commits(struct kafka_memory *broker, int count, enum error err) {
  broker->failing_commits = count;
  broker->commit_error = err;
}

void kafka_memory_kill_producers(struct kafka_memory *broker) {
  for (size_t i = 0; i < broker->producer_count; i++) memory_producer_kill(broker->producers[i]);
}

void kafka_memory_hold(struct kafka_memory *broker, bool held) {
  broker->held = held;
  for (size_t i = 0; !held && i < broker->producer_count; i++) memory_producer_release(broker->producers[i]);
}

void kafka_memory_misplace_seeks(struct kafka_memory *broker, int count, int64_t ahead) {
  broker->misplaced_seeks = count;
  broker->misplaced_by = ahead;
}

void kafka_memory_rebalance(struct kafka_memory *broker, bool lost) {
  for (size_t i = 0; i < broker->consumer_count; i++) memory_consumer_rebalance(broker->consumers[i], lost);
}

bool kafka_memory_record(struct kafka_memory *broker, const char *topic, int32_t partition, size_t index,
                         struct kafka_record *record) {
  const struct memory_partition *log = partition_named(broker, topic, partition);
  int64_t end = memory_stable_end(log);
  for (int64_t offset = 0; offset < end; offset++) {
    if (log->records[offset]->state != MEMORY_COMMITTED || index--) continue;
    memory_fill(memory_topic(broker, topic), partition, offset, record);
    return true;
  }
  return false;
}

size_t kafka_memory_count(struct kafka_memory *broker, const char *topic) {
  size_t count = 0;
  for (int32_t p = 0; p < broker->partition_count; p++) {
    const struct memory_partition *log = partition_named(broker, topic, p);
    int64_t end = memory_stable_end(log);
    for (int64_t offset = 0; offset < end; offset++) count += log->records[offset]->state == MEMORY_COMMITTED;
  }
  return count;
}

static struct memory_partition *partition_named(struct kafka_memory *broker, const char *topic, int32_t partition) {
  assert(partition >= 0 && partition < broker->partition_count);
  return &memory_topic(broker, topic)->partitions[partition];
}

struct memory_topic *memory_topic(struct kafka_memory *broker, const char *name) {
  for (size_t i = 0; i < broker->topic_count; i++)
    if (strcmp(broker->topics[i].name, name) == 0) return &broker->topics[i];
  assert(broker->topic_count < MEMORY_TOPICS_MAX);
  struct memory_topic *topic = &broker->topics[broker->topic_count++];
  topic->name = strdup(name);
  topic->partitions = calloc((size_t)broker->partition_count, sizeof *topic->partitions);
  if (!topic->name || !topic->partitions) abort();
  return topic;
}

struct memory_group *memory_group(struct kafka_memory *broker, const char *name) {
  for (size_t i = 0; i < broker->group_count; i++)
    if (strcmp(broker->groups[i].name, name) == 0) return &broker->groups[i];
  assert(broker->group_count < MEMORY_GROUPS_MAX);
  struct memory_group *group = &broker->groups[broker->group_count++];
  group->name = strdup(name);
  if (!group->name) abort();
  return group;
}

struct memory_offset *memory_group_offset(struct memory_group *group, const char *topic, int32_t partition) {
  for (size_t i = 0; i < group->offset_count; i++)
    if (group->offsets[i].partition == partition && strcmp(group->offsets[i].topic, topic) == 0)
      return &group->offsets[i];
  return NULL;
}

void memory_group_commit(struct memory_group *group, const struct kafka_position *position) {
  struct memory_offset *offset = memory_group_offset(group, position->topic, position->partition);
  if (!offset) {
    group->offsets = realloc(group->offsets, (group->offset_count + 1) * sizeof *group->offsets);
    if (!group->offsets) abort();
    offset = &group->offsets[group->offset_count++];
    *offset = (struct memory_offset){.topic = strdup(position->topic), .partition = position->partition};
  }
  free(offset->metadata);
  offset->offset = position->offset;
  offset->metadata = position->metadata ? strdup(position->metadata) : NULL;
}

int64_t memory_append(struct memory_partition *partition, const struct kafka_send *record,
                      const struct memory_producer *writer) {
  if (partition->count == partition->capacity) {
    partition->capacity = partition->capacity ? 2 * partition->capacity : 16;
    partition->records = realloc(partition->records, partition->capacity * sizeof *partition->records);
    if (!partition->records) abort();
  }
  struct memory_record *kept = calloc(1, sizeof *kept);
  if (!kept) abort();
  kept->state = writer ? MEMORY_OPEN : MEMORY_COMMITTED;
  kept->writer = writer;
  kept->timestamp_ms = record->timestamp_ms ? record->timestamp_ms : clock_wall_ms();
  kept->key = copy_bytes(record->key);
  kept->value = copy_bytes(record->value);
  partition->records[partition->count] = kept;
  return (int64_t)partition->count++;
}

static struct bytes copy_bytes(struct bytes from) {
  if (!from.data) return from;
  uint8_t *copy = malloc(from.len + 1);
  if (!copy) abort();
  if (from.len) memcpy(copy, from.data, from.len);
  return bytes_make(copy, from.len);
}

void memory_end_transaction(struct kafka_memory *broker, const struct memory_producer *writer,
                            enum memory_state state) {
  static const struct kafka_send marker = {.timestamp_ms = 1};
  for (size_t t = 0; t < broker->topic_count; t++) {
    for (int32_t p = 0; p < broker->partition_count; p++) {
      struct memory_partition *partition = &broker->topics[t].partitions[p];
      bool touched = false;
      for (size_t i = 0; i < partition->count; i++) {
        struct memory_record *record = partition->records[i];
        if (record->state != MEMORY_OPEN || record->writer != writer) continue;
        record->state = state;
        touched = true;
      }
      if (touched) partition->records[memory_append(partition, &marker, NULL)]->state = MEMORY_MARKER;
    }
  }
}

int64_t memory_stable_end(const struct memory_partition *partition) {
  for (size_t i = 0; i < partition->count; i++)
    if (partition->records[i]->state == MEMORY_OPEN) return (int64_t)i;
  return (int64_t)partition->count;
}

void memory_fill(const struct memory_topic *topic, int32_t partition, int64_t offset, struct kafka_record *record) {
  const struct memory_record *kept = topic->partitions[partition].records[offset];
  *record = (struct kafka_record){
      .topic = topic->name,
      .partition = partition,
      .offset = offset,
      .timestamp_ms = kept->timestamp_ms,
      .key = kept->key,
      .value = kept->value,
  };
}

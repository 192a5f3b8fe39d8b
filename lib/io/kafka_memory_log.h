// SPDX-License-Identifier: Apache-2.0
// What the twin's broker keeps: logs, groups, transactional ids. Internal to lib/io's in-memory Kafka. One thread.
#ifndef RISER_IO_KAFKA_MEMORY_LOG_H
#define RISER_IO_KAFKA_MEMORY_LOG_H

#include "io/kafka_memory.h"

struct memory_producer;
struct memory_consumer;

enum memory_state { MEMORY_OPEN, MEMORY_COMMITTED, MEMORY_ABORTED, MEMORY_MARKER };

struct memory_record {
  enum memory_state state;
  const struct memory_producer *writer; // while OPEN
  int64_t timestamp_ms;
  struct bytes key;
  struct bytes value;
};

struct memory_partition {
  struct memory_record **records; // the index is the offset
  size_t count;
  size_t capacity;
};

struct memory_topic {
  char *name;
  struct memory_partition *partitions;
};

struct memory_offset {
  char *topic;
  int32_t partition;
  int64_t offset;
  char *metadata;
};

struct memory_group {
  char *name;
  struct memory_consumer *member; // the newest one
  struct memory_offset *offsets;
  size_t offset_count;
};

enum { MEMORY_TOPICS_MAX = 32, MEMORY_GROUPS_MAX = 32, MEMORY_CLIENTS_MAX = 32 };

struct kafka_memory {
  int32_t partition_count;
  struct memory_topic topics[MEMORY_TOPICS_MAX];
  size_t topic_count;
  struct memory_group groups[MEMORY_GROUPS_MAX];
  size_t group_count;
  struct memory_producer *producers[MEMORY_CLIENTS_MAX];
  size_t producer_count;
  struct memory_consumer *consumers[MEMORY_CLIENTS_MAX];
  size_t consumer_count;
  bool held;
  int failing_deliveries;
  enum error delivery_error;
  int failing_commits;
  enum error commit_error;
  int misplaced_seeks;
  int64_t misplaced_by;
};

struct memory_topic *memory_topic(struct kafka_memory *broker, const char *name); // made if new
struct memory_group *memory_group(struct kafka_memory *broker, const char *name); // made if new
struct memory_offset *memory_group_offset(struct memory_group *group, const char *topic, int32_t partition);
void memory_group_commit(struct memory_group *group, const struct kafka_position *position);

// Appends a copy; the offset it got. `writer` NULL: committed at once.
int64_t memory_append(struct memory_partition *partition, const struct kafka_send *record,
                      const struct memory_producer *writer);
// Ends what `writer` has open everywhere, each touched partition getting a marker.
void memory_end_transaction(struct kafka_memory *broker, const struct memory_producer *writer, enum memory_state state);
int64_t memory_stable_end(const struct memory_partition *partition); // read_committed's end
void memory_fill(const struct memory_topic *topic, int32_t partition, int64_t offset, struct kafka_record *record);

// Of a consumer: what kafka_memory_rebalance asks for.
void memory_consumer_rebalance(struct memory_consumer *consumer, bool lost);
struct memory_group *memory_consumer_group(struct kafka_consumer *consumer);
// Of a producer: what was held back is decided.
void memory_producer_release(struct memory_producer *producer);
void memory_producer_kill(struct memory_producer *producer);

#endif

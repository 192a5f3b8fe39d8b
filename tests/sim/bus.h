// SPDX-License-Identifier: Apache-2.0
// The simulated Kafka: logs by topic and partition, producers whose records take time and may be lost with them,
// transactions, consumer groups with generations, static members and session timeouts. What a log has is never lost
// (acks=all, replicated). Records of a process that is killed reach the log up to a moment drawn from the seed.
#ifndef RISER_TESTS_SIM_BUS_H
#define RISER_TESTS_SIM_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/kafka.h"

// What the second fold (again.h) says goes into topics of its own.
enum bus_topic {
  BUS_SITE,
  BUS_DECISION,
  BUS_COMMAND,
  BUS_DEVICE,
  BUS_PERSON,
  BUS_REJECT,
  BUS_DECISION_AGAIN,
  BUS_DEVICE_AGAIN,
  BUS_TOPICS
};

enum { BUS_PARTITIONS = 2 };

enum bus_state { BUS_OPEN, BUS_COMMITTED, BUS_ABORTED, BUS_MARKER };

struct bus_record {
  enum bus_state state;
  uint64_t writer; // while OPEN: the transaction's number
  int64_t timestamp_ms;
  struct bytes key;
  struct bytes value;
};

struct bus_log {
  struct bus_record *records; // the index is the offset
  size_t count, room;
  size_t stable; // what is before is decided
};

extern const char *const bus_topic_names[BUS_TOPICS];

void bus_begin(void);
void bus_end(void);

struct bus_log *bus_log(enum bus_topic topic, int32_t partition);
enum bus_topic bus_topic_of(const char *name); // as the current process means it
void bus_forget(enum bus_topic topic);         // empties it
int32_t bus_partition_of(struct bytes key);
int64_t bus_append(enum bus_topic topic, int32_t partition, const struct kafka_send *record, uint64_t writer);
void bus_end_transaction(uint64_t writer, bool commit);
void bus_record_at(enum bus_topic topic, int32_t partition, int64_t offset, struct kafka_record *record);

// A trusted writer beside the services (riserctl): false while Kafka is away.
bool bus_write(enum bus_topic topic, struct bytes key, struct bytes value);

// Faults.
void bus_hold(int64_t for_ms); // away: nothing is decided, committed or read
bool bus_is_held(void);
int64_t bus_held_until_ms(void);
void bus_kill_producer(const char *unit_name); // its producers die of a fatal error
void bus_set_calm(bool calm);                  // no more chance of failures
bool bus_is_calm(void);
bool bus_is_idle(void); // every producer is through, every group has read everything

// Groups, see bus_group.c.
struct bus_member;
struct bus_member_options {
  const char *group;
  const char *instance; // "": not static
  bool cooperative;
  int64_t session_ms;
};
enum bus_news { BUS_NO_NEWS, BUS_REVOKED, BUS_LOST, BUS_ASSIGNED, BUS_FENCED };
struct bus_member *bus_member_join(const struct bus_member_options *options);
void bus_member_leave(struct bus_member *member, bool dead);
bool bus_member_has_news(const struct bus_member *member);
// What is to be told next; `partitions` (as many as BUS_PARTITIONS) and *count are what it is about.
enum bus_news bus_member_next(struct bus_member *member, int32_t *partitions, size_t *count);
void bus_member_gave_back(struct bus_member *member, const int32_t *partitions, size_t count); // after REVOKED
bool bus_member_may_commit(const struct bus_member *member, int32_t partition);
void bus_member_commit(struct bus_member *member, const struct kafka_position *position);
int64_t bus_committed(const char *group, const char *topic, int32_t partition, const char **metadata);
void bus_watch_groups(void); // a process has fallen silent
void bus_watch_transactions(void);
void bus_producers_begin(void);
void bus_groups_begin(void);
void bus_groups_end(void);
bool bus_groups_are_still(void);
void bus_shake_group(const char *group); // a rebalance without a reason

struct bus_member *bus_consumer_member(struct kafka_consumer *consumer);
bool bus_consumers_are_done(void);

#endif

// SPDX-License-Identifier: Apache-2.0
// Reading one partition of a topic, or all of them, from somewhere to the end.
#ifndef RISER_RISERCTL_LOG_READER_H
#define RISER_RISERCTL_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/kafka.h"
#include "riserctl/ctl.h"

enum { LOG_ALL_PARTITIONS = -1, LOG_PARTITIONS_MAX = 1024 };

struct log_range {
  const char *topic;
  int32_t partition; // or LOG_ALL_PARTITIONS
  int64_t from;      // an offset, or KAFKA_OFFSET_BEGINNING
};

struct log_reader {
  // Called for each record; the arena is forgotten after a while. Anything but OK ends the reading with it.
  enum error (*visit)(void *ctx, const struct kafka_record *record, struct arena *arena);
  // Whether it may end; asked when the ends of the partitions are reached. NULL: it may.
  bool (*is_done)(void *ctx);
  void *ctx;
  int64_t timeout_ms; // 0: 60 s without anything new
};

// Reads to the end as it stands at first, and on as long as is_done says no. ERR_TIMEOUT: it said no for too long.
enum error log_read(struct ctl *ctl, const struct log_range *range, const struct log_reader *reader) MUST_USE;

// One partition, followed bit by bit.
struct log_follower;

// ERR_NO_MEMORY, or RETRY if Kafka is away.
enum error log_follow(struct ctl *ctl, const struct log_range *range, struct log_follower **follower) MUST_USE;
void log_follow_end(struct log_follower *follower);
// Visits the records before `offset` that were not visited yet. ERR_MISMATCH: the log ends before it. ERR_TIMEOUT: 60 s
// without anything new.
enum error log_follow_until(struct log_follower *follower, int64_t offset, const struct log_reader *reader) MUST_USE;

// Where the next record of a partition will stand, or later.
enum error log_end(struct ctl *ctl, const char *topic, int32_t partition, int64_t *offset) MUST_USE;

#endif

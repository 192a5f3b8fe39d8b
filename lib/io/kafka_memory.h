// SPDX-License-Identifier: Apache-2.0
// Kafka's twin in memory, for tests: topics with partitions, transactions, one group member at a time, committed
// offsets with metadata. One thread. Producers and consumers are closed before the broker is freed.
#ifndef RISER_IO_KAFKA_MEMORY_H
#define RISER_IO_KAFKA_MEMORY_H

#include "io/kafka.h"

struct kafka_memory;

// Topics appear when they are first named, each with this many partitions.
struct kafka_memory *kafka_memory_new(int32_t partitions) MUST_USE;
void kafka_memory_free(struct kafka_memory *broker);

// Brokers and properties in the options are ignored; everything else means what it means in io/kafka.h. A new
// producer of a transactional id fences the older ones.
enum error kafka_memory_producer(struct kafka_memory *broker, const struct kafka_producer_options *options,
                                 struct kafka_producer **producer) MUST_USE;
enum error kafka_memory_consumer(struct kafka_memory *broker, const struct kafka_consumer_options *options,
                                 struct kafka_consumer **consumer) MUST_USE;

// The next `count` sends of any producer are decided with this error instead of OK.
void kafka_memory_fail_deliveries(struct kafka_memory *broker, int count, enum error err);
// The next `count` transaction commits fail with this error, after being aborted.
void kafka_memory_fail_commits(struct kafka_memory *broker, int count, enum error err);
// All producers are dead from now on, as after a fatal error: what is sent is refused.
void kafka_memory_kill_producers(struct kafka_memory *broker);
// While held, records are queued but not decided, and nothing new is seen.
void kafka_memory_hold(struct kafka_memory *broker, bool held);
// The next `count` seeks of a group's member say OK and put it `ahead` records behind where it was told to go, at most
// at the end.
void kafka_memory_misplace_seeks(struct kafka_memory *broker, int count, int64_t ahead);
// Takes every partition away from the group's member and gives them back, as a rebalance does.
void kafka_memory_rebalance(struct kafka_memory *broker, bool lost);

// Record `index` of what is visible in a partition, for asserting; false beyond the end.
bool kafka_memory_record(struct kafka_memory *broker, const char *topic, int32_t partition, size_t index,
                         struct kafka_record *record);
size_t kafka_memory_count(struct kafka_memory *broker, const char *topic); // visible records in all partitions

#endif

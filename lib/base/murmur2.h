// SPDX-License-Identifier: Apache-2.0
// MurmurHash2 as Kafka's Java client computes it (org.apache.kafka.common.utils.Utils.murmur2), and the partition that
// its default partitioner, and librdkafka's "murmur2_random", give to a key. Pure and thread-safe.
#ifndef RISER_BASE_MURMUR2_H
#define RISER_BASE_MURMUR2_H

#include <stdint.h>

#include "base/bytes.h"

uint32_t murmur2(struct bytes key);

// 0 .. partitions - 1; partitions must be positive.
int32_t murmur2_partition(struct bytes key, int32_t partitions);

#endif

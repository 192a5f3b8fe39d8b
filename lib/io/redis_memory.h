// SPDX-License-Identifier: Apache-2.0
// Redis' twin in memory, for tests: strings, hashes, sets and sorted sets with the commands that Riser uses, and the
// fenced commit with every one of its outcomes on demand. Handles share the store; one thread.
#ifndef RISER_IO_REDIS_MEMORY_H
#define RISER_IO_REDIS_MEMORY_H

#include "io/redis.h"

struct redis_memory;

struct redis_memory *redis_memory_new(void) MUST_USE;
void redis_memory_free(struct redis_memory *store); // after its handles are closed
enum error redis_memory_open(struct redis_memory *store, struct redis **redis) MUST_USE;

// The commit after next `skip` ones ends so: ERR_FENCE_LOST and ERR_UNAVAILABLE change nothing; ERR_UNKNOWN_OUTCOME
// has been done or not, as `applied` says.
void redis_memory_fail_commit(struct redis_memory *store, int skip, enum error err, bool applied);
// The next `count` pipelines fail with ERR_DISCONNECTED.
void redis_memory_fail_pipelines(struct redis_memory *store, int count);

size_t redis_memory_keys(const struct redis_memory *store); // how many there are
// Every key with its value in order, as text: two stores are equal if and only if these are.
enum error redis_memory_dump(const struct redis_memory *store, struct buffer *to) MUST_USE;

#endif

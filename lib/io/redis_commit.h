// SPDX-License-Identifier: Apache-2.0
// The pieces of the fenced commit. Internal to lib/io's Redis.
#ifndef RISER_IO_REDIS_COMMIT_H
#define RISER_IO_REDIS_COMMIT_H

#include "io/redis.h"

// Whether the command is one that overwrites and may be repeated.
bool redis_write_allowed(const struct redis_command *write);

// WATCH and GET of the fence, and the comparison; after ERR_FENCE_LOST nothing is watched any more.
enum error redis_commit_watch(struct redis *redis, const struct redis_fence *fence, struct arena *arena) MUST_USE;

const struct redis_command *redis_command_multi(void);
const struct redis_command *redis_command_exec(void);
// SET of the fence's next value, or DEL if it is absent; `words` is its storage.
struct redis_command redis_command_advance(const struct redis_fence *fence, struct bytes words[3]);

// What EXEC's reply means; `queued` is the error of a command that Redis refused to queue, or OK.
enum error redis_commit_outcome(const struct redis_value *exec, enum error queued) MUST_USE;

#endif

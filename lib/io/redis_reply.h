// SPDX-License-Identifier: Apache-2.0
// hiredis' reply functions that build values in an arena, and what error replies mean. Internal to lib/io's Redis.
#ifndef RISER_IO_REDIS_REPLY_H
#define RISER_IO_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include "io/redis.h"

// To be set as reader->fn, with reader->privdata pointing to a `struct arena *`, which is read at each reply.
redisReplyObjectFunctions *redis_reply_functions(void);

bool redis_error_is(const struct redis_value *value, const char *code); // "OOM", "READONLY"

// What an error reply, or one of an unexpected type, means; logged. RETRY if Redis may answer better later.
enum error redis_reply_error(const struct redis_value *value, const char *doing);

#endif

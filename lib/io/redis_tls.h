// SPDX-License-Identifier: Apache-2.0
// TLS for a connection of hiredis. Which of two sources is built depends on the hiredis found: from 1.0 on it has a TLS
// library, before that it has none. Internal to lib/io's Redis, but for redis_tls_built.
#ifndef RISER_IO_REDIS_TLS_H
#define RISER_IO_REDIS_TLS_H

#include <stdbool.h>

#include "base/error.h"
#include "io/redis.h"

struct redisContext;

// Whether this build can speak TLS with Redis; the configuration refuses what needs it where it can't.
bool redis_tls_built(void);

// Shakes hands on a connection that has just been made, and checks that the server's certificate is signed by the
// settings' CA (or the system's) and made out to `host`. Reads the certificates anew each time. Every failure is logged
// or in the context: ERR_UNAVAILABLE, also for files, since they may be in the middle of being renewed.
enum error redis_tls_start(struct redisContext *context, const struct redis_settings *settings,
                           const char *host) MUST_USE;

#endif

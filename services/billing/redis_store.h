// SPDX-License-Identifier: Apache-2.0
// Between the store in memory and Redis: loads what the fold asked for, and turns what it changed into writes. All keys
// of a partition begin with its tag ("{p17}:"), so that on Redis Cluster one commit can hold them.
#ifndef RISER_BILLING_REDIS_STORE_H
#define RISER_BILLING_REDIS_STORE_H

#include <stdint.h>

#include "billing/core/fold.h"
#include "billing/shell.h"
#include "domain/outbox.h"

enum { TAG_SIZE = 16 };

void redis_store_tag(int32_t partition, char tag[TAG_SIZE]);

// Loads everything that the store wants. ERR_CORRUPT: a value is not what it should be; ERR_INTERNAL: nothing was
// wanted. RETRY: Redis is away.
enum error redis_store_load(struct shell *shell, const char *tag, struct store *store) MUST_USE;

struct redis_writes {
  struct redis_command *commands;
  size_t count;
  size_t room;
};

// Everything dirty and the bills among the decisions, with room for the outbox behind them. In the work arena; the
// store may not be changed until they are sent.
enum error redis_store_writes(struct shell *shell, const char *tag, const struct store *store,
                              const struct effects *effects, struct redis_writes *out) MUST_USE;
enum error redis_store_add_outbox(struct shell *shell, const char *tag, const struct outbox *outbox,
                                  struct redis_writes *writes) MUST_USE;

#endif

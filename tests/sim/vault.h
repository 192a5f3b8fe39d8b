// SPDX-License-Identifier: Apache-2.0
// The simulated Redis: lib/io's twin in memory, seen through connections that break, answers that get lost, and with a
// memory that may forget its last second, as an append-only file that is flushed once a second does.
#ifndef RISER_TESTS_SIM_VAULT_H
#define RISER_TESTS_SIM_VAULT_H

#include <stdint.h>

#include "base/bytes.h"
#include "io/redis_memory.h"

void vault_begin(void); // empty but for the fences of all partitions
void vault_end(void);

void vault_crash(int64_t away_ms); // forgets up to a second, and is away

// A second, empty Redis of the process with that instance name, for folding the log once more.
struct redis_memory *vault_open_second(const char *instance);
void vault_close_second(void);

// All keys of a store but the outboxes, in order, as text.
void vault_dump(struct redis_memory *store, struct buffer *to);
struct redis_memory *vault_store(void);

#endif

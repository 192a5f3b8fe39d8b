// SPDX-License-Identifier: Apache-2.0
// Same log, same state: all services are killed at whatever moment it is, and another billing, on an empty Redis, folds
// the log from its beginning to where the first one's fences are. Both stores must then hold the same bytes, and the
// decisions must be the same, letter by letter.
#ifndef RISER_TESTS_SIM_AGAIN_H
#define RISER_TESTS_SIM_AGAIN_H

#include <stdbool.h>
#include <stdint.h>

struct unit;

void again_begin(void);
bool again_is_running(void); // nothing may happen to the state meanwhile
bool again_is(const struct unit *unit); // the one that folds once more
int64_t again_limit(int32_t partition);

// `whole`: the log of decisions must be complete, too.
void again_check(bool whole);

// Where the fence of a partition stands; false while a record is applied in part.
bool again_fence(int32_t partition, int64_t *next_offset);

#endif

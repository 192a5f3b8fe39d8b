// SPDX-License-Identifier: Apache-2.0
// The clock of clock=system: each owner of a partition writes a tick a minute into the site log. What the time is, the
// log alone says; two owners who write at once do no harm, since ticks are folded by maximum.
#ifndef RISER_BILLING_TICKER_H
#define RISER_BILLING_TICKER_H

#include <stdint.h>

#include "billing/shell.h"

// Whole minutes since 1970 of a wall clock.
int64_t ticker_minute(int64_t wall_ms);

// Writes the tick of that minute. RETRY: it could not be handed over; the next minute's will do.
enum error ticker_write(struct shell *shell, int32_t partition, int64_t minute) MUST_USE;

#endif

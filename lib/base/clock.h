// SPDX-License-Identifier: Apache-2.0
// The machine's clocks. Only shells read them; cores are given the time. Thread-safe.
#ifndef RISER_BASE_CLOCK_H
#define RISER_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); // since 1970-01-01T00:00:00Z; may jump: for audit only
int64_t clock_mono_ms(void); // never goes back: for deadlines and durations
int64_t clock_mono_us(void);
void clock_sleep_ms(int64_t duration_ms); // sleeps on through signals

// RFC 3339 in UTC with milliseconds: "2016-03-01T00:00:00.000Z". `to` takes CLOCK_TEXT_SIZE characters.
#define CLOCK_TEXT_SIZE 32
void clock_format_utc(int64_t wall_ms, char *to);

#endif

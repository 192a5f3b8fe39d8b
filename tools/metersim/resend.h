// SPDX-License-Identifier: Apache-2.0
// When a device sends again what it has no receipt for: the oldest few, each wait twice as long as the one before while
// the same message stays the oldest, up to 16 times as long, and up to a quarter longer by chance, so that many devices
// don't come back together. As soon as a receipt moves on, so does the device, at once. Pure.
#ifndef RISER_METERSIM_RESEND_H
#define RISER_METERSIM_RESEND_H

#include "metersim/random.h"

enum { RESEND_MAX = 32 }; // messages of a device at a time

struct resend {
  uint64_t oldest; // sequence; 0: none yet
  uint32_t doublings;
};

// How long to wait after sending again now, with this message the oldest without a receipt.
int64_t resend_wait_ms(struct resend *resend, uint64_t oldest, int64_t timeout_ms, struct random *random);

#endif

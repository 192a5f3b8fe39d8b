// SPDX-License-Identifier: Apache-2.0
// When to try a message again that could not be delivered just now. Pure; all in wall milliseconds.
#ifndef RISER_NOTIFY_CORE_RETRY_H
#define RISER_NOTIFY_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_policy {
  int64_t first_ms;   // pause after the first failure; it doubles with each further one
  int64_t longest_ms; // but never beyond this
  int64_t age_ms;     // given up when the next attempt would come later than this after the message was taken up
};

// After `failures` (>= 1) failures. `seed` spreads the attempts of different messages over the last quarter of the
// pause; `asked_ms` is what the receiver asked for (0: nothing), up to longest_ms. False: give up.
bool retry_next(const struct retry_policy *policy, uint32_t failures, int64_t age_ms, uint32_t seed, int64_t asked_ms,
                int64_t *pause_ms);

#endif

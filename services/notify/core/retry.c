// SPDX-License-Identifier: Apache-2.0
#include "notify/core/retry.h"

bool retry_next(const struct retry_policy *policy, uint32_t failures, int64_t age_ms, uint32_t seed, int64_t asked_ms,
                int64_t *pause_ms) {
  int64_t pause = policy->first_ms;
  for (uint32_t i = 1; i < failures && pause < policy->longest_ms; i++) pause *= 2;
  if (pause < asked_ms) pause = asked_ms;
  if (pause > policy->longest_ms) pause = policy->longest_ms;
  pause -= pause / 4 * (int64_t)(seed % 1024) / 1024;
  if (age_ms + pause > policy->age_ms) return false;
  *pause_ms = pause;
  return true;
}

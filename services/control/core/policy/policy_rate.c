// SPDX-License-Identifier: Apache-2.0
// Bounds the harm of a wrong tariff, a wrong clock or a stolen account: a whole building does not go dark at once.
#include "control/core/policy/policy.h"

enum { HOUR_S = 3600 };

static struct policy_answer ask(const struct policy_question *question) {
  uint32_t most = question->settings->cuts_per_hour;
  if (question->due->supply != SUPPLY_OFF || most == 0 || question->cuts_this_hour < most) {
    return (struct policy_answer){POLICY_ALLOW, "", 0};
  }
  return (struct policy_answer){POLICY_HOLD, "rate-limit", (question->now_s / HOUR_S + 1) * HOUR_S};
}

const struct policy policy_rate = {
    .name = "rate",
    .help = "At most so many disconnects a site and hour of business time; reconnects are never held.",
    .ask = ask,
};

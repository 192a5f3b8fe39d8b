// SPDX-License-Identifier: Apache-2.0
// A device that never said whether it is there gets the benefit of the doubt; one that said it left does not.
#include "control/core/policy/policy.h"

static struct policy_answer ask(const struct policy_question *question) {
  if (!question->device) return (struct policy_answer){POLICY_HOLD, "device-unknown", 0};
  if (question->device->presence == PRESENCE_OFFLINE) return (struct policy_answer){POLICY_HOLD, "device-offline", 0};
  return (struct policy_answer){POLICY_ALLOW, "", 0};
}

const struct policy policy_reachable = {
    .name = "reachable",
    .help = "The device is known and has not said that it is offline.",
    .ask = ask,
};

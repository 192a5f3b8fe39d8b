// SPDX-License-Identifier: Apache-2.0
#include "control/core/device/codec.h"
#include "control/core/policy/policy.h"

static struct policy_answer ask(const struct policy_question *question) {
  const struct switch_due *due = question->due;
  if (due->switch_kind != SWITCH_RELAY && due->switch_kind != SWITCH_VALVE) {
    return (struct policy_answer){POLICY_REFUSE, "no-switch", 0};
  }
  if (due->device[0] == '\0') return (struct policy_answer){POLICY_REFUSE, "no-device", 0};
  if (question->device && !device_codec_find(question->device->codec)) {
    // Its record may be put right: a reconnect waits for that.
    enum verdict verdict = due->supply == SUPPLY_OFF ? POLICY_REFUSE : POLICY_HOLD;
    return (struct policy_answer){verdict, "unknown-codec", 0};
  }
  return (struct policy_answer){POLICY_ALLOW, "", 0};
}

const struct policy policy_switch = {
    .name = "switch",
    .help = "The service point has a relay or valve, and control speaks its device's language.",
    .ask = ask,
};

// SPDX-License-Identifier: Apache-2.0
#include "control/core/policy/policy.h"

struct policy_answer policy_ask(const struct policy_question *question) {
  struct policy_answer result = {POLICY_ALLOW, "", 0};
  for (size_t i = 0; i < policy_count; i++) {
    struct policy_answer answer = policy_table[i]->ask(question);
    if (answer.verdict > result.verdict) result = answer;
  }
  return result;
}

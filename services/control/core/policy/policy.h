// SPDX-License-Identifier: Apache-2.0
// May this switch be carried out now? Each rule answers allow, hold or refuse, with a stable reason. A rule is one file
// policy_<name>.c with one descriptor, and one word in the list of this folder's CMakeLists.txt. Rules are asked before
// an intent is written; what is already allowed is not held again. Pure; any thread.
#ifndef RISER_CONTROL_CORE_POLICY_POLICY_H
#define RISER_CONTROL_CORE_POLICY_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "control/core/devices.h"
#include "domain/decision.h"

struct policy_settings {
  uint32_t cuts_per_hour; // disconnects of one site within one hour of business time; 0: any number
  uint32_t cut_days;      // bit 0 Monday .. bit 6 Sunday: local days on which a supply may be cut
  uint32_t cut_from_hour; // local hours of them, [from, until)
  uint32_t cut_until_hour;
};

enum verdict { POLICY_ALLOW, POLICY_HOLD, POLICY_REFUSE };

struct policy_question {
  const struct switch_due *due;
  const struct device_view *device; // NULL: nothing is known of it
  uint32_t cuts_this_hour;          // intents to cut at this site within the hour of now_s
  int64_t now_s;                    // business time
  int32_t utc_offset_s;             // the site's local time at now_s
  const struct policy_settings *settings;
};

struct policy_answer {
  enum verdict verdict;
  const char *reason; // kebab-case literal; "" when allowed
  int64_t until_s;    // of HOLD: no other answer before this instant; 0: ask again at any time
};

struct policy {
  const char *name;
  const char *help; // one sentence
  struct policy_answer (*ask)(const struct policy_question *question);
};

extern const struct policy *const policy_table[];
extern const size_t policy_count;

// What all rules together say: a refusal outweighs a hold, the first hold in the list outweighs later ones.
struct policy_answer policy_ask(const struct policy_question *question);

#endif

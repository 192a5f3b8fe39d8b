// SPDX-License-Identifier: Apache-2.0
// Waiting until billing has folded partitions as far as the log reached, and how fast it did.
#ifndef RISER_RISERCTL_CATCH_UP_H
#define RISER_RISERCTL_CATCH_UP_H

#include "riserctl/ctl.h"

struct catch_up {
  int32_t partition;
  uint64_t generation;     // of the fence that it began with
  int64_t from_offset;     // where it begins
  int64_t until_offset;    // the end of the log when it began
  int64_t from_business_s; // 0: there was no tick yet
  // Filled in:
  int64_t until_business_s;
  int64_t took_ms; // -1: not yet
};

// Right after the fence was put there: where it begins, and where the log ends.
enum error catch_up_begin(struct ctl *ctl, int32_t partition, struct catch_up *out) MUST_USE;
// Until all are there. ERR_TIMEOUT: nothing has moved for a minute; ERR_AGAIN: one was rebuilt again meanwhile.
enum error catch_up_wait(struct ctl *ctl, struct catch_up *list, size_t count) MUST_USE;

#endif

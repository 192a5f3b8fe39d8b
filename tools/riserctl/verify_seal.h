// SPDX-License-Identifier: Apache-2.0
// verify --site: whether the log still holds what was sealed. The site's chain and its partition's chain of ticks are
// made anew from the log and compared with the checks in riser.decision.v1 and with the heads that bills, receipts and
// Redis carry.
#ifndef RISER_RISERCTL_VERIFY_SEAL_H
#define RISER_RISERCTL_VERIFY_SEAL_H

#include "riserctl/ctl.h"

struct verify_seal_options {
  const char *site;
  const char *topic; // where the log is
  const char *file;  // a copy of it (log_file.h); NULL: the topic
  const char *seal;  // one more head, as it stands on a bill; NULL: none
};

enum status verify_seal(struct ctl *ctl, const struct verify_seal_options *options, bool json);

#endif

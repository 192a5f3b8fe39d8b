// SPDX-License-Identifier: Apache-2.0
// An owner learns at its next commit that somebody else has written its fence: a rebuild, a Redis that forgot. A
// partition to which nothing comes has no next commit, so its fence is looked at now and then.
#ifndef RISER_BILLING_WATCH_H
#define RISER_BILLING_WATCH_H

#include <stddef.h>

#include "billing/partition.h"
#include "billing/shell.h"

// Closes those of the partitions, all of them open, whose fence in Redis is not the one they hold; they are opened anew
// in the next pass. One that can't be read is left as it is: it will find out.
void watch_fences(struct shell *shell, struct partition *const *partitions, size_t count);

#endif

// SPDX-License-Identifier: Apache-2.0
// Putting a partition's state into Redis: the only one who may begin it at offset 0. The fence goes first, so that a
// billing that is still at work can't commit into what is being removed; the new one comes last, and with another
// generation, so that nobody takes it for the one that he held.
#ifndef RISER_RISERCTL_RESTORE_H
#define RISER_RISERCTL_RESTORE_H

#include "riserctl/image.h"

// Removes what is there, writes what the image holds (NULL: nothing, at offset 0). RETRY: Redis is away, and the
// partition without a fence: do it again. *removed: how many keys.
enum error restore_partition(struct ctl *ctl, int32_t partition, struct image *image, size_t *removed) MUST_USE;

#endif

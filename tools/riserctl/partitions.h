// SPDX-License-Identifier: Apache-2.0
// What commands that work on partitions have in common: which ones, and where their snapshots lie.
#ifndef RISER_RISERCTL_PARTITIONS_H
#define RISER_RISERCTL_PARTITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "riserctl/image.h"

// From --partition N, or --all; without either all of them if `all_by_default`. False: told on standard error.
bool partitions_chosen(struct ctl *ctl, const struct arguments *arguments, bool all_by_default, int32_t *from,
                       int32_t *until);

// FOLDER/pN.snapshot, in the arena; NULL without memory.
const char *partitions_snapshot(struct ctl *ctl, const char *folder, int32_t partition);

// Has the image begin with that file. False: *status says with what to end; the reason is on standard error.
bool partitions_load(struct ctl *ctl, struct image *image, const char *path, enum status *status);

#endif

// SPDX-License-Identifier: Apache-2.0
// What a partition's state is at an offset of the log: folded in memory from the log, with the code that billing runs,
// from its beginning or from a snapshot on. Redis has no part in it. One thread; as large as the partition's state.
#ifndef RISER_RISERCTL_IMAGE_H
#define RISER_RISERCTL_IMAGE_H

#include <stdint.h>

#include "domain/billing_state.h"
#include "riserctl/ctl.h"
#include "riserctl/digest.h"
#include "riserctl/items.h"
#include "riserctl/snapshot_file.h"

struct image;

// At offset 0, with nothing in it.
enum error image_open(struct ctl *ctl, int32_t partition, struct image **image) MUST_USE;
void image_close(struct image *image);

// Right after opening: begins where the snapshot ends. ERR_MISMATCH: it is of another partition, of another number of
// them, or of another version of the fold; ERR_CORRUPT: it holds what no fold makes.
enum error image_load(struct image *image, struct snapshot *snapshot) MUST_USE;

// Folds all records before `next_offset`. ERR_MISMATCH: the log ends before it, or is not the one that the snapshot was
// made from. RETRY: Kafka is away.
enum error image_advance(struct image *image, int64_t next_offset) MUST_USE;

const struct partition_meta *image_meta(const struct image *image); // without a generation
struct item **image_values(struct image *image);                    // by key, without the partition's tag
struct item **image_devices(struct image *image);                   // the latest record of riser.device.v1 of each key

enum error image_save(struct image *image, const char *path) MUST_USE;
// SHA-256 over all keys and values in order.
void image_digest(struct image *image, uint8_t digest[DIGEST_SIZE]);

// The offset of the site log up to which everything that follows is in the decision log: 0 if nothing is.
enum error image_published(struct ctl *ctl, int32_t partition, int64_t *offset) MUST_USE;

#endif

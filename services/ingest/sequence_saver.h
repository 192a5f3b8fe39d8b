// SPDX-License-Identifier: Apache-2.0
// Saves the devices' sequences without keeping the worker waiting for the disk: the worker writes them into memory, a
// thread of the saver's own brings that to the file. The functions are the worker's thread's.
#ifndef RISER_INGEST_SEQUENCE_SAVER_H
#define RISER_INGEST_SEQUENCE_SAVER_H

#include "ingest/core/devices.h"

struct sequence_saver;

// `folder` is kept; `saved`: the position of the snapshot that is there, 0: none. The caller frees.
enum error sequence_saver_start(const char *folder, uint64_t saved, struct sequence_saver **out) MUST_USE;
void sequence_saver_free(struct sequence_saver *saver); // after finishing what it was given; NULL is fine

// What the messages before `position` said. ERR_AGAIN: the one before is still being saved.
enum error sequence_saver_give(struct sequence_saver *saver, const struct devices *devices, uint64_t position) MUST_USE;

// The position of the newest snapshot that is in the file; 0: none yet.
uint64_t sequence_saver_saved(const struct sequence_saver *saver);

#endif

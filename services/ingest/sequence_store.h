// SPDX-License-Identifier: Apache-2.0
// The devices' sequences on disk, beside the spool: what is complete and what is missing is known again after a
// restart. A snapshot belongs to a position of the spool: it holds what the messages before that position said. It is
// replaced as a whole, by a rename. No state; any thread.
#ifndef RISER_INGEST_SEQUENCE_STORE_H
#define RISER_INGEST_SEQUENCE_STORE_H

#include "ingest/core/devices.h"

enum { SEQUENCE_STORE_MAX = 1 << 30 }; // bytes

// Appends the snapshot to `out`. ERR_LIMIT, ERR_NO_MEMORY.
enum error sequence_store_encode(const struct devices *devices, uint64_t position, struct buffer *out) MUST_USE;
// Puts it into the folder, in the place of the one before, and on disk. ERR_IO (logged): that one stays.
enum error sequence_store_write(const char *folder, struct bytes snapshot) MUST_USE;

// Fills the table. ERR_NOT_FOUND: there is none; ERR_MISMATCH: it belongs to a position before `oldest`, so that what
// the messages in between said is not known; ERR_CORRUPT: it is damaged. On any error nothing was taken from it.
enum error sequence_store_load(const char *folder, uint64_t oldest, struct devices *devices,
                               uint64_t *position) MUST_USE;

#endif

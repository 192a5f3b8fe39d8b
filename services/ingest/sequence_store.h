// SPDX-License-Identifier: Apache-2.0
// The devices' sequences on disk, beside the spool: what is complete and what is missing is known again after a
// restart. A snapshot belongs to a position of the spool: it holds what the messages before that position said. It is
// replaced as a whole, by a rename. The worker's thread.
#ifndef RISER_INGEST_SEQUENCE_STORE_H
#define RISER_INGEST_SEQUENCE_STORE_H

#include "ingest/core/devices.h"

// Into `folder`. ERR_IO (logged), ERR_NO_MEMORY; the old snapshot then stays.
enum error sequence_store_save(const char *folder, const struct devices *devices, uint64_t position) MUST_USE;

// Fills the table. ERR_NOT_FOUND: there is none; ERR_CORRUPT: it is damaged, and nothing was taken from it.
enum error sequence_store_load(const char *folder, struct devices *devices, uint64_t *position) MUST_USE;

#endif

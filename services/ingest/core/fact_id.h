// SPDX-License-Identifier: Apache-2.0
// The names of facts, in the arena; NULL when it is full. Pure.
#ifndef RISER_INGEST_CORE_FACT_ID_H
#define RISER_INGEST_CORE_FACT_ID_H

#include "base/arena.h"
#include "ingest/core/judge.h"

// "{device}/{sequence}.{sent_at}" if the batch is numbered: the same message, sent again, has the same id. Else as
// below.
char *fact_id_of_batch(struct arena *arena, const struct message *message, const char *instance,
                       const struct batch *batch);

// "{device}/{receive time}.{instance}.{position in the spool}"
char *fact_id_by_place(struct arena *arena, const struct message *message, const char *instance);

// "ingest/{device}"
char *source_of(struct arena *arena, const char *device);

#endif

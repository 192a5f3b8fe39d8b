// SPDX-License-Identifier: Apache-2.0
// The outbox: what a commit brought about, made for Redis, published to Kafka after the commit, and awaited before the
// next one. A publication outlives its partition until Kafka has decided everything in it.
#ifndef RISER_BILLING_OUTBOX_H
#define RISER_BILLING_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "billing/core/fold.h"
#include "billing/shell.h"
#include "domain/outbox.h"

// What a partition has in flight. Free it with publication_release, whatever is still pending.
struct publication;

struct publication *publication_new(void) MUST_USE;
void publication_release(struct publication *publication); // NULL is fine
bool publication_failed(const struct publication *publication);

// The kafka_delivered of the producer: `opaque` is the publication, or NULL for a tick.
void publication_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset);

// The records for the effects, in the work arena.
enum error outbox_build(struct shell *shell, const struct effects *effects, struct outbox *out) MUST_USE;

// Hands the records over to the producer; those with a cause at or below the tail are in Kafka already and are left
// out. RETRY: not all of it could be handed over.
enum error outbox_publish(struct shell *shell, int32_t partition, const struct outbox *outbox, struct cause tail,
                          struct publication *publication) MUST_USE;

// Until Kafka has stored everything in flight: OK. ERR_TIMEOUT, or ERR_ABORTED if something failed: open the partition
// anew.
enum error outbox_wait(struct shell *shell, const struct publication *publication) MUST_USE;

#endif

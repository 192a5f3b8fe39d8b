// SPDX-License-Identifier: Apache-2.0
// Opening partitions: load the fence and the outbox, make sure that state and log belong together, publish what the
// previous owner could not, and go on where the state ends. Several partitions are opened in the same few round trips.
//
// A partition is refused, never begun at 0, when: it has no meta ("no-meta": only `riserctl rebuild` makes one), its
// state was made with another number of partitions ("partition-count") or by another fold ("fold-version"), the log is
// shorter than the state ("log-shorter"), or the last record applied is not the one at its offset ("log-differs": this
// Kafka was restored from elsewhere).
#ifndef RISER_BILLING_OPENING_H
#define RISER_BILLING_OPENING_H

#include <stddef.h>

#include "base/error.h"
#include "billing/partition.h"
#include "billing/shell.h"

// Tries to open them all. Each is open, refused, or still closed with a new retry_at_ms afterwards. Errors are those
// that end the process; what passes is logged.
enum error opening_run(struct shell *shell, struct partition *const *partitions, size_t count) MUST_USE;

#endif

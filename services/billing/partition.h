// SPDX-License-Identifier: Apache-2.0
// One partition of the site log that this process owns: its state in memory, the fence that it holds, and what it has
// in flight. Opening (opening.h) makes it ready; from then on records are applied and committed. Whenever the outcome
// of a commit is not known, or another owner was there, the state in memory is dropped and the partition opened again.
#ifndef RISER_BILLING_PARTITION_H
#define RISER_BILLING_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "billing/core/fold.h"
#include "billing/core/store.h"
#include "billing/outbox.h"
#include "billing/redis_store.h"
#include "billing/shell.h"

enum partition_status {
  PARTITION_CLOSED,  // to be opened at retry_at_ms
  PARTITION_OPEN,    // records are applied
  PARTITION_REFUSED, // `reason` says why it cannot be worked on; tried again at retry_at_ms
};

struct partition {
  int32_t id;
  char tag[TAG_SIZE];
  enum partition_status status;
  const char *reason; // of a refusal: a literal
  int64_t retry_at_ms;
  // While it is open:
  struct store *store;
  struct fold *fold;
  struct partition_meta meta; // as committed
  struct buffer fence;        // the bytes of the same
  struct cause tail;          // of the decision log when it was opened: what is at or below it is not published again
  bool outbox_stored;         // the outbox in Redis is not empty
  bool joined;                // the log is known to be read on from next_offset, and not from further on
  struct publication *publication;
};

struct partition *partition_new(int32_t id) MUST_USE; // closed, to be opened at once
void partition_free(struct partition *partition);     // drops everything

// Drops the state and what is not committed; to be opened again later.
void partition_close(struct partition *partition, int64_t retry_at_ms);
// The same, and says why nothing can be done; logged once.
void partition_refuse(struct shell *shell, struct partition *partition, const char *reason);

// Makes the partition open with the state that was loaded. `fence` are the bytes of the meta.
enum error partition_start(struct partition *partition, const struct partition_meta *meta, struct bytes fence,
                           struct cause tail) MUST_USE;

// Applies the records, in order, and commits them. Records before next_offset are passed over. After an error that
// passes, the partition is closed and this is OK; so it is when the first of them is not the first that the log has
// from next_offset on. Only errors that end the process come back.
enum error partition_take(struct shell *shell, struct partition *partition, const struct kafka_record *records,
                          size_t count) MUST_USE;

// Everything up to the end of the log has been taken: moves next_offset over what is no record (markers of
// transactions). Errors as partition_take.
enum error partition_reach(struct shell *shell, struct partition *partition, int64_t end_offset) MUST_USE;

#endif

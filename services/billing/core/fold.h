// SPDX-License-Identifier: Apache-2.0
// The fold: what a fact of the site log changes in a partition's state, and which decisions follow from it. A function
// of (state, fact, business time): no I/O, no clock, no floating point, no globals. The same log gives the same bytes.
// One thread owns a fold and its store. How each kind of fact is taken: the sources named after the families.
#ifndef RISER_BILLING_CORE_FOLD_H
#define RISER_BILLING_CORE_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "billing/core/store.h"
#include "domain/decision.h"
#include "domain/device.h"
#include "domain/fact.h"

// Kept beside the offset: another version's state is not folded on, but rebuilt.
enum { FOLD_VERSION = 3 };

// What a batch of facts brought about, in order. Everything in it lives in the arena, borrowed from whoever made it.
struct effects {
  struct arena *arena;
  struct decision *decisions;
  size_t decision_count;
  struct device *devices; // records of riser.device.v1; of one device the last one holds
  size_t device_count;
  size_t decision_max;               // a tick stops between two steps once so many decisions
  size_t write_max;                  // or so many dirty things in the store are there
  size_t decision_room, device_room; // private: capacities
};

void effects_init(struct effects *effects, struct arena *arena, size_t decision_max, size_t write_max);

struct fold;

// The store is borrowed. business_time_s: of the meta, 0 before the first tick. NULL without memory.
struct fold *fold_new(struct store *store, uint32_t partition, int64_t business_time_s) MUST_USE;
void fold_free(struct fold *fold); // not the store

// Applies one fact. `base` is its partition and offset; base.index is 0, or meta.next_index when the meta that was
// loaded says that the record was applied in part. The decisions of a record are numbered upwards from there.
//   OK              done; what follows was appended to *out.
//   ERR_AGAIN       the store wants something that is not loaded (store_wanted, store_wants_due): load it, then apply
//                   the same fact again with the same base. Nothing has been changed, or (a tick) whole steps have.
//   ERR_QUEUE_FULL  a tick has filled the batch: commit it with next_offset still at this record and next_index =
//                   fold_next_index, then apply the same fact again into empty effects.
//   ERR_NEWER_READER, ERR_NO_MEMORY, ERR_CORRUPT and others of class FATAL: the state is undefined, end.
// Facts that cannot be applied become DECISION_FACT_EXCEPTION, they are no error.
enum error fold_apply(struct fold *fold, const struct fact *fact, struct cause base, struct effects *out) MUST_USE;

// Has the store note (store_wanted) what a fact of readings to come will need, as far as that is known before its site
// is loaded; facts of other kinds are rare enough to wait for their turn. So a batch is loaded in a few round trips.
void fold_want(struct fold *fold, const struct fact *fact);

// The record cannot even be tried (it is no fact, or not this partition's): a DECISION_FACT_EXCEPTION in its place.
// `fact` holds as much of the envelope as is known, with a fact id. ERR_AGAIN as fold_apply.
enum error fold_refuse(struct fold *fold, const struct fact *fact, struct cause base, const char *reason,
                       struct effects *out) MUST_USE;

// The record changes nothing and nobody needs to know; but it is in the log, so its chain has it. Errors as
// fold_refuse.
enum error fold_pass_over(struct fold *fold, const struct fact *fact, struct cause base, struct effects *out) MUST_USE;

int64_t fold_business_time(const struct fold *fold);
// Of the record that is applied in part: the index of its next decision; 0 when none is.
uint32_t fold_next_index(const struct fold *fold);

#endif

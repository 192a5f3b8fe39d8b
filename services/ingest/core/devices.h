// SPDX-License-Identifier: Apache-2.0
// What ingest remembers of each device it has heard: its sequence, when its clock was last complained of, the receipts
// it waits for. In memory, bounded: beyond the maximum the device of the same site that was met first and has nothing
// pending is forgotten, or of another one while this one holds less than its share. Pure but for its memory; one
// thread.
#ifndef RISER_INGEST_CORE_DEVICES_H
#define RISER_INGEST_CORE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#define HASH_NONFATAL_OOM 1 // an entry that was not added has no hh.tbl
#include <uthash.h>

#include "base/bytes.h"
#include "base/error.h"
#include "ingest/core/sequence.h"

struct heard_site;

struct heard {
  struct sequence sequence; // of what Kafka has
  int64_t clock_event_ms;   // receive time of the last clock-off event that Kafka has; 0: none
  struct ahead {
    struct sequence_head numbers;
    int64_t clock_event_ms;
  } ahead;       // the same, with what is on its way to Kafka (claim.h)
  uint32_t pins; // who holds on to this entry: it is not forgotten
  struct asked { // for which numbers a receipt is to be published while it is listed
    uint64_t boot, low, high;
  } asked;
  bool receipt_json;
  bool receipt_listed;
  UT_hash_handle hh;
  struct heard_site *site; // the list of its site's entries
  struct heard *older, *newer;
  size_t key_len;
  char key[]; // "site/device", terminated by zero
};

struct devices;

struct devices *devices_new(size_t max) MUST_USE; // NULL without memory
void devices_free(struct devices *devices);
size_t devices_count(const struct devices *devices);

// The entry, made if need be. NULL without room for one: all that could be forgotten is pinned, or there is no memory.
struct heard *devices_get(struct devices *devices, struct bytes site, struct bytes device);

// For each entry, in the order in which they were met.
void devices_each(const struct devices *devices, void (*visit)(void *ctx, const struct heard *heard), void *ctx);

#endif

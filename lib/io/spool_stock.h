// SPDX-License-Identifier: Apache-2.0
// The spool's segments: the live ones, which hold records that are still kept, and the spares, which are allocated on
// disk and free. Bounded by max_segments. Any thread. Inside the spool only.
#ifndef RISER_IO_SPOOL_STOCK_H
#define RISER_IO_SPOOL_STOCK_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/spool_folder.h"

struct segments {
  struct segment **at;
  size_t count, room;
};

struct stock {
  struct folder folder;
  uint64_t segment_bytes;
  uint64_t max_segments;
  uint64_t spares_wanted; // that many are kept allocated
  bool sync;              // names are brought to disk too
  pthread_mutex_t lock;   // guards the following
  struct segments live;   // ascending by number
  struct segments spares;
  uint64_t making;      // counted, and not yet in either list
  uint64_t spare_names; // the next spare's name
  bool disk_full;       // the last attempt to make a segment found no room
  int64_t retry_ms;     // the next attempt's time
  atomic_bool failed;   // something could not be brought to disk: what was appended last may not be there
};

void stock_init(struct stock *stock, const struct folder *folder);
void stock_fini(struct stock *stock); // closes the segments, not the folder

// What recovery finds: a live segment, above all others; a segment that may be used again. Taken on OK.
enum error stock_add_live(struct stock *stock, struct segment *segment) MUST_USE;
enum error stock_add_spare(struct stock *stock, struct segment *segment) MUST_USE;

// The appender: makes a new segment, or a spare, the live segment of that number. Spares that the reserve needs are
// taken only when the disk has no room for new ones. ERR_QUEUE_FULL: no more room.
enum error stock_next(struct stock *stock, uint64_t number, struct segment **out) MUST_USE;

// The live segment of that number or the first one behind it; NULL if there is none. It stays until it is released.
struct segment *stock_find(struct stock *stock, uint64_t number);

// The reader: live segments before that number become spares.
void stock_release(struct stock *stock, uint64_t number);

// The reader: makes or removes at most one spare, so that as many as wanted are there. While the disk is full, one more
// is tried every second, to hear of room.
void stock_tend(struct stock *stock, int64_t now_ms);

struct stock_level {
  uint64_t live, spares;
  uint64_t room; // segments that can still become live
  bool disk_full;
};
struct stock_level stock_level(struct stock *stock);

#endif

// SPDX-License-Identifier: Apache-2.0
// The spool: what a service has acknowledged but not yet handed on, on disk. Append-only, in preallocated segments of
// one folder, each record guarded by a CRC-32C; the confirmed prefix is released and its segments are used again.
// Three parties, each one thread: the appender (spool_append), the reader (spool_read, spool_wait, spool_confirm) and
// whoever opens and closes. Bounded by options.max_bytes; states, file format and recovery: docs/spool.md.
#ifndef RISER_IO_SPOOL_H
#define RISER_IO_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct spool;

// What survives: NONE the death of the process; INTERVAL also that of the node but for the last interval;
// ALWAYS that of the node (one fdatasync an append).
enum spool_sync { SPOOL_SYNC_NONE, SPOOL_SYNC_INTERVAL, SPOOL_SYNC_ALWAYS };

struct spool_options {
  const char *folder;     // made if it is missing; one process at a time
  uint64_t max_bytes;     // of all segments together; rounded down to whole segments
  uint64_t segment_bytes; // SPOOL_SEGMENT_MIN .. SPOOL_SEGMENT_MAX; a multiple of 4096
  uint64_t reserve_bytes; // less room than this is "near full"; kept allocated on disk; at most max - 2 segments
  enum spool_sync sync;
  int sync_interval_ms; // for SPOOL_SYNC_INTERVAL
};

enum { SPOOL_SEGMENT_MIN = 4096, SPOOL_SEGMENT_MAX = 1 << 30 };

// A position is (segment number << 32 | offset): it grows for ever, also over restarts. 0 is before everything.
struct spool_entry {
  int64_t receive_ms;
  uint32_t note;      // the caller's own
  uint8_t kind;       // the caller's own, 0 .. 254
  struct bytes topic; // at most 65535
  struct bytes payload;
};

struct spool_record {
  uint64_t position;
  uint64_t next;            // the position behind it: what spool_confirm takes
  struct spool_entry entry; // points into the spool: valid until this record is confirmed
};

struct spool_level {
  uint64_t used_bytes;    // in unreleased segments, up to the tail
  uint64_t free_bytes;    // that appends can still take
  uint32_t segments;      // unreleased, the active one included
  uint32_t spares;        // allocated and free
  uint64_t damaged_bytes; // found damaged when it was opened, and skipped
  bool near_full;         // free_bytes < reserve_bytes: stop taking in
  bool disk_full;         // no segment could be made: only the spares are left
};

// The reserve that takes so many entries of at most that size (topic + payload) after the append that made it nearly
// full, whatever came before. Pure.
uint64_t spool_reserve(uint64_t segment_bytes, uint64_t entries, size_t entry_bytes);

// Opens the folder, finds the unconfirmed records again (a torn tail is cut off, damage inside is skipped and counted)
// and allocates the reserve, as far as the disk has room. ERR_CONFIG: options out of bounds; ERR_UNAVAILABLE: another
// process has the folder; ERR_CORRUPT: its key is gone; ERR_QUEUE_FULL: the disk has no room for a single segment;
// ERR_IO, ERR_NO_MEMORY. The caller closes.
enum error spool_open(const struct spool_options *options, struct spool **out) MUST_USE;
void spool_close(struct spool *spool); // everything stays on disk; NULL is fine

// The appender's thread. On OK the record survives as the sync policy says, and the caller may acknowledge.
// ERR_TOO_LARGE: larger than spool_entry_max; ERR_QUEUE_FULL: no room; ERR_IO: the disk does not keep what it is given,
// and the spool takes nothing more until it is opened again. On any error nothing is handed to the reader; after
// ERR_IO a new start may find it all the same.
enum error spool_append(struct spool *spool, const struct spool_entry *entry) MUST_USE;
size_t spool_entry_max(const struct spool *spool); // largest topic + payload

// The reader's thread. The record at `position` (any record's position or next; 0 or a released one: the oldest kept).
// ERR_AGAIN: there is nothing yet.
enum error spool_read(struct spool *spool, uint64_t position, struct spool_record *out) MUST_USE;

// Waits for a record at or behind `position`, at most timeout_ms; true if there is one. May also give up early.
bool spool_wait(struct spool *spool, uint64_t position, int timeout_ms);
void spool_wake(struct spool *spool); // any thread: ends a spool_wait early

// The reader's thread: everything before `position` is safe elsewhere and is not read again after a restart.
// Whole segments before min(position, hold) are released; see spool_hold. Remembered lazily, as a replay does no harm.
void spool_confirm(struct spool *spool, uint64_t position);
uint64_t spool_confirmed(const struct spool *spool); // where a restart would begin

// Keeps confirmed records from `position` on readable over restarts, or from the oldest that is still kept, if that is
// behind it; UINT64_MAX (at first): none.
void spool_hold(struct spool *spool, uint64_t position);
uint64_t spool_oldest(const struct spool *spool); // the oldest position that is still kept; it never decreases
uint64_t spool_waiting(struct spool *spool);      // bytes that are not confirmed, about; the reader's thread

// The reader's thread, every now and then: makes and removes spares, a system call at most.
void spool_tend(struct spool *spool);

// A time stamp that is kept beside the confirmed position; 0 when there never was one. The reader's thread.
void spool_stamp(struct spool *spool, int64_t wall_ms);
int64_t spool_stamped(const struct spool *spool);

// Any thread.
struct spool_level spool_level(struct spool *spool);
uint64_t spool_tail(const struct spool *spool);

enum error spool_sync_by_name(const char *name, enum spool_sync *sync) MUST_USE; // none, interval, always

#endif

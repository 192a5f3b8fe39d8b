// SPDX-License-Identifier: Apache-2.0
// An append is a copy into mapped memory, a checksum and one atomic store of the tail: no lock and no system call, so
// that it may run in a callback that stalls everybody else. Locks are taken only when a segment ends. The reader is
// handed pointers into the mapping, which stay where they are until it confirms them.
#include "io/spool.h"

#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/spool_record.h"
#include "io/spool_recover.h"
#include "io/spool_stock.h"
#include "io/spool_syncer.h"

struct spool {
  struct stock stock;
  enum spool_sync sync;
  uint64_t reserve_bytes;
  uint64_t damaged_bytes;
  struct spool_syncer *syncer; // SPOOL_SYNC_INTERVAL

  struct segment *active; // the appender's; its offset there is the tail's
  _Atomic uint64_t tail;  // behind the last record: the appender writes it

  int wake_fd;
  atomic_bool waiting;     // the reader sleeps, or is about to
  struct segment *reading; // the reader's: where it read last
  struct marks_file marks_file;
  struct marks marks; // the reader's
};

static enum error options_check(const struct spool_options *options);
static enum error open_parts(struct spool *spool, const struct spool_options *options);
static uint64_t oldest_of(const struct marks *marks);
static enum error begin(struct spool *spool);
static enum error turn(struct spool *spool);
static enum error bring_to_disk(struct spool *spool, const struct segment *segment);
static struct segment *segment_at(struct spool *spool, uint64_t *position);
static void release(struct spool *spool);

static const char *const SYNC_NAMES[] = {"none", "interval", "always"};

enum error spool_open(const struct spool_options *options, struct spool **out) {
  enum error err = options_check(options);
  if (err) return err;
  struct folder folder;
  err = folder_open(options->folder, &folder);
  if (err) return err;
  struct spool *spool = calloc(1, sizeof *spool);
  if (!spool) {
    folder_close(&folder);
    return ERR_NO_MEMORY;
  }
  spool->marks_file.fd = -1;
  stock_init(&spool->stock, &folder);
  spool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  err = spool->wake_fd < 0 ? ERR_IO : open_parts(spool, options);
  if (err)
    spool_close(spool);
  else
    *out = spool;
  return err;
}

static enum error options_check(const struct spool_options *options) {
  uint64_t size = options->segment_bytes;
  if (size < SPOOL_SEGMENT_MIN || size > SPOOL_SEGMENT_MAX || size % 4096) return ERR_CONFIG;
  if (options->max_bytes / size < 3) return ERR_CONFIG;
  if (options->reserve_bytes > (options->max_bytes / size - 2) * size) return ERR_CONFIG;
  if (options->sync == SPOOL_SYNC_INTERVAL && options->sync_interval_ms <= 0) return ERR_CONFIG;
  return OK;
}

static enum error open_parts(struct spool *spool, const struct spool_options *options) {
  struct stock *stock = &spool->stock;
  stock->segment_bytes = options->segment_bytes;
  stock->max_segments = options->max_bytes / options->segment_bytes;
  stock->spares_wanted = (options->reserve_bytes + options->segment_bytes - 1) / options->segment_bytes + 1;
  stock->sync = options->sync != SPOOL_SYNC_NONE;
  spool->sync = options->sync;
  spool->reserve_bytes = options->reserve_bytes;
  enum error err = marks_open(&stock->folder, &spool->marks_file, &spool->marks);
  if (err) return err;
  struct recovered recovered;
  err = spool_recover(stock, oldest_of(&spool->marks), &recovered);
  if (err) return err;
  atomic_store(&spool->tail, recovered.tail);
  spool->damaged_bytes = recovered.damaged_bytes;
  err = begin(spool);
  for (uint64_t i = 0; i < stock->spares_wanted; i++) stock_tend(stock, clock_mono_ms());
  if (!err && options->sync == SPOOL_SYNC_INTERVAL)
    err = spool_syncer_start(stock, options->sync_interval_ms, &spool->syncer);
  return err;
}

static uint64_t oldest_of(const struct marks *marks) {
  return marks->hold < marks->confirmed ? marks->hold : marks->confirmed;
}

// Appending goes on where the last record ends, or in a segment of a number that was never used.
static enum error begin(struct spool *spool) {
  uint64_t tail = atomic_load(&spool->tail);
  spool->active = stock_find(&spool->stock, spool_segment_of(tail));
  if (spool->active) return OK;
  uint64_t number = spool_segment_of(tail) + 1;
  enum error err = stock_next(&spool->stock, number, &spool->active);
  if (!err) atomic_store(&spool->tail, spool_position(number, 0));
  return err;
}

void spool_close(struct spool *spool) {
  if (!spool) return;
  spool_syncer_stop(spool->syncer);
  marks_close(&spool->marks_file);
  stock_fini(&spool->stock);
  folder_close(&spool->stock.folder);
  if (spool->wake_fd >= 0) close(spool->wake_fd);
  free(spool);
}

// Whatever their sizes, a segment takes at least as many as fit of the largest size. One entry more, since it is an
// append that makes it nearly full; one segment more, since what is left of the active one may be too little.
uint64_t spool_reserve(uint64_t segment_bytes, uint64_t entries, size_t entry_bytes) {
  uint64_t in_one = segment_bytes / spool_record_size(entry_bytes);
  assert(in_one > 0);
  return (entries / in_one + 2) * segment_bytes;
}

// A quarter of a segment: what is lost at the end of one when the next record does not fit stays small.
size_t spool_entry_max(const struct spool *spool) {
  return spool->stock.segment_bytes / 4 - SPOOL_HEADER;
}

enum error spool_append(struct spool *spool, const struct spool_entry *entry) {
  assert(entry->kind != SPOOL_FILLER);
  if (atomic_load_explicit(&spool->stock.failed, memory_order_relaxed)) return ERR_IO;
  size_t content = entry->topic.len + entry->payload.len;
  if (entry->topic.len > SPOOL_TOPIC_MAX || content > spool_entry_max(spool)) return ERR_TOO_LARGE;
  size_t size = spool_record_size(content);
  uint64_t offset = spool_offset_of(atomic_load_explicit(&spool->tail, memory_order_relaxed));
  if (size > spool->active->size - offset) {
    enum error err = turn(spool);
    if (err) return err;
    offset = 0;
  }
  uint64_t position = spool_position(spool->active->number, offset);
  spool_record_write(spool->active->map + offset, position ^ spool->stock.folder.key, entry);
  if (spool->sync == SPOOL_SYNC_ALWAYS) {
    enum error err = bring_to_disk(spool, spool->active);
    if (err) return err;
  }
  atomic_store(&spool->tail, position + size); // sequentially consistent, as `waiting` is: one of us sees the other
  if (atomic_load(&spool->waiting)) spool_wake(spool);
  return OK;
}

// The next segment becomes the active one; the rest of this one is covered, so that the reader goes on there.
static enum error turn(struct spool *spool) {
  struct segment *full = spool->active, *next = NULL;
  uint64_t offset = spool_offset_of(atomic_load_explicit(&spool->tail, memory_order_relaxed));
  enum error err = stock_next(&spool->stock, full->number + 1, &next);
  if (err) return err;
  if (full->size - offset >= SPOOL_HEADER)
    spool_filler_write(full->map + offset, spool_position(full->number, offset) ^ spool->stock.folder.key,
                       full->size - offset);
  if (spool->sync == SPOOL_SYNC_ALWAYS) err = bring_to_disk(spool, full);
  spool->active = next;
  atomic_store(&spool->tail, spool_position(next->number, 0));
  return err;
}

// The kernel tells of a page that it could not write only once and then takes it for clean: a second attempt would
// succeed and mean nothing.
static enum error bring_to_disk(struct spool *spool, const struct segment *segment) {
  enum error err = segment_sync(segment);
  if (err) atomic_store(&spool->stock.failed, true);
  return err;
}

enum error spool_read(struct spool *spool, uint64_t position, struct spool_record *out) {
  uint64_t oldest = oldest_of(&spool->marks), tail = atomic_load(&spool->tail);
  if (position < oldest) position = oldest;
  while (position < tail) {
    struct segment *segment = segment_at(spool, &position);
    uint64_t offset = spool_offset_of(position);
    if (position >= tail) break;
    if (segment->size - offset < SPOOL_HEADER) {
      position = spool_position(segment->number + 1, 0);
      continue;
    }
    const uint8_t *at = segment->map + offset;
    uint64_t next = position + spool_record_stored_size(at);
    if (!spool_record_is_filler(at)) {
      *out = (struct spool_record){.position = position, .next = next};
      spool_record_read(at, &out->entry);
      return OK;
    }
    position = next;
  }
  return ERR_AGAIN;
}

// The segment of the position, which moves on to the next live one if there is none of that number.
static struct segment *segment_at(struct spool *spool, uint64_t *position) {
  uint64_t number = spool_segment_of(*position);
  if (!spool->reading || spool->reading->number != number) spool->reading = stock_find(&spool->stock, number);
  assert(spool->reading); // the active one, at least
  if (spool->reading->number != number) *position = spool_position(spool->reading->number, 0);
  return spool->reading;
}

bool spool_wait(struct spool *spool, uint64_t position, int timeout_ms) {
  struct spool_record record;
  atomic_store(&spool->waiting, true);
  if (spool_read(spool, position, &record)) {
    struct pollfd wake = {.fd = spool->wake_fd, .events = POLLIN};
    poll(&wake, 1, timeout_ms);
  }
  atomic_store(&spool->waiting, false);
  uint64_t count;
  while (read(spool->wake_fd, &count, sizeof count) > 0) continue;
  return spool_read(spool, position, &record) == OK;
}

void spool_wake(struct spool *spool) {
  uint64_t one = 1;
  atomic_store(&spool->waiting, false);
  ssize_t written = write(spool->wake_fd, &one, sizeof one);
  assert(written == sizeof one || written < 0); // full means that it is awake already
}

void spool_confirm(struct spool *spool, uint64_t position) {
  if (position <= spool->marks.confirmed) return;
  spool->marks.confirmed = position;
  release(spool);
}

// What is not kept any more does not come back: the oldest position never decreases.
void spool_hold(struct spool *spool, uint64_t position) {
  uint64_t oldest = oldest_of(&spool->marks);
  if (position < oldest) position = oldest;
  if (position == spool->marks.hold) return;
  spool->marks.hold = position;
  release(spool);
}

// The marks are on disk before a segment's name goes away, lest a start take the gap for a loss.
static void release(struct spool *spool) {
  uint64_t number = spool_segment_of(oldest_of(&spool->marks));
  marks_write(&spool->marks_file, &spool->marks);
  struct segment *first = stock_find(&spool->stock, 0);
  if (!first || first->number >= number) return;
  if (spool->stock.sync && marks_sync(&spool->marks_file)) return;
  if (spool->reading && spool->reading->number < number) spool->reading = NULL;
  stock_release(&spool->stock, number);
}

void spool_tend(struct spool *spool) {
  stock_tend(&spool->stock, clock_mono_ms());
}

uint64_t spool_confirmed(const struct spool *spool) {
  return spool->marks.confirmed;
}

uint64_t spool_oldest(const struct spool *spool) {
  return oldest_of(&spool->marks);
}

uint64_t spool_waiting(struct spool *spool) {
  uint64_t from = spool->marks.confirmed, tail = atomic_load(&spool->tail);
  uint64_t first = stock_find(&spool->stock, 0)->number; // the active one, at least
  if (spool_segment_of(from) < first) from = spool_position(first, 0);
  if (from >= tail) return 0;
  uint64_t segments = spool_segment_of(tail) - spool_segment_of(from);
  return segments * spool->stock.segment_bytes + spool_offset_of(tail) - spool_offset_of(from);
}

void spool_stamp(struct spool *spool, int64_t wall_ms) {
  spool->marks.stamp_ms = wall_ms;
  marks_write(&spool->marks_file, &spool->marks);
}

int64_t spool_stamped(const struct spool *spool) {
  return spool->marks.stamp_ms;
}

uint64_t spool_tail(const struct spool *spool) {
  return atomic_load(&spool->tail);
}

struct spool_level spool_level(struct spool *spool) {
  struct stock_level stock = stock_level(&spool->stock);
  uint64_t offset = spool_offset_of(atomic_load(&spool->tail)), size = spool->stock.segment_bytes;
  struct spool_level level = {
      .used_bytes = (stock.live - 1) * size + offset,
      .free_bytes = stock.room * size + (offset < size ? size - offset : 0),
      .segments = (uint32_t)stock.live,
      .spares = (uint32_t)stock.spares,
      .damaged_bytes = spool->damaged_bytes,
      .disk_full = stock.disk_full,
  };
  level.near_full = level.free_bytes < spool->reserve_bytes;
  return level;
}

enum error spool_sync_by_name(const char *name, enum spool_sync *sync) {
  for (int i = SPOOL_SYNC_NONE; i <= SPOOL_SYNC_ALWAYS; i++)
    if (strcmp(name, SYNC_NAMES[i]) == 0) {
      *sync = (enum spool_sync)i;
      return OK;
    }
  return ERR_BAD_VALUE;
}

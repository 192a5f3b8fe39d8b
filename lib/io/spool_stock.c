// SPDX-License-Identifier: Apache-2.0
// A released segment is renamed to a spare and used again, so that a steady flow allocates nothing. Spares carry names
// of their own: a numbered file always holds, or is about to hold, records of that number.
#include "io/spool_stock.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { RETRY_MS = 1000 };

static enum error push(struct segments *segments, struct segment *segment);
static struct segment *take(struct segments *segments, size_t index);
static void segments_fini(struct segments *segments);
static enum error new_or_spare(struct stock *stock, struct segment **out);
static void heard_disk(struct stock *stock, enum error err, int64_t now_ms);
static enum error to_spare(struct stock *stock, struct segment *segment);
static void trim(struct stock *stock, struct segment *surplus);

void stock_init(struct stock *stock, const struct folder *folder) {
  *stock = (struct stock){.folder = *folder, .spare_names = 1};
  pthread_mutex_init(&stock->lock, NULL);
}

void stock_fini(struct stock *stock) {
  segments_fini(&stock->live);
  segments_fini(&stock->spares);
  pthread_mutex_destroy(&stock->lock);
}

enum error stock_add_live(struct stock *stock, struct segment *segment) {
  return push(&stock->live, segment);
}

enum error stock_add_spare(struct stock *stock, struct segment *segment) {
  if (segment->size != stock->segment_bytes) return segment_remove(&stock->folder, segment);
  return to_spare(stock, segment);
}

enum error stock_next(struct stock *stock, uint64_t number, struct segment **out) {
  struct segment *segment = NULL;
  if (number > SEGMENT_NUMBER_MAX) return ERR_QUEUE_FULL;
  pthread_mutex_lock(&stock->lock);
  enum error err = new_or_spare(stock, &segment);
  if (!err) err = segment_rename(&stock->folder, segment, (struct segment_file){.number = number});
  if (!err && stock->sync) err = folder_sync(&stock->folder);
  if (!err) err = push(&stock->live, segment);
  pthread_mutex_unlock(&stock->lock);
  if (err)
    segment_close(segment);
  else
    *out = segment;
  return err;
}

// A new one where taking a spare would break into the reserve, so that a disk that fills shows while that is whole.
static enum error new_or_spare(struct stock *stock, struct segment **out) {
  size_t taken = stock->live.count + stock->making, spares = stock->spares.count;
  if (taken >= stock->max_segments) return ERR_QUEUE_FULL;
  bool reserved = spares < stock->spares_wanted && taken + spares < stock->max_segments && !stock->disk_full;
  enum error err = ERR_QUEUE_FULL;
  if (reserved || !spares) {
    err = segment_make(&stock->folder, stock->spare_names++, stock->segment_bytes, out);
    heard_disk(stock, err, clock_mono_ms());
  }
  if (!err || !spares) return err;
  *out = take(&stock->spares, spares - 1);
  return OK;
}

static void heard_disk(struct stock *stock, enum error err, int64_t now_ms) {
  if (err) stock->retry_ms = now_ms + RETRY_MS;
  if (stock->disk_full == (err != OK)) return;
  stock->disk_full = err != OK;
  if (err)
    log_warn("spool-disk-full", F_ERR(err), F_INT("segment_bytes", (int64_t)stock->segment_bytes),
             F_INT("spares", (int64_t)stock->spares.count));
  else
    log_info("spool-disk-has-room", F_INT("spares", (int64_t)stock->spares.count));
}

struct segment *stock_find(struct stock *stock, uint64_t number) {
  struct segment *found = NULL;
  pthread_mutex_lock(&stock->lock);
  for (size_t i = 0; !found && i < stock->live.count; i++)
    if (stock->live.at[i]->number >= number) found = stock->live.at[i];
  pthread_mutex_unlock(&stock->lock);
  return found;
}

void stock_release(struct stock *stock, uint64_t number) {
  pthread_mutex_lock(&stock->lock);
  while (stock->live.count && stock->live.at[0]->number < number) {
    struct segment *segment = take(&stock->live, 0);
    enum error err =
        segment->size == stock->segment_bytes ? to_spare(stock, segment) : segment_remove(&stock->folder, segment);
    if (err) log_error("spool-release-failed", F_ERR(err));
  }
  pthread_mutex_unlock(&stock->lock);
}

// Takes the segment, also on an error: a file that can't be renamed is found again at the next start.
static enum error to_spare(struct stock *stock, struct segment *segment) {
  struct segment_file name = {.number = stock->spare_names++, .spare = true};
  enum error err = segment_rename(&stock->folder, segment, name);
  if (!err) err = push(&stock->spares, segment);
  if (err) segment_close(segment);
  return err;
}

void stock_tend(struct stock *stock, int64_t now_ms) {
  pthread_mutex_lock(&stock->lock);
  size_t spares = stock->spares.count, total = stock->live.count + spares + stock->making;
  bool surplus = spares > stock->spares_wanted;
  bool wanting = (spares < stock->spares_wanted || stock->disk_full) && !surplus && now_ms >= stock->retry_ms &&
                 total < stock->max_segments;
  struct segment *old = surplus ? take(&stock->spares, spares - 1) : NULL, *spare = NULL;
  uint64_t name = stock->spare_names;
  stock->spare_names += wanting;
  stock->making += wanting;
  pthread_mutex_unlock(&stock->lock);
  if (surplus) trim(stock, old);
  if (!wanting) return;
  enum error err = segment_make(&stock->folder, name, stock->segment_bytes, &spare);
  pthread_mutex_lock(&stock->lock);
  stock->making--;
  if (!err) err = push(&stock->spares, spare);
  heard_disk(stock, err, now_ms);
  pthread_mutex_unlock(&stock->lock);
  if (err) segment_close(spare);
}

// Whoever filled the disk, there is room on it now; somebody else may take it, and that will show.
static void trim(struct stock *stock, struct segment *surplus) {
  if (segment_remove(&stock->folder, surplus)) {
    log_error("spool-trim-failed");
    return;
  }
  pthread_mutex_lock(&stock->lock);
  if (stock->disk_full) heard_disk(stock, OK, 0);
  pthread_mutex_unlock(&stock->lock);
}

struct stock_level stock_level(struct stock *stock) {
  pthread_mutex_lock(&stock->lock);
  struct stock_level level = {.live = stock->live.count, .spares = stock->spares.count, .disk_full = stock->disk_full};
  pthread_mutex_unlock(&stock->lock);
  level.room = level.live < stock->max_segments ? stock->max_segments - level.live : 0;
  if (level.disk_full && level.room > level.spares) level.room = level.spares;
  return level;
}

static enum error push(struct segments *segments, struct segment *segment) {
  if (segments->count == segments->room) {
    size_t room = segments->room ? 2 * segments->room : 16;
    struct segment **at = realloc(segments->at, room * sizeof *at);
    if (!at) return ERR_NO_MEMORY;
    segments->at = at;
    segments->room = room;
  }
  segments->at[segments->count++] = segment;
  return OK;
}

static struct segment *take(struct segments *segments, size_t index) {
  struct segment *segment = segments->at[index];
  segments->count--;
  memmove(segments->at + index, segments->at + index + 1, (segments->count - index) * sizeof *segments->at);
  return segment;
}

static void segments_fini(struct segments *segments) {
  for (size_t i = 0; i < segments->count; i++) segment_close(segments->at[i]);
  free(segments->at);
  *segments = (struct segments){NULL, 0, 0};
}

// SPDX-License-Identifier: Apache-2.0
// A released segment is renamed to a spare and used again, so that a steady flow allocates nothing. Spares carry names
// of their own: a numbered file always holds, or is about to hold, records of that number.
#include "io/spool_stock.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { RETRY_MS = 1000 };

static enum error push(struct segments *segments, struct segment *segment);
static struct segment *take(struct segments *segments, size_t index);
static void segments_fini(struct segments *segments);
static enum error spare_or_new(struct stock *stock, struct segment **out);
static enum error make(struct stock *stock, struct segment **out);
static enum error to_spare(struct stock *stock, struct segment *segment);

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
  enum error err = spare_or_new(stock, &segment);
  if (err) return err;
  pthread_mutex_lock(&stock->lock);
  err = segment_rename(&stock->folder, segment, (struct segment_file){.number = number});
  if (!err && stock->sync) err = folder_sync(&stock->folder);
  if (!err) err = push(&stock->live, segment);
  stock->making--;
  pthread_mutex_unlock(&stock->lock);
  if (err)
    segment_close(segment);
  else
    *out = segment;
  return err;
}

// Counted as being made.
static enum error spare_or_new(struct stock *stock, struct segment **out) {
  pthread_mutex_lock(&stock->lock);
  bool full = stock->live.count + stock->making >= stock->max_segments;
  struct segment *spare = full || !stock->spares.count ? NULL : take(&stock->spares, stock->spares.count - 1);
  if (!full) stock->making++;
  pthread_mutex_unlock(&stock->lock);
  if (full) return ERR_QUEUE_FULL;
  if (spare) {
    *out = spare;
    return OK;
  }
  enum error err = make(stock, out);
  if (!err) return OK;
  pthread_mutex_lock(&stock->lock);
  stock->making--;
  pthread_mutex_unlock(&stock->lock);
  return err;
}

static enum error make(struct stock *stock, struct segment **out) {
  pthread_mutex_lock(&stock->lock);
  uint64_t name = stock->spare_names++;
  pthread_mutex_unlock(&stock->lock);
  return segment_make(&stock->folder, name, stock->segment_bytes, out);
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
  struct segment *surplus =
      stock->spares.count > stock->spares_wanted ? take(&stock->spares, stock->spares.count - 1) : NULL;
  bool wanting = stock->spares.count < stock->spares_wanted && now_ms >= stock->retry_ms &&
                 stock->live.count + stock->spares.count + stock->making < stock->max_segments;
  if (wanting) stock->making++;
  pthread_mutex_unlock(&stock->lock);
  if (surplus && segment_remove(&stock->folder, surplus)) log_error("spool-trim-failed");
  if (!wanting) return;
  struct segment *spare = NULL;
  enum error err = make(stock, &spare);
  pthread_mutex_lock(&stock->lock);
  stock->making--;
  if (!err) err = push(&stock->spares, spare);
  stock->disk_full = err != OK;
  if (err) stock->retry_ms = now_ms + RETRY_MS;
  pthread_mutex_unlock(&stock->lock);
}

struct stock_level stock_level(struct stock *stock) {
  pthread_mutex_lock(&stock->lock);
  uint64_t live = stock->live.count, spares = stock->spares.count;
  uint64_t room = live < stock->max_segments ? stock->max_segments - live : 0;
  if (stock->disk_full && room > spares) room = spares;
  pthread_mutex_unlock(&stock->lock);
  return (struct stock_level){.live = live, .spares = spares, .room = room};
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

// SPDX-License-Identifier: Apache-2.0
// The simulated spool: what was appended stays when its process dies. What was confirmed is remembered lazily, as in
// the real one, so that a restart may read some of it again.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"
#include "ports.h"
#include "process.h"
#include "shelf.h"
#include "trace.h"

enum { SHELVES_MAX = 4, FIRST = 64, LAZY = 2000, SEGMENT_BYTES = 64 << 10 };

struct kept {
  uint64_t position, next;
  struct spool_entry entry;
  uint8_t *copy;
};

struct spool { // of one folder, over all lives of its process
  char folder[64];
  bool open;
  uint64_t max_bytes, reserve_bytes;
  struct kept *kept;
  size_t count, room;
  uint64_t tail;
  uint64_t confirmed; // as the process knows
  uint64_t remembered; // as a restart will know
  uint64_t hold;
  uint64_t used_bytes;
  int64_t stamp_ms;
};

static struct spool shelves[SHELVES_MAX];

void shelves_begin(void) {
  for (size_t i = 0; i < SHELVES_MAX; i++) {
    for (size_t k = 0; k < shelves[i].count; k++) free(shelves[i].kept[k].copy);
    free(shelves[i].kept);
    shelves[i] = (struct spool){.tail = FIRST, .hold = UINT64_MAX};
  }
}

bool shelves_are_empty(void) {
  for (size_t i = 0; i < SHELVES_MAX; i++)
    if (shelves[i].confirmed < shelves[i].tail && shelves[i].folder[0] && shelves[i].tail > FIRST) return false;
  return true;
}

enum error sim_spool_open(const struct spool_options *options, struct spool **out) {
  size_t at = 0;
  while (at < SHELVES_MAX && shelves[at].folder[0] && strcmp(shelves[at].folder, options->folder) != 0) at++;
  assert(at < SHELVES_MAX);
  struct spool *spool = &shelves[at];
  if (spool->open) return ERR_UNAVAILABLE;
  snprintf(spool->folder, sizeof spool->folder, "%s", options->folder);
  spool->open = true;
  spool->max_bytes = options->max_bytes;
  spool->reserve_bytes = options->reserve_bytes;
  spool->confirmed = spool->remembered;
  spool->hold = UINT64_MAX;
  *out = spool;
  return OK;
}

// The folder's lock goes with the process.
void sim_spool_close(struct spool *spool) {
  if (!spool) return;
  spool->open = false;
  if (!canary_sings(CANARY_SPOOL) || !unit_is_dead(unit_current())) return;
  spool->confirmed = spool->remembered = spool->tail;
}

static void release(struct spool *spool) {
  uint64_t before = spool->remembered < spool->hold ? spool->remembered : spool->hold;
  size_t gone = 0;
  while (gone < spool->count && spool->kept[gone].next <= before) {
    spool->used_bytes -= spool->kept[gone].next - spool->kept[gone].position;
    free(spool->kept[gone++].copy);
  }
  if (!gone) return;
  memmove(spool->kept, spool->kept + gone, (spool->count - gone) * sizeof *spool->kept);
  spool->count -= gone;
}

enum error sim_spool_append(struct spool *spool, const struct spool_entry *entry) {
  size_t len = entry->topic.len + entry->payload.len;
  assert(!unit_is_dead(unit_current()));
  if (spool->used_bytes + len > spool->max_bytes) return ERR_QUEUE_FULL;
  if (spool->count == spool->room) {
    spool->room = spool->room ? 2 * spool->room : 64;
    spool->kept = realloc(spool->kept, spool->room * sizeof *spool->kept);
    if (!spool->kept) abort();
  }
  uint8_t *copy = malloc(len + 1);
  if (!copy) abort();
  memcpy(copy, entry->topic.data, entry->topic.len);
  if (entry->payload.len) memcpy(copy + entry->topic.len, entry->payload.data, entry->payload.len);
  struct kept *kept = &spool->kept[spool->count++];
  *kept = (struct kept){.position = spool->tail, .next = spool->tail + len + 32, .entry = *entry, .copy = copy};
  kept->entry.topic.data = copy;
  kept->entry.payload.data = copy + entry->topic.len;
  spool->tail = kept->next;
  spool->used_bytes += kept->next - kept->position;
  return OK;
}

size_t sim_spool_entry_max(const struct spool *spool) {
  return spool->max_bytes / 4;
}

static const struct kept *at_or_behind(const struct spool *spool, uint64_t position) {
  size_t low = 0, high = spool->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (spool->kept[middle].position < position)
      low = middle + 1;
    else
      high = middle;
  }
  return low < spool->count ? &spool->kept[low] : NULL;
}

enum error sim_spool_read(struct spool *spool, uint64_t position, struct spool_record *out) {
  const struct kept *kept = at_or_behind(spool, position);
  if (!kept) return ERR_AGAIN;
  *out = (struct spool_record){.position = kept->position, .next = kept->next, .entry = kept->entry};
  return OK;
}

struct waiting {
  const struct spool *spool;
  uint64_t position;
};

static bool has_record(void *ctx) {
  const struct waiting *waiting = ctx;
  return at_or_behind(waiting->spool, waiting->position) != NULL;
}

bool sim_spool_wait(struct spool *spool, uint64_t position, int timeout_ms) {
  struct waiting waiting = {spool, position};
  if (!has_record(&waiting)) task_wait(machine_now_ms() + timeout_ms, has_record, &waiting);
  return has_record(&waiting);
}

void sim_spool_wake(struct spool *spool) {
  (void)spool;
}

void sim_spool_confirm(struct spool *spool, uint64_t position) {
  if (unit_is_dead(unit_current()) || position <= spool->confirmed) return;
  spool->confirmed = position;
  if (!chance_of(LAZY)) spool->remembered = position;
  release(spool);
}

uint64_t sim_spool_confirmed(const struct spool *spool) {
  return spool->confirmed;
}

void sim_spool_hold(struct spool *spool, uint64_t position) {
  if (unit_is_dead(unit_current())) return;
  spool->hold = position;
  release(spool);
}

uint64_t sim_spool_oldest(const struct spool *spool) {
  return spool->count ? spool->kept[0].position : spool->tail;
}

void sim_spool_tend(struct spool *spool) {
  if (unit_is_dead(unit_current())) return;
  spool->remembered = spool->confirmed;
  release(spool);
}

void sim_spool_stamp(struct spool *spool, int64_t wall_ms) {
  if (!unit_is_dead(unit_current())) spool->stamp_ms = wall_ms;
}

int64_t sim_spool_stamped(const struct spool *spool) {
  return spool->stamp_ms;
}

struct spool_level sim_spool_level(struct spool *spool) {
  uint64_t free_bytes = spool->max_bytes > spool->used_bytes ? spool->max_bytes - spool->used_bytes : 0;
  return (struct spool_level){.used_bytes = spool->used_bytes,
                              .free_bytes = free_bytes,
                              .segments = (uint32_t)(spool->used_bytes / SEGMENT_BYTES) + 1,
                              .near_full = free_bytes < spool->reserve_bytes};
}

uint64_t sim_spool_waiting(struct spool *spool) {
  return spool->tail - spool->confirmed;
}

uint64_t sim_spool_tail(const struct spool *spool) {
  return spool->tail;
}

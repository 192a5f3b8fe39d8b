// SPDX-License-Identifier: Apache-2.0
#include "numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "trace.h"

enum { KEY_SIZE = 256 };

// Bits of a number of a device.
enum { STORED = 1, MISSED = 2, TOLD = 4 };

static struct {
  bool watched;
  struct index newest; // of each device
  struct index marks;  // of each number
  struct index events;
} all;

void numbers_begin(bool watched) {
  memset(&all, 0, sizeof all);
  all.watched = watched;
}

void numbers_end(void) {
  index_fini(&all.newest);
  index_fini(&all.marks);
  index_fini(&all.events);
}

static size_t *mark_of(const char *site, const char *device, uint64_t number) {
  char key[KEY_SIZE];
  snprintf(key, sizeof key, "%s/%s/%" PRIu64, site, device, number);
  return index_slot(&all.marks, key);
}

// What was repeated by a new producer or a new life stands in the log twice: only what is new can show a gap.
static void take_batch(const char *site, const char *device, uint64_t number) {
  char key[KEY_SIZE];
  snprintf(key, sizeof key, "%s/%s", site, device);
  size_t *newest = index_slot(&all.newest, key);
  *mark_of(site, device, number) |= STORED;
  if (*newest)
    for (uint64_t missed = *newest + 1; missed < number; missed++) *mark_of(site, device, missed) |= MISSED;
  if (number > *newest) *newest = number;
}

static void take_gap(const struct fact *fact) {
  const struct device_event_fact *event = &fact->device_event;
  uint64_t first = 0, last = 0;
  if (sscanf(event->detail, "%" SCNu64 "..%" SCNu64, &first, &last) != 2 || !first || last < first)
    violated("what is written can be read", "gap %s", event->detail);
  size_t *told = index_slot(&all.events, fact->envelope.fact_id);
  for (uint64_t number = first; number <= last; number++) {
    size_t *mark = mark_of(fact->envelope.site, event->device, number);
    if (!*told && (*mark & STORED))
      violated("what is told to be missing is missing", "%s %s: %" PRIu64, event->device, event->detail, number);
    *mark |= TOLD;
  }
  *told = 1;
}

void numbers_fact(const struct fact *fact) {
  if (!all.watched) return;
  if (fact->kind == FACT_READINGS && fact->envelope.sequence && strncmp(fact->envelope.source, "ingest/", 7) == 0)
    take_batch(fact->envelope.site, fact->readings.device, fact->envelope.sequence);
  if (fact->kind == FACT_DEVICE_EVENT && fact->device_event.kind == EVENT_SEQUENCE_GAP) take_gap(fact);
}

void numbers_receipted(const char *site, const char *device, uint64_t number) {
  if (*mark_of(site, device, number) & STORED) return;
  violated("a receipt names only what is in Kafka", "%s/%s: %" PRIu64, site, device, number);
}

void numbers_final(void) {
  for (size_t i = 0; i < all.marks.room && !is_violated(); i++) {
    const struct index_entry *entry = &all.marks.entries[i];
    if (entry->key && (entry->number & MISSED) && !(entry->number & TOLD))
      violated("a gap is told", "%s was missing", entry->key);
  }
}

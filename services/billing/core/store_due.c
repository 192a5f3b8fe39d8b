// SPDX-License-Identifier: Apache-2.0
// The due index. A removed member stays in the table, out of the heap, until its removal is saved: what is loaded
// meanwhile must not bring it back.
#include <stdlib.h>
#include <string.h>

#include "billing/core/store_parts.h"

#define NOWHERE SIZE_MAX

struct due_entry {
  struct store_cursor link; // first: a cursor is an entry
  UT_hash_handle hh;
  int64_t instant_s;
  size_t at; // in the heap; NOWHERE: removed
  char member[];
};

void dirty_add(struct dirty_list *list, struct store_cursor *link) {
  if (link->dirty) return;
  link->dirty = true;
  link->next = NULL;
  if (list->last) {
    list->last->next = link;
  } else {
    list->first = link;
  }
  list->last = link;
  list->count++;
}

void due_init(struct due_index *due) {
  *due = (struct due_index){.horizon_s = INT64_MIN};
}

void due_fini(struct due_index *due) {
  struct due_entry *entry, *next;
  HASH_ITER(hh, due->table, entry, next) {
    HASH_DEL(due->table, entry);
    free(entry);
  }
  free(due->heap);
}

static bool before(const struct due_entry *a, const struct due_entry *b) {
  if (a->instant_s != b->instant_s) return a->instant_s < b->instant_s;
  return strcmp(a->member, b->member) < 0;
}

static void place(struct due_index *due, size_t at, struct due_entry *entry) {
  due->heap[at] = entry;
  entry->at = at;
}

// Moves the entry at `at` up and down to where it belongs.
static void heap_settle(struct due_index *due, size_t at) {
  struct due_entry *entry = due->heap[at];
  while (at > 0 && before(entry, due->heap[(at - 1) / 2])) {
    place(due, at, due->heap[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  for (size_t child = 2 * at + 1; child < due->heap_count; child = 2 * at + 1) {
    if (child + 1 < due->heap_count && before(due->heap[child + 1], due->heap[child])) child++;
    if (!before(due->heap[child], entry)) break;
    place(due, at, due->heap[child]);
    at = child;
  }
  place(due, at, entry);
}

static enum error heap_add(struct due_index *due, struct due_entry *entry) {
  struct due_entry **heap = store_grow(due->heap, due->heap_count, sizeof(struct due_entry *));
  if (!heap) return ERR_NO_MEMORY;
  due->heap = heap;
  place(due, due->heap_count++, entry);
  heap_settle(due, entry->at);
  return OK;
}

static void heap_take(struct due_index *due, struct due_entry *entry) {
  size_t at = entry->at;
  struct due_entry *last = due->heap[--due->heap_count];
  entry->at = NOWHERE;
  if (last == entry) return;
  place(due, at, last);
  heap_settle(due, at);
}

static struct due_entry *find(struct due_index *due, const char *member) {
  struct due_entry *entry;
  HASH_FIND_STR(due->table, member, entry);
  return entry;
}

static struct due_entry *add(struct due_index *due, const char *member) {
  size_t len = strlen(member);
  struct due_entry *entry = calloc(1, sizeof *entry + len + 1);
  if (!entry) return NULL;
  memcpy(entry->member, member, len);
  entry->link.kind = STORE_DUE;
  entry->at = NOWHERE;
  HASH_ADD_STR(due->table, member, entry);
  if (!entry->hh.tbl) {
    free(entry);
    return NULL;
  }
  due->bytes += sizeof *entry + len + 1 + sizeof entry;
  return entry;
}

static void forget(struct due_index *due, struct due_entry *entry) {
  HASH_DEL(due->table, entry);
  due->bytes -= sizeof *entry + strlen(entry->member) + 1 + sizeof entry;
  free(entry);
}

enum error due_set(struct due_index *due, struct dirty_list *dirty, int64_t instant_s, const char *member) {
  struct due_entry *entry = find(due, member);
  if (!entry) entry = add(due, member);
  if (!entry) return ERR_NO_MEMORY;
  entry->instant_s = instant_s;
  dirty_add(dirty, &entry->link);
  if (entry->at == NOWHERE) return heap_add(due, entry);
  heap_settle(due, entry->at);
  return OK;
}

enum error due_remove(struct due_index *due, struct dirty_list *dirty, const char *member) {
  struct due_entry *entry = find(due, member);
  if (!entry) entry = add(due, member);
  if (!entry) return ERR_NO_MEMORY;
  if (entry->at != NOWHERE) heap_take(due, entry);
  dirty_add(dirty, &entry->link);
  return OK;
}

enum error due_put(struct due_index *due, int64_t instant_s, const char *member) {
  if (find(due, member)) return OK;
  struct due_entry *entry = add(due, member);
  if (!entry) return ERR_NO_MEMORY;
  entry->instant_s = instant_s;
  return heap_add(due, entry);
}

bool due_first(const struct due_index *due, int64_t now_s, int64_t *instant_s, const char **member) {
  if (due->heap_count == 0 || due->heap[0]->instant_s > now_s) return false;
  *instant_s = due->heap[0]->instant_s;
  *member = due->heap[0]->member;
  return true;
}

void due_item(const struct store_cursor *link, struct store_item *item) {
  const struct due_entry *entry = (const struct due_entry *)link;
  *item = (struct store_item){.kind = STORE_DUE, .key = entry->member};
  item->due.instant_s = entry->instant_s;
  item->due.removed = entry->at == NOWHERE;
}

void due_saved(struct due_index *due, struct store_cursor *link) {
  struct due_entry *entry = (struct due_entry *)link;
  if (entry->at == NOWHERE) forget(due, entry);
}

// SPDX-License-Identifier: Apache-2.0
// The inner parts of the store, for store*.c alone: the list of what changed, the interned strings, the due index, and
// the copying and freeing of states. uthash is told to report a lack of memory instead of ending the process.
#ifndef RISER_BILLING_CORE_STORE_PARTS_H
#define RISER_BILLING_CORE_STORE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "billing/core/store.h"

// ---- what changed

struct store_cursor {
  struct store_cursor *next;
  enum store_kind kind;
  bool dirty;
};

struct dirty_list {
  struct store_cursor *first;
  struct store_cursor *last;
  size_t count;
};

void dirty_add(struct dirty_list *list, struct store_cursor *link); // again: no effect

// ---- strings

struct string;

struct strings {
  struct string *table;
  size_t bytes;
};

const char *strings_intern(struct strings *strings, const char *text);
void strings_fini(struct strings *strings);
// As store_own_*.
enum error strings_own_site(struct strings *strings, struct site *site);
enum error strings_own_room(struct strings *strings, struct room *room);
enum error strings_own_point(struct strings *strings, struct service_point *point);
enum error strings_own_installation(struct strings *strings, struct installation *installation);
enum error strings_own_tariff(struct strings *strings, struct tariff *tariff);
enum error strings_own_device_key(struct strings *strings, struct device_key *key);
enum error strings_own_lease(struct strings *strings, struct lease *lease);

// ---- the due index: a table by member and a binary heap by (instant, member)

struct due_entry;

struct due_index {
  struct due_entry *table;
  struct due_entry **heap;
  size_t heap_count;
  int64_t horizon_s;
  size_t bytes;
};

void due_init(struct due_index *due);
void due_fini(struct due_index *due);
enum error due_set(struct due_index *due, struct dirty_list *dirty, int64_t instant_s, const char *member);
enum error due_remove(struct due_index *due, struct dirty_list *dirty, const char *member);
enum error due_put(struct due_index *due, int64_t instant_s, const char *member);
bool due_first(const struct due_index *due, int64_t now_s, int64_t *instant_s, const char **member);
void due_item(const struct store_cursor *link, struct store_item *item);
void due_saved(struct due_index *due, struct store_cursor *link);

// ---- states: from == NULL gives an empty one. NULL without memory. Strings are interned.

struct site_state *site_state_copy(struct strings *strings, const struct site_state *from);
struct point_state *point_state_copy(struct strings *strings, const struct point_state *from);
struct account_state *account_state_copy(struct strings *strings, const struct account_state *from);
void site_state_free(struct site_state *site); // NULL is fine
void point_state_free(struct point_state *point);
void account_state_free(struct account_state *account);
size_t site_state_bytes(const struct site_state *site);
size_t point_state_bytes(const struct point_state *point);
size_t account_state_bytes(const struct account_state *account);

#endif

// SPDX-License-Identifier: Apache-2.0
// The twin's keyspace: named entries in order, each a list of members in order. A string is one nameless member; a
// hash has names and values, a set only names, a sorted set names and scores. Internal to lib/io's in-memory Redis.
// One thread; without memory it aborts. Scores are whole numbers, as all of Riser's are.
#ifndef RISER_IO_REDIS_STORE_H
#define RISER_IO_REDIS_STORE_H

#include "base/bytes.h"

enum store_type { STORE_STRING, STORE_HASH, STORE_SET, STORE_ZSET };

struct store_member {
  struct bytes name;
  struct bytes value;
  int64_t score;
};

struct store_entry {
  struct bytes key;
  enum store_type type;
  struct store_member *members;
  size_t count;
};

struct store {
  struct store_entry *entries;
  size_t count;
};

void twin_fini(struct store *store);
struct store_entry *twin_find(const struct store *store, struct bytes key);                 // NULL if there is none
struct store_entry *twin_make(struct store *store, struct bytes key, enum store_type type); // found, or made empty
bool twin_remove(struct store *store, struct bytes key);

struct store_member *twin_member_find(const struct store_entry *entry, struct bytes name);
// Sets the member; true if it is new. Name and value are copied.
bool twin_member_put(struct store_entry *entry, struct bytes name, struct bytes value, int64_t score);
bool twin_member_remove(struct store_entry *entry, struct bytes name);

#endif

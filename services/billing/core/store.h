// SPDX-License-Identifier: Apache-2.0
// A partition's state in memory: what the shell loaded from Redis, what the fold changed since, and what it asked for
// and did not find loaded. No I/O: a look-up answers FOUND, ABSENT or NOT_LOADED; the latter notes the key, the shell
// loads it (put or put_absent) and applies the same fact again.
//
// Keys are those of Redis without the partition's tag: "site:{site}", "point:{site}/{sp}", "account:{site}/{lease}",
// "reads:{site}/{meter}/{register}/{YYYYMM}", "days:{site}/{sp}/{YYYY-MM}", "seal:{key of the log}",
// "paid:{site}/{part}"; the due index is one sorted set.
// One thread owns a store. Memory: store_bytes, bounded by the shell with store_trim between batches.
#ifndef RISER_BILLING_CORE_STORE_H
#define RISER_BILLING_CORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/billing_state.h"
#include "domain/seal.h"

enum store_kind { STORE_SITE, STORE_POINT, STORE_ACCOUNT, STORE_READS, STORE_DAYS, STORE_DUE, STORE_SEAL, STORE_PAID };
enum lookup { FOUND, ABSENT, NOT_LOADED };

enum { STORE_KEY_MAX = 256 }; // with the terminating zero

struct store;

struct store *store_new(void) MUST_USE; // NULL without memory
void store_free(struct store *store);

// ---- for the shell: loading

struct store_want {
  enum store_kind kind; // SITE, POINT, ACCOUNT, READS, SEAL or PAID
  const char *key;
};
// What was asked for and is not loaded, each once, in the order of asking. Valid until store_clear_wanted.
size_t store_wanted(const struct store *store, const struct store_want **wants);
// The due index is wanted up to and including *until_s. False: it is not.
bool store_wants_due(const struct store *store, int64_t *until_s);
void store_clear_wanted(struct store *store);

// Each copies what it is given. A key that is already held is left as it is (what is held is newer). ERR_NO_MEMORY.
// ERR_CORRUPT: not a valid read vector, not a list of marks.
enum error store_put_site(struct store *store, const char *key, const struct site_state *site) MUST_USE;
enum error store_put_point(struct store *store, const char *key, const struct point_state *point) MUST_USE;
enum error store_put_account(struct store *store, const char *key, const struct account_state *account) MUST_USE;
enum error store_put_reads(struct store *store, const char *key, struct bytes encoded) MUST_USE; // domain/reads_codec.h
enum error store_put_seal(struct store *store, const char *key, const struct seal_state *seal) MUST_USE;
enum error store_put_paid(struct store *store, const char *key, struct bytes marks) MUST_USE;
enum error store_put_absent(struct store *store, enum store_kind kind, const char *key) MUST_USE;
// An entry of the due index; then the instant up to which (inclusive) all entries have been put.
enum error store_put_due(struct store *store, int64_t instant_s, const char *member) MUST_USE;
void store_set_due_horizon(struct store *store, int64_t until_s);

// ---- for the shell: saving

// One changed thing, borrowed until the store is next changed.
struct store_item {
  enum store_kind kind;
  const char *key; // STORE_DUE: the member
  union {
    const struct site_state *site;
    const struct point_state *point;
    const struct account_state *account;
    const struct seal_state *seal;
    struct {
      struct bytes vector; // what is saved is its encoding
      size_t from;         // only the entries from this byte on are to be written (SETRANGE); 0: all of it (SET)
      size_t offset;       // of their encoding in the saved one
    } reads;
    struct bytes days; // DAYS_SIZE bytes
    struct bytes paid; // PAID_SIZE bytes each
    struct {
      int64_t instant_s;
      bool removed;
    } due;
  };
};

// The changed things one after the other, in the order in which they first changed: begin with *cursor = NULL.
struct store_cursor;
bool store_next_dirty(const struct store *store, const struct store_cursor **cursor, struct store_item *item);
size_t store_dirty_count(const struct store *store);
// Everything that is dirty has been handed over. Days and removed due entries are forgotten.
void store_clear_dirty(struct store *store);

size_t store_bytes(const struct store *store); // approximate
// Forgets clean entities, the longest unused first, until at most max_bytes are held (or nothing clean is left).
void store_trim(struct store *store, size_t max_bytes);

// ---- for the fold. Found structs may be changed in place, followed by store_mark; they stay where they are until
// store_trim or store_free. Strings put into them must come from store_intern, arrays from store_grow.

struct entity; // one thing of the store

// Looks one up; *out is written on FOUND and ABSENT (for store_create).
enum lookup store_find(struct store *store, enum store_kind kind, const char *key, struct entity **out);
// Makes an absent entity present, empty and dirty.
enum error store_create(struct store *store, struct entity *entity) MUST_USE;
void store_mark(struct store *store, struct entity *entity); // it has changed
void store_touch(struct store *store, struct entity *entity); // it was used, without a look-up
bool entity_present(const struct entity *entity);

struct site_state *entity_site(struct entity *entity);
struct point_state *entity_point(struct entity *entity);
struct account_state *entity_account(struct entity *entity);
struct seal_state *entity_seal(struct entity *entity);
struct bytes entity_reads(const struct entity *entity);
struct bytes entity_paid(const struct entity *entity); // no bytes: absent

// Merges into a read vector (absent: makes it). *changed: whether any byte did.
enum error store_merge_read(struct store *store, struct entity *reads, uint32_t second, uint16_t rank, int64_t value,
                            bool *changed) MUST_USE;
// The vector will hardly change any more: it is saved as a whole, as Redis keeps no room behind such a value.
void store_rewrite_reads(struct store *store, struct entity *reads); // present
// One payment's mark more (absent: makes the list). ERR_LIMIT: PAID_MAX are held.
enum error store_add_paid(struct store *store, struct entity *paid, const uint8_t mark[PAID_SIZE]) MUST_USE;
// Overwrites a month of days; no look-up needed.
enum error store_set_days(struct store *store, const char *key, const uint8_t days[DAYS_SIZE]) MUST_USE;

// The due index. A member has one instant; setting it again moves it.
enum error store_due_set(struct store *store, int64_t instant_s, const char *member) MUST_USE;
enum error store_due_remove(struct store *store, const char *member) MUST_USE;
// The first entry in the order of (instant, member) that is due at or before now_s.
enum lookup store_due_first(struct store *store, int64_t now_s, int64_t *instant_s, const char **member);

// One copy of each string, for the life of the store: equal strings are equal pointers. NULL without memory.
const char *store_intern(struct store *store, const char *text);
// Makes what a fact only lends the store's own: strings interned, arrays copied. ERR_NO_MEMORY leaves it half done.
enum error store_own_site(struct store *store, struct site *site) MUST_USE;
enum error store_own_room(struct store *store, struct room *room) MUST_USE;
enum error store_own_point(struct store *store, struct service_point *point) MUST_USE;
enum error store_own_installation(struct store *store, struct installation *installation) MUST_USE;
enum error store_own_tariff(struct store *store, struct tariff *tariff) MUST_USE;
enum error store_own_device_key(struct store *store, struct device_key *key) MUST_USE;
enum error store_own_lease(struct store *store, struct lease *lease) MUST_USE;
// Frees the arrays of one that is being replaced.
void store_disown_site(struct site *site);
void store_disown_tariff(struct tariff *tariff);
void store_disown_lease(struct lease *lease);
// Room for one more element behind `count`; the array as it is or moved, NULL without memory (the old one stays).
void *store_grow(void *array, size_t count, size_t element_size);
// What site entities keep beside their state (the fold's index); freed with the entity by `drop`.
void **entity_extra(struct entity *entity, void (*drop)(void *extra));
// Changes whenever entities may have moved or gone: pointers cached before are void.
uint64_t store_generation(const struct store *store);

#endif

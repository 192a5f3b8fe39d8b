// SPDX-License-Identifier: Apache-2.0
// One hash table of entities by their Redis key. What changed is chained in the order in which it first changed, so
// that the same log gives the same commits. The parts: store_state.c copies and frees the states, store_due.c is the
// due index, store_strings.c the interned strings.
#include "billing/core/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "billing/core/store_parts.h"
#include "domain/reads_codec.h"

// What is saved of a read vector, as far as it takes to write the next change behind it: a few entries before the end,
// where nearly all changes happen, are a mark whose place in the encoding is known.
enum { MARK_READS = 8 };

struct saved_reads {
  size_t len;         // of the encoding; 0: none is saved
  size_t mark;        // byte of the vector
  size_t mark_offset; // byte of the encoding
};

struct entity {
  struct store_cursor link; // first: a cursor is an entity
  UT_hash_handle hh;
  char *key;
  enum store_kind kind;
  bool present;
  uint64_t last_used;
  size_t bytes;
  union {
    struct site_state *site;
    struct point_state *point;
    struct account_state *account;
    struct seal_state *seal;
    struct {
      struct buffer vector;
      size_t changed_from;
      struct saved_reads saved;
    } reads;
    struct buffer paid;
    uint8_t *days;
  };
  void *extra;
  void (*drop_extra)(void *extra);
};

struct want {
  UT_hash_handle hh;
  char key[];
};

struct wanted {
  struct want *table; // each key once
  struct store_want *list;
  size_t count;
  bool due;
  int64_t due_until_s;
};

struct store {
  struct entity *entities;
  struct strings strings;
  struct due_index due;
  struct dirty_list dirty;
  struct wanted wanted;
  uint64_t clock; // counts look-ups, for store_trim
  uint64_t generation;
  size_t bytes;
};

static void entity_free(struct store *store, struct entity *entity);
static void entity_measure(struct store *store, struct entity *entity);
static void reads_saved(struct entity *entity);

struct store *store_new(void) {
  struct store *store = calloc(1, sizeof *store);
  if (!store) return NULL;
  due_init(&store->due);
  store->generation = 1;
  return store;
}

void store_free(struct store *store) {
  if (!store) return;
  struct entity *entity, *next;
  HASH_ITER(hh, store->entities, entity, next) {
    entity_free(store, entity);
  }
  due_fini(&store->due);
  strings_fini(&store->strings);
  store_clear_wanted(store);
  free(store->wanted.list);
  free(store);
}

// ---- wanted

size_t store_wanted(const struct store *store, const struct store_want **wants) {
  *wants = store->wanted.list;
  return store->wanted.count;
}

bool store_wants_due(const struct store *store, int64_t *until_s) {
  if (store->wanted.due) *until_s = store->wanted.due_until_s;
  return store->wanted.due;
}

void store_clear_wanted(struct store *store) {
  struct want *one, *next;
  HASH_ITER(hh, store->wanted.table, one, next) {
    HASH_DEL(store->wanted.table, one);
    free(one);
  }
  store->wanted.count = 0;
  store->wanted.due = false;
}

// Without memory the want is lost and the fold asks again: the shell sees nothing wanted and stops.
static void want(struct store *store, enum store_kind kind, const char *key) {
  struct want *one;
  size_t len = strlen(key);
  HASH_FIND(hh, store->wanted.table, key, len, one);
  if (one) return;
  struct store_want *list = store_grow(store->wanted.list, store->wanted.count, sizeof *list);
  if (list) store->wanted.list = list;
  one = list ? calloc(1, sizeof *one + len + 1) : NULL;
  if (!one) return;
  memcpy(one->key, key, len);
  HASH_ADD_KEYPTR(hh, store->wanted.table, one->key, len, one);
  if (!one->hh.tbl) {
    free(one);
    return;
  }
  list[store->wanted.count++] = (struct store_want){kind, one->key};
}

// ---- look-up

static struct entity *held(struct store *store, const char *key, size_t len) {
  struct entity *entity;
  HASH_FIND(hh, store->entities, key, len, entity);
  return entity;
}

// An entity that is known to be absent until something is put into it.
static struct entity *entity_add(struct store *store, enum store_kind kind, const char *key) {
  size_t len = strlen(key);
  assert(len < STORE_KEY_MAX);
  struct entity *entity = calloc(1, sizeof *entity);
  char *copy = malloc(len + 1);
  if (!entity || !copy) goto fail;
  memcpy(copy, key, len + 1);
  entity->key = copy;
  entity->kind = kind;
  entity->last_used = ++store->clock;
  entity->link.kind = kind;
  HASH_ADD_KEYPTR(hh, store->entities, entity->key, len, entity);
  if (!entity->hh.tbl) goto fail;
  entity_measure(store, entity);
  return entity;
fail:
  free(copy);
  free(entity);
  return NULL;
}

enum lookup store_find(struct store *store, enum store_kind kind, const char *key, struct entity **out) {
  struct entity *entity = held(store, key, strlen(key));
  if (!entity) {
    want(store, kind, key);
    return NOT_LOADED;
  }
  assert(entity->kind == kind);
  entity->last_used = ++store->clock;
  *out = entity;
  return entity->present ? FOUND : ABSENT;
}

void store_touch(struct store *store, struct entity *entity) {
  entity->last_used = ++store->clock;
}

bool entity_present(const struct entity *entity) {
  return entity->present;
}

struct site_state *entity_site(struct entity *entity) {
  assert(entity->kind == STORE_SITE && entity->present);
  return entity->site;
}

struct point_state *entity_point(struct entity *entity) {
  assert(entity->kind == STORE_POINT && entity->present);
  return entity->point;
}

struct account_state *entity_account(struct entity *entity) {
  assert(entity->kind == STORE_ACCOUNT && entity->present);
  return entity->account;
}

struct seal_state *entity_seal(struct entity *entity) {
  assert(entity->kind == STORE_SEAL && entity->present);
  return entity->seal;
}

struct bytes entity_reads(const struct entity *entity) {
  assert(entity->kind == STORE_READS);
  return buffer_bytes(&entity->reads.vector);
}

struct bytes entity_paid(const struct entity *entity) {
  assert(entity->kind == STORE_PAID);
  return entity->present ? buffer_bytes(&entity->paid) : (struct bytes){NULL, 0};
}

void **entity_extra(struct entity *entity, void (*drop)(void *extra)) {
  entity->drop_extra = drop;
  return &entity->extra;
}

// ---- change

void store_mark(struct store *store, struct entity *entity) {
  assert(entity->present);
  entity->last_used = ++store->clock;
  dirty_add(&store->dirty, &entity->link);
  entity_measure(store, entity);
}

// Memory for an empty state of the entity's kind.
static enum error entity_fill(struct store *store, struct entity *entity) {
  switch (entity->kind) {
  case STORE_SITE:
    entity->site = site_state_copy(&store->strings, NULL);
    return entity->site ? OK : ERR_NO_MEMORY;
  case STORE_POINT:
    entity->point = point_state_copy(&store->strings, NULL);
    return entity->point ? OK : ERR_NO_MEMORY;
  case STORE_ACCOUNT:
    entity->account = account_state_copy(&store->strings, NULL);
    return entity->account ? OK : ERR_NO_MEMORY;
  case STORE_READS:
    buffer_init(&entity->reads.vector, READS_SIZE_MAX);
    return OK;
  case STORE_PAID:
    buffer_init(&entity->paid, (size_t)PAID_MAX * PAID_SIZE);
    return OK;
  case STORE_SEAL:
    entity->seal = calloc(1, sizeof *entity->seal);
    return entity->seal ? OK : ERR_NO_MEMORY;
  case STORE_DAYS:
    entity->days = calloc(1, DAYS_SIZE);
    return entity->days ? OK : ERR_NO_MEMORY;
  default:
    return ERR_INTERNAL;
  }
}

enum error store_create(struct store *store, struct entity *entity) {
  assert(!entity->present);
  enum error err = entity_fill(store, entity);
  if (err != OK) return err;
  entity->present = true;
  store_mark(store, entity);
  return OK;
}

enum error store_merge_read(struct store *store, struct entity *reads, uint32_t second, uint16_t rank, int64_t value,
                            bool *changed) {
  assert(reads->kind == STORE_READS);
  if (!reads->present) buffer_init(&reads->reads.vector, READS_SIZE_MAX);
  struct buffer *vector = &reads->reads.vector;
  struct reads_change change;
  enum error err = reads_merge(vector, (struct read){second, rank, value}, &change);
  if (err != OK) return err;
  *changed = change.from < vector->len;
  if (!*changed) return OK;
  if (!reads->present) change.from = 0;
  reads->present = true;
  if (!reads->link.dirty || change.from < reads->reads.changed_from) reads->reads.changed_from = change.from;
  store_mark(store, reads);
  return OK;
}

void store_rewrite_reads(struct store *store, struct entity *reads) {
  assert(reads->kind == STORE_READS);
  reads->reads.changed_from = 0;
  store_mark(store, reads);
}

enum error store_add_paid(struct store *store, struct entity *paid, const uint8_t mark[PAID_SIZE]) {
  assert(paid->kind == STORE_PAID);
  if (!paid->present) buffer_init(&paid->paid, (size_t)PAID_MAX * PAID_SIZE);
  enum error err = buffer_append(&paid->paid, mark, PAID_SIZE);
  if (err != OK) return err;
  paid->present = true;
  store_mark(store, paid);
  return OK;
}

enum error store_set_days(struct store *store, const char *key, const uint8_t days[DAYS_SIZE]) {
  struct entity *entity = held(store, key, strlen(key));
  if (!entity) entity = entity_add(store, STORE_DAYS, key);
  if (!entity) return ERR_NO_MEMORY;
  if (!entity->present) {
    enum error err = entity_fill(store, entity);
    if (err != OK) return err;
    entity->present = true;
  }
  memcpy(entity->days, days, DAYS_SIZE);
  store_mark(store, entity);
  return OK;
}

// ---- loading

// The entity to fill, NULL in *out when the key is held already.
static enum error put_begin(struct store *store, enum store_kind kind, const char *key, struct entity **out) {
  *out = NULL;
  if (held(store, key, strlen(key))) return OK;
  *out = entity_add(store, kind, key);
  return *out ? OK : ERR_NO_MEMORY;
}

static enum error put_end(struct store *store, struct entity *entity, bool filled) {
  if (!filled) {
    entity_free(store, entity);
    return ERR_NO_MEMORY;
  }
  entity->present = true;
  entity_measure(store, entity);
  return OK;
}

enum error store_put_site(struct store *store, const char *key, const struct site_state *site) {
  struct entity *entity;
  enum error err = put_begin(store, STORE_SITE, key, &entity);
  if (err != OK || !entity) return err;
  entity->site = site_state_copy(&store->strings, site);
  return put_end(store, entity, entity->site != NULL);
}

enum error store_put_point(struct store *store, const char *key, const struct point_state *point) {
  struct entity *entity;
  enum error err = put_begin(store, STORE_POINT, key, &entity);
  if (err != OK || !entity) return err;
  entity->point = point_state_copy(&store->strings, point);
  return put_end(store, entity, entity->point != NULL);
}

enum error store_put_account(struct store *store, const char *key, const struct account_state *account) {
  struct entity *entity;
  enum error err = put_begin(store, STORE_ACCOUNT, key, &entity);
  if (err != OK || !entity) return err;
  entity->account = account_state_copy(&store->strings, account);
  return put_end(store, entity, entity->account != NULL);
}

enum error store_put_seal(struct store *store, const char *key, const struct seal_state *seal) {
  struct entity *entity;
  enum error err = put_begin(store, STORE_SEAL, key, &entity);
  if (err != OK || !entity) return err;
  entity->seal = malloc(sizeof *entity->seal);
  if (entity->seal) *entity->seal = *seal;
  return put_end(store, entity, entity->seal != NULL);
}

enum error store_put_reads(struct store *store, const char *key, struct bytes encoded) {
  struct entity *entity;
  enum error err = put_begin(store, STORE_READS, key, &entity);
  if (err != OK || !entity) return err;
  buffer_init(&entity->reads.vector, READS_SIZE_MAX);
  err = reads_decode(encoded, &entity->reads.vector);
  if (err == OK) {
    reads_saved(entity);
    return put_end(store, entity, true);
  }
  entity_free(store, entity);
  return err;
}

enum error store_put_paid(struct store *store, const char *key, struct bytes marks) {
  if (marks.len == 0 || marks.len % PAID_SIZE != 0 || marks.len > (size_t)PAID_MAX * PAID_SIZE) return ERR_CORRUPT;
  struct entity *entity;
  enum error err = put_begin(store, STORE_PAID, key, &entity);
  if (err != OK || !entity) return err;
  buffer_init(&entity->paid, (size_t)PAID_MAX * PAID_SIZE);
  return put_end(store, entity, buffer_append(&entity->paid, marks.data, marks.len) == OK);
}

enum error store_put_absent(struct store *store, enum store_kind kind, const char *key) {
  struct entity *entity;
  return put_begin(store, kind, key, &entity);
}

// ---- saving

// What is to be written of a vector. Not only the tail: when a change is before the mark, or when the encoding has
// become shorter, since SETRANGE cuts nothing off.
static void reads_item(const struct entity *entity, struct store_item *item) {
  const struct saved_reads *saved = &entity->reads.saved;
  struct bytes vector = buffer_bytes(&entity->reads.vector);
  size_t from = entity->reads.changed_from;
  item->reads.vector = vector;
  item->reads.from = item->reads.offset = 0;
  if (saved->len == 0 || from <= saved->mark) return;
  size_t offset = saved->mark_offset + reads_encoded_len(vector, saved->mark, from);
  if (offset + reads_encoded_len(vector, from, vector.len) < saved->len) return;
  item->reads.from = from;
  item->reads.offset = offset;
}

// The vector is saved as it is now; what stood before the former mark has not changed, unless all of it was written.
static void reads_saved(struct entity *entity) {
  struct saved_reads *saved = &entity->reads.saved;
  struct bytes vector = buffer_bytes(&entity->reads.vector);
  size_t keep = MARK_READS * READ_SIZE, mark = vector.len > keep ? vector.len - keep : 0;
  if (entity->reads.changed_from <= saved->mark || mark < saved->mark) saved->mark = saved->mark_offset = 0;
  saved->mark_offset += reads_encoded_len(vector, saved->mark, mark);
  saved->mark = mark;
  saved->len = saved->mark_offset + reads_encoded_len(vector, mark, vector.len);
}

bool store_next_dirty(const struct store *store, const struct store_cursor **cursor, struct store_item *item) {
  const struct store_cursor *link = *cursor ? (*cursor)->next : store->dirty.first;
  if (!link) return false;
  *cursor = link;
  if (link->kind == STORE_DUE) {
    due_item(link, item);
    return true;
  }
  const struct entity *entity = (const struct entity *)link;
  *item = (struct store_item){.kind = entity->kind, .key = entity->key};
  switch (entity->kind) {
  case STORE_SITE:
    item->site = entity->site;
    break;
  case STORE_POINT:
    item->point = entity->point;
    break;
  case STORE_ACCOUNT:
    item->account = entity->account;
    break;
  case STORE_SEAL:
    item->seal = entity->seal;
    break;
  case STORE_PAID:
    item->paid = buffer_bytes(&entity->paid);
    break;
  case STORE_READS:
    reads_item(entity, item);
    break;
  default:
    item->days = bytes_make(entity->days, DAYS_SIZE);
    break;
  }
  return true;
}

size_t store_dirty_count(const struct store *store) {
  return store->dirty.count;
}

void store_clear_dirty(struct store *store) {
  struct store_cursor *link = store->dirty.first;
  store->dirty = (struct dirty_list){0};
  while (link) {
    struct store_cursor *next = link->next;
    link->next = NULL;
    link->dirty = false;
    if (link->kind == STORE_DUE) {
      due_saved(&store->due, link);
    } else if (link->kind == STORE_READS) {
      reads_saved((struct entity *)link);
    } else if (link->kind == STORE_DAYS) {
      entity_free(store, (struct entity *)link);
    }
    link = next;
  }
}

// ---- memory

static void entity_free(struct store *store, struct entity *entity) {
  HASH_DEL(store->entities, entity);
  store->bytes -= entity->bytes;
  if (entity->extra) entity->drop_extra(entity->extra);
  if (entity->kind == STORE_SITE) site_state_free(entity->site);
  if (entity->kind == STORE_POINT) point_state_free(entity->point);
  if (entity->kind == STORE_ACCOUNT) account_state_free(entity->account);
  if (entity->kind == STORE_READS) buffer_fini(&entity->reads.vector);
  if (entity->kind == STORE_PAID) buffer_fini(&entity->paid);
  if (entity->kind == STORE_DAYS) free(entity->days);
  if (entity->kind == STORE_SEAL) free(entity->seal);
  free(entity->key);
  free(entity);
}

static void entity_measure(struct store *store, struct entity *entity) {
  size_t bytes = sizeof *entity + strlen(entity->key) + 1;
  if (entity->kind == STORE_SITE && entity->present) bytes += site_state_bytes(entity->site);
  if (entity->kind == STORE_POINT && entity->present) bytes += point_state_bytes(entity->point);
  if (entity->kind == STORE_ACCOUNT && entity->present) bytes += account_state_bytes(entity->account);
  if (entity->kind == STORE_READS) bytes += entity->reads.vector.capacity;
  if (entity->kind == STORE_PAID) bytes += entity->paid.capacity;
  if (entity->kind == STORE_DAYS) bytes += DAYS_SIZE;
  if (entity->kind == STORE_SEAL) bytes += sizeof *entity->seal;
  store->bytes += bytes - entity->bytes;
  entity->bytes = bytes;
}

size_t store_bytes(const struct store *store) {
  return store->bytes + store->strings.bytes + store->due.bytes;
}

static int by_last_used(const void *left, const void *right) {
  const struct entity *a = *(struct entity *const *)left, *b = *(struct entity *const *)right;
  return (a->last_used > b->last_used) - (a->last_used < b->last_used);
}

void store_trim(struct store *store, size_t max_bytes) {
  if (store_bytes(store) <= max_bytes) return;
  size_t count = 0;
  struct entity **clean = malloc(HASH_COUNT(store->entities) * sizeof *clean);
  if (!clean) return;
  for (struct entity *entity = store->entities; entity; entity = entity->hh.next) {
    if (!entity->link.dirty) clean[count++] = entity;
  }
  qsort(clean, count, sizeof *clean, by_last_used);
  for (size_t i = 0; i < count && store_bytes(store) > max_bytes; i++) entity_free(store, clean[i]);
  free(clean);
  store->generation++;
}

uint64_t store_generation(const struct store *store) {
  return store->generation;
}

// ---- parts

const char *store_intern(struct store *store, const char *text) {
  return strings_intern(&store->strings, text);
}

enum error store_own_site(struct store *store, struct site *site) {
  return strings_own_site(&store->strings, site);
}

enum error store_own_room(struct store *store, struct room *room) {
  return strings_own_room(&store->strings, room);
}

enum error store_own_point(struct store *store, struct service_point *point) {
  return strings_own_point(&store->strings, point);
}

enum error store_own_installation(struct store *store, struct installation *installation) {
  return strings_own_installation(&store->strings, installation);
}

enum error store_own_tariff(struct store *store, struct tariff *tariff) {
  return strings_own_tariff(&store->strings, tariff);
}

enum error store_own_device_key(struct store *store, struct device_key *key) {
  return strings_own_device_key(&store->strings, key);
}

enum error store_own_lease(struct store *store, struct lease *lease) {
  return strings_own_lease(&store->strings, lease);
}

enum error store_due_set(struct store *store, int64_t instant_s, const char *member) {
  return due_set(&store->due, &store->dirty, instant_s, member);
}

enum error store_due_remove(struct store *store, const char *member) {
  return due_remove(&store->due, &store->dirty, member);
}

enum error store_put_due(struct store *store, int64_t instant_s, const char *member) {
  return due_put(&store->due, instant_s, member);
}

void store_set_due_horizon(struct store *store, int64_t until_s) {
  if (until_s > store->due.horizon_s) store->due.horizon_s = until_s;
}

enum lookup store_due_first(struct store *store, int64_t now_s, int64_t *instant_s, const char **member) {
  if (now_s > store->due.horizon_s) {
    store->wanted.due = true;
    store->wanted.due_until_s = now_s;
    return NOT_LOADED;
  }
  return due_first(&store->due, now_s, instant_s, member) ? FOUND : ABSENT;
}

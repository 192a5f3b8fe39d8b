// SPDX-License-Identifier: Apache-2.0
// Nothing is ever handed over or trimmed, so at the end every entity that was touched is still marked as changed, and
// the store's list of changes is the whole state.
#include "riserctl/verify_fold.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "billing/core/fold.h"
#include "billing/intake.h"
#include "riserctl/digest.h"
#include "riserctl/log_reader.h"
#include "riserctl/state.h"
#include "wire/bill.h"
#include "wire/state.h"

enum { ENCODED_MAX = 64 * 1024 * 1024, EFFECTS_MAX = 256 * 1024 * 1024, TICK_AHEAD_MS = 5 * 60 * 1000 };

// One key and what its value must be. The due index is one key whose value is its members in order.
struct item {
  UT_hash_handle hh;
  struct bytes value;
  bool seen;
  char key[];
};

struct verification {
  struct ctl *ctl;
  int32_t partition;
  struct verify_result *result;
  struct fence_view fence;
  struct store *store;
  struct fold *fold;
  struct arena *effects_arena;
  struct arena *kept; // values
  struct item *items;
  struct buffer encoded;
  uint8_t last_digest[32];
};

static enum error set_up(struct verification *v);
static void tear_down(struct verification *v);
static enum error fold_log(struct verification *v);
static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena);
static enum error apply(struct verification *v, const struct fact *fact, enum intake verdict, struct cause base);
static enum error satisfy(struct verification *v);
static enum error keep_bills(struct verification *v, const struct effects *effects);
static enum error collect(struct verification *v);
static enum error collect_item(struct verification *v, const struct store_item *item, struct item **dues);
static enum error keep(struct verification *v, const char *key, struct bytes value);
static enum error compare(struct verification *v);
static enum error compare_keys(struct verification *v, const char *const *keys, size_t count);
static enum error compare_due(struct verification *v);
static void note(struct verification *v, const char *what, const char *key);
static enum error check_unmoved(struct verification *v);
static void digest_all(struct verification *v);
static int by_key(const struct item *a, const struct item *b);

enum error verify_partition(struct ctl *ctl, int32_t partition, struct verify_result *out) {
  struct verification v = {.ctl = ctl, .partition = partition, .result = out};
  *out = (struct verify_result){.keys = 0};
  enum error err = state_fence(ctl, partition, ctl->arena, &v.fence);
  if (!err && !v.fence.installed) err = ERR_NOT_FOUND;
  if (!err) out->next_offset = v.fence.meta.next_offset;
  if (!err && v.fence.meta.next_index > 0) err = ERR_AGAIN;
  if (!err) err = set_up(&v);
  if (!err) err = fold_log(&v);
  if (!err) err = collect(&v);
  if (!err) err = compare(&v);
  if (!err) err = check_unmoved(&v);
  if (!err) digest_all(&v);
  tear_down(&v);
  return err;
}

static enum error set_up(struct verification *v) {
  buffer_init(&v->encoded, ENCODED_MAX);
  v->store = store_new();
  v->fold = v->store ? fold_new(v->store, (uint32_t)v->partition, 0) : NULL;
  v->effects_arena = arena_new(EFFECTS_MAX);
  v->kept = arena_new((size_t)8 * 1024 * 1024 * 1024);
  return v->fold && v->effects_arena && v->kept ? OK : ERR_NO_MEMORY;
}

static void tear_down(struct verification *v) {
  struct item *item = v->items;
  HASH_CLEAR(hh, v->items);
  while (item) {
    struct item *next = item->hh.next;
    free(item);
    item = next;
  }
  fold_free(v->fold);
  store_free(v->store);
  arena_free(v->effects_arena);
  arena_free(v->kept);
  buffer_fini(&v->encoded);
}

// ---------------------------------------------------------------- folding

static enum error fold_log(struct verification *v) {
  if (v->fence.meta.next_offset == 0) return OK;
  const struct log_range range = {"riser.site.v1", v->partition, KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit, .ctx = v};
  enum error err = log_read(v->ctl, &range, &reader);
  if (err && err != ERR_CLOSED) return err; // CLOSED: as far as Redis has come
  bool same = memcmp(v->last_digest, v->fence.meta.digest, sizeof v->last_digest) == 0;
  if (!same) note(v, "digest of the last record", "meta");
  v->result->differing += !same;
  return OK;
}

static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct verification *v = ctx;
  const struct intake_rules rules = {(int32_t)v->ctl->config.partitions, TICK_AHEAD_MS};
  struct fact fact;
  enum intake verdict;
  if (record->offset >= v->fence.meta.next_offset) return ERR_CLOSED;
  enum error err = intake_fact(&rules, record, arena, &verdict, &fact);
  const struct cause base = {.partition = (uint32_t)record->partition, .offset = record->offset};
  if (!err) err = apply(v, &fact, verdict, base);
  return err ? err : intake_digest(record, v->last_digest);
}

static enum error apply(struct verification *v, const struct fact *fact, enum intake verdict, struct cause base) {
  struct effects effects;
  if (verdict == INTAKE_TICK_AHEAD) return OK;
  arena_reset(v->effects_arena);
  effects_init(&effects, v->effects_arena, SIZE_MAX, SIZE_MAX);
  for (;;) {
    enum error err = verdict ? fold_refuse(v->fold, fact, base, intake_names[verdict], &effects)
                             : fold_apply(v->fold, fact, base, &effects);
    if (!err) return keep_bills(v, &effects);
    if (err != ERR_AGAIN) return err;
    err = satisfy(v);
    if (err) return err;
  }
}

// What is not there has never been: the fold began with the first record.
static enum error satisfy(struct verification *v) {
  const struct store_want *wants;
  int64_t until_s;
  enum error err = OK;
  size_t count = store_wanted(v->store, &wants);
  for (size_t i = 0; i < count && !err; i++) err = store_put_absent(v->store, wants[i].kind, wants[i].key);
  if (!err && store_wants_due(v->store, &until_s)) store_set_due_horizon(v->store, INT64_MAX);
  store_clear_wanted(v->store);
  return err;
}

static enum error keep_bills(struct verification *v, const struct effects *effects) {
  enum error err = OK;
  for (size_t i = 0; i < effects->decision_count && !err; i++) {
    const struct decision *decision = &effects->decisions[i];
    if (decision->kind != DECISION_BILL) continue;
    char key[VERIFY_KEY_MAX];
    snprintf(key, sizeof key, "bill:%s", decision->bill.id);
    buffer_clear(&v->encoded);
    err = wire_bill_encode(&decision->bill, &v->encoded);
    if (!err) err = keep(v, key, buffer_bytes(&v->encoded));
  }
  return err;
}

// ---------------------------------------------------------------- what the fold made

static enum error collect(struct verification *v) {
  const struct store_cursor *cursor = NULL;
  struct store_item item;
  struct item *dues = NULL, *due;
  enum error err = OK;
  while (!err && store_next_dirty(v->store, &cursor, &item)) err = collect_item(v, &item, &dues);
  HASH_SORT(dues, by_key);
  buffer_clear(&v->encoded);
  for (due = dues; due && !err; due = due->hh.next) {
    err = buffer_printf(&v->encoded, "%s\n%s\n", due->key, (const char *)due->value.data);
  }
  if (!err && dues) err = keep(v, "due", buffer_bytes(&v->encoded));
  due = dues;
  HASH_CLEAR(hh, dues);
  while (due) {
    struct item *next = due->hh.next;
    free(due);
    due = next;
  }
  return err;
}

static enum error add_due(struct verification *v, const struct store_item *item, struct item **dues) {
  size_t len = strlen(item->key);
  const char *instant = arena_printf(v->kept, "%" PRId64, item->due.instant_s);
  struct item *due = calloc(1, sizeof *due + len + 1);
  if (!due || !instant) {
    free(due);
    return ERR_NO_MEMORY;
  }
  memcpy(due->key, item->key, len + 1);
  due->value = bytes_text(instant);
  HASH_ADD_KEYPTR(hh, *dues, due->key, len, due);
  return OK;
}

static enum error collect_item(struct verification *v, const struct store_item *item, struct item **dues) {
  enum error err = OK;
  buffer_clear(&v->encoded);
  switch (item->kind) {
  case STORE_SITE:
    err = wire_site_state_encode(item->site, &v->encoded);
    break;
  case STORE_POINT:
    err = wire_point_state_encode(item->point, &v->encoded);
    break;
  case STORE_ACCOUNT:
    err = wire_account_state_encode(item->account, &v->encoded);
    break;
  case STORE_READS:
    return keep(v, item->key, item->reads.vector);
  case STORE_DAYS:
    return keep(v, item->key, item->days);
  case STORE_DUE:
    return item->due.removed ? OK : add_due(v, item, dues);
  }
  return err ? err : keep(v, item->key, buffer_bytes(&v->encoded));
}

static enum error keep(struct verification *v, const char *key, struct bytes value) {
  struct item *item = NULL;
  HASH_FIND_STR(v->items, key, item);
  if (!item) {
    size_t len = strlen(key);
    item = calloc(1, sizeof *item + len + 1);
    if (!item) return ERR_NO_MEMORY;
    memcpy(item->key, key, len + 1);
    HASH_ADD_KEYPTR(hh, v->items, item->key, len, item);
  }
  item->value = arena_bytes(v->kept, value);
  return item->value.data ? OK : ERR_NO_MEMORY;
}

static int by_key(const struct item *a, const struct item *b) {
  return strcmp(a->key, b->key);
}

// ---------------------------------------------------------------- what Redis has

static enum error compare(struct verification *v) {
  const char *const *keys;
  size_t count;
  enum error err = state_keys(v->ctl, v->partition, "", &keys, &count);
  if (!err) err = compare_keys(v, keys, count);
  if (err) return err;
  v->result->keys = HASH_COUNT(v->items);
  for (struct item *item = v->items; item; item = item->hh.next) {
    if (item->seen) continue;
    v->result->missing++;
    note(v, "missing", item->key);
  }
  return OK;
}

static enum error compare_keys(struct verification *v, const char *const *keys, size_t count) {
  enum error err = OK;
  for (size_t i = 0; i < count && !err; i++) {
    struct item *item = NULL;
    struct bytes value;
    if (strcmp(keys[i], "meta") == 0 || strcmp(keys[i], "outbox") == 0) continue;
    if (strcmp(keys[i], "due") == 0) {
      err = compare_due(v);
      continue;
    }
    HASH_FIND_STR(v->items, keys[i], item);
    if (!item) {
      v->result->surplus++;
      note(v, "surplus", keys[i]);
      continue;
    }
    item->seen = true;
    err = state_get(v->ctl, v->partition, keys[i], v->ctl->arena, &value);
    if (err || bytes_equal(value, item->value)) continue;
    v->result->differing++;
    note(v, "differs", keys[i]);
  }
  return err;
}

struct member {
  const char *name;
  const char *instant;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static enum error compare_due(struct verification *v) {
  char name[32];
  struct redis_value reply;
  struct item *item = NULL;
  snprintf(name, sizeof name, "{p%d}:due", (int)v->partition);
  const struct bytes words[] = {bytes_text("ZRANGE"), bytes_text(name), bytes_text("0"), bytes_text("-1"),
                                bytes_text("WITHSCORES")};
  const struct redis_command command = {words, 5};
  enum error err = redis_pipeline(ctl_redis(v->ctl), &command, 1, v->ctl->arena, &reply);
  if (err || reply.type != REDIS_ARRAY) return err ? err : ERR_CORRUPT;
  size_t count = reply.count / 2;
  struct member *members = arena_array(v->ctl->arena, count, sizeof *members);
  if (!members) return ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    members[i] = (struct member){(const char *)reply.elements[2 * i].text.data,
                                 (const char *)reply.elements[2 * i + 1].text.data};
  }
  qsort(members, count, sizeof *members, by_name);
  buffer_clear(&v->encoded);
  for (size_t i = 0; i < count && !err; i++) {
    err = buffer_printf(&v->encoded, "%s\n%s\n", members[i].name, members[i].instant);
  }
  HASH_FIND_STR(v->items, "due", item);
  if (item) item->seen = true;
  bool same = item ? bytes_equal(item->value, buffer_bytes(&v->encoded)) : count == 0;
  if (!err && !same) {
    v->result->differing++;
    note(v, "differs", "due");
  }
  return err;
}

static void note(struct verification *v, const char *what, const char *key) {
  struct verify_result *result = v->result;
  if (result->shown_count == VERIFY_SHOWN_MAX) return;
  snprintf(result->shown[result->shown_count++], VERIFY_KEY_MAX, "%s: {p%d}:%s", what, (int)v->partition, key);
}

static enum error check_unmoved(struct verification *v) {
  struct fence_view now;
  enum error err = state_fence(v->ctl, v->partition, v->ctl->arena, &now);
  if (err) return err;
  return now.installed && now.meta.next_offset == v->fence.meta.next_offset ? OK : ERR_AGAIN;
}

static void digest_all(struct verification *v) {
  uint8_t chained[96] = {0};
  HASH_SORT(v->items, by_key);
  for (struct item *item = v->items; item; item = item->hh.next) {
    digest_of(bytes_text(item->key), chained + 32);
    digest_of(item->value, chained + 64);
    digest_of(bytes_make(chained, sizeof chained), chained);
  }
  memcpy(v->result->digest, chained, 32);
}

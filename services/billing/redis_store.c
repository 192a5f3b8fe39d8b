// SPDX-License-Identifier: Apache-2.0
// Entities are whole values (SET); a read vector that changed near its end is overwritten from there on (SETRANGE).
// Both are absolute: doing them twice, or after a fail-over that forgot them, gives the same bytes.
#include "billing/redis_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/reads_codec.h"
#include "wire/bill.h"
#include "wire/outbox.h"
#include "wire/state.h"

enum { LOAD_MAX = 1000, NUMBER_SIZE = 24 };

#define DUE_KEY "due"

void redis_store_tag(int32_t partition, char tag[TAG_SIZE]) {
  snprintf(tag, TAG_SIZE, "{p%d}:", (int)partition);
}

// Tag and key, one behind the other.
static struct bytes tagged(struct arena *arena, const char *tag, const char *key) {
  size_t tag_len = strlen(tag), key_len = strlen(key);
  char *text = arena_alloc_raw(arena, tag_len + key_len);
  if (!text) return (struct bytes){NULL, 0};
  memcpy(text, tag, tag_len);
  memcpy(text + tag_len, key, key_len);
  return bytes_make(text, tag_len + key_len);
}

// ---- loading

static enum error put_site(struct store *store, const char *key, struct bytes value, struct arena *arena) {
  struct site_state site;
  enum error err = wire_site_state_decode(value, arena, &site);
  return err ? err : store_put_site(store, key, &site);
}

static enum error put_point(struct store *store, const char *key, struct bytes value, struct arena *arena) {
  struct point_state point;
  enum error err = wire_point_state_decode(value, arena, &point);
  return err ? err : store_put_point(store, key, &point);
}

static enum error put_account(struct store *store, const char *key, struct bytes value, struct arena *arena) {
  struct account_state account;
  enum error err = wire_account_state_decode(value, arena, &account);
  return err ? err : store_put_account(store, key, &account);
}

static enum error put_seal(struct store *store, const char *key, struct bytes value) {
  struct seal_state seal;
  enum error err = seal_state_decode(value, &seal);
  return err ? err : store_put_seal(store, key, &seal);
}

static enum error put(struct store *store, const struct store_want *want, struct bytes value, struct arena *arena) {
  if (!value.data) return store_put_absent(store, want->kind, want->key);
  switch (want->kind) {
  case STORE_SITE:
    return put_site(store, want->key, value, arena);
  case STORE_POINT:
    return put_point(store, want->key, value, arena);
  case STORE_ACCOUNT:
    return put_account(store, want->key, value, arena);
  case STORE_SEAL:
    return put_seal(store, want->key, value);
  case STORE_PAID:
    return store_put_paid(store, want->key, value);
  case STORE_READS:
    return store_put_reads(store, want->key, value);
  default:
    return ERR_INTERNAL;
  }
}

static enum error load_keys(struct shell *shell, const char *tag, struct store *store, const struct store_want *wants,
                            size_t count) {
  struct arena *arena = shell->load;
  arena_reset(arena);
  struct bytes *keys = arena_array(arena, count, sizeof *keys);
  struct bytes *values = arena_array(arena, count, sizeof *values);
  if (!keys || !values) return ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    keys[i] = tagged(arena, tag, wants[i].key);
    if (!keys[i].data) return ERR_NO_MEMORY;
  }
  enum error err = redis_get_many(shell->redis, keys, count, arena, values);
  for (size_t i = 0; !err && i < count; i++) {
    err = put(store, &wants[i], values[i], arena);
    if (error_class(err) != CLASS_REJECT) continue;
    log_error("state-corrupt", F_STR("key", wants[i].key), F_ERR(err));
    err = ERR_CORRUPT;
  }
  counter_add(shell->stats->loads, (int64_t)count);
  return err;
}

// The reply is member, score, member, score ...
static enum error put_due(struct store *store, const struct redis_value *reply) {
  if (reply->type != REDIS_ARRAY || reply->count % 2) return ERR_CORRUPT;
  for (size_t i = 0; i < reply->count; i += 2) {
    const struct redis_value *member = &reply->elements[i], *score = &reply->elements[i + 1];
    if (member->type != REDIS_STRING || score->type != REDIS_STRING) return ERR_CORRUPT;
    int64_t instant_s = strtoll((const char *)score->text.data, NULL, 10); // replies end with a zero
    enum error err = store_put_due(store, instant_s, (const char *)member->text.data);
    if (err) return err;
  }
  return OK;
}

static enum error load_due(struct shell *shell, const char *tag, struct store *store, int64_t until_s) {
  arena_reset(shell->load);
  char until[NUMBER_SIZE];
  snprintf(until, sizeof until, "%" PRId64, until_s);
  struct bytes words[] = {bytes_text("ZRANGEBYSCORE"), tagged(shell->load, tag, DUE_KEY), bytes_text("-inf"),
                          bytes_text(until), bytes_text("WITHSCORES")};
  struct redis_command command = {words, sizeof words / sizeof words[0]};
  struct redis_value reply;
  if (!words[1].data) return ERR_NO_MEMORY;
  enum error err = redis_pipeline(shell->redis, &command, 1, shell->load, &reply);
  if (!err) err = put_due(store, &reply);
  if (!err) store_set_due_horizon(store, until_s);
  return err;
}

enum error redis_store_load(struct shell *shell, const char *tag, struct store *store) {
  int64_t began_us = clock_mono_us();
  int64_t until_s;
  const struct store_want *wants;
  size_t count = store_wanted(store, &wants);
  bool due = store_wants_due(store, &until_s);
  enum error err = count || due ? OK : ERR_INTERNAL;
  for (size_t at = 0; !err && at < count; at += LOAD_MAX)
    err = load_keys(shell, tag, store, wants + at, count - at < LOAD_MAX ? count - at : LOAD_MAX);
  if (!err && due) err = load_due(shell, tag, store, until_s);
  if (!err) store_clear_wanted(store);
  histogram_observe(shell->stats->load_seconds, clock_mono_us() - began_us);
  return err;
}

// ---- writing

// One command; the words are kept, not what they point to.
static enum error add(struct shell *shell, struct redis_writes *writes, const struct bytes *words, size_t count) {
  if (writes->count == writes->room) return ERR_INTERNAL;
  struct bytes *kept = arena_alloc_raw(shell->work, count * sizeof *kept);
  if (!kept) return ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    if (!words[i].data && words[i].len) return ERR_NO_MEMORY;
    kept[i] = words[i];
  }
  writes->commands[writes->count++] = (struct redis_command){kept, count};
  return OK;
}

static struct bytes number(struct shell *shell, int64_t value) {
  char *text = arena_alloc_raw(shell->work, NUMBER_SIZE);
  if (!text) return (struct bytes){NULL, 1};
  int len = snprintf(text, NUMBER_SIZE, "%" PRId64, value);
  return bytes_make(text, (size_t)len);
}

static enum error add_set(struct shell *shell, const char *tag, const char *key, struct bytes value,
                          struct redis_writes *writes) {
  struct bytes words[] = {bytes_text("SET"), tagged(shell->work, tag, key), value};
  return words[1].data ? add(shell, writes, words, 3) : ERR_NO_MEMORY;
}

static enum error add_encoded(struct shell *shell, const char *tag, const char *key, struct redis_writes *writes) {
  struct bytes value = arena_bytes(shell->work, buffer_bytes(&shell->encoded));
  return value.data ? add_set(shell, tag, key, value, writes) : ERR_NO_MEMORY;
}

static enum error add_reads(struct shell *shell, const char *tag, const struct store_item *item,
                            struct redis_writes *writes) {
  enum error err = reads_encode(item->reads.vector, item->reads.from, &shell->encoded);
  if (err) return err;
  if (item->reads.from == 0) return add_encoded(shell, tag, item->key, writes);
  struct bytes words[] = {bytes_text("SETRANGE"), tagged(shell->work, tag, item->key),
                          number(shell, (int64_t)item->reads.offset),
                          arena_bytes(shell->work, buffer_bytes(&shell->encoded))};
  return words[1].data && words[3].data ? add(shell, writes, words, 4) : ERR_NO_MEMORY;
}

static enum error add_seal(struct shell *shell, const char *tag, const struct store_item *item,
                           struct redis_writes *writes) {
  uint8_t *value = arena_alloc_raw(shell->work, SEAL_STATE_MAX);
  if (!value) return ERR_NO_MEMORY;
  return add_set(shell, tag, item->key, bytes_make(value, seal_state_encode(item->seal, value)), writes);
}

static enum error add_due(struct shell *shell, const char *tag, const struct store_item *item,
                          struct redis_writes *writes) {
  struct bytes key = tagged(shell->work, tag, DUE_KEY);
  if (!key.data) return ERR_NO_MEMORY;
  if (item->due.removed) return add(shell, writes, (struct bytes[]){bytes_text("ZREM"), key, bytes_text(item->key)}, 3);
  struct bytes words[] = {bytes_text("ZADD"), key, number(shell, item->due.instant_s), bytes_text(item->key)};
  return add(shell, writes, words, 4);
}

static enum error add_item(struct shell *shell, const char *tag, const struct store_item *item,
                           struct redis_writes *writes) {
  enum error err = OK;
  buffer_clear(&shell->encoded);
  switch (item->kind) {
  case STORE_READS:
    return add_reads(shell, tag, item, writes);
  case STORE_SEAL:
    return add_seal(shell, tag, item, writes);
  case STORE_DAYS:
    return add_set(shell, tag, item->key, item->days, writes);
  case STORE_PAID:
    return add_set(shell, tag, item->key, item->paid, writes);
  case STORE_DUE:
    return add_due(shell, tag, item, writes);
  case STORE_SITE:
    err = wire_site_state_encode(item->site, &shell->encoded);
    break;
  case STORE_POINT:
    err = wire_point_state_encode(item->point, &shell->encoded);
    break;
  case STORE_ACCOUNT:
    err = wire_account_state_encode(item->account, &shell->encoded);
    break;
  }
  return err ? err : add_encoded(shell, tag, item->key, writes);
}

static enum error add_bill(struct shell *shell, const char *tag, const struct bill *bill, struct redis_writes *writes) {
  char *key = arena_printf(shell->work, "bill:%s", bill->id);
  if (!key) return ERR_NO_MEMORY;
  buffer_clear(&shell->encoded);
  enum error err = wire_bill_encode(bill, &shell->encoded);
  return err ? err : add_encoded(shell, tag, key, writes);
}

enum error redis_store_writes(struct shell *shell, const char *tag, const struct store *store,
                              const struct effects *effects, struct redis_writes *out) {
  struct redis_writes writes = {.room = store_dirty_count(store) + effects->decision_count + 1}; // 1: the outbox
  writes.commands = arena_alloc_raw(shell->work, writes.room * sizeof *writes.commands);
  if (!writes.commands) return ERR_NO_MEMORY;
  enum error err = OK;
  const struct store_cursor *cursor = NULL;
  struct store_item item;
  while (!err && store_next_dirty(store, &cursor, &item)) err = add_item(shell, tag, &item, &writes);
  for (size_t i = 0; !err && i < effects->decision_count; i++) {
    const struct decision *decision = &effects->decisions[i];
    if (decision->kind == DECISION_BILL) err = add_bill(shell, tag, &decision->bill, &writes);
  }
  if (!err) *out = writes;
  return err;
}

enum error redis_store_add_outbox(struct shell *shell, const char *tag, const struct outbox *outbox,
                                  struct redis_writes *writes) {
  buffer_clear(&shell->encoded);
  enum error err = wire_outbox_encode(outbox, &shell->encoded);
  return err ? err : add_encoded(shell, tag, "outbox", writes);
}

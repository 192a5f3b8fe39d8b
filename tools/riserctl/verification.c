// SPDX-License-Identifier: Apache-2.0
// One MGET is one moment. The due index is no string: it is read between two looks at the fence, which is another one
// after each commit. Keys that came into being behind the walk over Redis are those that the fold has made and nobody
// has seen yet; they are asked for by name.
#include "riserctl/verification.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "riserctl/state.h"
#include "wire/state.h"

enum {
  PORTION = 500, // keys
  REPLIES_MAX = 1 << 30,
  SETTLE_MS = 30000, // how long a tick may be applied in part
  SETTLE_PAUSE_MS = 2,
  ROUNDS_MAX = 10,
};

#define DUE_KEY "due"

struct verification {
  struct ctl *ctl;
  struct image *image;
  int32_t partition;
  struct verify_result *result;
  uint64_t generation;
  struct arena *replies; // of one portion
  const char *names[PORTION];
  size_t name_count;
};

static enum error begin(struct verification *v);
static enum error walk_redis(struct verification *v);
static enum error ask_for_the_rest(struct verification *v);
static enum error add_name(struct verification *v, const char *key);
static enum error compare_portion(struct verification *v);
static void compare_value(struct verification *v, const char *key, const struct redis_value *value);
static enum error compare_due(struct verification *v);
static enum error follow_fence(struct verification *v, const struct redis_value *fence, bool *settled);
static void note(struct verification *v, const char *what, const char *key);

enum error verify_image(struct ctl *ctl, struct image *image, int32_t partition, struct verify_result *out) {
  struct verification *v = calloc(1, sizeof *v);
  if (!v) return ERR_NO_MEMORY;
  *v = (struct verification){
      .ctl = ctl, .image = image, .partition = partition, .result = out, .replies = arena_new(REPLIES_MAX)};
  *out = (struct verify_result){.keys = 0};
  enum error err = v->replies ? begin(v) : ERR_NO_MEMORY;
  if (!err) err = walk_redis(v);
  if (!err) err = ask_for_the_rest(v);
  if (!err) {
    image_digest(image, out->digest);
    out->keys = HASH_COUNT(*image_values(image));
    out->next_offset = image_meta(image)->next_offset;
  }
  arena_free(v->replies);
  free(v);
  return err;
}

// Most of the log is folded here; each portion then needs what has come meanwhile.
static enum error begin(struct verification *v) {
  struct fence_view fence;
  enum error err = state_fence(v->ctl, v->partition, v->ctl->arena, &fence);
  if (!err && !fence.installed) err = ERR_NOT_FOUND;
  if (err) return err;
  v->generation = fence.meta.generation;
  v->result->first_offset = fence.meta.next_offset;
  return image_advance(v->image, fence.meta.next_offset);
}

static enum error walk_redis(struct verification *v) {
  const char *const *keys;
  size_t count;
  enum error err = state_keys(v->ctl, v->partition, "", &keys, &count);
  for (size_t i = 0; i < count && !err; i++) {
    bool own = strcmp(keys[i], "meta") == 0 || strcmp(keys[i], "outbox") == 0;
    if (!own && strcmp(keys[i], DUE_KEY) != 0) err = add_name(v, keys[i]);
  }
  if (!err) err = compare_portion(v);
  return err ? err : compare_due(v);
}

static enum error ask_for_the_rest(struct verification *v) {
  enum error err = OK;
  size_t asked = 1;
  for (int round = 0; !err && asked && round < ROUNDS_MAX; round++) {
    asked = 0;
    for (struct item *item = *image_values(v->image); item && !err; item = item->hh.next) {
      if (item->seen || strcmp(item->key, DUE_KEY) == 0) continue;
      asked++;
      err = add_name(v, item->key);
    }
    if (!err) err = compare_portion(v);
  }
  return err;
}

static enum error add_name(struct verification *v, const char *key) {
  v->names[v->name_count++] = key;
  return v->name_count < PORTION ? OK : compare_portion(v);
}

// ---------------------------------------------------------------- what Redis has

static enum error read_portion(struct verification *v, struct redis_value *reply) {
  struct bytes *words = arena_array(v->replies, v->name_count + 2, sizeof *words);
  if (!words) return ERR_NO_MEMORY;
  words[0] = bytes_text("MGET");
  words[1] = bytes_text(arena_printf(v->replies, "{p%d}:meta", (int)v->partition));
  for (size_t i = 0; i < v->name_count; i++)
    words[i + 2] = bytes_text(arena_printf(v->replies, "{p%d}:%s", (int)v->partition, v->names[i]));
  const struct redis_command command = {words, v->name_count + 2};
  enum error err = redis_pipeline(ctl_redis(v->ctl), &command, 1, v->replies, reply);
  bool whole = !err && reply->type == REDIS_ARRAY && reply->count == v->name_count + 1;
  return err || whole ? err : ERR_UNAVAILABLE;
}

static enum error compare_portion(struct verification *v) {
  int64_t deadline_ms = clock_mono_ms() + SETTLE_MS;
  bool settled = v->name_count == 0;
  while (!settled) {
    struct redis_value reply;
    arena_reset(v->replies);
    enum error err = read_portion(v, &reply);
    if (!err) err = follow_fence(v, &reply.elements[0], &settled);
    if (!err && !settled && clock_mono_ms() > deadline_ms) err = ERR_AGAIN;
    if (err) return err;
    for (size_t i = 0; settled && i < v->name_count; i++) compare_value(v, v->names[i], &reply.elements[i + 1]);
  }
  v->name_count = 0;
  return OK;
}

// Takes the fold to where the fence stands. *settled: no tick is applied in part, so the fold can be there.
static enum error follow_fence(struct verification *v, const struct redis_value *fence, bool *settled) {
  struct partition_meta meta;
  if (fence->type != REDIS_STRING) return ERR_AGAIN; // it is being rebuilt
  if (wire_partition_meta_decode(fence->text, v->replies, &meta)) return ERR_CORRUPT;
  if (meta.generation != v->generation || meta.next_offset < image_meta(v->image)->next_offset) return ERR_AGAIN;
  *settled = meta.next_index == 0;
  if (!*settled) {
    clock_sleep_ms(SETTLE_PAUSE_MS);
    return OK;
  }
  enum error err = image_advance(v->image, meta.next_offset);
  if (err) return err;
  const struct partition_meta *own = image_meta(v->image);
  bool same = memcmp(own->digest, meta.digest, sizeof meta.digest) == 0 && own->last_offset == meta.last_offset &&
              own->business_time_s == meta.business_time_s;
  if (!same) {
    note(v, "differs", "meta");
    v->result->differing++;
  }
  return OK;
}

static void compare_value(struct verification *v, const char *key, const struct redis_value *value) {
  struct item *item = items_find(*image_values(v->image), key);
  if (!item) {
    v->result->surplus++;
    note(v, "surplus", key);
    return;
  }
  item->seen = true;
  if (value->type == REDIS_STRING && bytes_equal(value->text, item->value)) return;
  bool missing = value->type != REDIS_STRING;
  v->result->missing += missing;
  v->result->differing += !missing;
  note(v, missing ? "missing" : "differs", key);
}

// ---------------------------------------------------------------- the due index

struct member {
  const char *name;
  const char *instant;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

// As the fold writes it: the members in order with their instants.
static enum error write_due(struct verification *v, const struct redis_value *reply, struct buffer *to) {
  size_t count = reply->count / 2;
  struct member *members = arena_array(v->replies, count, sizeof *members);
  if (reply->type != REDIS_ARRAY) return ERR_CORRUPT;
  if (!members) return ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    members[i] = (struct member){(const char *)reply->elements[2 * i].text.data,
                                 (const char *)reply->elements[2 * i + 1].text.data};
  qsort(members, count, sizeof *members, by_name);
  enum error err = OK;
  for (size_t i = 0; i < count && !err; i++) err = buffer_printf(to, "%s\n%s\n", members[i].name, members[i].instant);
  return err;
}

static enum error read_due(struct verification *v, struct redis_value replies[3]) {
  const char *meta = arena_printf(v->replies, "{p%d}:meta", (int)v->partition);
  const char *due = arena_printf(v->replies, "{p%d}:" DUE_KEY, (int)v->partition);
  const struct bytes get[] = {bytes_text("GET"), bytes_text(meta)};
  const struct bytes range[] = {bytes_text("ZRANGE"), bytes_text(due), bytes_text("0"), bytes_text("-1"),
                                bytes_text("WITHSCORES")};
  const struct redis_command commands[] = {{get, 2}, {range, 5}, {get, 2}};
  if (!meta || !due) return ERR_NO_MEMORY;
  return redis_pipeline(ctl_redis(v->ctl), commands, 3, v->replies, replies);
}

static enum error compare_due(struct verification *v) {
  int64_t deadline_ms = clock_mono_ms() + SETTLE_MS;
  struct redis_value replies[3];
  for (bool settled = false; !settled;) {
    arena_reset(v->replies);
    enum error err = read_due(v, replies);
    bool one_moment = !err && replies[0].type == REDIS_STRING && replies[2].type == REDIS_STRING &&
                      bytes_equal(replies[0].text, replies[2].text);
    if (!err && (one_moment || replies[0].type != REDIS_STRING)) err = follow_fence(v, &replies[0], &settled);
    if (!err && !settled && clock_mono_ms() > deadline_ms) err = ERR_AGAIN;
    if (err) return err;
  }
  struct buffer found;
  buffer_init(&found, REPLIES_MAX);
  struct item *item = items_find(*image_values(v->image), DUE_KEY);
  enum error err = replies[1].type == REDIS_ERROR ? OK : write_due(v, &replies[1], &found);
  bool same = bytes_equal(item ? item->value : bytes_text(""), buffer_bytes(&found));
  if (!err && (!same || replies[1].type == REDIS_ERROR)) {
    v->result->differing++;
    note(v, "differs", DUE_KEY);
  }
  buffer_fini(&found);
  return err;
}

static void note(struct verification *v, const char *what, const char *key) {
  struct verify_result *result = v->result;
  if (result->shown_count == VERIFY_SHOWN_MAX) return;
  snprintf(result->shown[result->shown_count++], VERIFY_KEY_MAX, "%s: {p%d}:%s", what, (int)v->partition, key);
}

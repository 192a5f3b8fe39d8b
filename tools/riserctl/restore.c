// SPDX-License-Identifier: Apache-2.0
// The latest records of devices go out through the outbox: those that the log brought about before the snapshot are not
// made again, and whether they ever came to Kafka the snapshot can't know. To publish them twice does no harm.
#include "riserctl/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "billing/core/fold.h"
#include "domain/outbox.h"
#include "riserctl/state.h"
#include "wire/outbox.h"
#include "wire/state.h"

enum { PORTION = 500, REMOVALS_MAX = 10, ENCODED_MAX = 256 << 20, WORDS_ARENA_MAX = 256 << 20, META_MAX = 4096 };

#define DUE_KEY "due"

struct restoring {
  struct ctl *ctl;
  int32_t partition;
  struct arena *arena; // words and replies of one portion
  struct redis_command commands[PORTION];
  size_t count;
};

static enum error remove_all(struct restoring *r, size_t *removed);
static enum error write_values(struct restoring *r, struct image *image);
static enum error write_due(struct restoring *r, const char *members);
static enum error write_devices(struct restoring *r, struct image *image);
static enum error write_fence(struct restoring *r, struct image *image);
static enum error add(struct restoring *r, const char *verb, const char *key, struct bytes third, struct bytes fourth);
static enum error send(struct restoring *r);

enum error restore_partition(struct ctl *ctl, int32_t partition, struct image *image, size_t *removed) {
  struct restoring r = {.ctl = ctl, .partition = partition, .arena = arena_new(WORDS_ARENA_MAX)};
  enum error err = r.arena ? remove_all(&r, removed) : ERR_NO_MEMORY;
  if (!err && image) err = write_values(&r, image);
  if (!err && image) err = write_devices(&r, image);
  if (!err) err = write_fence(&r, image);
  arena_free(r.arena);
  return err;
}

static const struct bytes absent = {NULL, 0};

// Again until nothing is found: a commit may have been under way when the fence went.
static enum error remove_all(struct restoring *r, size_t *removed) {
  enum error err = add(r, "UNLINK", "meta", absent, absent);
  if (!err) err = send(r);
  *removed = 0;
  for (int round = 0; !err && round < REMOVALS_MAX; round++) {
    const char *const *keys;
    size_t count = 0;
    err = state_keys(r->ctl, r->partition, "", &keys, &count);
    if (!err && count == 0) return OK;
    for (size_t i = 0; !err && i < count; i++) err = add(r, "UNLINK", keys[i], absent, absent);
    if (!err) err = send(r);
    *removed += count;
  }
  return err ? err : ERR_REFUSED; // somebody writes there all the time
}

static enum error write_values(struct restoring *r, struct image *image) {
  enum error err = OK;
  for (struct item *item = *image_values(image); item && !err; item = item->hh.next) {
    bool due = strcmp(item->key, DUE_KEY) == 0;
    err = due ? write_due(r, (const char *)item->value.data) : add(r, "SET", item->key, item->value, absent);
  }
  return err ? err : send(r);
}

// "member\ninstant\n", one after the other; the value ends with a zero.
static enum error write_due(struct restoring *r, const char *members) {
  enum error err = OK;
  while (!err && *members) {
    const char *instant = strchr(members, '\n') + 1, *end = strchr(instant, '\n');
    err = add(r, "ZADD", DUE_KEY, bytes_make(instant, (size_t)(end - instant)),
              bytes_make(members, (size_t)(instant - 1 - members)));
    members = end + 1;
  }
  return err;
}

static enum error write_devices(struct restoring *r, struct image *image) {
  size_t count = HASH_COUNT(*image_devices(image)), at = 0;
  if (count == 0) return OK;
  struct outbox_record *records = calloc(count, sizeof *records);
  struct buffer encoded;
  buffer_init(&encoded, ENCODED_MAX);
  enum error err = records ? OK : ERR_NO_MEMORY;
  for (struct item *item = *image_devices(image); item && records; item = item->hh.next)
    records[at++] =
        (struct outbox_record){.topic = "riser.device.v1", .key = bytes_text(item->key), .value = item->value};
  const struct outbox outbox = {records, count};
  if (!err) err = wire_outbox_encode(&outbox, &encoded);
  if (!err) err = add(r, "SET", "outbox", buffer_bytes(&encoded), absent);
  if (!err) err = send(r);
  buffer_fini(&encoded);
  free(records);
  return err;
}

static enum error write_fence(struct restoring *r, struct image *image) {
  struct partition_meta meta = {.partition_count = (uint32_t)r->ctl->config.partitions, .fold_version = FOLD_VERSION};
  struct buffer encoded;
  buffer_init(&encoded, META_MAX);
  if (image) meta = *image_meta(image);
  meta.generation = (uint64_t)clock_wall_ms();
  enum error err = wire_partition_meta_encode(&meta, &encoded);
  if (!err) err = add(r, "SET", "meta", buffer_bytes(&encoded), absent);
  if (!err) err = send(r);
  buffer_fini(&encoded);
  return err;
}

// ---------------------------------------------------------------- commands

// What the words point to must last until they are sent.
static enum error add(struct restoring *r, const char *verb, const char *key, struct bytes third, struct bytes fourth) {
  struct bytes *words = arena_array(r->arena, 4, sizeof *words);
  const char *name = arena_printf(r->arena, "{p%d}:%s", (int)r->partition, key);
  if (!words || !name) return ERR_NO_MEMORY;
  words[0] = bytes_text(verb);
  words[1] = bytes_text(name);
  words[2] = third;
  words[3] = fourth;
  r->commands[r->count++] = (struct redis_command){words, (size_t)2 + (third.data != NULL) + (fourth.data != NULL)};
  return r->count < PORTION ? OK : send(r);
}

static enum error send(struct restoring *r) {
  struct redis_value *replies = arena_array(r->arena, r->count, sizeof *replies);
  struct redis *redis = ctl_redis(r->ctl);
  if (!redis) return ERR_UNAVAILABLE;
  enum error err = replies ? redis_pipeline(redis, r->commands, r->count, r->arena, replies) : ERR_NO_MEMORY;
  for (size_t i = 0; !err && i < r->count; i++) {
    if (replies[i].type != REDIS_ERROR) continue;
    ctl_refuse(r->ctl, "Redis refuses: %s", (const char *)replies[i].text.data);
    err = ERR_REFUSED;
  }
  r->count = 0;
  arena_reset(r->arena);
  return err;
}

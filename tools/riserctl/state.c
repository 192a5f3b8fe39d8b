// SPDX-License-Identifier: Apache-2.0
#include "riserctl/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur2.h"
#include "domain/reads_codec.h"
#include "wire/bill.h"
#include "wire/outbox.h"
#include "wire/state.h"

enum { KEY_MAX = 512, SCAN_STEP = 1000 };

static enum error scan_once(struct ctl *ctl, int32_t partition, const char *pattern, const char **cursor,
                            struct redis_value *reply);
static int compare_keys(const void *a, const void *b);
static enum error find_sites(struct ctl *ctl, const char *const **sites, size_t *count);

int32_t state_partition(const struct ctl *ctl, const char *site) {
  return murmur2_partition(bytes_text(site), (int32_t)ctl->config.partitions);
}

enum error state_get(struct ctl *ctl, int32_t partition, const char *key, struct arena *arena, struct bytes *value) {
  char name[KEY_MAX];
  struct redis *redis = ctl_redis(ctl);
  if (!redis) return ERR_UNAVAILABLE;
  snprintf(name, sizeof name, "{p%d}:%s", (int)partition, key);
  struct bytes words = bytes_text(name);
  enum error err = redis_get_many(redis, &words, 1, arena, value);
  if (!err && !value->data) err = ERR_NOT_FOUND;
  return err;
}

enum error state_keys(struct ctl *ctl, int32_t partition, const char *prefix, const char *const **keys, size_t *count) {
  char pattern[KEY_MAX];
  const char *cursor = "0";
  const char **found = NULL;
  size_t found_count = 0, capacity = 0;
  size_t tag = (size_t)snprintf(pattern, sizeof pattern, "{p%d}:", (int)partition);
  snprintf(pattern + tag, sizeof pattern - tag, "%s*", prefix);
  do {
    struct redis_value reply;
    enum error err = scan_once(ctl, partition, pattern, &cursor, &reply);
    if (err) return err;
    const struct redis_value *page = &reply.elements[1];
    if (found_count + page->count > capacity) {
      capacity = (found_count + page->count) * 2;
      const char **larger = arena_array(ctl->arena, capacity, sizeof *larger);
      if (!larger) return ERR_NO_MEMORY;
      if (found_count) memcpy(larger, found, found_count * sizeof *larger);
      found = larger;
    }
    for (size_t i = 0; i < page->count; i++) found[found_count++] = (const char *)page->elements[i].text.data + tag;
  } while (strcmp(cursor, "0") != 0);
  if (found_count) qsort(found, found_count, sizeof *found, compare_keys);
  // SCAN may give a key twice.
  size_t distinct = 0;
  for (size_t i = 0; i < found_count; i++) {
    if (i == 0 || strcmp(found[i], found[distinct - 1]) != 0) found[distinct++] = found[i];
  }
  *keys = found;
  *count = distinct;
  return OK;
}

// On a cluster nobody says of a SCAN that it belongs elsewhere by now, or is being moved there, but of the command
// before it: of a key that never is, since a key that has not been moved yet is simply answered.
static enum error scan_once(struct ctl *ctl, int32_t partition, const char *pattern, const char **cursor,
                            struct redis_value *reply) {
  struct redis *redis = ctl_redis(ctl);
  if (!redis) return ERR_UNAVAILABLE;
  char step[16], never[KEY_MAX];
  snprintf(step, sizeof step, "%d", SCAN_STEP);
  snprintf(never, sizeof never, "{p%d}:?", (int)partition);
  const struct bytes exists[] = {bytes_text("EXISTS"), bytes_text(never)};
  const struct bytes words[] = {bytes_text("SCAN"),  bytes_text(*cursor), bytes_text("MATCH"),
                                bytes_text(pattern), bytes_text("COUNT"), bytes_text(step)};
  const struct redis_command commands[] = {{exists, 2}, {words, sizeof words / sizeof words[0]}};
  struct redis_value replies[2];
  enum error err = redis_pipeline(redis, commands, 2, ctl->arena, replies);
  if (err) return err;
  *reply = replies[1];
  if (reply->type != REDIS_ARRAY || reply->count != 2) return ERR_CORRUPT;
  *cursor = arena_text(ctl->arena, reply->elements[0].text);
  return *cursor ? OK : ERR_NO_MEMORY;
}

static int compare_keys(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum error state_fence(struct ctl *ctl, int32_t partition, struct arena *arena, struct fence_view *out) {
  char names[2][KEY_MAX];
  struct redis *redis = ctl_redis(ctl);
  if (!redis) return ERR_UNAVAILABLE;
  snprintf(names[0], KEY_MAX, "{p%d}:meta", (int)partition);
  snprintf(names[1], KEY_MAX, "{p%d}:outbox", (int)partition);
  // One MGET: both of the same commit.
  const struct bytes words[] = {bytes_text("MGET"), bytes_text(names[0]), bytes_text(names[1])};
  const struct redis_command command = {words, 3};
  struct redis_value reply;
  enum error err = redis_pipeline(redis, &command, 1, arena, &reply);
  if (err) return err;
  if (reply.type != REDIS_ARRAY || reply.count != 2) return ERR_CORRUPT;
  *out = (struct fence_view){.installed = reply.elements[0].type == REDIS_STRING};
  if (out->installed) err = wire_partition_meta_decode(reply.elements[0].text, arena, &out->meta);
  if (!err && reply.elements[1].type == REDIS_STRING) {
    err = wire_outbox_decode(reply.elements[1].text, arena, &out->outbox);
  }
  return err;
}

#define STATE_ENTITY(type, format, ...)                                                                                \
  char key[KEY_MAX];                                                                                                   \
  struct bytes value;                                                                                                  \
  snprintf(key, sizeof key, format, __VA_ARGS__);                                                                      \
  enum error err = state_get(ctl, state_partition(ctl, site), key, ctl->arena, &value);                                \
  return err ? err : wire_##type##_decode(value, ctl->arena, out)

enum error state_site(struct ctl *ctl, const char *site, struct site_state *out) {
  STATE_ENTITY(site_state, "site:%s", site);
}

enum error state_point(struct ctl *ctl, const char *site, const char *point, struct point_state *out) {
  STATE_ENTITY(point_state, "point:%s/%s", site, point);
}

enum error state_account(struct ctl *ctl, const char *site, const char *lease, struct account_state *out) {
  STATE_ENTITY(account_state, "account:%s/%s", site, lease);
}

enum error state_bill(struct ctl *ctl, const char *site, const char *id, struct bill *out) {
  STATE_ENTITY(bill, "bill:%s", id);
}

enum error state_reads(struct ctl *ctl, const char *site, const char *meter, enum meter_register reg, uint32_t month,
                       struct bytes *vector) {
  char key[KEY_MAX];
  struct bytes value;
  struct buffer decoded;
  snprintf(key, sizeof key, "reads:%s/%s/%d/%06" PRIu32, site, meter, (int)reg, month);
  enum error err = state_get(ctl, state_partition(ctl, site), key, ctl->arena, &value);
  if (err) return err;
  buffer_init(&decoded, READS_SIZE_MAX);
  err = reads_decode(value, &decoded);
  if (!err) {
    *vector = arena_bytes(ctl->arena, buffer_bytes(&decoded));
    if (!vector->data) err = ERR_NO_MEMORY;
  }
  buffer_fini(&decoded);
  return err;
}

bool state_choose_site(struct ctl *ctl, const char *wanted, struct site_state *out, enum status *status) {
  const char *const *sites = NULL;
  size_t count = 0;
  const char *site = wanted;
  enum error err = wanted ? OK : find_sites(ctl, &sites, &count);
  if (!err && !wanted && count != 1) {
    *status = count ? ctl_misuse(ctl, "there are %zu sites; say which one with --site (riserctl get sites)", count)
                    : ctl_refuse(ctl, "billing knows no site yet; describe one and use riserctl apply");
    return false;
  }
  if (!err && !wanted) site = sites[0];
  if (!err) err = state_site(ctl, site, out);
  if (!err) return true;
  *status = err == ERR_NOT_FOUND ? ctl_refuse(ctl, "billing knows no site \"%s\" (riserctl get sites)", site)
                                 : ctl_fail(ctl, err, "the sites can't be read");
  return false;
}

static enum error find_sites(struct ctl *ctl, const char *const **sites, size_t *count) {
  static const char prefix[] = "site:";
  const char **all = arena_array(ctl->arena, 2, sizeof *all);
  if (!all) return ERR_NO_MEMORY;
  *sites = all;
  *count = 0;
  for (int32_t p = 0; p < ctl->config.partitions; p++) {
    const char *const *keys;
    size_t found;
    enum error err = state_keys(ctl, p, prefix, &keys, &found);
    if (err) return err;
    for (size_t i = 0; i < found; i++) {
      if (*count < 2) all[*count] = keys[i] + strlen(prefix);
      (*count)++;
    }
  }
  return OK;
}

const struct lease *state_lease(const struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->lease_count; i++) {
    if (strcmp(site->leases[i].id, id) == 0) return &site->leases[i];
  }
  return NULL;
}

const struct service_point *state_service_point(const struct site_state *site, const char *id) {
  for (size_t i = 0; i < site->point_count; i++) {
    if (strcmp(site->points[i].id, id) == 0) return &site->points[i];
  }
  return NULL;
}

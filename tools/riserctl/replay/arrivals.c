// SPDX-License-Identifier: Apache-2.0
#include "riserctl/replay/arrivals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum { METER_SIZE = 72, KEY_SIZE = METER_SIZE + 8 + 8 + 8 };

struct expected {
  UT_hash_handle hh;
  unsigned copies;
  uint8_t key[KEY_SIZE]; // meter, register, instant, value; or a digest and zeros
};

struct arrivals {
  struct expected *reads;
  struct expected *rejects;
  size_t open_reads;
  size_t open_rejects;
};

static void read_key(const struct reading *reading, uint8_t key[KEY_SIZE]);
static void reject_key(const uint8_t digest[32], uint8_t key[KEY_SIZE]);
static enum error expect(struct expected **table, const uint8_t key[KEY_SIZE], size_t *open);
static void seen(struct expected **table, const uint8_t key[KEY_SIZE], size_t *open);
static void clear(struct expected **table);

struct arrivals *arrivals_new(void) {
  return calloc(1, sizeof(struct arrivals));
}

void arrivals_free(struct arrivals *arrivals) {
  if (!arrivals) return;
  clear(&arrivals->reads);
  clear(&arrivals->rejects);
  free(arrivals);
}

static void clear(struct expected **table) {
  struct expected *item, *next;
  HASH_ITER(hh, *table, item, next) {
    HASH_DEL(*table, item);
    free(item);
  }
}

enum error arrivals_expect(struct arrivals *arrivals, const struct reading *reading) {
  uint8_t key[KEY_SIZE];
  read_key(reading, key);
  return expect(&arrivals->reads, key, &arrivals->open_reads);
}

void arrivals_seen(struct arrivals *arrivals, const struct reading *reading) {
  uint8_t key[KEY_SIZE];
  read_key(reading, key);
  seen(&arrivals->reads, key, &arrivals->open_reads);
}

size_t arrivals_open(const struct arrivals *arrivals) {
  return arrivals->open_reads;
}

enum error arrivals_expect_reject(struct arrivals *arrivals, const uint8_t digest[32]) {
  uint8_t key[KEY_SIZE];
  reject_key(digest, key);
  return expect(&arrivals->rejects, key, &arrivals->open_rejects);
}

void arrivals_seen_reject(struct arrivals *arrivals, const uint8_t digest[32]) {
  uint8_t key[KEY_SIZE];
  reject_key(digest, key);
  seen(&arrivals->rejects, key, &arrivals->open_rejects);
}

size_t arrivals_open_rejects(const struct arrivals *arrivals) {
  return arrivals->open_rejects;
}

static void read_key(const struct reading *reading, uint8_t key[KEY_SIZE]) {
  memset(key, 0, KEY_SIZE);
  memcpy(key, reading->meter, strnlen(reading->meter, METER_SIZE - 1));
  put_le64(key + METER_SIZE, (uint64_t)reading->reg);
  put_le64(key + METER_SIZE + 8, (uint64_t)reading->time_s);
  put_le64(key + METER_SIZE + 16, (uint64_t)reading->value);
}

static void reject_key(const uint8_t digest[32], uint8_t key[KEY_SIZE]) {
  memset(key, 0, KEY_SIZE);
  memcpy(key, digest, 32);
}

static enum error expect(struct expected **table, const uint8_t key[KEY_SIZE], size_t *open) {
  struct expected *item = NULL;
  HASH_FIND(hh, *table, key, KEY_SIZE, item);
  if (!item) {
    item = calloc(1, sizeof *item);
    if (!item) return ERR_NO_MEMORY;
    memcpy(item->key, key, KEY_SIZE);
    HASH_ADD(hh, *table, key, KEY_SIZE, item);
  }
  item->copies++;
  (*open)++;
  return OK;
}

static void seen(struct expected **table, const uint8_t key[KEY_SIZE], size_t *open) {
  struct expected *item = NULL;
  HASH_FIND(hh, *table, key, KEY_SIZE, item);
  if (!item) return;
  (*open)--;
  if (--item->copies > 0) return;
  HASH_DEL(*table, item);
  free(item);
}

enum error arrivals_describe(const struct arrivals *arrivals, size_t max, struct buffer *to) {
  struct expected *item, *next;
  enum error err = OK;
  size_t left = max;
  HASH_ITER(hh, arrivals->reads, item, next) {
    if (err || left-- == 0) break;
    err = buffer_printf(to, "  not yet in the site log: %s register %d at %" PRId64 " value %" PRId64 "\n",
                        (const char *)item->key, (int)get_le64(item->key + METER_SIZE),
                        (int64_t)get_le64(item->key + METER_SIZE + 8), (int64_t)get_le64(item->key + METER_SIZE + 16));
  }
  left = max;
  HASH_ITER(hh, arrivals->rejects, item, next) {
    char hex[65];
    if (err || left-- == 0) break;
    hex_encode(bytes_make(item->key, 32), hex);
    err = buffer_printf(to, "  not yet in riser.reject.v1: message with SHA-256 %s\n", hex);
  }
  return err;
}

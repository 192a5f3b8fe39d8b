// SPDX-License-Identifier: Apache-2.0
// The store keeps everything that was ever touched. What the fold has changed is encoded and handed to the values after
// each advance; what it wants and never touched is taken from the values, where only a snapshot can have put it.
#include "riserctl/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billing/core/fold.h"
#include "billing/intake.h"
#include "domain/reads_codec.h"
#include "riserctl/log_reader.h"
#include "wire/bill.h"
#include "wire/decision.h"
#include "wire/device.h"
#include "wire/state.h"

enum { ENCODED_MAX = 64 * 1024 * 1024, EFFECTS_MAX = 256 * 1024 * 1024, KEY_MAX = 512 };

#define DUE_KEY "due"

struct image {
  struct ctl *ctl;
  int32_t partition;
  struct partition_meta meta;
  bool unread; // the record that the snapshot ends with is still to be compared
  struct store *store;
  struct fold *fold;
  struct log_follower *follower;
  struct arena *effects_arena;
  struct arena *scratch;
  struct item *values, *devices;
  struct item *dues; // members of the due index, with their instants as text
  struct buffer encoded;
};

static enum error begin_fold(struct image *image);
static enum error load_due(struct image *image, struct bytes members);
static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena);
static enum error apply(struct image *image, const struct fact *fact, enum intake verdict, struct cause base);
static enum error satisfy(struct image *image);
static enum error put_wanted(struct image *image, const struct store_want *want);
static enum error keep_effects(struct image *image, const struct effects *effects);
static enum error collect(struct image *image);
static enum error collect_item(struct image *image, const struct store_item *item);
static enum error collect_due(struct image *image);

enum error image_open(struct ctl *ctl, int32_t partition, struct image **out) {
  struct image *image = calloc(1, sizeof *image);
  if (!image) return ERR_NO_MEMORY;
  image->ctl = ctl;
  image->partition = partition;
  image->meta =
      (struct partition_meta){.partition_count = (uint32_t)ctl->config.partitions, .fold_version = FOLD_VERSION};
  buffer_init(&image->encoded, ENCODED_MAX);
  image->effects_arena = arena_new(EFFECTS_MAX);
  image->scratch = arena_new(EFFECTS_MAX);
  enum error err = image->effects_arena && image->scratch ? begin_fold(image) : ERR_NO_MEMORY;
  if (err)
    image_close(image);
  else
    *out = image;
  return err;
}

static enum error begin_fold(struct image *image) {
  fold_free(image->fold);
  store_free(image->store);
  image->store = store_new();
  image->fold = image->store ? fold_new(image->store, (uint32_t)image->partition, image->meta.business_time_s) : NULL;
  if (!image->fold) return ERR_NO_MEMORY;
  store_set_due_horizon(image->store, INT64_MAX); // all there is, is put at once
  return OK;
}

void image_close(struct image *image) {
  if (!image) return;
  log_follow_end(image->follower);
  fold_free(image->fold);
  store_free(image->store);
  items_free(&image->values);
  items_free(&image->devices);
  items_free(&image->dues);
  arena_free(image->effects_arena);
  arena_free(image->scratch);
  buffer_fini(&image->encoded);
  free(image);
}

const struct partition_meta *image_meta(const struct image *image) {
  return &image->meta;
}

struct item **image_values(struct image *image) {
  return &image->values;
}

struct item **image_devices(struct image *image) {
  return &image->devices;
}

// ---------------------------------------------------------------- from a snapshot

enum error image_load(struct image *image, struct snapshot *snapshot) {
  static const uint8_t none[sizeof image->meta.digest] = {0};
  struct partition_meta meta;
  struct snapshot_record record;
  arena_reset(image->scratch);
  enum error err = wire_partition_meta_decode(snapshot->meta, image->scratch, &meta);
  if (err) return ERR_CORRUPT;
  bool fits = snapshot->partition == image->partition && meta.partition_count == image->meta.partition_count &&
              meta.fold_version == FOLD_VERSION;
  if (!fits) return ERR_MISMATCH;
  image->meta = meta;
  image->unread = memcmp(meta.digest, none, sizeof none) != 0;
  err = begin_fold(image);
  while (!err && snapshot_next(snapshot, &record)) {
    struct item **set = record.kind == SNAPSHOT_DEVICE ? &image->devices : &image->values;
    err = items_put(set, record.key, record.value);
    if (!err && set == &image->values && strcmp(record.key, DUE_KEY) == 0) err = load_due(image, record.value);
  }
  return err;
}

static enum error load_due(struct image *image, struct bytes members) {
  enum error err = OK;
  arena_reset(image->scratch);
  char *at = arena_text(image->scratch, members);
  while (!err && at && *at) {
    char *member = at, *instant = strchr(member, '\n'), *end = instant ? strchr(instant + 1, '\n') : NULL;
    if (!end) return ERR_CORRUPT;
    *instant++ = *end = 0;
    err = items_put(&image->dues, member, bytes_text(instant));
    if (!err) err = store_put_due(image->store, strtoll(instant, NULL, 10), member);
    at = end + 1;
  }
  return at ? err : ERR_NO_MEMORY;
}

// ---------------------------------------------------------------- folding

enum error image_advance(struct image *image, int64_t next_offset) {
  const struct log_reader reader = {.visit = visit, .ctx = image};
  const struct log_range range = {"riser.site.v1", image->partition,
                                  image->unread ? image->meta.last_offset : KAFKA_OFFSET_BEGINNING};
  enum error err = OK;
  if (next_offset == 0) return OK;
  if (!image->follower) err = log_follow(image->ctl, &range, &image->follower);
  if (!err) err = log_follow_until(image->follower, next_offset, &reader);
  if (!err && image->unread) err = ERR_MISMATCH;
  if (err) return err;
  if (next_offset > image->meta.next_offset) image->meta.next_offset = next_offset;
  image->meta.business_time_s = fold_business_time(image->fold);
  return collect(image);
}

static enum error compare_last(struct image *image, const struct kafka_record *record) {
  uint8_t digest[sizeof image->meta.digest];
  enum error err = intake_digest(record, digest);
  if (err) return err;
  image->unread = false;
  bool same = record->offset == image->meta.last_offset && memcmp(digest, image->meta.digest, sizeof digest) == 0;
  return same ? OK : ERR_MISMATCH;
}

static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct image *image = ctx;
  struct fact fact;
  enum intake verdict;
  if (image->unread) return compare_last(image, record);
  enum error err = intake_fact(record, (int32_t)image->ctl->config.partitions, arena, &verdict, &fact);
  const struct cause base = {.partition = (uint32_t)record->partition, .offset = record->offset};
  if (!err) err = apply(image, &fact, verdict, base);
  if (err) return err;
  image->meta.last_offset = record->offset;
  return intake_digest(record, image->meta.digest);
}

static enum error take_fact(struct image *image, const struct fact *fact, enum intake verdict, struct cause base,
                            struct effects *effects) {
  if (verdict == INTAKE_OK) return fold_apply(image->fold, fact, base, effects);
  if (verdict == INTAKE_TICK_AHEAD) return fold_pass_over(image->fold, fact, base, effects);
  return fold_refuse(image->fold, fact, base, intake_names[verdict], effects);
}

static enum error apply(struct image *image, const struct fact *fact, enum intake verdict, struct cause base) {
  struct effects effects;
  arena_reset(image->effects_arena);
  effects_init(&effects, image->effects_arena, SIZE_MAX, SIZE_MAX);
  for (;;) {
    enum error err = take_fact(image, fact, verdict, base, &effects);
    if (!err) return keep_effects(image, &effects);
    if (err != ERR_AGAIN) return err;
    err = satisfy(image);
    if (err) return err;
  }
}

static enum error satisfy(struct image *image) {
  const struct store_want *wants;
  enum error err = OK;
  size_t count = store_wanted(image->store, &wants);
  for (size_t i = 0; i < count && !err; i++) err = put_wanted(image, &wants[i]);
  store_clear_wanted(image->store);
  return err;
}

static enum error put_site(struct image *image, const char *key, struct bytes value) {
  struct site_state site;
  enum error err = wire_site_state_decode(value, image->scratch, &site);
  return err ? ERR_CORRUPT : store_put_site(image->store, key, &site);
}

static enum error put_point(struct image *image, const char *key, struct bytes value) {
  struct point_state point;
  enum error err = wire_point_state_decode(value, image->scratch, &point);
  return err ? ERR_CORRUPT : store_put_point(image->store, key, &point);
}

static enum error put_account(struct image *image, const char *key, struct bytes value) {
  struct account_state account;
  enum error err = wire_account_state_decode(value, image->scratch, &account);
  return err ? ERR_CORRUPT : store_put_account(image->store, key, &account);
}

static enum error put_seal(struct image *image, const char *key, struct bytes value) {
  struct seal_state seal;
  enum error err = seal_state_decode(value, &seal);
  return err ? err : store_put_seal(image->store, key, &seal);
}

static enum error put_wanted(struct image *image, const struct store_want *want) {
  const struct item *item = items_find(image->values, want->key);
  arena_reset(image->scratch);
  if (!item) return store_put_absent(image->store, want->kind, want->key);
  switch (want->kind) {
  case STORE_SITE:
    return put_site(image, want->key, item->value);
  case STORE_POINT:
    return put_point(image, want->key, item->value);
  case STORE_ACCOUNT:
    return put_account(image, want->key, item->value);
  case STORE_SEAL:
    return put_seal(image, want->key, item->value);
  case STORE_PAID:
    return store_put_paid(image->store, want->key, item->value);
  case STORE_READS:
    return store_put_reads(image->store, want->key, item->value);
  default:
    return ERR_INTERNAL;
  }
}

// ---------------------------------------------------------------- what the fold made

static enum error keep_bill(struct image *image, const struct bill *bill) {
  char key[KEY_MAX];
  int len = snprintf(key, sizeof key, "bill:%s", bill->id);
  buffer_clear(&image->encoded);
  enum error err = len < KEY_MAX ? wire_bill_encode(bill, &image->encoded) : ERR_LIMIT;
  return err ? err : items_put(&image->values, key, buffer_bytes(&image->encoded));
}

static enum error keep_device(struct image *image, const struct device *device) {
  char key[KEY_MAX];
  int len = snprintf(key, sizeof key, "%s/%s", device->site, device->device);
  buffer_clear(&image->encoded);
  enum error err = len < KEY_MAX ? wire_device_encode(device, &image->encoded) : ERR_LIMIT;
  return err ? err : items_put(&image->devices, key, buffer_bytes(&image->encoded));
}

static enum error keep_effects(struct image *image, const struct effects *effects) {
  enum error err = OK;
  for (size_t i = 0; i < effects->decision_count && !err; i++) {
    const struct decision *decision = &effects->decisions[i];
    if (decision->kind == DECISION_BILL) err = keep_bill(image, &decision->bill);
  }
  for (size_t i = 0; i < effects->device_count && !err; i++) err = keep_device(image, &effects->devices[i]);
  return err;
}

static enum error collect(struct image *image) {
  const struct store_cursor *cursor = NULL;
  struct store_item item;
  bool due = false;
  enum error err = OK;
  while (!err && store_next_dirty(image->store, &cursor, &item)) {
    due |= item.kind == STORE_DUE;
    err = collect_item(image, &item);
  }
  store_clear_dirty(image->store);
  return !err && due ? collect_due(image) : err;
}

static enum error note_due(struct image *image, const struct store_item *item) {
  char instant[24];
  if (item->due.removed) {
    items_remove(&image->dues, item->key);
    return OK;
  }
  snprintf(instant, sizeof instant, "%" PRId64, item->due.instant_s);
  return items_put(&image->dues, item->key, bytes_text(instant));
}

static enum error collect_item(struct image *image, const struct store_item *item) {
  uint8_t seal[SEAL_STATE_MAX];
  enum error err = OK;
  buffer_clear(&image->encoded);
  switch (item->kind) {
  case STORE_SITE:
    err = wire_site_state_encode(item->site, &image->encoded);
    break;
  case STORE_POINT:
    err = wire_point_state_encode(item->point, &image->encoded);
    break;
  case STORE_ACCOUNT:
    err = wire_account_state_encode(item->account, &image->encoded);
    break;
  case STORE_SEAL:
    return items_put(&image->values, item->key, bytes_make(seal, seal_state_encode(item->seal, seal)));
  case STORE_READS:
    err = reads_encode(item->reads.vector, 0, &image->encoded);
    break;
  case STORE_DAYS:
    return items_put(&image->values, item->key, item->days);
  case STORE_PAID:
    return items_put(&image->values, item->key, item->paid);
  case STORE_DUE:
    return note_due(image, item);
  }
  return err ? err : items_put(&image->values, item->key, buffer_bytes(&image->encoded));
}

// An empty sorted set is no key.
static enum error collect_due(struct image *image) {
  enum error err = OK;
  items_sort(&image->dues);
  buffer_clear(&image->encoded);
  for (struct item *due = image->dues; due && !err; due = due->hh.next)
    err = buffer_printf(&image->encoded, "%s\n%s\n", due->key, (const char *)due->value.data);
  if (!err && image->dues) return items_put(&image->values, DUE_KEY, buffer_bytes(&image->encoded));
  items_remove(&image->values, DUE_KEY);
  return err;
}

// ---------------------------------------------------------------- out of it

static enum error save_items(struct buffer *content, enum snapshot_kind kind, struct item **set) {
  enum error err = OK;
  items_sort(set);
  for (struct item *item = *set; item && !err; item = item->hh.next)
    err = snapshot_add(content, &(struct snapshot_record){kind, item->key, item->value});
  return err;
}

enum error image_save(struct image *image, const char *path) {
  struct buffer content;
  buffer_clear(&image->encoded);
  enum error err = wire_partition_meta_encode(&image->meta, &image->encoded);
  if (err) return err;
  err = snapshot_begin(&content, image->partition, buffer_bytes(&image->encoded));
  if (!err) err = save_items(&content, SNAPSHOT_VALUE, &image->values);
  if (!err) err = save_items(&content, SNAPSHOT_DEVICE, &image->devices);
  if (!err) err = snapshot_write(&content, path);
  buffer_fini(&content);
  return err;
}

void image_digest(struct image *image, uint8_t digest[DIGEST_SIZE]) {
  uint8_t chained[3 * DIGEST_SIZE] = {0};
  items_sort(&image->values);
  for (struct item *item = image->values; item; item = item->hh.next) {
    digest_of(bytes_text(item->key), chained + DIGEST_SIZE);
    digest_of(item->value, chained + 2 * DIGEST_SIZE);
    digest_of(bytes_make(chained, sizeof chained), chained);
  }
  memcpy(digest, chained, DIGEST_SIZE);
}

// Decisions are published in the order of their causes, so all of what is before the last one's cause are there.
enum error image_published(struct ctl *ctl, int32_t partition, int64_t *offset) {
  const struct kafka_consumer_options options = {
      .settings = ctl->config.kafka, .client_id = "riserctl", .group = "riserctl", .report_end = true};
  struct kafka_consumer *consumer = NULL;
  struct kafka_record record;
  struct decision last;
  enum error err = kafka_consumer_open(&options, &consumer);
  if (!err) err = kafka_tail_read(consumer, "riser.decision.v1", &partition, 1, ctl->arena, &record);
  kafka_consumer_close(consumer);
  if (err) return err;
  *offset = 0;
  if (record.offset < 0) return OK;
  err = wire_decision_decode(record.value, ctl->arena, &last);
  if (!err) *offset = last.cause.offset;
  return err;
}

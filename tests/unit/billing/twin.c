// SPDX-License-Identifier: Apache-2.0
#include "twin.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>
#include <uthash.h>

#include "domain/reads_codec.h"
#include "wire/state.h"

enum { ARENA_MAX = 256 * 1024 * 1024, VALUE_MAX = 16 * 1024 * 1024, DUE_AHEAD_S = 40 * 86400 };

struct stored {
  UT_hash_handle hh;
  char key[STORE_KEY_MAX];
  struct buffer value;
  bool grown;
};

struct due_stored {
  UT_hash_handle hh;
  char member[STORE_KEY_MAX];
  int64_t instant_s;
};

struct shown {
  UT_hash_handle hh;
  char name[65];
  struct device device;
};

struct twin {
  struct twin_mode mode;
  struct store *store;
  struct fold *fold;
  struct arena *batch;
  struct arena *kept; // for as long as the twin lives
  struct effects effects;
  struct stored *values;
  struct due_stored *due;
  struct shown *devices;
  int64_t offset;
  int64_t saved_time_s;
  uint32_t next_index;
  uint32_t expected_index; // of the next decision of the record
};

static void begin_batch(struct twin *twin) {
  arena_reset(twin->batch);
  effects_init(&twin->effects, twin->batch, twin->mode.decision_max, twin->mode.write_max);
}

static void begin_fold(struct twin *twin) {
  twin->store = store_new();
  twin->fold = fold_new(twin->store, 3, twin->saved_time_s);
  assert_non_null(twin->fold);
}

struct twin *twin_new(struct twin_mode mode) {
  struct twin *twin = calloc(1, sizeof *twin);
  assert_non_null(twin);
  twin->mode = mode;
  twin->batch = arena_new(ARENA_MAX);
  twin->kept = arena_new(ARENA_MAX);
  begin_fold(twin);
  begin_batch(twin);
  return twin;
}

void twin_free(struct twin *twin) {
  struct stored *value, *next_value;
  HASH_ITER(hh, twin->values, value, next_value) {
    HASH_DEL(twin->values, value);
    buffer_fini(&value->value);
    free(value);
  }
  struct due_stored *due, *next_due;
  HASH_ITER(hh, twin->due, due, next_due) {
    HASH_DEL(twin->due, due);
    free(due);
  }
  struct shown *shown, *next_shown;
  HASH_ITER(hh, twin->devices, shown, next_shown) {
    HASH_DEL(twin->devices, shown);
    free(shown);
  }
  fold_free(twin->fold);
  store_free(twin->store);
  arena_free(twin->batch);
  arena_free(twin->kept);
  free(twin);
}

// ---- loading

static void put(struct twin *twin, enum store_kind kind, const char *key, struct bytes bytes, struct arena *arena) {
  if (kind == STORE_SITE) {
    struct site_state site;
    assert_int_equal(wire_site_state_decode(bytes, arena, &site), OK);
    assert_int_equal(store_put_site(twin->store, key, &site), OK);
  } else if (kind == STORE_POINT) {
    struct point_state point;
    assert_int_equal(wire_point_state_decode(bytes, arena, &point), OK);
    assert_int_equal(store_put_point(twin->store, key, &point), OK);
  } else if (kind == STORE_ACCOUNT) {
    struct account_state account;
    assert_int_equal(wire_account_state_decode(bytes, arena, &account), OK);
    assert_int_equal(store_put_account(twin->store, key, &account), OK);
  } else if (kind == STORE_SEAL) {
    struct seal_state seal;
    assert_int_equal(seal_state_decode(bytes, &seal), OK);
    assert_int_equal(store_put_seal(twin->store, key, &seal), OK);
  } else if (kind == STORE_PAID) {
    assert_int_equal(store_put_paid(twin->store, key, bytes), OK);
  } else {
    assert_int_equal(kind, STORE_READS);
    assert_int_equal(store_put_reads(twin->store, key, bytes), OK);
  }
}

static void load(struct twin *twin) {
  const struct store_want *wants;
  size_t count = store_wanted(twin->store, &wants);
  int64_t until_s;
  bool due = store_wants_due(twin->store, &until_s);
  assert_true(count > 0 || due);
  struct arena *arena = arena_new(ARENA_MAX);
  for (size_t i = 0; i < count; i++) {
    struct stored *stored;
    HASH_FIND_STR(twin->values, wants[i].key, stored);
    if (stored) {
      put(twin, wants[i].kind, wants[i].key, buffer_bytes(&stored->value), arena);
    } else {
      assert_int_equal(store_put_absent(twin->store, wants[i].kind, wants[i].key), OK);
    }
  }
  if (due) {
    for (struct due_stored *one = twin->due; one; one = one->hh.next) {
      if (one->instant_s <= until_s + DUE_AHEAD_S) {
        assert_int_equal(store_put_due(twin->store, one->instant_s, one->member), OK);
      }
    }
    store_set_due_horizon(twin->store, until_s + DUE_AHEAD_S);
  }
  arena_free(arena);
  store_clear_wanted(twin->store);
}

// ---- saving

static struct stored *stored_of(struct twin *twin, const char *key) {
  struct stored *stored;
  HASH_FIND_STR(twin->values, key, stored);
  if (stored) return stored;
  stored = calloc(1, sizeof *stored);
  assert_non_null(stored);
  assert_true(strlen(key) < sizeof stored->key);
  memcpy(stored->key, key, strlen(key));
  buffer_init(&stored->value, VALUE_MAX);
  HASH_ADD_STR(twin->values, key, stored);
  return stored;
}

static void save_due(struct twin *twin, const struct store_item *item) {
  struct due_stored *due;
  HASH_FIND_STR(twin->due, item->key, due);
  if (item->due.removed) {
    if (!due) return;
    HASH_DEL(twin->due, due);
    free(due);
    return;
  }
  if (!due) {
    due = calloc(1, sizeof *due);
    assert_non_null(due);
    memcpy(due->member, item->key, strlen(item->key));
    HASH_ADD_STR(twin->due, member, due);
  }
  due->instant_s = item->due.instant_s;
}

static void save(struct twin *twin, const struct store_item *item) {
  if (item->kind == STORE_DUE) {
    save_due(twin, item);
    return;
  }
  struct stored *stored = stored_of(twin, item->key);
  struct buffer *value = &stored->value;
  if (item->kind == STORE_READS) { // as SETRANGE: only the changed tail
    struct buffer whole;
    bool tail = item->reads.from > 0;
    size_t before = value->len;
    stored->grown = tail;
    assert_true(tail ? item->reads.offset > 0 && item->reads.offset <= before : item->reads.offset == 0);
    value->len = item->reads.offset;
    assert_int_equal(reads_encode(item->reads.vector, item->reads.from, value), OK);
    assert_true(!tail || value->len >= before); // it would leave the old end standing
    buffer_init(&whole, READS_ENCODED_MAX);
    assert_int_equal(reads_encode(item->reads.vector, 0, &whole), OK);
    assert_true(bytes_equal(buffer_bytes(value), buffer_bytes(&whole)));
    buffer_fini(&whole);
    return;
  }
  buffer_clear(value);
  enum error err = OK;
  if (item->kind == STORE_SITE) err = wire_site_state_encode(item->site, value);
  if (item->kind == STORE_POINT) err = wire_point_state_encode(item->point, value);
  if (item->kind == STORE_ACCOUNT) err = wire_account_state_encode(item->account, value);
  if (item->kind == STORE_PAID) err = buffer_append(value, item->paid.data, item->paid.len);
  if (item->kind == STORE_DAYS) err = buffer_append(value, item->days.data, item->days.len);
  if (item->kind == STORE_SEAL) {
    uint8_t packed[SEAL_STATE_MAX];
    err = buffer_append(value, packed, seal_state_encode(item->seal, packed));
  }
  assert_int_equal(err, OK);
}

static void commit(struct twin *twin) {
  const struct store_cursor *cursor = NULL;
  struct store_item item;
  size_t count = 0;
  while (store_next_dirty(twin->store, &cursor, &item)) {
    save(twin, &item);
    count++;
  }
  assert_int_equal(count, store_dirty_count(twin->store));
  store_clear_dirty(twin->store);
  assert_int_equal(store_dirty_count(twin->store), 0);
  twin->saved_time_s = fold_business_time(twin->fold);
  twin->next_index = fold_next_index(twin->fold);
}

// As another owner would begin: only what was saved is known.
static void start_anew(struct twin *twin) {
  fold_free(twin->fold);
  store_free(twin->store);
  begin_fold(twin);
}

// ---- applying

static void keep_device(struct twin *twin, const struct device *device) {
  struct shown *shown;
  HASH_FIND_STR(twin->devices, device->device, shown);
  if (!shown) {
    shown = calloc(1, sizeof *shown);
    assert_non_null(shown);
    memcpy(shown->name, device->device, strlen(device->device));
    HASH_ADD_STR(twin->devices, name, shown);
  }
  shown->device = *device;
  shown->device.device = shown->name;
  shown->device.site = arena_strdup(twin->kept, device->site);
  shown->device.landlord = arena_strdup(twin->kept, device->landlord);
  shown->device.wrapped_key = arena_strdup(twin->kept, device->wrapped_key);
  shown->device.previous_key = arena_strdup(twin->kept, device->previous_key);
  const char **meters = arena_array(twin->kept, device->meter_count, sizeof *meters);
  for (size_t i = 0; i < device->meter_count; i++) meters[i] = arena_strdup(twin->kept, device->meters[i]);
  shown->device.meters = meters;
}

static void hand_over(struct twin *twin, twin_seen seen, void *context) {
  for (size_t i = 0; i < twin->effects.decision_count; i++) {
    const struct decision *decision = &twin->effects.decisions[i];
    assert_int_equal(decision->cause.offset, twin->offset);
    assert_int_equal(decision->cause.index, twin->expected_index);
    twin->expected_index++;
    seen(context, decision);
  }
  for (size_t i = 0; i < twin->effects.device_count; i++) keep_device(twin, &twin->effects.devices[i]);
  begin_batch(twin);
}

void twin_apply(struct twin *twin, const struct fact *fact, twin_seen seen, void *context) {
  struct cause base = {3, twin->offset, twin->next_index};
  twin->expected_index = twin->next_index;
  for (int rounds = 0;; rounds++) {
    assert_true(rounds < 100000);
    enum error err = fold_apply(twin->fold, fact, base, &twin->effects);
    if (err == ERR_AGAIN) {
      load(twin);
      continue;
    }
    assert_true(err == OK || err == ERR_QUEUE_FULL);
    commit(twin);
    hand_over(twin, seen, context);
    if (err == OK) break;
    base.index = twin->next_index;
    if (twin->mode.cold) start_anew(twin);
  }
  twin->offset++;
  twin->next_index = 0;
  if (twin->mode.cold) start_anew(twin);
}

// ---- looking

bool twin_device(const struct twin *twin, const char *device, struct device *out) {
  struct shown *shown;
  HASH_FIND_STR(twin->devices, device, shown);
  if (shown) *out = shown->device;
  return shown != NULL;
}

int64_t twin_business_time(const struct twin *twin) {
  return fold_business_time(twin->fold);
}

struct bytes twin_value(struct twin *twin, const char *key) {
  struct stored *stored;
  HASH_FIND_STR(twin->values, key, stored);
  return stored ? buffer_bytes(&stored->value) : (struct bytes){NULL, 0};
}

bool twin_grown(struct twin *twin, const char *key) {
  struct stored *stored;
  HASH_FIND_STR(twin->values, key, stored);
  assert_non_null(stored);
  return stored->grown;
}

static int by_key(const struct stored *a, const struct stored *b) {
  return strcmp(a->key, b->key);
}

static int by_instant(const struct due_stored *a, const struct due_stored *b) {
  if (a->instant_s != b->instant_s) return a->instant_s < b->instant_s ? -1 : 1;
  return strcmp(a->member, b->member);
}

char *twin_dump(struct twin *twin) {
  struct buffer text;
  buffer_init(&text, (size_t)1 << 30);
  HASH_SORT(twin->values, by_key);
  HASH_SORT(twin->due, by_instant);
  for (struct stored *one = twin->values; one; one = one->hh.next) {
    char *hex = malloc(2 * one->value.len + 1);
    assert_non_null(hex);
    hex_encode(buffer_bytes(&one->value), hex);
    assert_int_equal(buffer_printf(&text, "%s ", one->key), OK);
    assert_int_equal(buffer_append_text(&text, hex), OK);
    assert_int_equal(buffer_append_text(&text, "\n"), OK);
    free(hex);
  }
  for (struct due_stored *one = twin->due; one; one = one->hh.next) {
    assert_int_equal(buffer_printf(&text, "due %lld %s\n", (long long)one->instant_s, one->member), OK);
  }
  char *copy = strdup(buffer_text(&text));
  assert_non_null(copy);
  buffer_fini(&text);
  return copy;
}

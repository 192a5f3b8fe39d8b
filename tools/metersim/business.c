// SPDX-License-Identifier: Apache-2.0
#include "metersim/business.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/murmur2.h"
#include "io/kafka.h"
#include "run/life.h"
#include "wire/decision.h"

enum { BATCH = 256, ARENA_BYTES = 16 << 20, RETRY_MS = 500, LAST = 64 };

static const char topic[] = "riser.decision.v1";

struct business {
  struct kafka_consumer *consumer; // NULL: wall time
  struct arena *arena;
  int64_t *now_s; // by partition; 0: not known
  int32_t partitions;
};

static void take(struct business *business, const struct kafka_record *record) {
  struct decision decision;
  arena_reset(business->arena);
  if (!record->value.data || record->partition >= business->partitions) return;
  if (wire_decision_decode(record->value, business->arena, &decision) != OK) return; // control reports it
  int64_t *now_s = &business->now_s[record->partition];
  if (decision.business_time_s > *now_s) *now_s = decision.business_time_s;
}

// Every decision carries business time, so the last few of each partition are enough to begin with.
static enum error begin(struct business *business) {
  enum error err = kafka_consumer_partitions(business->consumer, topic, &business->partitions);
  if (err) return err;
  size_t count = (size_t)business->partitions;
  struct kafka_position *positions = calloc(count, sizeof *positions);
  if (!business->now_s) business->now_s = calloc(count, sizeof *business->now_s);
  err = positions && business->now_s ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; err == OK && i < count; i++) {
    int64_t low = 0, high = 0;
    err = kafka_consumer_watermarks(business->consumer, topic, (int32_t)i, &low, &high);
    int64_t from = high - low > LAST ? high - LAST : low;
    positions[i] = (struct kafka_position){topic, (int32_t)i, from, NULL};
  }
  if (err == OK) err = kafka_consumer_assign(business->consumer, positions, count);
  free(positions);
  return err;
}

enum error business_open(const struct kafka_settings *kafka, struct business **opened) {
  struct business *business = calloc(1, sizeof *business);
  if (!business) return ERR_NO_MEMORY;
  enum error err = OK;
  if (kafka->brokers[0]) {
    business->arena = arena_new(ARENA_BYTES);
    err = business->arena ? OK : ERR_NO_MEMORY;
    struct kafka_consumer_options options = {
        .settings = *kafka, .client_id = "metersim", .group = "metersim"};
    if (err == OK) err = kafka_consumer_open(&options, &business->consumer);
    while (err == OK && (err = begin(business)) != OK) {
      if (error_class(err) != CLASS_RETRY && err != ERR_NOT_FOUND) break;
      err = life_wait(RETRY_MS) ? ERR_CLOSED : OK;
    }
  }
  if (err) {
    business_close(business);
    return err;
  }
  *opened = business;
  return OK;
}

void business_close(struct business *business) {
  if (!business) return;
  if (business->consumer) kafka_consumer_close(business->consumer);
  arena_free(business->arena);
  free(business->now_s);
  free(business);
}

enum error business_poll(struct business *business) {
  if (!business->consumer) return OK;
  struct kafka_record records[BATCH];
  size_t count = 0;
  enum error err = OK;
  do {
    err = kafka_consumer_poll(business->consumer, 0, records, BATCH, &count);
    for (size_t i = 0; err == OK && i < count; i++) take(business, &records[i]);
  } while (err == OK && count == BATCH);
  return err;
}

int64_t business_now_s(const struct business *business, const char *site) {
  int64_t now_s = 0;
  if (business->consumer) now_s = business->now_s[murmur2_partition(bytes_text(site), business->partitions)];
  return now_s ? now_s : clock_wall_ms() / 1000;
}

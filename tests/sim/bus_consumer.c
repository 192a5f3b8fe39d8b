// SPDX-License-Identifier: Apache-2.0
// A consumer: a group's member, or a reader of what it was told to read. Callbacks run inside poll, on the caller's
// stack, and may wait.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "bus.h"
#include "canary.h"
#include "ports.h"
#include "process.h"

enum { CONSUMERS_MAX = 48, PLACES_MAX = BUS_TOPICS * BUS_PARTITIONS, SESSION_MS = 45000, COMMIT_TROUBLE = 100 };

struct place {
  enum bus_topic topic;
  int32_t partition;
  int64_t next;
  bool paused;
  bool end_told;
};

struct consumer {
  struct kafka_consumer base;
  struct unit *unit;
  struct kafka_consumer_events events;
  char group[64];
  const char *topics[BUS_TOPICS];
  size_t topic_count;
  struct bus_member *member; // NULL: explicit positions
  bool from_end;
  bool report_end;
  struct place places[PLACES_MAX];
  size_t place_count;
};

static struct consumer *consumers[CONSUMERS_MAX];

static const struct kafka_consumer_ops ops;

static bool is_cut_off(const struct consumer *consumer) {
  return unit_is_dead(consumer->unit);
}

enum error sim_kafka_consumer_open(const struct kafka_consumer_options *options, struct kafka_consumer **opened) {
  size_t at = 0;
  while (at < CONSUMERS_MAX && consumers[at]) at++;
  assert(at < CONSUMERS_MAX);
  struct consumer *consumer = calloc(1, sizeof *consumer);
  if (!consumer) abort();
  consumer->base.ops = &ops;
  consumer->unit = unit_current();
  consumer->events = options->events;
  consumer->from_end = options->from_end;
  consumer->report_end = options->report_end;
  snprintf(consumer->group, sizeof consumer->group, "%s%s", again_is(consumer->unit) ? "again-" : "",
           options->group ? options->group : "");
  for (size_t i = 0; options->topics && i < options->topic_count; i++)
    consumer->topics[consumer->topic_count++] = bus_topic_names[bus_topic_of(options->topics[i])];
  if (consumer->topic_count && !is_cut_off(consumer))
    consumer->member = bus_member_join(&(struct bus_member_options){
        .group = consumer->group,
        .instance = options->instance_id ? options->instance_id : "",
        .cooperative = options->assignor == KAFKA_ASSIGN_COOPERATIVE,
        .session_ms = options->session_timeout_ms ? options->session_timeout_ms : SESSION_MS,
    });
  consumers[at] = consumer;
  *opened = &consumer->base;
  return OK;
}

struct bus_member *bus_consumer_member(struct kafka_consumer *consumer) {
  return ((struct consumer *)consumer)->member;
}

// What can be read; of the second fold as far as the first one came.
static int64_t stable_end(const struct unit *unit, enum bus_topic topic, int32_t partition) {
  if (topic == BUS_SITE && again_is(unit)) return again_limit(partition);
  return (int64_t)bus_log(topic, partition)->stable;
}

static bool has_news(void *ctx) {
  struct consumer *consumer = ctx;
  if (bus_is_held()) return false;
  if (consumer->member && bus_member_has_news(consumer->member)) return true;
  for (size_t i = 0; i < consumer->place_count; i++) {
    const struct place *place = &consumer->places[i];
    if (place->paused) continue;
    if (place->next < stable_end(consumer->unit, place->topic, place->partition) ||
        (consumer->report_end && !place->end_told))
      return true;
  }
  return false;
}

// ---- the group

static int64_t resolve(const struct consumer *consumer, const struct kafka_position *position) {
  const char *note;
  int64_t end = stable_end(consumer->unit, bus_topic_of(position->topic), position->partition);
  if (position->offset >= 0) return position->offset;
  if (position->offset == KAFKA_OFFSET_BEGINNING) return 0;
  if (position->offset == KAFKA_OFFSET_END) return end;
  int64_t stored = bus_committed(consumer->group, position->topic, position->partition, &note);
  return stored >= 0 ? stored : consumer->from_end ? end : 0;
}

static size_t positions_of(const struct consumer *consumer, const int32_t *partitions, size_t count,
                           struct kafka_position *positions) {
  size_t total = 0;
  for (size_t t = 0; t < consumer->topic_count; t++)
    for (size_t i = 0; i < count; i++)
      positions[total++] = (struct kafka_position){
          .topic = consumer->topics[t], .partition = partitions[i], .offset = KAFKA_OFFSET_STORED};
  return total;
}

static struct place *place_of(struct consumer *consumer, const struct kafka_position *position) {
  enum bus_topic topic = bus_topic_of(position->topic);
  for (size_t i = 0; i < consumer->place_count; i++)
    if (consumer->places[i].partition == position->partition && consumer->places[i].topic == topic)
      return &consumer->places[i];
  return NULL;
}

static void revoke(struct consumer *consumer, const int32_t *partitions, size_t count, bool lost) {
  struct kafka_position positions[PLACES_MAX];
  size_t total = positions_of(consumer, partitions, count, positions);
  if (total && consumer->events.revoked) consumer->events.revoked(consumer->events.ctx, positions, total, lost);
  for (size_t i = 0; i < total; i++) {
    struct place *place = place_of(consumer, &positions[i]);
    if (place) *place = consumer->places[--consumer->place_count];
  }
}

static void assign(struct consumer *consumer, const int32_t *partitions, size_t count) {
  struct kafka_position positions[PLACES_MAX];
  size_t total = positions_of(consumer, partitions, count, positions);
  if (consumer->events.assigned) consumer->events.assigned(consumer->events.ctx, positions, total);
  for (size_t i = 0; i < total; i++) {
    assert(consumer->place_count < PLACES_MAX);
    consumer->places[consumer->place_count++] = (struct place){.topic = bus_topic_of(positions[i].topic),
                                                               .partition = positions[i].partition,
                                                               .next = resolve(consumer, &positions[i])};
  }
}

static enum error hear(struct consumer *consumer) {
  int32_t partitions[BUS_PARTITIONS];
  size_t count;
  switch (bus_member_next(consumer->member, partitions, &count)) {
  case BUS_FENCED:
    return ERR_FENCED;
  case BUS_LOST:
    revoke(consumer, partitions, count, true);
    break;
  case BUS_REVOKED:
    revoke(consumer, partitions, count, false);
    if (!is_cut_off(consumer)) bus_member_gave_back(consumer->member, partitions, count);
    break;
  case BUS_ASSIGNED:
    assign(consumer, partitions, count);
    break;
  case BUS_NO_NEWS:
    break;
  }
  return OK;
}

// ---- reading

static size_t tell_ends(struct consumer *consumer) {
  size_t told = 0;
  for (size_t i = 0; consumer->report_end && i < consumer->place_count; i++) {
    struct place *place = &consumer->places[i];
    if (place->end_told || place->paused || place->next < stable_end(consumer->unit, place->topic, place->partition))
      continue;
    struct kafka_position end = {
        .topic = bus_topic_names[place->topic], .partition = place->partition, .offset = place->next};
    place->end_told = true;
    told++;
    if (consumer->events.reached_end) consumer->events.reached_end(consumer->events.ctx, &end);
  }
  return told;
}

static enum error take(const struct consumer *consumer, struct place *place, struct kafka_record *records, size_t max,
                       size_t *count) {
  const struct bus_log *log = bus_log(place->topic, place->partition);
  if (place->next > (int64_t)log->count) return ERR_MISMATCH;
  while (!place->paused && place->next < stable_end(consumer->unit, place->topic, place->partition) && *count < max) {
    place->end_told = false;
    if (log->records[place->next].state == BUS_COMMITTED)
      bus_record_at(place->topic, place->partition, place->next, &records[(*count)++]);
    place->next++;
  }
  return OK;
}

static enum error consumer_poll(struct kafka_consumer *base, int timeout_ms, struct kafka_record *records, size_t max,
                                size_t *count) {
  struct consumer *consumer = (struct consumer *)base;
  *count = 0;
  task_give_way();
  if (timeout_ms > 0 && !has_news(consumer)) task_wait(machine_now_ms() + timeout_ms, has_news, consumer);
  if (is_cut_off(consumer)) return ERR_UNAVAILABLE;
  if (bus_is_held()) return OK;
  enum error err = consumer->member ? hear(consumer) : OK;
  if (err || is_cut_off(consumer)) return err ? err : ERR_UNAVAILABLE;
  size_t told = tell_ends(consumer);
  size_t most = bus_is_calm() ? max : 1 + chance_below(max < 40 ? max : 40);
  if (most > max) most = max;
  size_t from = chance_below(consumer->place_count);
  for (size_t i = 0; !err && i < consumer->place_count; i++)
    err = take(consumer, &consumer->places[(from + i) % consumer->place_count], records, most, count);
  if (*count == 0 && told == 0) tell_ends(consumer);
  return *count ? OK : err;
}

static enum error consumer_assign(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct consumer *consumer = (struct consumer *)base;
  assert(!consumer->topic_count && count <= PLACES_MAX);
  consumer->place_count = 0;
  for (size_t i = 0; i < count; i++)
    consumer->places[consumer->place_count++] = (struct place){.topic = bus_topic_of(positions[i].topic),
                                                               .partition = positions[i].partition,
                                                               .next = resolve(consumer, &positions[i])};
  return OK;
}

static enum error consumer_seek(struct kafka_consumer *base, const struct kafka_position *position) {
  struct consumer *consumer = (struct consumer *)base;
  struct place *place = place_of(consumer, position);
  if (!place) return ERR_UNAVAILABLE;
  place->next = resolve(consumer, position);
  place->end_told = false;
  return OK;
}

static enum error consumer_pause(struct kafka_consumer *base, const struct kafka_position *position, bool paused) {
  struct place *place = place_of((struct consumer *)base, position);
  if (!place) return ERR_UNAVAILABLE;
  place->paused = paused;
  return OK;
}

static enum error consumer_commit(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct consumer *consumer = (struct consumer *)base;
  task_give_way();
  if (is_cut_off(consumer) || bus_is_held()) return ERR_UNAVAILABLE;
  if (!bus_is_calm() && chance_of(COMMIT_TROUBLE)) return ERR_TIMEOUT;
  for (size_t i = 0; i < count; i++)
    if (!bus_member_may_commit(consumer->member, positions[i].partition)) return ERR_FENCE_LOST;
  for (size_t i = 0; i < count; i++) bus_member_commit(consumer->member, &positions[i]);
  task_give_way();
  return OK;
}

static enum error consumer_committed(struct kafka_consumer *base, struct kafka_position *positions, size_t count,
                                     struct arena *arena) {
  struct consumer *consumer = (struct consumer *)base;
  task_give_way();
  if (is_cut_off(consumer) || bus_is_held()) return ERR_UNAVAILABLE;
  for (size_t i = 0; i < count; i++) {
    const char *note;
    positions[i].offset = bus_committed(consumer->group, positions[i].topic, positions[i].partition, &note);
    positions[i].metadata = NULL;
    if (!note || canary_sings(CANARY_MARKS)) continue;
    positions[i].metadata = arena_strdup(arena, note);
    if (!positions[i].metadata) return ERR_LIMIT;
  }
  return OK;
}

static enum error consumer_watermarks(struct kafka_consumer *base, const char *topic, int32_t partition, int64_t *low,
                                      int64_t *high) {
  task_give_way();
  if (is_cut_off((struct consumer *)base) || bus_is_held()) return ERR_UNAVAILABLE;
  *low = 0;
  *high = stable_end(((struct consumer *)base)->unit, bus_topic_of(topic), partition);
  return OK;
}

static enum error consumer_partitions(struct kafka_consumer *base, const char *topic, int32_t *count) {
  (void)topic;
  task_give_way();
  if (is_cut_off((struct consumer *)base) || bus_is_held()) return ERR_UNAVAILABLE;
  *count = BUS_PARTITIONS;
  return OK;
}

static void consumer_set_events(struct kafka_consumer *base, const struct kafka_consumer_events *events) {
  ((struct consumer *)base)->events = *events;
}

static void consumer_close(struct kafka_consumer *base) {
  struct consumer *consumer = (struct consumer *)base;
  int32_t partitions[BUS_PARTITIONS];
  size_t count = 0;
  for (int32_t p = 0; consumer->member && p < BUS_PARTITIONS; p++) {
    bool there = false;
    for (size_t i = 0; i < consumer->place_count; i++) there |= consumer->places[i].partition == p;
    if (there) partitions[count++] = p;
  }
  bool lost = is_cut_off(consumer) || (count && !bus_member_may_commit(consumer->member, partitions[0]));
  if (count) revoke(consumer, partitions, count, lost);
  if (consumer->member) bus_member_leave(consumer->member, is_cut_off(consumer));
  for (size_t i = 0; i < CONSUMERS_MAX; i++)
    if (consumers[i] == consumer) consumers[i] = NULL;
  free(consumer);
}

bool bus_consumers_are_done(void) {
  for (size_t i = 0; i < CONSUMERS_MAX; i++) {
    struct consumer *consumer = consumers[i];
    for (size_t k = 0; consumer && !again_is(consumer->unit) && k < consumer->place_count; k++)
      if (consumer->places[k].next < (int64_t)bus_log(consumer->places[k].topic, consumer->places[k].partition)->count)
        return false;
  }
  return true;
}

static const struct kafka_consumer_ops ops = {
    .poll = consumer_poll,
    .assign = consumer_assign,
    .seek = consumer_seek,
    .pause = consumer_pause,
    .commit = consumer_commit,
    .committed = consumer_committed,
    .watermarks = consumer_watermarks,
    .partitions = consumer_partitions,
    .set_events = consumer_set_events,
    .close = consumer_close,
};

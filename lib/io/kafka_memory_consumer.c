// SPDX-License-Identifier: Apache-2.0
// A group has one member, the one that joined last; the others lose their partitions at their next poll.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "io/kafka_memory_log.h"

enum { POSITIONS_MAX = 1024 };

struct place {
  struct memory_topic *topic;
  int32_t partition;
  int64_t next;
  bool paused;
  bool end_told;
};

struct memory_consumer {
  struct kafka_consumer base;
  struct kafka_memory *broker;
  struct memory_group *group;
  struct kafka_consumer_events events;
  bool from_end;
  bool report_end;
  struct memory_topic *topics[MEMORY_TOPICS_MAX];
  size_t topic_count;
  bool assigned;
  bool revoke_asked;
  bool revoke_lost;
  struct place places[POSITIONS_MAX];
  size_t place_count;
};

static const struct kafka_consumer_ops memory_consumer_ops;

static void rebalance(struct memory_consumer *consumer);
static void revoke(struct memory_consumer *consumer, bool lost);
static void assign_all(struct memory_consumer *consumer);
static int64_t resolve(const struct memory_consumer *consumer, const struct kafka_position *position);
static size_t tell_ends(struct memory_consumer *consumer);
static enum error take(struct place *place, struct kafka_record *records, size_t max, size_t *count);
static struct place *place_of(struct memory_consumer *consumer, const struct kafka_position *position);
static struct memory_partition *log_of(const struct place *place);

enum error kafka_memory_consumer(struct kafka_memory *broker, const struct kafka_consumer_options *options,
                                 struct kafka_consumer **opened) {
  assert(broker->consumer_count < MEMORY_CLIENTS_MAX && options->topic_count <= MEMORY_TOPICS_MAX);
  struct memory_consumer *consumer = calloc(1, sizeof *consumer);
  if (!consumer) return ERR_NO_MEMORY;
  consumer->base.ops = &memory_consumer_ops;
  consumer->broker = broker;
  consumer->events = options->events;
  consumer->from_end = options->from_end;
  consumer->report_end = options->report_end;
  consumer->group = memory_group(broker, options->group ? options->group : "riser-unused");
  for (size_t i = 0; options->topics && i < options->topic_count; i++)
    consumer->topics[consumer->topic_count++] = memory_topic(broker, options->topics[i]);
  if (consumer->topic_count) consumer->group->member = consumer;
  broker->consumers[broker->consumer_count++] = consumer;
  *opened = &consumer->base;
  return OK;
}

struct memory_group *memory_consumer_group(struct kafka_consumer *consumer) {
  return ((struct memory_consumer *)consumer)->group;
}

void memory_consumer_rebalance(struct memory_consumer *consumer, bool lost) {
  consumer->revoke_asked = consumer->topic_count > 0;
  consumer->revoke_lost = lost;
}

static enum error consumer_poll(struct kafka_consumer *base, int timeout_ms, struct kafka_record *records, size_t max,
                                size_t *count) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  enum error err = OK;
  (void)timeout_ms;
  *count = 0;
  if (consumer->topic_count) rebalance(consumer);
  size_t told = tell_ends(consumer);
  for (size_t i = 0; !err && i < consumer->place_count; i++) err = take(&consumer->places[i], records, max, count);
  if (*count == 0 && told == 0) tell_ends(consumer);
  return *count ? OK : err;
}

static void rebalance(struct memory_consumer *consumer) {
  bool displaced = consumer->group->member != consumer;
  if (consumer->assigned && (displaced || consumer->revoke_asked)) revoke(consumer, displaced || consumer->revoke_lost);
  consumer->revoke_asked = false;
  if (!consumer->assigned && !displaced) assign_all(consumer);
}

static void revoke(struct memory_consumer *consumer, bool lost) {
  struct kafka_position positions[POSITIONS_MAX];
  for (size_t i = 0; i < consumer->place_count; i++)
    positions[i] = (struct kafka_position){.topic = consumer->places[i].topic->name,
                                           .partition = consumer->places[i].partition,
                                           .offset = consumer->places[i].next};
  consumer->assigned = false;
  if (consumer->events.revoked) consumer->events.revoked(consumer->events.ctx, positions, consumer->place_count, lost);
  consumer->place_count = 0;
}

static void assign_all(struct memory_consumer *consumer) {
  struct kafka_position positions[POSITIONS_MAX];
  size_t count = 0;
  for (size_t t = 0; t < consumer->topic_count; t++)
    for (int32_t p = 0; p < consumer->broker->partition_count; p++) {
      assert(count < POSITIONS_MAX);
      positions[count++] =
          (struct kafka_position){.topic = consumer->topics[t]->name, .partition = p, .offset = KAFKA_OFFSET_STORED};
    }
  if (consumer->events.assigned) consumer->events.assigned(consumer->events.ctx, positions, count);
  consumer->place_count = 0;
  for (size_t i = 0; i < count; i++)
    consumer->places[consumer->place_count++] =
        (struct place){.topic = memory_topic(consumer->broker, positions[i].topic),
                       .partition = positions[i].partition,
                       .next = resolve(consumer, &positions[i])};
  consumer->assigned = true;
}

static int64_t resolve(const struct memory_consumer *consumer, const struct kafka_position *position) {
  const struct memory_topic *topic = memory_topic(consumer->broker, position->topic);
  int64_t end = memory_stable_end(&topic->partitions[position->partition]);
  if (position->offset >= 0) return position->offset;
  if (position->offset == KAFKA_OFFSET_BEGINNING) return 0;
  if (position->offset == KAFKA_OFFSET_END) return end;
  const struct memory_offset *stored = memory_group_offset(consumer->group, position->topic, position->partition);
  if (stored) return stored->offset;
  return consumer->from_end ? end : 0;
}

static struct memory_partition *log_of(const struct place *place) {
  return &place->topic->partitions[place->partition];
}

static enum error take(struct place *place, struct kafka_record *records, size_t max, size_t *count) {
  const struct memory_partition *log = log_of(place);
  int64_t end = memory_stable_end(log);
  if (place->next > (int64_t)log->count) return ERR_MISMATCH;
  while (!place->paused && place->next < end && *count < max) {
    place->end_told = false;
    if (log->records[place->next]->state == MEMORY_COMMITTED)
      memory_fill(place->topic, place->partition, place->next, &records[(*count)++]);
    place->next++;
  }
  return OK;
}

static size_t tell_ends(struct memory_consumer *consumer) {
  size_t told = 0;
  for (size_t i = 0; consumer->report_end && i < consumer->place_count; i++) {
    struct place *place = &consumer->places[i];
    if (place->end_told || place->paused || place->next < memory_stable_end(log_of(place))) continue;
    struct kafka_position end = {.topic = place->topic->name, .partition = place->partition, .offset = place->next};
    place->end_told = true;
    told++;
    if (consumer->events.reached_end) consumer->events.reached_end(consumer->events.ctx, &end);
  }
  return told;
}

static enum error consumer_assign(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  assert(consumer->topic_count == 0 && count <= POSITIONS_MAX);
  consumer->place_count = 0;
  for (size_t i = 0; i < count; i++)
    consumer->places[consumer->place_count++] =
        (struct place){.topic = memory_topic(consumer->broker, positions[i].topic),
                       .partition = positions[i].partition,
                       .next = resolve(consumer, &positions[i])};
  return OK;
}

static struct place *place_of(struct memory_consumer *consumer, const struct kafka_position *position) {
  for (size_t i = 0; i < consumer->place_count; i++)
    if (consumer->places[i].partition == position->partition &&
        strcmp(consumer->places[i].topic->name, position->topic) == 0)
      return &consumer->places[i];
  return NULL;
}

static enum error consumer_seek(struct kafka_consumer *base, const struct kafka_position *position) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  struct place *place = place_of(consumer, position);
  if (!place) return ERR_UNAVAILABLE;
  place->next = resolve(consumer, position);
  place->end_told = false;
  if (consumer->topic_count && consumer->broker->misplaced_seeks > 0) {
    int64_t end = memory_stable_end(log_of(place)), ahead = consumer->broker->misplaced_by;
    consumer->broker->misplaced_seeks--;
    place->next = ahead < end - place->next ? place->next + ahead : end;
  }
  return OK;
}

static enum error consumer_pause(struct kafka_consumer *base, const struct kafka_position *position, bool paused) {
  struct place *place = place_of((struct memory_consumer *)base, position);
  if (!place) return ERR_UNAVAILABLE;
  place->paused = paused;
  return OK;
}

static enum error consumer_commit(struct kafka_consumer *base, const struct kafka_position *positions, size_t count) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  if (consumer->topic_count && consumer->group->member != consumer) return ERR_FENCE_LOST;
  for (size_t i = 0; i < count; i++) memory_group_commit(consumer->group, &positions[i]);
  return OK;
}

static enum error consumer_committed(struct kafka_consumer *base, struct kafka_position *positions, size_t count,
                                     struct arena *arena) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  for (size_t i = 0; i < count; i++) {
    const struct memory_offset *stored =
        memory_group_offset(consumer->group, positions[i].topic, positions[i].partition);
    positions[i].offset = stored ? stored->offset : KAFKA_OFFSET_INVALID;
    positions[i].metadata = NULL;
    if (!stored || !stored->metadata) continue;
    positions[i].metadata = arena_strdup(arena, stored->metadata);
    if (!positions[i].metadata) return ERR_LIMIT;
  }
  return OK;
}

static enum error consumer_watermarks(struct kafka_consumer *base, const char *topic, int32_t partition, int64_t *low,
                                      int64_t *high) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  *low = 0;
  *high = memory_stable_end(&memory_topic(consumer->broker, topic)->partitions[partition]);
  return OK;
}

static enum error consumer_partitions(struct kafka_consumer *base, const char *topic, int32_t *count) {
  (void)topic;
  *count = ((struct memory_consumer *)base)->broker->partition_count;
  return OK;
}

static void consumer_set_events(struct kafka_consumer *base, const struct kafka_consumer_events *events) {
  ((struct memory_consumer *)base)->events = *events;
}

static void consumer_close(struct kafka_consumer *base) {
  struct memory_consumer *consumer = (struct memory_consumer *)base;
  struct kafka_memory *broker = consumer->broker;
  if (consumer->assigned) revoke(consumer, consumer->group->member != consumer);
  if (consumer->group->member == consumer) consumer->group->member = NULL;
  for (size_t i = 0; i < broker->consumer_count; i++)
    if (broker->consumers[i] == consumer) broker->consumers[i] = broker->consumers[--broker->consumer_count];
  free(consumer);
}

static const struct kafka_consumer_ops memory_consumer_ops = {
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

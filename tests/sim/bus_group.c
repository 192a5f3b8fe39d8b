// SPDX-License-Identifier: Apache-2.0
// Consumer groups. Partition p of all topics of a group goes to the same member. Eager groups give everything back
// before anything is given out anew; cooperative ones only what moves. A member whose process has died or been stopped
// for longer than the session is shut out, and finds its partitions lost. A static member that comes back takes its
// place over without a rebalance, and its former self is fenced.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "process.h"
#include "trace.h"

enum { GROUPS_MAX = 8, MEMBERS_MAX = 8, NAME_SIZE = 64, NOTE_SIZE = 4096, OFFSETS_MAX = 16 };

struct bus_member {
  bool used;
  uint64_t id;
  struct group *group;
  struct unit *unit;
  char instance[NAME_SIZE];
  int64_t session_ms;
  bool gone;    // its process died: until the session ends it counts as there
  bool fenced;  // another took its name
  bool out;     // shut out: what it holds is lost
  int64_t silent_from_ms; // since when its process is not running; 0: it is
  bool holds[BUS_PARTITIONS];
  bool ready; // eager: has given back what it held, and waits for its share
};

struct offset {
  enum bus_topic topic;
  int32_t partition;
  int64_t offset;
  char note[NOTE_SIZE];
};

struct group {
  char name[NAME_SIZE];
  bool cooperative;
  bool rebalancing; // eager: everything is to be given back
  struct bus_member members[MEMBERS_MAX];
  uint64_t target[BUS_PARTITIONS]; // ids of members; 0: nobody
  struct offset offsets[OFFSETS_MAX];
  size_t offset_count;
};

static struct group groups[GROUPS_MAX];
static size_t group_count;
static uint64_t ids;

static void watch(void *ctx, uint64_t argument);

void bus_groups_begin(void) {
  group_count = 0;
  ids = 0;
}

void bus_groups_end(void) {
  memset(groups, 0, sizeof groups);
}

static struct group *group_of(const char *name) {
  for (size_t i = 0; i < group_count; i++)
    if (strcmp(groups[i].name, name) == 0) return &groups[i];
  assert(group_count < GROUPS_MAX);
  struct group *group = &groups[group_count++];
  memset(group, 0, sizeof *group);
  snprintf(group->name, NAME_SIZE, "%s", name);
  return group;
}

static bool counts(const struct bus_member *member) {
  return member->used && !member->fenced && !member->out;
}

// Spreads the partitions over those that are there, from the oldest on.
static void aim(struct group *group) {
  const struct bus_member *there[MEMBERS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < MEMBERS_MAX; i++) {
    if (!counts(&group->members[i])) continue;
    size_t at = count++;
    for (; at > 0 && there[at - 1]->id > group->members[i].id; at--) there[at] = there[at - 1];
    there[at] = &group->members[i];
  }
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) group->target[p] = count ? there[(size_t)p % count]->id : 0;
}

static void rebalance(struct group *group, const char *why) {
  trace("group %s rebalances: %s", group->name, why);
  aim(group);
  if (group->cooperative) return;
  group->rebalancing = true;
  for (size_t i = 0; i < MEMBERS_MAX; i++) group->members[i].ready = false;
}

struct bus_member *bus_member_join(const struct bus_member_options *options) {
  struct group *group = group_of(options->group);
  group->cooperative = options->cooperative;
  struct bus_member *former = NULL;
  size_t at = MEMBERS_MAX;
  for (size_t i = 0; i < MEMBERS_MAX; i++) {
    struct bus_member *member = &group->members[i];
    if (!member->used && at == MEMBERS_MAX) at = i;
    if (counts(member) && options->instance[0] && strcmp(member->instance, options->instance) == 0) former = member;
  }
  assert(at < MEMBERS_MAX);
  struct bus_member *member = &group->members[at];
  *member = (struct bus_member){
      .used = true, .id = ++ids, .group = group, .unit = unit_current(), .session_ms = options->session_ms};
  snprintf(member->instance, NAME_SIZE, "%s", options->instance);
  if (!former) {
    rebalance(group, "somebody joins");
    return member;
  }
  former->fenced = true;
  for (int32_t p = 0; p < BUS_PARTITIONS; p++)
    if (group->target[p] == former->id) group->target[p] = member->id;
  if (former->gone) former->used = false;
  return member;
}

static void shut_out(struct bus_member *member, const char *why) {
  member->out = true;
  if (member->gone) member->used = false;
  rebalance(member->group, why);
}

void bus_member_leave(struct bus_member *member, bool dead) {
  if (!dead || member->fenced || member->out) {
    bool counted = counts(member);
    member->used = false;
    if (counted) rebalance(member->group, "somebody leaves");
    return;
  }
  member->gone = true;
  member->silent_from_ms = machine_now_ms();
  bus_watch_groups();
}

// When the member's session ends, if it stays silent as it is; INT64_MAX: it is there.
static int64_t watch_member(struct bus_member *member) {
  if (!counts(member)) return INT64_MAX;
  bool silent = member->gone || unit_is_stopped(member->unit);
  if (!silent) member->silent_from_ms = 0;
  if (!silent) return INT64_MAX;
  if (member->silent_from_ms == 0) member->silent_from_ms = machine_now_ms();
  int64_t ends_ms = member->silent_from_ms + member->session_ms;
  if (ends_ms > machine_now_ms()) return ends_ms;
  shut_out(member, "a session ends");
  return INT64_MAX;
}

void bus_watch_groups(void) {
  int64_t ends_ms = INT64_MAX;
  for (size_t g = 0; g < group_count; g++)
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
      int64_t one_ms = watch_member(&groups[g].members[i]);
      if (one_ms < ends_ms) ends_ms = one_ms;
    }
  if (ends_ms < INT64_MAX) machine_at(ends_ms, watch, NULL, 0);
}

static void watch(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  bus_watch_groups();
}

// ---- what a member is to be told

static bool holds_any(const struct bus_member *member) {
  bool any = false;
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) any |= member->holds[p];
  return any;
}

static bool is_free(const struct group *group, int32_t partition, const struct bus_member *but) {
  for (size_t i = 0; i < MEMBERS_MAX; i++) {
    const struct bus_member *member = &group->members[i];
    if (member != but && counts(member) && !member->gone && member->holds[partition]) return false;
  }
  return true;
}

static bool all_ready(const struct group *group) {
  for (size_t i = 0; i < MEMBERS_MAX; i++)
    if (counts(&group->members[i]) && !group->members[i].gone && !group->members[i].ready) return false;
  return true;
}

static bool may_take(const struct bus_member *member, int32_t partition) {
  const struct group *group = member->group;
  return !group->rebalancing && group->target[partition] == member->id && !member->holds[partition] &&
         is_free(group, partition, member);
}

static enum bus_news news(const struct bus_member *member) {
  const struct group *group = member->group;
  if (member->fenced) return BUS_FENCED;
  if (member->out) return BUS_LOST;
  if (group->rebalancing && !member->ready) return BUS_REVOKED;
  for (int32_t p = 0; p < BUS_PARTITIONS; p++)
    if (member->holds[p] && group->target[p] != member->id) return BUS_REVOKED;
  for (int32_t p = 0; p < BUS_PARTITIONS; p++)
    if (may_take(member, p)) return BUS_ASSIGNED;
  return BUS_NO_NEWS;
}

bool bus_member_has_news(const struct bus_member *member) {
  return news(member) != BUS_NO_NEWS;
}

static size_t give_back(struct bus_member *member, bool all, int32_t *partitions) {
  size_t count = 0;
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) {
    if (!member->holds[p] || (!all && member->group->target[p] == member->id)) continue;
    partitions[count++] = p;
  }
  return count;
}

// What is revoked is held until the caller says so by asking again: its callback may still commit.
enum bus_news bus_member_next(struct bus_member *member, int32_t *partitions, size_t *count) {
  struct group *group = member->group;
  enum bus_news what = news(member);
  *count = 0;
  if (what == BUS_LOST) {
    *count = give_back(member, true, partitions);
    member->out = false;
    member->silent_from_ms = 0;
    member->id = ++ids;
    memset(member->holds, 0, sizeof member->holds);
    rebalance(group, "somebody comes back");
  } else if (what == BUS_REVOKED) {
    *count = give_back(member, group->rebalancing, partitions);
  } else if (what == BUS_ASSIGNED) {
    for (int32_t p = 0; p < BUS_PARTITIONS; p++)
      if (may_take(member, p)) partitions[(*count)++] = p;
    for (size_t i = 0; i < *count; i++) member->holds[partitions[i]] = true;
  }
  return what;
}

void bus_member_gave_back(struct bus_member *member, const int32_t *partitions, size_t count) {
  struct group *group = member->group;
  for (size_t i = 0; i < count; i++) member->holds[partitions[i]] = false;
  if (!group->rebalancing || holds_any(member)) return;
  member->ready = true;
  if (!all_ready(group)) return;
  group->rebalancing = false;
  aim(group);
}

// ---- offsets

bool bus_member_may_commit(const struct bus_member *member, int32_t partition) {
  return counts(member) && !member->gone && member->holds[partition];
}

static struct offset *offset_of(struct group *group, enum bus_topic topic, int32_t partition) {
  for (size_t i = 0; i < group->offset_count; i++)
    if (group->offsets[i].topic == topic && group->offsets[i].partition == partition) return &group->offsets[i];
  return NULL;
}

static void commit_in(struct group *group, const struct kafka_position *position) {
  enum bus_topic topic = bus_topic_of(position->topic);
  struct offset *offset = offset_of(group, topic, position->partition);
  if (!offset) {
    assert(group->offset_count < OFFSETS_MAX);
    offset = &group->offsets[group->offset_count++];
    *offset = (struct offset){.topic = topic, .partition = position->partition};
  }
  offset->offset = position->offset;
  snprintf(offset->note, NOTE_SIZE, "%s", position->metadata ? position->metadata : "");
}

void bus_member_commit(struct bus_member *member, const struct kafka_position *position) {
  commit_in(member->group, position);
}

int64_t bus_committed(const char *group_name, const char *topic, int32_t partition, const char **metadata) {
  const struct offset *offset = offset_of(group_of(group_name), bus_topic_of(topic), partition);
  *metadata = offset && offset->note[0] ? offset->note : NULL;
  return offset ? offset->offset : KAFKA_OFFSET_INVALID;
}

bool bus_groups_are_still(void) {
  for (size_t g = 0; g < group_count; g++) {
    if (groups[g].rebalancing) return false;
    for (size_t i = 0; i < MEMBERS_MAX; i++)
      if (counts(&groups[g].members[i]) && (groups[g].members[i].gone || bus_member_has_news(&groups[g].members[i])))
        return false;
  }
  return true;
}

void bus_shake_group(const char *name) {
  struct group *group = group_of(name);
  if (group->cooperative) return; // nothing would move
  rebalance(group, "it is shaken");
}

// SPDX-License-Identifier: Apache-2.0
// The map is asked for (CLUSTER SLOTS) when it is first needed and after anything that hints at its age: a redirection,
// a connection that broke, a commit that did not pass. Nodes are asked in turn, so that one which has been left alone
// with an old view does not keep us in it.
//
// A redirected read follows. A commit does not: it did nothing, says ERR_UNAVAILABLE, and its owner loads again, from
// the new place. That covers a slot that is being moved as well: until it has moved, its commits wait.
#include "io/redis_cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/redis_reply.h"
#include "io/redis_slots.h"

enum {
  NODES_MAX = 128,
  NOBODY = -1,
  ROUNDS_MAX = 8,
  TRY_AGAIN_MS = 20,
  REFRESH_MS = 100, // the map is not asked for more often
  ARENA_MAX = 8 << 20,
};

struct node {
  char address[REDIS_ADDRESS_SIZE];
  struct redis_settings settings;
  struct redis *redis;
  bool seed;   // named in the settings
  bool listed; // in the latest map
};

struct cluster {
  struct redis base;
  struct redis_settings settings;
  struct node *nodes[NODES_MAX];
  size_t count;
  int16_t owner[REDIS_SLOTS]; // places in `nodes`
  bool stale;
  int64_t refreshed_ms; // when the map was last asked for; 0: never
  size_t next_asked;
  struct arena *own;
};

// A pipeline on its way through the nodes.
struct journey {
  struct cluster *cluster;
  const struct redis_command *commands;
  size_t count;
  struct arena *arena;
  struct redis_value *values;
  int *slots;
  bool *pending;
  bool try_again; // a key is just being moved
  // Of the node at hand:
  struct redis_command *batch;
  struct redis_value *answers;
  size_t *places;
};

static const struct redis_ops cluster_ops;

static enum error add_seeds(struct cluster *cluster);
static struct node *node_add(struct cluster *cluster, const char *address);
static int node_find(const struct cluster *cluster, const char *address);
static void node_close(struct node *node);
static enum error refresh(struct cluster *cluster);
static enum error ask_for_map(struct cluster *cluster, struct node *node);
static enum error take_map(struct cluster *cluster, struct node *node, const struct redis_value *reply);
static enum error note_listed(void *ctx, int first, int last, bool master, const char *address);
static enum error note_owner(void *ctx, int first, int last, bool master, const char *address);
static void forget_unlisted(struct cluster *cluster);
static enum error owner_of(struct cluster *cluster, int slot, struct node **out);
static enum error travel(struct journey *journey);
static enum error visit_node(struct journey *journey, struct node *node, int slot);
static enum error judge(struct journey *journey, struct node *node, size_t count);
static enum error follow(struct journey *journey, const struct redis_redirect *redirect, size_t place);

enum error redis_cluster_open(const struct redis_settings *settings, struct redis **opened) {
  struct cluster *cluster = calloc(1, sizeof *cluster);
  if (!cluster) return ERR_NO_MEMORY;
  cluster->base.ops = &cluster_ops;
  cluster->settings = *settings;
  cluster->stale = true;
  for (size_t i = 0; i < REDIS_SLOTS; i++) cluster->owner[i] = NOBODY;
  cluster->own = arena_new(ARENA_MAX);
  enum error err = cluster->own ? add_seeds(cluster) : ERR_NO_MEMORY;
  if (err) {
    redis_close(&cluster->base);
    return err;
  }
  *opened = &cluster->base;
  return OK;
}

static void cluster_close(struct redis *base) {
  struct cluster *cluster = (struct cluster *)base;
  for (size_t i = 0; i < cluster->count; i++) node_close(cluster->nodes[i]);
  arena_free(cluster->own);
  free(cluster);
}

// ---------------------------------------------------------------- nodes

static enum error add_seeds(struct cluster *cluster) {
  const char *at = cluster->settings.address;
  while (*at) {
    char address[REDIS_ADDRESS_SIZE];
    size_t len = strcspn(at, ",");
    struct node *node = NULL;
    if (len > 0 && len < sizeof address) {
      memcpy(address, at, len);
      address[len] = 0;
      node = node_add(cluster, address);
    }
    if (!node) break;
    node->seed = true;
    at += len + (at[len] == ',');
  }
  if (!*at && cluster->count) return OK;
  log_error("redis-addresses-not-understood", F_STR("addresses", cluster->settings.address),
            F_STR("expected", "host:port of some nodes of the cluster, separated by commas"));
  return ERR_CONFIG;
}

// The node of that address; NULL if it can't be taken in.
static struct node *node_add(struct cluster *cluster, const char *address) {
  int known = node_find(cluster, address);
  if (known != NOBODY) return cluster->nodes[known];
  struct node *node = cluster->count < NODES_MAX ? calloc(1, sizeof *node) : NULL;
  if (!node) return NULL;
  strcpy(node->address, address);
  node->settings = cluster->settings;
  node->settings.address = node->address;
  if (redis_node_open(&node->settings, &node->redis) != OK) {
    free(node);
    return NULL;
  }
  cluster->nodes[cluster->count++] = node;
  return node;
}

static int node_find(const struct cluster *cluster, const char *address) {
  for (size_t i = 0; i < cluster->count; i++)
    if (strcmp(cluster->nodes[i]->address, address) == 0) return (int)i;
  return NOBODY;
}

static void node_close(struct node *node) {
  redis_close(node->redis);
  free(node);
}

// ---------------------------------------------------------------- the map

static enum error refresh(struct cluster *cluster) {
  int64_t now_ms = clock_mono_ms();
  if (!cluster->stale) return OK;
  if (cluster->refreshed_ms && now_ms < cluster->refreshed_ms + REFRESH_MS) return OK; // what is known must do
  cluster->refreshed_ms = now_ms;
  enum error err = ERR_UNAVAILABLE;
  for (size_t i = 0, count = cluster->count; err && i < count; i++) {
    struct node *node = cluster->nodes[cluster->next_asked++ % cluster->count];
    enum error failed = ask_for_map(cluster, node);
    if (err != ERR_CONFIG || !failed) err = failed;
    if (failed == ERR_NO_MEMORY) break;
  }
  if (!err) cluster->stale = false;
  return err;
}

static enum error ask_for_map(struct cluster *cluster, struct node *node) {
  static const struct bytes words[] = {BYTES_LITERAL("CLUSTER"), BYTES_LITERAL("SLOTS")};
  static const struct redis_command command = {words, 2};
  struct redis_value reply;
  arena_reset(cluster->own);
  enum error err = redis_connect(node->redis);
  if (err) return err;
  if (redis_pipeline(node->redis, &command, 1, cluster->own, &reply)) return ERR_UNAVAILABLE;
  if (redis_error_is(&reply, "ERR This instance has cluster support disabled")) {
    log_error("redis-is-no-cluster", F_STR("address", node->address), F_STR("mend", "RISER_REDIS_CLUSTER=false"));
    return ERR_CONFIG;
  }
  if (reply.type == REDIS_ERROR) return redis_reply_error(&reply, "CLUSTER SLOTS");
  return take_map(cluster, node, &reply);
}

// First who there is, then who has what: places in `nodes` are settled in between.
static enum error take_map(struct cluster *cluster, struct node *node, const struct redis_value *reply) {
  char asked[REDIS_ADDRESS_SIZE];
  strcpy(asked, node->address); // the node may be forgotten
  const struct redis_slot_visitor listed = {note_listed, cluster}, owners = {note_owner, cluster};
  if (reply->type == REDIS_ARRAY && reply->count == 0) return ERR_UNAVAILABLE; // it has left the cluster
  for (size_t i = 0; i < cluster->count; i++) cluster->nodes[i]->listed = false;
  enum error err = redis_slots_read(reply, asked, &listed);
  if (err) return err;
  forget_unlisted(cluster);
  for (size_t i = 0; i < REDIS_SLOTS; i++) cluster->owner[i] = NOBODY;
  return redis_slots_read(reply, asked, &owners);
}

static enum error note_listed(void *ctx, int first, int last, bool master, const char *address) {
  (void)first, (void)last, (void)master;
  struct node *node = node_add(ctx, address);
  if (!node) return ERR_LIMIT;
  node->listed = true;
  return OK;
}

static enum error note_owner(void *ctx, int first, int last, bool master, const char *address) {
  struct cluster *cluster = ctx;
  int place = node_find(cluster, address);
  assert(place != NOBODY);
  for (int slot = first; master && slot <= last; slot++) cluster->owner[slot] = (int16_t)place;
  return OK;
}

static void forget_unlisted(struct cluster *cluster) {
  size_t kept = 0;
  for (size_t i = 0; i < cluster->count; i++) {
    struct node *node = cluster->nodes[i];
    if (node->seed || node->listed)
      cluster->nodes[kept++] = node;
    else
      node_close(node);
  }
  cluster->count = kept;
}

// The connected master of a slot. If the one that is known can't be reached, somebody else may have taken over.
static enum error owner_of(struct cluster *cluster, int slot, struct node **out) {
  enum error err = ERR_UNAVAILABLE;
  for (int attempt = 0; err && attempt < 2; attempt++) {
    enum error refreshed = refresh(cluster);
    if (refreshed) return refreshed;
    if (cluster->owner[slot] != NOBODY) {
      *out = cluster->nodes[cluster->owner[slot]];
      err = redis_connect((*out)->redis);
    }
    if (err) cluster->stale = true;
    if (error_class(err) == CLASS_FATAL) return err;
  }
  return err;
}

static enum error cluster_connect(struct redis *base) {
  return refresh((struct cluster *)base);
}

// ---------------------------------------------------------------- pipelines

static enum error cluster_pipeline(struct redis *base, const struct redis_command *commands, size_t count,
                                   struct arena *arena, struct redis_value *values) {
  struct journey journey = {
      .cluster = (struct cluster *)base, .commands = commands, .count = count, .arena = arena, .values = values};
  journey.slots = arena_array(arena, count, sizeof *journey.slots);
  journey.pending = arena_array(arena, count, sizeof *journey.pending);
  journey.batch = arena_array(arena, count, sizeof *journey.batch);
  journey.answers = arena_array(arena, count, sizeof *journey.answers);
  journey.places = arena_array(arena, count, sizeof *journey.places);
  if (!journey.slots || !journey.pending || !journey.batch || !journey.answers || !journey.places) return ERR_LIMIT;
  for (size_t i = 0; i < count; i++) {
    journey.slots[i] = redis_command_slot(&commands[i]);
    journey.pending[i] = true;
    assert(journey.slots[i] >= 0); // a command without a key belongs to no node
  }
  return travel(&journey);
}

static size_t first_pending(const struct journey *journey) {
  size_t at = 0;
  while (at < journey->count && !journey->pending[at]) at++;
  return at;
}

// Each round serves the node of the first command that is still open, with all that is open there.
static enum error travel(struct journey *journey) {
  struct cluster *cluster = journey->cluster;
  size_t at, nodes_max = NODES_MAX + ROUNDS_MAX;
  while ((at = first_pending(journey)) < journey->count) {
    struct node *node;
    if (nodes_max-- == 0) return ERR_UNAVAILABLE; // sent from one to the other without end
    enum error err = owner_of(cluster, journey->slots[at], &node);
    if (!err) err = visit_node(journey, node, cluster->owner[journey->slots[at]]);
    if (err) return err;
    if (journey->try_again) clock_sleep_ms(TRY_AGAIN_MS);
    journey->try_again = false;
  }
  return OK;
}

static enum error visit_node(struct journey *journey, struct node *node, int owner) {
  size_t count = 0;
  for (size_t i = 0; i < journey->count; i++) {
    if (!journey->pending[i] || journey->cluster->owner[journey->slots[i]] != owner) continue;
    journey->places[count] = i;
    journey->batch[count++] = journey->commands[i];
  }
  enum error err = redis_pipeline(node->redis, journey->batch, count, journey->arena, journey->answers);
  if (!err) return judge(journey, node, count);
  journey->cluster->stale = true;
  return err;
}

static bool is_scan(const struct redis_command *command) {
  return bytes_equal_text(command->words[0], "SCAN");
}

// What was redirected stays open, and with it a SCAN of the same slot, which nobody redirects. Of a slot that is being
// moved a SCAN shows what this node still has or already has: half of it, which must not be taken for the whole.
static enum error judge(struct journey *journey, struct node *node, size_t count) {
  enum error err = OK;
  int moved = NOBODY, moving = NOBODY;
  for (size_t i = 0; !err && i < count; i++) {
    const struct redis_value *answer = &journey->answers[i];
    struct redis_redirect redirect;
    size_t place = journey->places[i];
    journey->values[place] = *answer;
    if (redis_redirect_read(answer, node->address, &redirect)) {
      *(redirect.ask ? &moving : &moved) = redirect.slot;
      err = follow(journey, &redirect, place);
    } else if (redis_error_is(answer, "TRYAGAIN")) {
      journey->try_again = true;
    } else if (journey->slots[place] == moving && is_scan(&journey->commands[place])) {
      log_warn("redis-slot-is-being-moved", F_INT("slot", moving), F_STR("mend", "do it again when it has moved"));
      err = ERR_UNAVAILABLE;
    } else if (journey->slots[place] != moved) {
      journey->pending[place] = false;
      if (answer->type == REDIS_ERROR) journey->cluster->stale = true; // CLUSTERDOWN, MASTERDOWN, READONLY ...
    }
  }
  return err;
}

static enum error follow(struct journey *journey, const struct redis_redirect *redirect, size_t place) {
  static const struct bytes asking = BYTES_LITERAL("ASKING");
  struct cluster *cluster = journey->cluster;
  struct node *node = node_add(cluster, redirect->address);
  if (!node) return ERR_LIMIT;
  cluster->stale = true;
  if (!redirect->ask) {
    cluster->owner[redirect->slot] = (int16_t)node_find(cluster, redirect->address);
    cluster->refreshed_ms = clock_mono_ms(); // this word is newer than what a map might say now
    return OK;
  }
  struct redis_command two[] = {{&asking, 1}, journey->commands[place]};
  struct redis_value answers[2];
  enum error err = redis_pipeline(node->redis, two, 2, journey->arena, answers);
  if (err) return err;
  bool again = redis_error_is(&answers[1], "TRYAGAIN") || redis_error_is(&answers[1], "MOVED");
  journey->try_again |= again;
  journey->pending[place] = again;
  journey->values[place] = answers[1];
  return OK;
}

// ---------------------------------------------------------------- the commit

static enum error cluster_commit(struct redis *base, const struct redis_fence *fence,
                                 const struct redis_command *writes, size_t count) {
  struct cluster *cluster = (struct cluster *)base;
  struct node *node;
  int slot = redis_slot(fence->key);
  for (size_t i = 0; i < count; i++) assert(redis_command_slot(&writes[i]) == slot);
  enum error err = owner_of(cluster, slot, &node);
  if (err) return error_class(err) == CLASS_FATAL ? err : ERR_UNAVAILABLE;
  err = redis_commit(node->redis, fence, writes, count);
  if (err == ERR_UNAVAILABLE || err == ERR_UNKNOWN_OUTCOME) cluster->stale = true;
  if (err == ERR_UNAVAILABLE) cluster->refreshed_ms = 0; // it may belong elsewhere by now: ask before the next try
  return err;
}

static const struct redis_ops cluster_ops = {
    .connect = cluster_connect,
    .pipeline = cluster_pipeline,
    .commit = cluster_commit,
    .close = cluster_close,
};

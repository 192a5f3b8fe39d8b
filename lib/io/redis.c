// SPDX-License-Identifier: Apache-2.0
// hiredis with reply functions of our own, which build the reply in the caller's arena: no allocation and no free for
// each of the thousands of replies of a batch. Replies that nobody wants (the commit's) go into an arena of this
// module.
//
// One that did not answer is left alone for a while, so that who asks it for many things in a row waits once, not for
// each of them: of a cluster's node for twice as long as the failure took, so that it costs the partitions of the other
// nodes at most a third of the time; a single Redis, which nobody else waits for, just long enough for the row to end.
#include "io/redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/redis_cluster.h"
#include "io/redis_commit.h"
#include "io/redis_reply.h"
#include "io/redis_tls.h"
#include "io/tls.h"

enum { DEFAULT_PORT = 6379, HOST_SIZE = 256, WORDS_MAX = 4096, OWN_ARENA_BYTES = 4 << 20 };
enum { NODE_PAUSE_MIN_MS = 100, SLOW_MS = 100, SINGLE_PAUSE_MAX_MS = 500 };

struct connection {
  struct redis base;
  const struct redis_settings *settings;
  struct redis_settings settings_copy;
  redisContext *context; // NULL while there is no connection
  int64_t began_ms;      // connecting, or the pipeline at hand
  int64_t pause_until_ms;
  struct arena *own;     // for the replies of commits and of connecting
  struct arena *replies; // where the reply that is being read goes
  const char *words[WORDS_MAX];
  size_t lengths[WORDS_MAX];
};

static const struct redis_ops connection_ops;

static enum error open_context(struct connection *connection);
static enum error authenticate(struct connection *connection);
static enum error lost(struct connection *connection, const char *doing, enum error err);
static void leave_alone(struct connection *connection);
static enum error append(struct connection *connection, const struct redis_command *command);
static enum error read_reply(struct connection *connection, struct arena *arena, struct redis_value *value);
static enum error refuse_cluster(struct connection *connection);
static struct timeval timeval_of(int64_t ms);

enum error redis_open(const struct redis_settings *settings, struct redis **opened) {
  if (settings->cluster) return redis_cluster_open(settings, opened);
  if (!strchr(settings->address, ',')) return redis_node_open(settings, opened);
  log_error("several-redis-without-cluster", F_STR("addresses", settings->address),
            F_STR("mend", "name one, or set RISER_REDIS_CLUSTER=true"));
  return ERR_CONFIG;
}

enum error redis_node_open(const struct redis_settings *settings, struct redis **opened) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) return ERR_NO_MEMORY;
  connection->base.ops = &connection_ops;
  connection->settings_copy = *settings;
  connection->settings = &connection->settings_copy;
  connection->own = arena_new(OWN_ARENA_BYTES);
  if (!connection->own) {
    free(connection);
    return ERR_NO_MEMORY;
  }
  *opened = &connection->base;
  return OK;
}

void redis_close(struct redis *redis) {
  if (redis) redis->ops->close(redis);
}

enum error redis_connect(struct redis *redis) {
  return redis->ops->connect(redis);
}

enum error redis_pipeline(struct redis *redis, const struct redis_command *commands, size_t count, struct arena *arena,
                          struct redis_value *values) {
  return redis->ops->pipeline(redis, commands, count, arena, values);
}

enum error redis_commit(struct redis *redis, const struct redis_fence *fence, const struct redis_command *writes,
                        size_t count) {
  for (size_t i = 0; i < count; i++) assert(redis_write_allowed(&writes[i]));
  return redis->ops->commit(redis, fence, writes, count);
}

enum error redis_get_many(struct redis *redis, const struct bytes *keys, size_t count, struct arena *arena,
                          struct bytes *values) {
  static const struct bytes get = BYTES_LITERAL("GET");
  struct bytes *words = arena_array(arena, 2 * count, sizeof *words);
  struct redis_command *commands = arena_array(arena, count, sizeof *commands);
  struct redis_value *replies = arena_array(arena, count, sizeof *replies);
  if (!words || !commands || !replies) return ERR_LIMIT;
  for (size_t i = 0; i < count; i++) {
    words[2 * i] = get;
    words[2 * i + 1] = keys[i];
    commands[i] = (struct redis_command){.words = &words[2 * i], .count = 2};
  }
  enum error err = redis_pipeline(redis, commands, count, arena, replies);
  for (size_t i = 0; !err && i < count; i++) {
    if (replies[i].type != REDIS_STRING && replies[i].type != REDIS_NIL) err = redis_reply_error(&replies[i], "GET");
    values[i] = replies[i].type == REDIS_STRING ? replies[i].text : (struct bytes){NULL, 0};
  }
  return err;
}

// ---------------------------------------------------------------- the real connection

static enum error connection_connect(struct redis *base) {
  struct connection *connection = (struct connection *)base;
  if (connection->context) return OK;
  connection->began_ms = clock_mono_ms();
  if (connection->began_ms < connection->pause_until_ms) return ERR_UNAVAILABLE;
  enum error err = open_context(connection);
  if (!err) err = authenticate(connection);
  if (error_class(err) == CLASS_RETRY) leave_alone(connection);
  return err;
}

static void leave_alone(struct connection *connection) {
  int64_t now_ms = clock_mono_ms(), took_ms = now_ms - connection->began_ms, pause_ms = took_ms;
  if (connection->settings->cluster) {
    pause_ms = 2 * took_ms > NODE_PAUSE_MIN_MS ? 2 * took_ms : NODE_PAUSE_MIN_MS;
  } else if (took_ms < SLOW_MS) {
    pause_ms = 0;
  } else if (took_ms > SINGLE_PAUSE_MAX_MS) {
    pause_ms = SINGLE_PAUSE_MAX_MS;
  }
  connection->pause_until_ms = now_ms + pause_ms;
}

static enum error open_context(struct connection *connection) {
  const struct redis_settings *settings = connection->settings;
  char host[HOST_SIZE];
  const char *colon = strrchr(settings->address, ':');
  size_t host_len = colon ? (size_t)(colon - settings->address) : strlen(settings->address);
  long port = colon ? strtol(colon + 1, NULL, 10) : DEFAULT_PORT;
  if (host_len >= sizeof host || port <= 0 || port > 65535) return ERR_CONFIG;
  memcpy(host, settings->address, host_len);
  host[host_len] = 0;
  redisContext *context = redisConnectWithTimeout(host, (int)port, timeval_of(settings->connect_timeout_ms));
  if (!context) return ERR_NO_MEMORY;
  connection->context = context;
  if (context->err || redisSetTimeout(context, timeval_of(settings->timeout_ms)) != REDIS_OK)
    return lost(connection, "connect", ERR_UNAVAILABLE);
  if (tls_wanted(settings->tls, settings->address) && redis_tls_start(context, settings, host))
    return lost(connection, "tls", ERR_UNAVAILABLE);
  redisEnableKeepAlive(context);
  context->reader->fn = redis_reply_functions();
  context->reader->privdata = &connection->replies;
  return OK;
}

static enum error authenticate(struct connection *connection) {
  const struct redis_settings *settings = connection->settings;
  if (!settings->password || !settings->password[0]) return OK;
  bool named = settings->username && settings->username[0];
  struct bytes words[3] = {BYTES_LITERAL("AUTH")};
  size_t count = 1;
  if (named) words[count++] = bytes_text(settings->username);
  words[count++] = bytes_text(settings->password);
  struct redis_command command = {.words = words, .count = count};
  struct redis_value value;
  enum error err = append(connection, &command);
  if (!err) err = read_reply(connection, connection->own, &value);
  if (err) return ERR_UNAVAILABLE;
  if (value.type != REDIS_ERROR) return OK;
  bool loading = redis_error_is(&value, "LOADING");
  log_error("redis-auth-refused", F_STR("address", settings->address), F_BYTES("reason", value.text));
  return lost(connection, "authenticate", loading ? ERR_UNAVAILABLE : ERR_CONFIG);
}

static struct timeval timeval_of(int64_t ms) {
  return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

// Drops the connection: what is still on its way on it must not be taken for an answer to something else.
static enum error lost(struct connection *connection, const char *doing, enum error err) {
  const char *reason = connection->context->err ? connection->context->errstr : "";
  log_warn("redis-lost", F_STR("doing", doing), F_STR("reason", reason), F_ERR(err),
           F_STR("address", connection->settings->address));
  redisFree(connection->context);
  connection->context = NULL;
  return err;
}

static enum error connection_pipeline(struct redis *base, const struct redis_command *commands, size_t count,
                                      struct arena *arena, struct redis_value *values) {
  struct connection *connection = (struct connection *)base;
  connection->began_ms = clock_mono_ms();
  enum error err = connection_connect(base);
  for (size_t i = 0; !err && i < count; i++) err = append(connection, &commands[i]);
  for (size_t i = 0; !err && i < count; i++) err = read_reply(connection, arena, &values[i]);
  return err;
}

static enum error append(struct connection *connection, const struct redis_command *command) {
  if (command->count > WORDS_MAX) return lost(connection, "send", ERR_LIMIT);
  for (size_t i = 0; i < command->count; i++) {
    connection->words[i] = (const char *)command->words[i].data;
    connection->lengths[i] = command->words[i].len;
  }
  int rc = redisAppendCommandArgv(connection->context, (int)command->count, connection->words, connection->lengths);
  return rc == REDIS_OK ? OK : lost(connection, "send", ERR_NO_MEMORY);
}

static enum error read_reply(struct connection *connection, struct arena *arena, struct redis_value *value) {
  void *reply = NULL;
  connection->replies = arena;
  int rc = redisGetReply(connection->context, &reply);
  if (rc == REDIS_OK) {
    *value = *(struct redis_value *)reply;
    return connection->settings->cluster || !redis_error_is(value, "MOVED") ? OK : refuse_cluster(connection);
  }
  bool full = connection->context->err == REDIS_ERR_OOM;
  if (!full) leave_alone(connection);
  return lost(connection, "receive", full ? ERR_LIMIT : ERR_DISCONNECTED);
}

// It answers for some of the keys only, so it must not be taken for the whole.
static enum error refuse_cluster(struct connection *connection) {
  log_error("redis-is-a-cluster", F_STR("address", connection->settings->address),
            F_STR("mend", "RISER_REDIS_CLUSTER=true"));
  return lost(connection, "receive", ERR_CONFIG);
}

// Two round trips: WATCH and GET, then everything from MULTI to EXEC. Up to MULTI nothing can have happened; from then
// on a lost connection leaves it open whether EXEC was done.
static enum error connection_commit(struct redis *base, const struct redis_fence *fence,
                                    const struct redis_command *writes, size_t count) {
  struct connection *connection = (struct connection *)base;
  struct redis_value value;
  arena_reset(connection->own);
  enum error err = redis_commit_watch(base, fence, connection->own);
  if (err) return err;
  err = append(connection, redis_command_multi());
  for (size_t i = 0; !err && i < count; i++) err = append(connection, &writes[i]);
  struct bytes set[3];
  struct redis_command advance = redis_command_advance(fence, set);
  if (!err) err = append(connection, &advance);
  if (!err) err = append(connection, redis_command_exec());
  if (err) return ERR_UNAVAILABLE; // nothing has been sent yet
  enum error queued = OK;
  for (size_t i = 0; i < count + 2; i++) {
    if (read_reply(connection, connection->own, &value)) return ERR_UNKNOWN_OUTCOME;
    if (value.type == REDIS_ERROR && !queued) queued = redis_reply_error(&value, "queue");
  }
  if (read_reply(connection, connection->own, &value)) return ERR_UNKNOWN_OUTCOME;
  err = redis_commit_outcome(&value, queued);
  // One that takes no writes may have become a replica: behind its name there may be another one by now.
  return err == ERR_UNAVAILABLE ? lost(connection, "commit", err) : err;
}

static void connection_close(struct redis *base) {
  struct connection *connection = (struct connection *)base;
  if (connection->context) redisFree(connection->context);
  arena_free(connection->own);
  free(connection);
}

static const struct redis_ops connection_ops = {
    .connect = connection_connect,
    .pipeline = connection_pipeline,
    .commit = connection_commit,
    .close = connection_close,
};

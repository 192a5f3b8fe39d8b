// SPDX-License-Identifier: Apache-2.0
#include "io/redis_commit.h"

#include <string.h>
#include <strings.h>

#include "base/canary.h"
#include "base/log.h"
#include "io/redis_reply.h"

bool redis_write_allowed(const struct redis_command *write) {
  static const char *const allowed[] = {"SET",  "SETRANGE", "DEL",  "UNLINK", "HSET",
                                        "HDEL", "ZADD",     "ZREM", "SADD",   "SREM"};
  for (size_t i = 0; write->count && i < sizeof allowed / sizeof *allowed; i++)
    if (bytes_equal_text(write->words[0], allowed[i])) return true;
  return false;
}

enum error redis_commit_watch(struct redis *redis, const struct redis_fence *fence, struct arena *arena) {
  struct bytes watch[2] = {BYTES_LITERAL("WATCH")}, get[2] = {BYTES_LITERAL("GET")};
  struct bytes unwatch[1] = {BYTES_LITERAL("UNWATCH")};
  watch[1] = get[1] = fence->key;
  if (CANARY(FENCE_OFF)) return OK;
  struct redis_command commands[2] = {{watch, 2}, {get, 2}};
  struct redis_value values[2];
  if (redis_pipeline(redis, commands, 2, arena, values)) return ERR_UNAVAILABLE;
  if (values[0].type == REDIS_ERROR) return redis_reply_error(&values[0], "WATCH");
  if (values[1].type != REDIS_STRING && values[1].type != REDIS_NIL) return redis_reply_error(&values[1], "GET");
  bool absent = values[1].type == REDIS_NIL;
  if (absent == !fence->expected.data && (absent || bytes_equal(values[1].text, fence->expected))) return OK;
  struct redis_command undo = {unwatch, 1};
  enum error err = redis_pipeline(redis, &undo, 1, arena, values);
  if (err) log_debug("redis-unwatch-failed", F_ERR(err)); // the connection is gone, and the watch with it
  return ERR_FENCE_LOST;
}

const struct redis_command *redis_command_multi(void) {
  static const struct bytes words[] = {BYTES_LITERAL("MULTI")};
  static const struct redis_command command = {words, 1};
  return &command;
}

const struct redis_command *redis_command_exec(void) {
  static const struct bytes words[] = {BYTES_LITERAL("EXEC")};
  static const struct redis_command command = {words, 1};
  return &command;
}

struct redis_command redis_command_advance(const struct redis_fence *fence, struct bytes words[3]) {
  words[0] = bytes_text(fence->next.data ? "SET" : "DEL");
  words[1] = fence->key;
  words[2] = fence->next;
  return (struct redis_command){words, fence->next.data ? 3 : 2};
}

// "EXECABORT Transaction discarded because of: OOM ...": Redis has refused EXEC itself, for what stands behind.
static struct redis_value refused_for(const struct redis_value *exec) {
  static const char why[] = "because of: ";
  struct redis_value reason = *exec;
  const char *at = strstr((const char *)exec->text.data, why);
  if (at) reason.text = bytes_text(at + strlen(why));
  return reason;
}

// Redis answers EXEC with nil if the watched key changed, with EXECABORT if it refused to queue a command or EXEC
// itself (nothing was done), and else with the list of all replies, where an error means that the others were done
// nevertheless.
enum error redis_commit_outcome(const struct redis_value *exec, enum error queued) {
  if (exec->type == REDIS_NIL) return ERR_FENCE_LOST;
  if (redis_error_is(exec, "EXECABORT") && queued) return queued;
  if (redis_error_is(exec, "EXECABORT")) {
    struct redis_value reason = refused_for(exec);
    return redis_reply_error(&reason, "EXEC");
  }
  if (exec->type != REDIS_ARRAY) return redis_reply_error(exec, "EXEC");
  for (size_t i = 0; i < exec->count; i++) {
    if (exec->elements[i].type != REDIS_ERROR || CANARY(EXEC_ERROR_IGNORED)) continue;
    log_error("redis-exec-failed", F_INT("command", (int64_t)i), F_BYTES("reply", exec->elements[i].text));
    return ERR_EXEC_FAILED;
  }
  return OK;
}

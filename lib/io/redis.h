// SPDX-License-Identifier: Apache-2.0
// Redis: a blocking, pipelined connection, and the fenced commit. It connects when first needed and again after an
// error; every error drops the connection, so that no reply can be taken for another one's. Of a Redis that does not
// answer everything fails at once for a while, as ERR_UNAVAILABLE, before it is tried again. One thread owns it.
// Everything is binary-safe. Replies are decoded straight into the caller's arena.
#ifndef RISER_IO_REDIS_H
#define RISER_IO_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

struct redis_settings {
  const char *address;   // host:port; the port may be left out. Of a cluster some nodes, separated by commas
  bool cluster;          // Redis Cluster: a commit goes to the master of its fence's hash tag
  const char *username;  // ACL user; "" for the default one
  const char *password;  // "" for none
  int tls;               // enum tls_mode
  const char *ca_file;   // PEM; "": the system's. The three are read anew at each connection
  const char *cert_file; // PEM; "" for none
  const char *key_file;
  int64_t connect_timeout_ms;
  int64_t timeout_ms; // of each wait for a reply
};

struct redis_command {
  const struct bytes *words; // the command's name and its arguments
  size_t count;
};

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_INTEGER, REDIS_STATUS, REDIS_ERROR, REDIS_ARRAY };

struct redis_value {
  enum redis_type type;
  struct bytes text;            // STRING, STATUS, ERROR; terminated by a zero behind .len
  int64_t integer;              // INTEGER
  struct redis_value *elements; // ARRAY
  size_t count;
};

// The key whose value must be what its owner loaded, and what it becomes. An absent slice (.data NULL) stands for "no
// such key".
struct redis_fence {
  struct bytes key;
  struct bytes expected;
  struct bytes next;
};

struct redis {
  const struct redis_ops *ops;
};

// Does not connect yet. The settings' texts are borrowed until close.
enum error redis_open(const struct redis_settings *settings, struct redis **redis) MUST_USE;
void redis_close(struct redis *redis);

// Connects now if it is not connected: ERR_UNAVAILABLE (RETRY), or ERR_CONFIG if Redis refuses user or password.
enum error redis_connect(struct redis *redis) MUST_USE;

// Sends all commands, then reads all replies, in order. `values` takes `count` of them, in the arena. A reply that is
// an error is a value of type REDIS_ERROR, not an error of this call. RETRY: the connection is gone, and what was sent
// may or may not have been done. ERR_LIMIT: the arena is full; same. On a cluster each command goes to the master of
// its first key (every command must have one; a SCAN goes where its pattern's hash tag says), and the order holds
// within a hash tag. Nobody redirects a SCAN: put an EXISTS of a key with that hash tag that is never there before it,
// and it follows a slot that has moved; of one that is being moved it says ERR_UNAVAILABLE.
enum error redis_pipeline(struct redis *redis, const struct redis_command *commands, size_t count, struct arena *arena,
                          struct redis_value *values) MUST_USE;

// GETs of many keys: values[i].data is NULL where there is no such key. ERR_CORRUPT if one is not a string.
enum error redis_get_many(struct redis *redis, const struct bytes *keys, size_t count, struct arena *arena,
                          struct bytes *values) MUST_USE;

// All writes and the fence's next value, or nothing: WATCH, compare, MULTI, writes, SET fence, EXEC. On a cluster all
// keys must have the fence's hash tag.
//   OK                   done
//   ERR_FENCE_LOST       nothing was done: the fence is not what was expected, or changed meanwhile
//   ERR_UNAVAILABLE      nothing was done: no connection, out of memory, read-only, or still loading
//   ERR_UNKNOWN_OUTCOME  the connection broke or timed out around EXEC: drop every cached state and load again
//   ERR_EXEC_FAILED      FATAL: a command failed inside EXEC, and Redis has done the others
// Only absolute overwrites are allowed (SET, SETRANGE, DEL, UNLINK, HSET, HDEL, ZADD, ZREM, SADD, SREM): anything else
// asserts, since a replay would do it twice.
enum error redis_commit(struct redis *redis, const struct redis_fence *fence, const struct redis_command *writes,
                        size_t count) MUST_USE;

struct redis_ops {
  enum error (*connect)(struct redis *);
  enum error (*pipeline)(struct redis *, const struct redis_command *, size_t, struct arena *, struct redis_value *);
  enum error (*commit)(struct redis *, const struct redis_fence *, const struct redis_command *, size_t);
  void (*close)(struct redis *);
};

#endif

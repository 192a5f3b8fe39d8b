// SPDX-License-Identifier: Apache-2.0
// A table of commands over the store. A command that the twin does not know is answered with an error, as by Redis.
#include "io/redis_memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "io/redis_commit.h"
#include "io/redis_store.h"

struct redis_memory {
  struct store store;
  int handles;
  int skip_commits;
  enum error commit_error; // OK: none asked for
  bool commit_applied;
  int failing_pipelines;
};

struct handle {
  struct redis base;
  struct redis_memory *memory;
};

struct call {
  struct store *store;
  const struct bytes *words;
  size_t count;
  struct arena *arena;
  struct redis_value *reply;
  bool full; // the arena
};

struct command {
  const char *name;
  size_t min_words;
  void (*run)(struct call *call);
};

static const struct redis_ops handle_ops;

static void run_command(struct call *call);
static void reply_error(struct call *call, const char *text);
static void reply_integer(struct call *call, int64_t number);
static void reply_ok(struct call *call);
static void reply_string(struct redis_value *reply, struct bytes text, struct call *call);
static bool reply_array(struct call *call, size_t count);
static struct store_entry *entry_of(struct call *call, enum store_type type, bool make);
static void drop_if_empty(struct call *call);
static int by_score(const void *a, const void *b);
static bool parse_int(struct bytes text, int64_t *number);

struct redis_memory *redis_memory_new(void) {
  return calloc(1, sizeof(struct redis_memory));
}

void redis_memory_free(struct redis_memory *memory) {
  if (!memory) return;
  assert(memory->handles == 0);
  twin_fini(&memory->store);
  free(memory);
}

enum error redis_memory_open(struct redis_memory *memory, struct redis **redis) {
  struct handle *handle = calloc(1, sizeof *handle);
  if (!handle) return ERR_NO_MEMORY;
  *handle = (struct handle){.base.ops = &handle_ops, .memory = memory};
  memory->handles++;
  *redis = &handle->base;
  return OK;
}

void redis_memory_fail_commit(struct redis_memory *memory, int skip, enum error err, bool applied) {
  memory->skip_commits = skip;
  memory->commit_error = err;
  memory->commit_applied = applied;
}

void redis_memory_fail_pipelines(struct redis_memory *memory, int count) {
  memory->failing_pipelines = count;
}

size_t redis_memory_keys(const struct redis_memory *memory) {
  return memory->store.count;
}

static enum error dump_bytes(struct bytes bytes, struct buffer *to) {
  enum error err = OK;
  for (size_t i = 0; !err && i < bytes.len; i++) {
    bool plain = bytes.data[i] > 0x20 && bytes.data[i] < 0x7f && bytes.data[i] != '\\';
    err = plain ? buffer_append_byte(to, bytes.data[i]) : buffer_printf(to, "\\%02x", bytes.data[i]);
  }
  return err;
}

enum error redis_memory_dump(const struct redis_memory *memory, struct buffer *to) {
  enum error err = OK;
  for (size_t i = 0; !err && i < memory->store.count; i++) {
    const struct store_entry *entry = &memory->store.entries[i];
    err = dump_bytes(entry->key, to);
    for (size_t m = 0; !err && m < entry->count; m++) {
      err = buffer_append_text(to, " ");
      if (!err) err = dump_bytes(entry->members[m].name, to);
      if (!err) err = buffer_printf(to, " %lld ", (long long)entry->members[m].score);
      if (!err) err = dump_bytes(entry->members[m].value, to);
    }
    if (!err) err = buffer_append_text(to, "\n");
  }
  return err;
}

static enum error handle_connect(struct redis *base) {
  return ((struct handle *)base)->memory->failing_pipelines > 0 ? ERR_UNAVAILABLE : OK;
}

static enum error handle_pipeline(struct redis *base, const struct redis_command *commands, size_t count,
                                  struct arena *arena, struct redis_value *values) {
  struct redis_memory *memory = ((struct handle *)base)->memory;
  if (memory->failing_pipelines > 0) {
    memory->failing_pipelines--;
    return ERR_DISCONNECTED;
  }
  for (size_t i = 0; i < count; i++) {
    struct call call = {&memory->store, commands[i].words, commands[i].count, arena, &values[i], false};
    run_command(&call);
    if (call.full) return ERR_LIMIT;
  }
  return OK;
}

static enum error handle_commit(struct redis *base, const struct redis_fence *fence, const struct redis_command *writes,
                                size_t count) {
  struct redis_memory *memory = ((struct handle *)base)->memory;
  bool fails = memory->commit_error != OK && memory->skip_commits-- <= 0;
  enum error err = fails ? memory->commit_error : OK;
  if (fails) memory->commit_error = OK;
  if (fails && !(err == ERR_UNKNOWN_OUTCOME && memory->commit_applied)) return err;
  const struct store_entry *kept = twin_find(&memory->store, fence->key);
  if (!kept != !fence->expected.data) return ERR_FENCE_LOST;
  if (kept && !bytes_equal(kept->members[0].value, fence->expected)) return ERR_FENCE_LOST;
  struct arena *arena = arena_new(64 << 20);
  struct bytes words[3];
  struct redis_command advance = redis_command_advance(fence, words);
  if (!arena) return ERR_UNAVAILABLE;
  for (size_t i = 0; i <= count; i++) {
    const struct redis_command *write = i < count ? &writes[i] : &advance;
    struct redis_value value;
    struct call call = {&memory->store, write->words, write->count, arena, &value, false};
    run_command(&call);
    if (value.type == REDIS_ERROR) err = ERR_EXEC_FAILED;
  }
  arena_free(arena);
  return err;
}

static void handle_close(struct redis *base) {
  struct handle *handle = (struct handle *)base;
  handle->memory->handles--;
  free(handle);
}

static const struct redis_ops handle_ops = {
    .connect = handle_connect,
    .pipeline = handle_pipeline,
    .commit = handle_commit,
    .close = handle_close,
};

// ---------------------------------------------------------------- strings and keys

static void run_ping(struct call *call) {
  reply_ok(call);
}

static void run_get(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_STRING, false);
  if (entry) reply_string(call->reply, entry->members[0].value, call);
}

static void run_mget(struct call *call) {
  if (!reply_array(call, call->count - 1)) return;
  for (size_t i = 1; i < call->count; i++) {
    struct store_entry *entry = twin_find(call->store, call->words[i]);
    if (entry && entry->type == STORE_STRING)
      reply_string(&call->reply->elements[i - 1], entry->members[0].value, call);
  }
}

static void run_set(struct call *call) {
  twin_remove(call->store, call->words[1]);
  twin_member_put(twin_make(call->store, call->words[1], STORE_STRING), bytes_text(""), call->words[2], 0);
  reply_ok(call);
}

static void run_setrange(struct call *call) {
  int64_t offset;
  struct bytes part = call->words[3];
  if (!parse_int(call->words[2], &offset) || offset < 0 || offset > 512 << 20) {
    reply_error(call, "ERR offset is out of range");
    return;
  }
  struct store_entry *entry = entry_of(call, STORE_STRING, part.len > 0);
  if (!entry) return;
  struct bytes old = entry->count ? entry->members[0].value : (struct bytes){NULL, 0};
  size_t len = (size_t)offset + part.len > old.len ? (size_t)offset + part.len : old.len;
  uint8_t *grown = calloc(len + 1, 1);
  if (!grown) abort();
  if (old.len) memcpy(grown, old.data, old.len);
  if (part.len) memcpy(grown + offset, part.data, part.len);
  twin_member_put(entry, bytes_text(""), bytes_make(grown, len), 0);
  free(grown);
  reply_integer(call, (int64_t)len);
}

static void run_getrange(struct call *call) {
  int64_t first, last;
  struct store_entry *entry = entry_of(call, STORE_STRING, false);
  if (call->reply->type == REDIS_ERROR) return;
  struct bytes value = entry ? entry->members[0].value : bytes_text("");
  if (!parse_int(call->words[2], &first) || !parse_int(call->words[3], &last)) {
    reply_error(call, "ERR value is not an integer or out of range");
    return;
  }
  int64_t len = (int64_t)value.len;
  if (first < 0) first = first + len > 0 ? first + len : 0;
  if (last < 0) last += len;
  if (last >= len) last = len - 1;
  bool empty = first > last || len == 0;
  reply_string(call->reply, empty ? bytes_text("") : bytes_make(value.data + first, (size_t)(last - first + 1)), call);
}

static void run_strlen(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_STRING, false);
  if (call->reply->type != REDIS_ERROR) reply_integer(call, entry ? (int64_t)entry->members[0].value.len : 0);
}

static void run_del(struct call *call) {
  int64_t removed = 0;
  for (size_t i = 1; i < call->count; i++) removed += twin_remove(call->store, call->words[i]);
  reply_integer(call, removed);
}

static void run_exists(struct call *call) {
  int64_t found = 0;
  for (size_t i = 1; i < call->count; i++) found += twin_find(call->store, call->words[i]) != NULL;
  reply_integer(call, found);
}

// ---------------------------------------------------------------- hashes and sets

static void run_hset(struct call *call) {
  int64_t added = 0;
  struct store_entry *entry = entry_of(call, STORE_HASH, true);
  if (!entry) return;
  for (size_t i = 2; i + 1 < call->count; i += 2)
    added += twin_member_put(entry, call->words[i], call->words[i + 1], 0);
  reply_integer(call, added);
}

static void run_hget(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_HASH, false);
  struct store_member *member = entry ? twin_member_find(entry, call->words[2]) : NULL;
  if (member) reply_string(call->reply, member->value, call);
}

static void run_hmget(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_HASH, false);
  if (call->reply->type == REDIS_ERROR || !reply_array(call, call->count - 2)) return;
  for (size_t i = 2; entry && i < call->count; i++) {
    struct store_member *member = twin_member_find(entry, call->words[i]);
    if (member) reply_string(&call->reply->elements[i - 2], member->value, call);
  }
}

static void run_hgetall(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_HASH, false);
  if (call->reply->type == REDIS_ERROR || !reply_array(call, entry ? 2 * entry->count : 0)) return;
  for (size_t i = 0; entry && i < entry->count; i++) {
    reply_string(&call->reply->elements[2 * i], entry->members[i].name, call);
    reply_string(&call->reply->elements[2 * i + 1], entry->members[i].value, call);
  }
}

static void remove_members(struct call *call, enum store_type type) {
  int64_t removed = 0;
  struct store_entry *entry = entry_of(call, type, false);
  if (call->reply->type == REDIS_ERROR) return;
  for (size_t i = 2; entry && i < call->count; i++) removed += twin_member_remove(entry, call->words[i]);
  drop_if_empty(call);
  reply_integer(call, removed);
}

static void run_hdel(struct call *call) {
  remove_members(call, STORE_HASH);
}

static void run_srem(struct call *call) {
  remove_members(call, STORE_SET);
}

static void run_sadd(struct call *call) {
  int64_t added = 0;
  struct store_entry *entry = entry_of(call, STORE_SET, true);
  if (!entry) return;
  for (size_t i = 2; i < call->count; i++) added += twin_member_put(entry, call->words[i], bytes_text(""), 0);
  reply_integer(call, added);
}

static void run_smembers(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_SET, false);
  if (call->reply->type == REDIS_ERROR || !reply_array(call, entry ? entry->count : 0)) return;
  for (size_t i = 0; entry && i < entry->count; i++)
    reply_string(&call->reply->elements[i], entry->members[i].name, call);
}

static void reply_count(struct call *call, enum store_type type) {
  struct store_entry *entry = entry_of(call, type, false);
  if (call->reply->type != REDIS_ERROR) reply_integer(call, entry ? (int64_t)entry->count : 0);
}

static void run_hlen(struct call *call) {
  reply_count(call, STORE_HASH);
}

static void run_scard(struct call *call) {
  reply_count(call, STORE_SET);
}

static void run_zcard(struct call *call) {
  reply_count(call, STORE_ZSET);
}

// ---------------------------------------------------------------- sorted sets

static void run_zadd(struct call *call) {
  int64_t score, added = 0;
  for (size_t i = 2; i < call->count; i += 2) {
    if (i + 1 < call->count && parse_int(call->words[i], &score)) continue;
    reply_error(call, "ERR value is not a whole number");
    return;
  }
  struct store_entry *entry = entry_of(call, STORE_ZSET, true);
  for (size_t i = 2; entry && i < call->count; i += 2) {
    bool parsed = parse_int(call->words[i], &score);
    added += parsed && twin_member_put(entry, call->words[i + 1], bytes_text(""), score);
  }
  if (entry) reply_integer(call, added);
}

static void run_zrem(struct call *call) {
  remove_members(call, STORE_ZSET);
}

static void run_zscore(struct call *call) {
  struct store_entry *entry = entry_of(call, STORE_ZSET, false);
  struct store_member *member = entry ? twin_member_find(entry, call->words[2]) : NULL;
  char number[DECIMAL_FORMAT_SIZE];
  if (member) reply_string(call->reply, bytes_text(decimal_format(member->score, 0, 0, number)), call);
}

// "-inf", "+inf", "17" or "(17".
static bool parse_bound(struct bytes text, bool is_max, int64_t *bound) {
  bool lowest = bytes_equal_text(text, "-inf"), highest = bytes_equal_text(text, "+inf");
  if (lowest || highest) {
    *bound = lowest ? INT64_MIN : INT64_MAX;
    return true;
  }
  bool open = text.len && text.data[0] == '(';
  if (!parse_int(bytes_make(text.data + open, text.len - open), bound)) return false;
  if (open) *bound += is_max ? -1 : 1;
  return true;
}

static size_t copy_by_score(const struct store_entry *entry, int64_t min, int64_t max, struct store_member *found) {
  size_t count = 0;
  for (size_t i = 0; i < entry->count; i++)
    if (entry->members[i].score >= min && entry->members[i].score <= max) found[count++] = entry->members[i];
  qsort(found, count, sizeof *found, by_score);
  return count;
}

// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
static void run_zrangebyscore(struct call *call) {
  int64_t min, max, skip = 0, limit = INT64_MAX;
  bool scores = false, good = parse_bound(call->words[2], false, &min) && parse_bound(call->words[3], true, &max);
  for (size_t i = 4; good && i < call->count; i++) {
    if (bytes_equal_text(call->words[i], "WITHSCORES")) {
      scores = true;
    } else {
      good = bytes_equal_text(call->words[i], "LIMIT") && i + 2 < call->count && parse_int(call->words[i + 1], &skip) &&
             parse_int(call->words[i + 2], &limit);
      if (limit < 0) limit = INT64_MAX;
      i += 2;
    }
  }
  if (!good) {
    reply_error(call, "ERR syntax error");
    return;
  }
  struct store_entry *entry = entry_of(call, STORE_ZSET, false);
  if (call->reply->type == REDIS_ERROR) return;
  struct store_member *found = calloc((entry ? entry->count : 0) + 1, sizeof *found);
  if (!found) abort();
  int64_t count = entry ? (int64_t)copy_by_score(entry, min, max, found) : 0;
  int64_t given = count - skip < limit ? count - skip : limit;
  size_t step = scores ? 2 : 1;
  bool room = reply_array(call, given > 0 ? (size_t)given * step : 0);
  for (size_t i = 0; room && i < call->reply->count / step; i++) {
    const struct store_member *member = &found[(size_t)skip + i];
    char number[DECIMAL_FORMAT_SIZE];
    reply_string(&call->reply->elements[i * step], member->name, call);
    if (scores)
      reply_string(&call->reply->elements[i * step + 1], bytes_text(decimal_format(member->score, 0, 0, number)), call);
  }
  free(found);
}

static int by_score(const void *a, const void *b) {
  const struct store_member *left = a, *right = b;
  if (left->score != right->score) return left->score < right->score ? -1 : 1;
  return bytes_compare(left->name, right->name);
}

// ---------------------------------------------------------------- the table

static const struct command commands[] = {
    {"PING", 1, run_ping},
    {"GET", 2, run_get},
    {"MGET", 2, run_mget},
    {"SET", 3, run_set},
    {"DEL", 2, run_del},
    {"UNLINK", 2, run_del},
    {"EXISTS", 2, run_exists},
    {"STRLEN", 2, run_strlen},
    {"SETRANGE", 4, run_setrange},
    {"GETRANGE", 4, run_getrange},
    {"HSET", 4, run_hset},
    {"HGET", 3, run_hget},
    {"HMGET", 3, run_hmget},
    {"HDEL", 3, run_hdel},
    {"HGETALL", 2, run_hgetall},
    {"HLEN", 2, run_hlen},
    {"SADD", 3, run_sadd},
    {"SREM", 3, run_srem},
    {"SMEMBERS", 2, run_smembers},
    {"SCARD", 2, run_scard},
    {"ZADD", 4, run_zadd},
    {"ZREM", 3, run_zrem},
    {"ZCARD", 2, run_zcard},
    {"ZSCORE", 3, run_zscore},
    {"ZRANGEBYSCORE", 4, run_zrangebyscore},
};

static void run_command(struct call *call) {
  *call->reply = (struct redis_value){.type = REDIS_NIL};
  for (size_t i = 0; call->count && i < sizeof commands / sizeof *commands; i++) {
    if (!bytes_equal_text(call->words[0], commands[i].name)) continue;
    if (call->count < commands[i].min_words) break;
    commands[i].run(call);
    return;
  }
  reply_error(call, "ERR unknown command or wrong number of arguments");
}

static void reply_error(struct call *call, const char *text) {
  reply_string(call->reply, bytes_text(text), call);
  call->reply->type = REDIS_ERROR;
}

static void reply_integer(struct call *call, int64_t number) {
  *call->reply = (struct redis_value){.type = REDIS_INTEGER, .integer = number};
}

static void reply_ok(struct call *call) {
  *call->reply = (struct redis_value){.type = REDIS_STATUS, .text = bytes_text("OK")};
}

static void reply_string(struct redis_value *reply, struct bytes text, struct call *call) {
  char *copy = arena_text(call->arena, text);
  call->full |= !copy;
  *reply = (struct redis_value){.type = REDIS_STRING, .text = bytes_make(copy, copy ? text.len : 0)};
}

static bool reply_array(struct call *call, size_t count) {
  struct redis_value *elements = arena_array(call->arena, count, sizeof *elements);
  call->full |= !elements;
  *call->reply = (struct redis_value){.type = REDIS_ARRAY, .elements = elements, .count = elements ? count : 0};
  return elements != NULL;
}

// The entry of words[1]; NULL with an error reply if it is of another type, with nil if there is none and none is made.
static struct store_entry *entry_of(struct call *call, enum store_type type, bool make) {
  struct store_entry *entry = twin_find(call->store, call->words[1]);
  if (entry && entry->type != type) {
    reply_error(call, "WRONGTYPE Operation against a key holding the wrong kind of value");
    return NULL;
  }
  return entry || !make ? entry : twin_make(call->store, call->words[1], type);
}

static void drop_if_empty(struct call *call) {
  const struct store_entry *entry = twin_find(call->store, call->words[1]);
  if (entry && entry->count == 0) twin_remove(call->store, call->words[1]);
}

static bool parse_int(struct bytes text, int64_t *number) {
  return decimal_parse(text, 0, number) == OK;
}

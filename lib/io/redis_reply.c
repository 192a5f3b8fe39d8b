// SPDX-License-Identifier: Apache-2.0
#include "io/redis_reply.h"

#include <string.h>

#include "base/log.h"

#if HIREDIS_MAJOR >= 1
typedef size_t array_size; // hiredis 1.0 changed the type
#else
typedef int array_size;
#endif

static struct redis_value *make_value(const redisReadTask *task, enum redis_type type);

static void *make_string(const redisReadTask *task, char *text, size_t len) {
  enum redis_type type = REDIS_STRING;
  if (task->type == REDIS_REPLY_STATUS) type = REDIS_STATUS;
  if (task->type == REDIS_REPLY_ERROR) type = REDIS_ERROR;
  struct redis_value *value = make_value(task, type);
  struct arena *arena = *(struct arena **)task->privdata;
  char *copy = value ? arena_text(arena, bytes_make(text, len)) : NULL;
  if (!copy) return NULL;
  value->text = bytes_make(copy, len);
  return value;
}

static void *make_array(const redisReadTask *task, array_size count) {
  struct redis_value *value = make_value(task, REDIS_ARRAY);
  struct arena *arena = *(struct arena **)task->privdata;
  if (!value) return NULL;
  value->count = (size_t)count;
  value->elements = arena_array(arena, (size_t)count, sizeof *value->elements);
  return value->elements ? value : NULL;
}

static void *make_integer(const redisReadTask *task, long long number) {
  struct redis_value *value = make_value(task, REDIS_INTEGER);
  if (value) value->integer = number;
  return value;
}

static void *make_nil(const redisReadTask *task) {
  return make_value(task, REDIS_NIL);
}

static void forget(void *value) {
  (void)value; // the arena's owner frees it
}

// Elements are made in their place in the array.
static struct redis_value *make_value(const redisReadTask *task, enum redis_type type) {
  struct arena *arena = *(struct arena **)task->privdata;
  struct redis_value *value;
  if (task->parent) {
    struct redis_value *array = task->parent->obj;
    value = &array->elements[task->idx];
  } else {
    value = arena_alloc(arena, sizeof *value);
  }
  if (value) value->type = type;
  return value;
}

redisReplyObjectFunctions *redis_reply_functions(void) {
  static redisReplyObjectFunctions functions = {
      .createString = make_string,
      .createArray = make_array,
      .createInteger = make_integer,
      .createNil = make_nil,
      .freeObject = forget,
  };
  return &functions;
}

bool redis_error_is(const struct redis_value *value, const char *code) {
  size_t len = strlen(code);
  return value->type == REDIS_ERROR && value->text.len >= len && memcmp(value->text.data, code, len) == 0;
}

enum error redis_reply_error(const struct redis_value *value, const char *doing) {
  static const char *const passing[] = {"OOM",         "READONLY", "LOADING", "MASTERDOWN",
                                        "NOREPLICAS",  "TRYAGAIN", "BUSY",    "MISCONF",
                                        "CLUSTERDOWN", "MOVED",    "ASK",     "ERR max number of clients"};
  enum error err = ERR_CORRUPT;
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (redis_error_is(value, passing[i])) err = ERR_UNAVAILABLE;
  if (redis_error_is(value, "NOAUTH") || redis_error_is(value, "NOPERM")) err = ERR_CONFIG;
  log_error("redis-error-reply", F_STR("doing", doing), F_ERR(err), F_BYTES("reply", value->text));
  return err;
}

// SPDX-License-Identifier: Apache-2.0
// Written by hand, for one is made per message: printf would cost more than all the rest of the envelope.
#include "ingest/core/fact_id.h"

#include <string.h>

enum { NUMBER_MAX = 20 };

static char *put_text(char *to, const char *text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}

static char *put_number(char *to, uint64_t value) {
  char digits[NUMBER_MAX];
  size_t at = NUMBER_MAX;
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  return put_text(to, digits + at, NUMBER_MAX - at);
}

static char *put_device(char *to, const struct message *message) {
  to = put_text(to, (const char *)message->topic.device.data, message->topic.device.len);
  *to++ = '/';
  return to;
}

char *fact_id_of_batch(struct arena *arena, const struct message *message, const char *instance,
                       const struct batch *batch) {
  if (!batch->sequence) return fact_id_by_place(arena, message, instance);
  char *id = arena_alloc_raw(arena, message->topic.device.len + 2 * NUMBER_MAX + 3);
  if (!id) return NULL;
  char *at = put_number(put_device(id, message), batch->sequence);
  *at++ = '.';
  at = put_number(at, (uint64_t)batch->sent_at_ms);
  *at = 0;
  return id;
}

char *fact_id_by_place(struct arena *arena, const struct message *message, const char *instance) {
  size_t instance_len = strlen(instance);
  char *id = arena_alloc_raw(arena, message->topic.device.len + instance_len + 2 * NUMBER_MAX + 4);
  if (!id) return NULL;
  char *at = put_number(put_device(id, message), (uint64_t)message->receive_ms);
  *at++ = '.';
  at = put_text(at, instance, instance_len);
  *at++ = '.';
  at = put_number(at, message->position);
  *at = 0;
  return id;
}

char *source_of(struct arena *arena, const char *device) {
  static const char service[] = "ingest/";
  size_t len = strlen(device);
  char *source = arena_alloc_raw(arena, sizeof service + len);
  if (!source) return NULL;
  put_text(put_text(source, service, sizeof service - 1), device, len + 1);
  return source;
}

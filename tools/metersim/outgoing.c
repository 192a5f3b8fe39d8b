// SPDX-License-Identifier: Apache-2.0
#include "metersim/outgoing.h"

#include <stdlib.h>

struct outgoing *outgoing_new(struct sim_device *device, enum outgoing_kind kind, const char *tail) {
  struct outgoing *message = calloc(1, sizeof *message);
  if (!message) return NULL;
  message->device = device;
  message->kind = kind;
  message->tail = tail;
  buffer_init(&message->payload, OUTGOING_PAYLOAD_MAX);
  buffer_init(&message->note, OUTGOING_PAYLOAD_MAX);
  return message;
}

struct outgoing *outgoing_copy(const struct outgoing *message) {
  struct outgoing *copy = outgoing_new(message->device, message->kind, message->tail);
  if (!copy) return NULL;
  copy->retain = message->retain;
  copy->sequence = message->sequence;
  copy->is_signed = message->is_signed;
  copy->copy = true;
  enum error err = buffer_append(&copy->payload, message->payload.data, message->payload.len);
  if (err == OK) err = buffer_append(&copy->note, message->note.data, message->note.len);
  if (err == OK) return copy;
  outgoing_free(copy);
  return NULL;
}

void outgoing_free(struct outgoing *message) {
  if (!message) return;
  buffer_fini(&message->payload);
  buffer_fini(&message->note);
  free(message);
}

enum error queue_init(struct queue *queue, size_t max) {
  *queue = (struct queue){.items = calloc(max, sizeof *queue->items), .max = max};
  return queue->items ? OK : ERR_NO_MEMORY;
}

void queue_fini(struct queue *queue) {
  for (size_t i = 0; i < queue->count; i++) outgoing_free(queue->items[i]);
  free(queue->items);
  *queue = (struct queue){.items = NULL};
}

static bool before(const struct outgoing *a, const struct outgoing *b) {
  return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void swap(struct queue *queue, size_t a, size_t b) {
  struct outgoing *keep = queue->items[a];
  queue->items[a] = queue->items[b];
  queue->items[b] = keep;
}

enum error queue_take(struct queue *queue, struct outgoing *message) {
  if (queue->count == queue->max) return ERR_QUEUE_FULL;
  message->order = queue->pushed++;
  size_t at = queue->count++;
  queue->items[at] = message;
  for (; at && before(queue->items[at], queue->items[(at - 1) / 2]); at = (at - 1) / 2) swap(queue, at, (at - 1) / 2);
  return OK;
}

static void sink(struct queue *queue) {
  for (size_t at = 0;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < queue->count; child++) {
      if (before(queue->items[child], queue->items[least])) least = child;
    }
    if (least == at) return;
    swap(queue, at, least);
    at = least;
  }
}

struct outgoing *queue_pop(struct queue *queue, int64_t now_ms) {
  if (queue->count == 0 || queue->items[0]->due_ms > now_ms) return NULL;
  struct outgoing *first = queue->items[0];
  queue->items[0] = queue->items[--queue->count];
  sink(queue);
  return first;
}

int64_t queue_next_ms(const struct queue *queue) {
  return queue->count ? queue->items[0]->due_ms : INT64_MAX;
}

// SPDX-License-Identifier: Apache-2.0
// A ring; a ticket is the message's number since the beginning, never 0, so that it fits where a pointer is kept.
#include "ingest/core/window.h"

#include "base/canary.h"

#include <assert.h>
#include <stdlib.h>

struct slot {
  struct window_message message;
  uint32_t open;
  size_t bytes;
};

struct window {
  size_t capacity;
  size_t bytes, bytes_max;
  uint64_t oldest, newest; // tickets: [oldest, newest)
  struct slot slots[];
};

static struct slot *slot_of(struct window *window, uint64_t ticket);

struct window *window_new(size_t capacity, size_t bytes_max) {
  struct window *window = calloc(1, sizeof *window + capacity * sizeof(struct slot));
  if (!window) return NULL;
  window->capacity = capacity;
  window->bytes_max = bytes_max;
  window->oldest = window->newest = 1;
  return window;
}

void window_free(struct window *window) {
  free(window);
}

size_t window_count(const struct window *window) {
  return (size_t)(window->newest - window->oldest);
}

bool window_is_full(const struct window *window) {
  return window_count(window) == window->capacity || window->bytes >= window->bytes_max;
}

uint64_t window_enter(struct window *window, const struct window_message *message) {
  assert(!window_is_full(window));
  uint64_t ticket = window->newest++;
  *slot_of(window, ticket) = (struct slot){.message = *message, .open = 1};
  return ticket;
}

void window_open_record(struct window *window, uint64_t ticket, size_t bytes) {
  struct slot *slot = slot_of(window, ticket);
  slot->open++;
  slot->bytes += bytes;
  window->bytes += bytes;
}

void window_close_record(struct window *window, uint64_t ticket) {
  struct slot *slot = slot_of(window, ticket);
  assert(slot->open > 0);
  slot->open--;
}

static struct slot *slot_of(struct window *window, uint64_t ticket) {
  assert(ticket >= window->oldest && ticket < window->newest);
  return &window->slots[ticket % window->capacity];
}

struct window_message *window_at(struct window *window, uint64_t ticket) {
  return &slot_of(window, ticket)->message;
}

bool window_leave(struct window *window, struct window_message *message) {
  if (window->oldest == window->newest) return false;
  if (slot_of(window, window->oldest)->open && !CANARY(CONFIRMED_EARLY)) return false;
  return window_abandon(window, message);
}

bool window_abandon(struct window *window, struct window_message *message) {
  if (window->oldest == window->newest) return false;
  const struct slot *slot = slot_of(window, window->oldest);
  *message = slot->message;
  window->bytes -= slot->bytes;
  window->oldest++;
  return true;
}

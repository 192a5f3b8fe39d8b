// SPDX-License-Identifier: Apache-2.0
// A bounded queue of fixed-size elements from many threads to one: how a library's callback hands over to the worker.
// Elements are copied in and out; what they point to is the caller's affair. Full means ERR_QUEUE_FULL, never silent
// loss. The worker either waits in ring_pop or polls ring_fd beside other descriptors.
#ifndef RISER_BASE_RING_H
#define RISER_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ring;

struct ring *ring_new(size_t capacity, size_t element_size) MUST_USE; // NULL without memory or descriptors
void ring_free(struct ring *ring); // elements that are still in it are dropped: pop them first if they own something

// Any thread; never blocks for long. ERR_QUEUE_FULL when full, ERR_CLOSED after ring_close.
enum error ring_push(struct ring *ring, const void *element) MUST_USE;

// The consumer's thread: takes up to `max` elements, waiting up to timeout_ms for the first (0 never, -1 for ever).
// Returns how many; 0 means time is up, or closed and empty.
size_t ring_pop(struct ring *ring, void *elements, size_t max, int timeout_ms);

// Readable while the ring is not empty or is closed. Don't read from it: ring_pop does.
int ring_fd(const struct ring *ring);

void ring_close(struct ring *ring); // no more pushes; wakes the consumer; may be repeated
size_t ring_len(struct ring *ring);

#endif

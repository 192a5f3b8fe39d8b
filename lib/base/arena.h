// SPDX-License-Identifier: Apache-2.0
// An arena: one a batch, bounded, freed as a whole. Allocation is a pointer bump; reset keeps the memory for the next
// batch. One thread owns an arena. Nothing that is allocated here may be kept beyond the next reset.
#ifndef RISER_BASE_ARENA_H
#define RISER_BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

struct arena;

// An empty arena that will never hold more than max_bytes; NULL without memory. The caller frees it.
struct arena *arena_new(size_t max_bytes) MUST_USE;
void arena_free(struct arena *arena);

// Zeroed, 16-aligned memory; NULL when the maximum is reached (the caller decides what that means). size 0 is valid.
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;

// The same, not zeroed: for decoders that overwrite all of it.
void *arena_alloc_raw(struct arena *arena, size_t size) MUST_USE;

// count elements, NULL also if the product overflows.
void *arena_array(struct arena *arena, size_t count, size_t element_size) MUST_USE;

// Copies; NULL when full. The text ones are terminated by zero.
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;
char *arena_text(struct arena *arena, struct bytes text) MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...) MUST_USE __attribute__((format(printf, 2, 3)));

// A copy of the bytes; .data is NULL (and .len 0) when full. An empty slice gives a non-NULL, empty copy.
struct bytes arena_bytes(struct arena *arena, struct bytes from) MUST_USE;

// Forgets everything that was allocated, keeps the memory.
void arena_reset(struct arena *arena);

// Bytes handed out since the last reset, padding included.
size_t arena_used(const struct arena *arena);

#endif

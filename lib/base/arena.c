// SPDX-License-Identifier: Apache-2.0
// A chain of blocks, each twice as large as the one before; a reset rewinds to the first and keeps them all, so that a
// steady load soon allocates nothing. The blocks' total size is what the maximum bounds.
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK = 64 * 1024, LARGEST_STEP = 8 * 1024 * 1024 };

struct block {
  struct block *next;
  size_t size; // of the memory behind this header
  size_t used;
  size_t padding; // keeps that memory 16-aligned
};

struct arena {
  struct block *first;
  struct block *current;
  size_t total; // of all blocks
  size_t used;
  size_t max;
};

static struct block *block_for(struct arena *arena, size_t size);
static struct block *block_add(struct arena *arena, size_t size);

struct arena *arena_new(size_t max_bytes) {
  struct arena *arena = calloc(1, sizeof *arena);
  if (arena) arena->max = max_bytes;
  return arena;
}

void arena_free(struct arena *arena) {
  if (!arena) return;
  for (struct block *block = arena->first; block;) {
    struct block *next = block->next;
    free(block);
    block = next;
  }
  free(arena);
}

void *arena_alloc_raw(struct arena *arena, size_t size) {
  if (size > arena->max) return NULL;
  size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  if (size == 0) size = ALIGN;
  struct block *block = arena->current;
  if (!block || size > block->size - block->used) block = block_for(arena, size);
  if (!block) return NULL;
  uint8_t *memory = (uint8_t *)(block + 1) + block->used;
  block->used += size;
  arena->used += size;
  return memory;
}

// The next kept block with room, or a new one; what is left over in the blocks that were passed stays unused until
// the reset.
static struct block *block_for(struct arena *arena, size_t size) {
  struct block *block = arena->current ? arena->current->next : arena->first;
  while (block && block->size < size) block = block->next;
  if (!block) block = block_add(arena, size);
  if (block) arena->current = block;
  return block;
}

static struct block *block_add(struct arena *arena, size_t size) {
  size_t left = arena->max - arena->total;
  if (size > left) return NULL;
  size_t step = arena->total ? arena->total : FIRST_BLOCK;
  if (step > LARGEST_STEP) step = LARGEST_STEP;
  if (step < size) step = size;
  if (step > left) step = left;
  struct block *block = malloc(sizeof *block + step);
  if (!block) return NULL;
  *block = (struct block){.size = step};
  struct block **end = arena->current ? &arena->current->next : &arena->first;
  while (*end) end = &(*end)->next;
  *end = block;
  arena->total += step;
  return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
  void *memory = arena_alloc_raw(arena, size);
  return memory ? memset(memory, 0, size) : NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t element_size) {
  size_t size;
  if (__builtin_mul_overflow(count, element_size, &size)) return NULL;
  return arena_alloc(arena, size);
}

char *arena_strdup(struct arena *arena, const char *text) {
  return arena_text(arena, bytes_text(text));
}

char *arena_text(struct arena *arena, struct bytes text) {
  char *copy = arena_alloc_raw(arena, text.len + 1);
  if (!copy) return NULL;
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = 0;
  return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = len < 0 ? NULL : arena_alloc_raw(arena, (size_t)len + 1);
  if (!text) return NULL;
  va_start(arguments, format);
  vsnprintf(text, (size_t)len + 1, format, arguments);
  va_end(arguments);
  return text;
}

struct bytes arena_bytes(struct arena *arena, struct bytes from) {
  uint8_t *copy = arena_alloc_raw(arena, from.len);
  if (!copy) return (struct bytes){NULL, 0};
  if (from.len) memcpy(copy, from.data, from.len);
  return (struct bytes){copy, from.len};
}

void arena_reset(struct arena *arena) {
  for (struct block *block = arena->first; block; block = block->next) block->used = 0;
  arena->current = arena->first;
  arena->used = 0;
}

size_t arena_used(const struct arena *arena) {
  return arena->used;
}

// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

static void test_aligned_and_zeroed(void **state) {
  struct arena *arena = arena_new(1 << 20);
  (void)state;
  for (int round = 0; round < 3; round++) {
    for (size_t size = 0; size < 300; size += 7) {
      unsigned char *memory = arena_alloc(arena, size);
      assert_non_null(memory);
      assert_int_equal((uintptr_t)memory % 16, 0);
      for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
      memset(memory, 0xa5, size);
    }
    assert_true(arena_used(arena) > 0);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
  }
  arena_free(arena);
}

static void test_bounded(void **state) {
  struct arena *arena = arena_new(200000);
  size_t given = 0;
  (void)state;
  while (arena_alloc(arena, 1000)) given += 1000;
  assert_true(given <= 200000 && given > 150000);
  assert_null(arena_alloc(arena, 100000));
  arena_reset(arena);
  assert_null(arena_alloc(arena, 200001));
  assert_null(arena_array(arena, SIZE_MAX / 4, 8));
  arena_free(arena);
  arena = arena_new(100);
  assert_non_null(arena_alloc(arena, 90));
  assert_null(arena_alloc(arena, 90));
  arena_free(arena);
  arena_free(NULL);
}

// The same load needs no more memory in the second round than in the first.
static void test_reset_keeps_blocks(void **state) {
  struct arena *arena = arena_new(400 * 1024);
  (void)state;
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < 30; i++) assert_non_null(arena_alloc(arena, 10000));
    arena_reset(arena);
  }
  arena_free(arena);
}

static void test_copies(void **state) {
  struct arena *arena = arena_new(4096);
  (void)state;
  assert_string_equal(arena_strdup(arena, "room 101"), "room 101");
  assert_string_equal(arena_text(arena, bytes_make("meter-7 and more", 7)), "meter-7");
  assert_string_equal(arena_printf(arena, "%s/%d", "site", 42), "site/42");
  struct bytes copy = arena_bytes(arena, bytes_make("\0\1\2", 3));
  assert_int_equal(copy.len, 3);
  assert_memory_equal(copy.data, "\0\1\2", 3);
  assert_non_null(arena_bytes(arena, (struct bytes){NULL, 0}).data);
  assert_null(arena_bytes(arena, bytes_make(copy.data, 5000)).data);
  assert_null(arena_printf(arena, "%5000d", 1));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_aligned_and_zeroed),
      cmocka_unit_test(test_bounded),
      cmocka_unit_test(test_reset_keeps_blocks),
      cmocka_unit_test(test_copies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

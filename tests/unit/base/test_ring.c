// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/ring.h"

enum { WRITERS = 4, EACH = 20000 };

static int readable(struct ring *ring) {
  struct pollfd wait = {.fd = ring_fd(ring), .events = POLLIN};
  return poll(&wait, 1, 0);
}

static void test_order_and_bound(void **state) {
  struct ring *ring = ring_new(3, sizeof(int));
  int values[8];
  (void)state;
  assert_int_equal(readable(ring), 0);
  for (int round = 0; round < 5; round++) {
    for (int i = 1; i <= 3; i++) assert_int_equal(ring_push(ring, &i), OK);
    int more = 9;
    assert_int_equal(ring_push(ring, &more), ERR_QUEUE_FULL);
    assert_int_equal(ring_len(ring), 3);
    assert_int_equal(readable(ring), 1);
    assert_int_equal(ring_pop(ring, values, 2, 0), 2);
    assert_true(values[0] == 1 && values[1] == 2);
    assert_int_equal(readable(ring), 1);
    assert_int_equal(ring_push(ring, &more), OK);
    assert_int_equal(ring_pop(ring, values, 8, 0), 2);
    assert_true(values[0] == 3 && values[1] == 9);
    assert_int_equal(readable(ring), 0);
  }
  ring_free(ring);
  ring_free(NULL);
}

static void test_waits_and_closes(void **state) {
  struct ring *ring = ring_new(3, sizeof(int));
  int value = 5;
  int64_t start = clock_mono_ms();
  (void)state;
  assert_int_equal(ring_pop(ring, &value, 1, 30), 0);
  assert_true(clock_mono_ms() - start >= 30);
  assert_int_equal(ring_push(ring, &value), OK);
  ring_close(ring);
  ring_close(ring);
  assert_int_equal(ring_push(ring, &value), ERR_CLOSED);
  assert_int_equal(ring_pop(ring, &value, 1, -1), 1); // what is in it is still given out
  assert_int_equal(ring_pop(ring, &value, 1, -1), 0);
  assert_int_equal(readable(ring), 1);
  ring_free(ring);
}

struct element {
  int writer;
  int number;
};

struct writer {
  struct ring *ring;
  int index;
};

static void *write_all(void *ctx) {
  struct writer *writer = ctx;
  for (int i = 0; i < EACH; i++) {
    struct element element = {writer->index, i};
    while (ring_push(writer->ring, &element) == ERR_QUEUE_FULL) clock_sleep_ms(1);
  }
  return NULL;
}

static void test_many_writers(void **state) {
  struct ring *ring = ring_new(512, sizeof(struct element));
  pthread_t threads[WRITERS];
  struct writer writers[WRITERS];
  int next[WRITERS] = {0};
  struct element batch[64];
  (void)state;
  for (int i = 0; i < WRITERS; i++) {
    writers[i] = (struct writer){ring, i};
    assert_int_equal(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
  }
  for (int taken = 0; taken < WRITERS * EACH;) {
    size_t count = ring_pop(ring, batch, 64, 5000);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) assert_int_equal(batch[i].number, next[batch[i].writer]++);
    taken += (int)count;
  }
  for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(ring_len(ring), 0);
  ring_free(ring);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_and_bound),
      cmocka_unit_test(test_waits_and_closes),
      cmocka_unit_test(test_many_writers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

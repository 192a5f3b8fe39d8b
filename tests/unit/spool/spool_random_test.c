// SPDX-License-Identifier: Apache-2.0
// The spool against a model: random appends, confirmations, restarts and deaths; the reserve. RISER_SEED repeats a run.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool_fixture.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) { // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)((random_state * 2685821657736338717ull) >> 33) % bound;
}

static void seed_random(void) {
  const char *given = getenv("RISER_SEED");
  random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
  printf("seed %llu\n", (unsigned long long)random_state);
}

static int set_up(void **state) {
  static struct fixture fixture;
  fixture_init(&fixture);
  seed_random();
  *state = &fixture;
  return 0;
}

static int tear_down(void **state) {
  fixture_fini(*state);
  return 0;
}

// Numbers [confirmed, appended) must be in the spool, in order; positions[n % 4096] is behind record n.
struct model {
  uint32_t confirmed, appended;
  uint64_t positions[4096];
};

static void check(struct fixture *fixture, struct model *model) {
  uint64_t position = 0;
  uint32_t n;
  for (uint32_t want = model->confirmed; want < model->appended; want++) {
    assert_true(read_number(fixture->spool, &position, &n));
    assert_int_equal(n, want);
    model->positions[n % 4096] = position;
  }
  assert_false(read_number(fixture->spool, &position, &n));
}

static void test_any_history(void **state) {
  struct fixture *fixture = *state;
  static struct model model;
  memset(&model, 0, sizeof model);
  fixture_open(fixture);
  for (int step = 0; step < 20000; step++) {
    uint32_t choice = random_below(100);
    if (choice < 70) {
      enum error err = append_number(fixture->spool, model.appended);
      if (!err)
        model.appended++;
      else
        assert_int_equal(err, ERR_QUEUE_FULL);
    } else if (choice < 96) {
      check(fixture, &model);
      uint32_t ready = model.appended - model.confirmed;
      uint32_t more = ready ? random_below(ready + 1) : 0;
      model.confirmed += more;
      if (more) spool_confirm(fixture->spool, model.positions[(model.confirmed - 1) % 4096]);
    } else if (choice < 98) {
      spool_tend(fixture->spool);
    } else {
      fixture_reopen(fixture);
      assert_int_equal(spool_level(fixture->spool).damaged_bytes, 0);
      check(fixture, &model);
    }
  }
}

// A child appends and says so on a pipe, as PUBACK would; it is killed at a random moment. What it said is there.
static void child_run(struct fixture *fixture, uint32_t from, int say) {
  fixture_reopen(fixture);
  for (uint32_t n = from;; n++) {
    if (append_number(fixture->spool, n)) _exit(1);
    if (write(say, &n, sizeof n) != sizeof n) _exit(1);
  }
}

static uint32_t kill_one(struct fixture *fixture, uint32_t from) {
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  spool_close(fixture->spool);
  fixture->spool = NULL;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) child_run(fixture, from, pipe_fds[1]);
  close(pipe_fds[1]);
  struct timespec pause = {.tv_nsec = 2000000 + random_below(2000000)};
  nanosleep(&pause, NULL);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  uint32_t n, said = from;
  while (read(pipe_fds[0], &n, sizeof n) == sizeof n) said = n + 1;
  close(pipe_fds[0]);
  return said;
}

static void test_killed_at_any_moment(void **state) {
  struct fixture *fixture = *state;
  fixture->options.max_bytes = 8 << 20;
  uint32_t next = 0, total = 0;
  for (int round = 0; round < 40; round++) {
    uint32_t said = kill_one(fixture, next);
    fixture_open(fixture);
    uint64_t position = 0;
    uint32_t n, got = next;
    for (; read_number(fixture->spool, &position, &n); got++) assert_int_equal(n, got);
    assert_true(got >= said && got <= said + 1); // at most one was appended and not yet said
    if (position) spool_confirm(fixture->spool, position);
    total += got - next;
    next = got;
  }
  assert_true(total > 100);
}

// The reserve is for what the broker may still send: so many messages of at most that size, in the worst of orders.
enum { IN_FLIGHT = 24, ENTRY_MAX = 992 };

static enum error append_size(struct spool *spool, size_t len) {
  static const uint8_t payload[ENTRY_MAX];
  return spool_append(spool, &(struct spool_entry){.payload = bytes_make(payload, len)});
}

static void fill_once(struct fixture *fixture, size_t usual) {
  fixture_reopen(fixture);
  spool_confirm(fixture->spool, spool_tail(fixture->spool));
  while (!spool_level(fixture->spool).near_full)
    assert_int_equal(append_size(fixture->spool, random_below((uint32_t)usual) + 1), OK);
  for (int i = 0; i < IN_FLIGHT; i++) {
    bool largest = random_below(4) > 0; // mixed, they waste most
    assert_int_equal(append_size(fixture->spool, largest ? ENTRY_MAX : random_below(ENTRY_MAX)), OK);
  }
}

static void test_the_reserve_takes_what_is_in_flight(void **state) {
  struct fixture *fixture = *state;
  fixture->options.reserve_bytes = spool_reserve(4096, IN_FLIGHT, ENTRY_MAX);
  assert_int_equal(fixture->options.reserve_bytes, 8 * 4096);
  for (int round = 0; round < 300; round++) fill_once(fixture, round % 2 ? ENTRY_MAX : 60);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_any_history), TEST(test_killed_at_any_moment),
                                     TEST(test_the_reserve_takes_what_is_in_flight)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

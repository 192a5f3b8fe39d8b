// SPDX-License-Identifier: Apache-2.0
// Each case is a process of its own that gets real signals.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/life.h"

// The exit status of `child`, run in a process of its own; 1000 + the signal if it died of one.
static int status_of(void (*child)(void)) {
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(99);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool readable(void) {
  struct pollfd wait = {.fd = life_fd(), .events = POLLIN};
  return poll(&wait, 1, 0) == 1;
}

static void drains(void) {
  if (life_init(5000) || life_draining() || readable() || life_wait(20)) _exit(10);
  raise(SIGPIPE); // ignored
  raise(SIGTERM);
  if (!life_draining() || !readable() || !life_wait(5000)) _exit(11);
  _exit(life_exit_code());
}

static void interrupted(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGINT);
  _exit(life_draining() ? 0 : 11);
}

static void second_signal(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGTERM);
  raise(SIGTERM);
  _exit(11);
}

static void deadline(void) {
  if (life_init(500)) _exit(10);
  raise(SIGTERM);
  poll(NULL, 0, 20000); // ThreadSanitizer lets no signal into clock_nanosleep
  _exit(11);
}

static void failure(void) {
  if (life_init(5000) || life_exit_code() != 0) _exit(10);
  life_fail(ERR_CORRUPT);
  life_fail(ERR_CORRUPT);
  if (!life_draining() || !readable()) _exit(11);
  _exit(life_exit_code() == 1 ? 7 : 12);
}

static void waits_for_signal(void) {
  pid_t parent = getpid();
  if (life_init(5000)) _exit(10);
  if (fork() == 0) {
    clock_sleep_ms(100);
    kill(parent, SIGTERM);
    _exit(0);
  }
  int64_t start = clock_mono_ms();
  bool drained = life_wait(10000);
  _exit(drained && clock_mono_ms() - start < 5000 ? 0 : 11);
}

// SIGHUP drains and asks for a new beginning; a stop meanwhile takes that back without cutting the drain short; a
// second stop leaves at once; and after a failure there is no new beginning.
static void hangs_up(void) {
  if (life_init(5000) || life_again()) _exit(10);
  raise(SIGHUP);
  raise(SIGHUP);
  if (!life_draining() || !readable() || !life_again()) _exit(11);
  _exit(life_exit_code());
}

static void stopped_after_hangup(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGHUP);
  raise(SIGTERM);
  if (life_again() || !life_draining()) _exit(11);
  _exit(life_end(7, NULL));
}

static void stopped_twice_after_hangup(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGHUP);
  raise(SIGTERM);
  raise(SIGTERM);
  _exit(11);
}

static void hangup_after_stop(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGTERM);
  raise(SIGHUP);
  _exit(life_again() ? 11 : 0);
}

static void failed_after_hangup(void) {
  if (life_init(5000)) _exit(10);
  raise(SIGHUP);
  life_fail(ERR_CORRUPT);
  _exit(life_again() ? 11 : life_end(life_exit_code(), NULL));
}

// The program begins anew as the same process, with what the environment says, nothing open and no alarm pending.
static void begins_anew(void) {
  char program[] = "again", *argv[] = {program, NULL};
  int left_open = dup(STDERR_FILENO);
  char number[16], pid[16];
  snprintf(number, sizeof number, "%d", left_open);
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  setenv("RISER_TEST_LEFT_OPEN", number, 1);
  setenv("RISER_TEST_PID", pid, 1);
  if (life_init(1000)) _exit(10);
  raise(SIGHUP);
  _exit(life_end(life_exit_code(), argv));
}

// A stop that comes between the old program's handlers and the new one's is heeded.
static void stopped_while_it_begins_anew(void) {
  setenv("RISER_TEST_STOP", "1", 1);
  begins_anew();
}

static int begun_anew(void) {
  if (atoi(getenv("RISER_TEST_PID")) != (int)getpid()) return 21;
  if (fcntl(atoi(getenv("RISER_TEST_LEFT_OPEN")), F_GETFD) >= 0) return 22;
  if (alarm(0) != 0) return 23;
  raise(SIGHUP); // waits: there is no handler yet
  if (getenv("RISER_TEST_STOP")) raise(SIGTERM);
  if (life_init(1000) || !life_draining()) return 24;
  return life_again() ? 42 : 43;
}

static void test_hangup(void **state) {
  (void)state;
  assert_int_equal(status_of(hangs_up), 0);
  assert_int_equal(status_of(stopped_after_hangup), 7);
  assert_int_equal(status_of(stopped_twice_after_hangup), 1);
  assert_int_equal(status_of(hangup_after_stop), 0);
  assert_int_equal(status_of(failed_after_hangup), 1);
  assert_int_equal(status_of(begins_anew), 42);
  assert_int_equal(status_of(stopped_while_it_begins_anew), 43);
}

static void test_signals(void **state) {
  (void)state;
  assert_int_equal(status_of(drains), 0);
  assert_int_equal(status_of(interrupted), 0);
  assert_int_equal(status_of(waits_for_signal), 0);
}

static void test_ends_at_once(void **state) {
  (void)state;
  assert_int_equal(status_of(second_signal), 1);
  assert_int_equal(status_of(deadline), 1);
}

static void test_failure(void **state) {
  (void)state;
  assert_int_equal(status_of(failure), 7);
}

int main(int argc, char **argv) {
  if (argc && strcmp(argv[0], "again") == 0) return begun_anew();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_signals),
      cmocka_unit_test(test_ends_at_once),
      cmocka_unit_test(test_hangup),
      cmocka_unit_test(test_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

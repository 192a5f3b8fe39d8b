// SPDX-License-Identifier: Apache-2.0
// The handler does only what is safe in a signal: sets flags, writes to an eventfd, arms the alarm that enforces the
// deadline. The second signal and the alarm leave with _exit.
#include "run/life.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int drain_fd = -1;
static unsigned deadline_s = 20;
static atomic_bool draining;
static atomic_bool stopping; // by SIGTERM or SIGINT
static atomic_bool again;    // by SIGHUP
static atomic_bool failed;

static enum error mask_signals(int how);
static void on_stop(int signal_number);
static void on_hangup(int signal_number);
static void on_deadline(int signal_number);
static void begin_drain(void);
static void leave(const char *why, size_t len);

enum error life_init(int64_t drain_deadline_ms) {
  drain_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (drain_fd < 0) return ERR_IO;
  deadline_s = (unsigned)((drain_deadline_ms + 999) / 1000);
  struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
  struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
  struct sigaction deadline = {.sa_handler = on_deadline};
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&stop.sa_mask);
  sigemptyset(&hangup.sa_mask);
  sigemptyset(&deadline.sa_mask);
  sigemptyset(&ignore.sa_mask);
  bool installed = sigaction(SIGTERM, &stop, NULL) == 0 && sigaction(SIGINT, &stop, NULL) == 0 &&
                   sigaction(SIGHUP, &hangup, NULL) == 0 && sigaction(SIGALRM, &deadline, NULL) == 0 &&
                   sigaction(SIGPIPE, &ignore, NULL) == 0;
  return installed ? mask_signals(SIG_UNBLOCK) : ERR_IO;
}

static enum error mask_signals(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return pthread_sigmask(how, &set, NULL) ? ERR_IO : OK;
}

bool life_draining(void) {
  return atomic_load_explicit(&draining, memory_order_acquire);
}

int life_fd(void) {
  return drain_fd;
}

void life_fail(enum error err) {
  log_error("drain-after-failure", F_ERR(err));
  atomic_store(&failed, true);
  if (!atomic_exchange(&draining, true)) begin_drain();
}

bool life_wait(int timeout_ms) {
  int64_t end_ms = clock_mono_ms() + timeout_ms;
  while (!life_draining()) {
    int64_t left_ms = end_ms - clock_mono_ms();
    if (left_ms <= 0) break;
    struct pollfd wait = {.fd = drain_fd, .events = POLLIN};
    if (poll(&wait, 1, (int)left_ms) < 0 && errno != EINTR) break;
  }
  return life_draining();
}

int life_exit_code(void) {
  return atomic_load(&failed) ? 1 : 0;
}

bool life_again(void) {
  return atomic_load(&again) && !atomic_load(&stopping) && !atomic_load(&failed);
}

// A signal that comes before the new program has its handlers waits for them, as the mask outlives exec: none is lost,
// and a hangup does not end the program.
int life_end(int exit_code, char **argv) {
  enum error err = mask_signals(SIG_BLOCK);
  if (err || !life_again() || exit_code) return exit_code;
  alarm(0);
  log_info("again", F_STR("program", argv[0]));
  closefrom(STDERR_FILENO + 1);
  execv("/proc/self/exe", argv);
  log_error("not-again", F_STR("reason", strerror(errno)));
  return EXIT_FAILURE;
}

// The first of these ends a drain that a hangup began in an end, and leaves it the time that it has.
static void on_stop(int signal_number) {
  static const char why[] = "second signal: leaving at once\n";
  int keep = errno;
  (void)signal_number;
  bool first = !atomic_exchange(&stopping, true);
  if (!atomic_exchange(&draining, true))
    begin_drain();
  else if (!first || !atomic_load(&again))
    leave(why, sizeof why - 1);
  errno = keep;
}

static void on_hangup(int signal_number) {
  int keep = errno;
  (void)signal_number;
  if (!atomic_load(&draining)) {
    atomic_store(&again, true);
    if (!atomic_exchange(&draining, true)) begin_drain();
  }
  errno = keep;
}

static void on_deadline(int signal_number) {
  static const char why[] = "drain deadline passed: leaving at once\n";
  (void)signal_number;
  leave(why, sizeof why - 1);
}

static void begin_drain(void) {
  uint64_t one = 1;
  ssize_t done = write(drain_fd, &one, sizeof one);
  (void)done; // can only fail when it is readable already
  alarm(deadline_s);
}

static void leave(const char *why, size_t len) {
  ssize_t done = write(STDERR_FILENO, why, len);
  (void)done; // there is nobody else to tell
  _exit(1);
}

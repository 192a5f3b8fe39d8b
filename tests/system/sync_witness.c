// SPDX-License-Identifier: Apache-2.0
// Preloaded into ingest by tests/system/test_spool_disk.py: writes down, in order, each fdatasync of a spool's segment
// that succeeded ("s") and each PUBACK that is handed to the kernel ("p"), to the file that RISER_SYNC_WITNESS names.
// MQTT 5, 2.1.2: a PUBACK begins with 0x40.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PUBACK = 0x40, LINK_SIZE = 64, PATH_SIZE = 4096 };

static void note(char what) {
  static int witness = -1;
  const char *path = getenv("RISER_SYNC_WITNESS");
  if (witness < 0 && path) witness = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (syscall(SYS_write, witness, &what, (size_t)1) != 1) abort();
}

static void note_sent(const void *data, size_t len) {
  if (len && *(const unsigned char *)data == PUBACK) note('p');
}

// ISO C has no conversion from an object's address to a function's.
static void find_next(const char *name, void *function) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  memcpy(function, &found, sizeof found);
}

int fdatasync(int fd) {
  int (*next)(int);
  find_next("fdatasync", &next);
  char link[LINK_SIZE], target[PATH_SIZE];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, target, sizeof target);
  int failed = next(fd);
  if (!failed && len > 6 && memcmp(target + len - 6, ".spool", 6) == 0) note('s');
  return failed;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t (*next)(int, const struct iovec *, int);
  find_next("writev", &next);
  if (count > 0) note_sent(parts[0].iov_base, parts[0].iov_len);
  return next(fd, parts, count);
}

ssize_t write(int fd, const void *data, size_t len) {
  ssize_t (*next)(int, const void *, size_t);
  find_next("write", &next);
  note_sent(data, len);
  return next(fd, data, len);
}

ssize_t send(int fd, const void *data, size_t len, int flags) {
  ssize_t (*next)(int, const void *, size_t, int);
  find_next("send", &next);
  note_sent(data, len);
  return next(fd, data, len, flags);
}

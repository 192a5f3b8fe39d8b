// SPDX-License-Identifier: Apache-2.0
// The spool on a disk without room: a small file system of the test's own (tmpfs, in a mount namespace of this process)
// of every size from a page on, with every number of files from one on, filled by the spool and by others. So every
// place that needs room meets ENOSPC. And a disk that does not keep what it is given.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool_fixture.h"

enum { PAGE = 4096, WHOLE_PAGES = 40, WHOLE_FILES = 30, PATH = 128, TRIES = 400, NAP_US = 10000 };

struct disk {
  struct fixture fixture;
  char root[PATH];
};

static void write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
}

// Root has it at once; others get it by way of a user namespace.
static void own_mounts(void) {
  char map[64];
  snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
  if (unshare(CLONE_NEWNS)) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) fail_msg("no mounts of our own: %s (run as root)", strerror(errno));
    write_text("/proc/self/uid_map", map);
  }
  // In a chroot "/" is no mount; what is mounted there is seen as whoever made it wants it.
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) assert_int_equal(errno, EINVAL);
}

static int group_set_up(void **state) {
  static struct disk disk;
  own_mounts();
  strcpy(disk.root, "/tmp/riser-disk-XXXXXX");
  assert_non_null(mkdtemp(disk.root));
  disk.fixture.options = (struct spool_options){.folder = disk.fixture.folder,
                                                .max_bytes = 16 * PAGE,
                                                .segment_bytes = PAGE,
                                                .reserve_bytes = 2 * PAGE};
  assert_true(snprintf(disk.fixture.folder, sizeof disk.fixture.folder, "%s/s", disk.root) < 64);
  *state = &disk;
  return 0;
}

static int group_tear_down(void **state) {
  struct disk *disk = *state;
  return rmdir(disk->root);
}

static void disk_size(const struct disk *disk, int pages, int files, unsigned long flags) {
  char options[64];
  snprintf(options, sizeof options, "size=%d,nr_inodes=%d", pages * PAGE, files);
  assert_int_equal(mount("riser", disk->root, "tmpfs", flags, options), 0);
}

static int tear_down(void **state) {
  struct disk *disk = *state;
  spool_close(disk->fixture.spool);
  disk->fixture.spool = NULL;
  return umount2(disk->root, MNT_DETACH);
}

// All there is, in order, without a gap.
static void expect(struct spool *spool, uint32_t from, uint32_t until) {
  uint64_t position = 0;
  uint32_t n;
  for (uint32_t want = from; want < until; want++) {
    assert_true(read_number(spool, &position, &n));
    assert_int_equal(n, want);
  }
  assert_false(read_number(spool, &position, &n));
}

// As much as it takes; how many. Near full comes before full, and in between fits what the reserve is for.
static uint32_t append_all(struct spool *spool, uint32_t from) {
  uint32_t n = from, near = 0;
  bool near_full = spool_level(spool).near_full;
  enum error err = OK;
  for (; !(err = append_number(spool, n)); n++)
    if (!near && spool_level(spool).near_full) near = n;
  assert_int_equal(err, ERR_QUEUE_FULL);
  assert_int_equal(append_number(spool, n), ERR_QUEUE_FULL); // and goes on to say so
  if (!near_full) assert_true(near > 0 && n - near >= 2 * PAGE / 400);
  return n;
}

// Opens on such a disk, appends all it takes, makes room, opens again: everything that was taken is there.
static void try_disk(struct disk *disk, int pages, int files) {
  disk_size(disk, pages, files, 0);
  uint32_t taken = 0;
  enum error err = spool_open(&disk->fixture.options, &disk->fixture.spool);
  if (!err)
    taken = append_all(disk->fixture.spool, 0);
  else
    assert_true(err == ERR_IO || err == ERR_QUEUE_FULL);
  spool_close(disk->fixture.spool);
  disk->fixture.spool = NULL;
  disk_size(disk, WHOLE_PAGES, WHOLE_FILES, MS_REMOUNT);
  fixture_open(&disk->fixture);
  assert_int_equal(spool_level(disk->fixture.spool).damaged_bytes, 0);
  expect(disk->fixture.spool, 0, taken);
  uint32_t more = append_all(disk->fixture.spool, taken);
  expect(disk->fixture.spool, 0, more);
  assert_int_equal(spool_level(disk->fixture.spool).segments, 16);
  tear_down((void **)&disk);
}

static void test_every_size(void **state) {
  for (int pages = 1; pages < WHOLE_PAGES; pages++) try_disk(*state, pages, WHOLE_FILES);
}

static void test_every_number_of_files(void **state) {
  for (int files = 1; files < WHOLE_FILES; files++) try_disk(*state, WHOLE_PAGES, files);
}

static void others_fill(const struct disk *disk, const char *name) {
  char path[2 * PATH];
  static const uint8_t page[PAGE];
  snprintf(path, sizeof path, "%s/%s", disk->root, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  while (write(fd, page, sizeof page) > 0) continue;
  assert_int_equal(errno, ENOSPC);
  close(fd);
}

static void others_leave(const struct disk *disk, const char *name) {
  char path[2 * PATH];
  snprintf(path, sizeof path, "%s/%s", disk->root, name);
  assert_int_equal(unlink(path), 0);
}

// Others fill the disk while the spool holds a little: the reserve is still there. When all is handed on, the spool
// gives room back and works within the reserve; when the others leave, with all of it again.
static void test_others_fill_the_disk(void **state) {
  struct disk *disk = *state;
  disk_size(disk, WHOLE_PAGES, WHOLE_FILES, 0);
  fixture_open(&disk->fixture);
  struct spool *spool = disk->fixture.spool;
  uint32_t n = 0;
  while (spool_level(spool).segments < 5) assert_int_equal(append_number(spool, n++), OK);
  others_fill(disk, "theirs");
  assert_false(spool_level(spool).disk_full); // nobody has told us yet
  uint32_t taken = append_all(spool, n);
  assert_true(spool_level(spool).disk_full && spool_level(spool).near_full);
  expect(spool, 0, taken);
  fixture_reopen(&disk->fixture); // a start on a full disk: it drains
  spool = disk->fixture.spool;
  assert_true(spool_level(spool).disk_full && spool_level(spool).near_full);
  expect(spool, 0, taken);
  assert_true(spool_waiting(spool) > 5 * PAGE && spool_waiting(spool) <= spool_level(spool).used_bytes);
  spool_confirm(spool, spool_tail(spool));
  assert_true(!spool_level(spool).near_full && spool_waiting(spool) == 0);
  for (int i = 0; i < 8; i++) spool_tend(spool); // gives back what is not the reserve's
  assert_int_equal(spool_level(spool).spares, 3);
  assert_true(!spool_level(spool).near_full && !spool_level(spool).disk_full);
  others_fill(disk, "theirs too");
  uint32_t again = append_all(spool, taken);
  expect(spool, taken, again);
  spool_confirm(spool, spool_tail(spool));
  assert_true(spool_level(spool).disk_full && !spool_level(spool).near_full);
  others_leave(disk, "theirs");
  for (int i = 0; spool_level(spool).disk_full && i < TRIES; i++) {
    usleep(NAP_US);
    spool_tend(spool);
  }
  assert_false(spool_level(spool).disk_full);
  uint32_t whole = append_all(spool, again);
  expect(spool, again, whole);
  assert_int_equal(spool_level(spool).segments, 16);
}

static void test_marks_and_release_need_no_room(void **state) {
  struct disk *disk = *state;
  disk_size(disk, 20, WHOLE_FILES, 0);
  disk->fixture.options.sync = SPOOL_SYNC_ALWAYS;
  fixture_open(&disk->fixture);
  uint32_t n = append_all(disk->fixture.spool, 0);
  others_fill(disk, "theirs");
  uint64_t position = 0;
  for (uint32_t i = 0, got; i < n; i++) {
    assert_true(read_number(disk->fixture.spool, &position, &got));
    spool_confirm(disk->fixture.spool, position);
  }
  assert_int_equal(spool_level(disk->fixture.spool).segments, 1);
  fixture_reopen(&disk->fixture);
  expect(disk->fixture.spool, 0, 0);
  disk->fixture.options.sync = SPOOL_SYNC_NONE;
}

// The descriptor of a segment becomes one that can't be brought to disk.
static void break_descriptors(void) {
  char link[PATH], target[PATH];
  int null = open("/dev/null", O_RDWR | O_CLOEXEC), broken = 0;
  assert_true(null >= 0);
  for (int fd = 3; fd < 100; fd++) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, target, sizeof target - 1);
    if (len < 6) continue;
    target[len] = '\0';
    if (strcmp(target + len - 6, ".spool") == 0) broken += dup2(null, fd) == fd;
  }
  close(null);
  assert_true(broken > 0);
}

static void test_a_disk_that_keeps_nothing(void **state) {
  struct disk *disk = *state;
  disk_size(disk, WHOLE_PAGES, WHOLE_FILES, 0);
  disk->fixture.options.sync = SPOOL_SYNC_ALWAYS;
  fixture_open(&disk->fixture);
  assert_int_equal(append_number(disk->fixture.spool, 0), OK);
  break_descriptors();
  assert_int_equal(append_number(disk->fixture.spool, 1), ERR_IO);
  fixture_reopen(&disk->fixture);
  uint64_t position = 0;
  uint32_t n, count = 0; // what was not acknowledged may be there, whole
  while (read_number(disk->fixture.spool, &position, &n)) assert_int_equal(n, count++);
  assert_true(count == 1 || count == 2);
  spool_close(disk->fixture.spool);
  disk->fixture.options.sync = SPOOL_SYNC_INTERVAL;
  disk->fixture.options.sync_interval_ms = 1;
  fixture_open(&disk->fixture);
  assert_int_equal(append_number(disk->fixture.spool, count), OK);
  break_descriptors();
  enum error err = OK;
  n = count + 1;
  for (int i = 0; !err && i < TRIES; i++) {
    usleep(NAP_US);
    err = append_number(disk->fixture.spool, n);
    n += !err;
  }
  assert_int_equal(err, ERR_IO); // for good
  assert_int_equal(append_number(disk->fixture.spool, n), ERR_IO);
  fixture_reopen(&disk->fixture);
  expect(disk->fixture.spool, 0, n);
  disk->fixture.options.sync = SPOOL_SYNC_NONE;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_size),
      cmocka_unit_test(test_every_number_of_files),
      cmocka_unit_test_teardown(test_others_fill_the_disk, tear_down),
      cmocka_unit_test_teardown(test_marks_and_release_need_no_room, tear_down),
      cmocka_unit_test_teardown(test_a_disk_that_keeps_nothing, tear_down),
  };
  return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}

// SPDX-License-Identifier: Apache-2.0
// Everything is a file of fixed size that is mapped shared: the kernel owns what was stored in it from that moment on,
// whatever becomes of the process. Space is allocated before it is mapped, so that a full disk shows when a segment is
// made, never as a SIGBUS in the middle of an append.
#include "io/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/canary.h"
#include "base/crc32c.h"
#include "base/log.h"

enum { MARKS_SIZE = 4096, SLOT_SIZE = 64, SLOT_USED = 40, MODE_FILE = 0600, MODE_FOLDER = 0700 };

struct list {
  struct segment_file *files;
  size_t count, room;
};

static const uint8_t MARKS_FORMAT[8] = "rspool1";

static bool no_room(void);
static enum error failed(const char *doing, const char *name);
static enum error parent_sync(const struct folder *folder);
static enum error folder_lock(struct folder *folder, const char *path);
static enum error folder_key(struct folder *folder);
static enum error folder_key_make(struct folder *folder);
static enum error list_add(struct list *list, const char *name);
static int file_order(const void *a, const void *b);
static void segment_name(struct segment_file file, char *name);
static enum error segment_map(int fd, struct segment_file file, uint64_t size, struct segment **out);
static bool marks_slot_read(const uint8_t *slot, uint64_t *generation, struct marks *marks);

enum error folder_open(const char *path, struct folder *folder) {
  *folder = (struct folder){.fd = -1, .lock_fd = -1};
  bool made = mkdir(path, MODE_FOLDER) == 0;
  if (!made && errno != EEXIST) return failed("make-folder", path);
  folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder->fd < 0) return failed("open-folder", path);
  enum error err = made ? parent_sync(folder) : OK;
  if (!err) err = folder_lock(folder, path);
  if (!err) err = folder_key(folder);
  if (err) folder_close(folder);
  return err;
}

// The folder's own name is on disk afterwards.
static enum error parent_sync(const struct folder *folder) {
  int fd = openat(folder->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  enum error err = fd < 0 || fsync(fd) ? failed("sync-folder", "..") : OK;
  if (fd >= 0) close(fd);
  return err;
}

static enum error folder_lock(struct folder *folder, const char *path) {
  folder->lock_fd = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, MODE_FILE);
  if (folder->lock_fd < 0) return failed("open-lock", path);
  if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0) return OK;
  return errno == EWOULDBLOCK ? ERR_UNAVAILABLE : failed("lock-folder", path);
}

static enum error folder_key(struct folder *folder) {
  uint8_t key[8];
  int fd = openat(folder->fd, "key", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? folder_key_make(folder) : failed("open-key", "key");
  ssize_t len = read(fd, key, sizeof key);
  close(fd);
  if (len == 0) return folder_key_make(folder); // died while making it
  if (len != sizeof key) return ERR_CORRUPT;
  folder->key = get_le64(key);
  return OK;
}

static enum error folder_key_make(struct folder *folder) {
  struct segment_file *files = NULL;
  size_t count = 0;
  enum error err = folder_list(folder, &files, &count);
  free(files);
  if (!err && count) err = ERR_CORRUPT;
  if (err) return err;
  uint8_t key[8];
  if (getrandom(key, sizeof key, 0) != sizeof key) return failed("make-key", "key");
  int fd = openat(folder->fd, "key", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, MODE_FILE);
  if (fd < 0) return failed("make-key", "key");
  bool written = write(fd, key, sizeof key) == sizeof key && fsync(fd) == 0;
  err = written ? folder_sync(folder) : failed("write-key", "key");
  close(fd);
  if (!err) folder->key = get_le64(key);
  return err;
}

void folder_close(struct folder *folder) {
  if (folder->lock_fd >= 0) close(folder->lock_fd);
  if (folder->fd >= 0) close(folder->fd);
  *folder = (struct folder){.fd = -1, .lock_fd = -1};
}

enum error folder_sync(const struct folder *folder) {
  return fsync(folder->fd) ? failed("sync-folder", ".") : OK;
}

enum error folder_list(const struct folder *folder, struct segment_file **files, size_t *count) {
  int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir) {
    if (fd >= 0) close(fd);
    return failed("list-folder", ".");
  }
  struct list list = {.files = NULL};
  enum error err = OK;
  for (struct dirent *entry; !err && (entry = readdir(dir));) err = list_add(&list, entry->d_name);
  closedir(dir);
  if (err) {
    free(list.files);
    return err;
  }
  if (list.count) qsort(list.files, list.count, sizeof *list.files, file_order);
  *files = list.files;
  *count = list.count;
  return OK;
}

static enum error list_add(struct list *list, const char *name) {
  struct segment_file file = {.spare = strncmp(name, "spare-", 6) == 0};
  char again[SEGMENT_NAME_SIZE];
  if (sscanf(name, file.spare ? "spare-%16" SCNx64 : "%16" SCNx64 ".spool", &file.number) != 1) return OK;
  segment_name(file, again);
  bool numbered = file.spare || (file.number && file.number <= SEGMENT_NUMBER_MAX);
  if (!numbered || strcmp(again, name) != 0) return OK; // not ours
  if (list->count == list->room) {
    size_t room = list->room ? 2 * list->room : 64;
    struct segment_file *files = realloc(list->files, room * sizeof *files);
    if (!files) return ERR_NO_MEMORY;
    list->files = files;
    list->room = room;
  }
  list->files[list->count++] = file;
  return OK;
}

static int file_order(const void *a, const void *b) {
  const struct segment_file *x = a, *y = b;
  if (x->spare != y->spare) return x->spare ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

static void segment_name(struct segment_file file, char *name) {
  snprintf(name, SEGMENT_NAME_SIZE, file.spare ? "spare-%" PRIx64 : "%016" PRIx64 ".spool", file.number);
}

enum error segment_make(const struct folder *folder, uint64_t spare, uint64_t size, struct segment **out) {
  struct segment_file file = {.number = spare, .spare = true};
  char name[SEGMENT_NAME_SIZE];
  segment_name(file, name);
  int fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE_FILE);
  if (fd < 0) return no_room() ? ERR_QUEUE_FULL : failed("make-segment", name);
  errno = posix_fallocate(fd, 0, (off_t)size);
  if (errno) {
    enum error err = no_room() ? ERR_QUEUE_FULL : failed("allocate-segment", name);
    close(fd);
    unlinkat(folder->fd, name, 0);
    return err;
  }
  return segment_map(fd, file, size, out);
}

enum error segment_load(const struct folder *folder, struct segment_file file, struct segment **out) {
  char name[SEGMENT_NAME_SIZE];
  segment_name(file, name);
  int fd = openat(folder->fd, name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return failed("open-segment", name);
  struct stat status;
  if (fstat(fd, &status)) {
    close(fd);
    return failed("stat-segment", name);
  }
  return segment_map(fd, file, (uint64_t)status.st_size & ~(uint64_t)7, out);
}

// Takes the descriptor, also when it fails. An empty file is a segment of size 0 without a map.
static enum error segment_map(int fd, struct segment_file file, uint64_t size, struct segment **out) {
  struct segment *segment = calloc(1, sizeof *segment);
  int sharing = CANARY(SPOOL_IN_MEMORY) ? MAP_PRIVATE : MAP_SHARED;
  void *map = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, sharing, fd, 0) : NULL;
  if (!segment || map == MAP_FAILED) {
    enum error err = segment ? failed("map-segment", "") : ERR_NO_MEMORY;
    if (map && map != MAP_FAILED) munmap(map, size);
    free(segment);
    close(fd);
    return err;
  }
  *segment = (struct segment){.number = file.spare ? 0 : file.number, .map = map, .size = size, .fd = fd};
  segment_name(file, segment->name);
  *out = segment;
  return OK;
}

enum error segment_rename(const struct folder *folder, struct segment *segment, struct segment_file name) {
  char to[SEGMENT_NAME_SIZE];
  segment_name(name, to);
  if (renameat(folder->fd, segment->name, folder->fd, to)) return failed("rename-segment", segment->name);
  memcpy(segment->name, to, sizeof to);
  segment->number = name.spare ? 0 : name.number;
  return OK;
}

enum error segment_remove(const struct folder *folder, struct segment *segment) {
  enum error err = unlinkat(folder->fd, segment->name, 0) ? failed("remove-segment", segment->name) : OK;
  segment_close(segment);
  return err;
}

enum error segment_sync(const struct segment *segment) {
  return fdatasync(segment->fd) ? failed("sync-segment", segment->name) : OK;
}

void segment_close(struct segment *segment) {
  if (!segment) return;
  if (segment->map) munmap(segment->map, segment->size);
  close(segment->fd);
  free(segment);
}

enum error marks_open(const struct folder *folder, struct marks_file *file, struct marks *marks) {
  *marks = (struct marks){.hold = UINT64_MAX};
  *file = (struct marks_file){.fd = openat(folder->fd, "marks", O_RDWR | O_CREAT | O_CLOEXEC, MODE_FILE)};
  if (file->fd < 0) return failed("open-marks", "marks");
  errno = posix_fallocate(file->fd, 0, MARKS_SIZE);
  if (errno) return failed("allocate-marks", "marks");
  void *map = mmap(NULL, MARKS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
  if (map == MAP_FAILED) return failed("map-marks", "marks");
  file->map = map;
  for (int i = 0; i < 2; i++) {
    uint64_t generation;
    struct marks found;
    if (!marks_slot_read(file->map + i * SLOT_SIZE, &generation, &found) || generation < file->generation) continue;
    file->generation = generation;
    *marks = found;
  }
  return OK;
}

// Could a record begin there? A mark that no reader could follow is none.
static bool is_position(uint64_t mark) {
  return mark >> 32 <= SEGMENT_NUMBER_MAX && mark % 8 == 0;
}

static bool marks_slot_read(const uint8_t *slot, uint64_t *generation, struct marks *marks) {
  if (memcmp(slot, MARKS_FORMAT, sizeof MARKS_FORMAT) != 0) return false;
  if (get_le32(slot + SLOT_USED) != crc32c(0, slot, SLOT_USED)) return false;
  *generation = get_le64(slot + 8);
  *marks = (struct marks){get_le64(slot + 16), get_le64(slot + 24), (int64_t)get_le64(slot + 32)};
  return is_position(marks->confirmed) && (marks->hold == UINT64_MAX || is_position(marks->hold));
}

void marks_write(struct marks_file *file, const struct marks *marks) {
  uint8_t *slot = file->map + (++file->generation & 1) * SLOT_SIZE;
  memcpy(slot, MARKS_FORMAT, sizeof MARKS_FORMAT);
  put_le64(slot + 8, file->generation);
  put_le64(slot + 16, marks->confirmed);
  put_le64(slot + 24, marks->hold);
  put_le64(slot + 32, (uint64_t)marks->stamp_ms);
  put_le32(slot + SLOT_USED, crc32c(0, slot, SLOT_USED));
}

enum error marks_sync(const struct marks_file *file) {
  return fdatasync(file->fd) ? failed("sync-marks", "marks") : OK;
}

void marks_close(struct marks_file *file) {
  if (file->map) munmap(file->map, MARKS_SIZE);
  if (file->fd >= 0) close(file->fd);
  *file = (struct marks_file){.fd = -1};
}

// Not an error of ours: whoever wanted the room says what follows.
static bool no_room(void) {
  return errno == ENOSPC || errno == EDQUOT;
}

static enum error failed(const char *doing, const char *name) {
  log_error("spool-file-failed", F_STR("doing", doing), F_STR("name", name), F_STR("cause", strerror(errno)));
  return ERR_IO;
}

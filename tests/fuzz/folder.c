// SPDX-License-Identifier: Apache-2.0
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static char folder[64];

static void clear(void) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (struct dirent *entry; (entry = readdir(dir));)
    if (entry->d_name[0] != '.') unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
}

static void leave(void) {
  clear();
  rmdir(folder);
}

const char *folder_empty(void) {
  if (*folder) {
    clear();
    return folder;
  }
  strcpy(folder, access("/dev/shm", W_OK) ? "/tmp/riser-fuzz-XXXXXX" : "/dev/shm/riser-fuzz-XXXXXX");
  FUZZ_HOLDS(mkdtemp(folder));
  atexit(leave);
  return folder;
}

const char *folder_put(const char *name, struct bytes content) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FUZZ_HOLDS(fd >= 0);
  FUZZ_HOLDS(!content.len || write(fd, content.data, content.len) == (ssize_t)content.len);
  close(fd);
  return path;
}

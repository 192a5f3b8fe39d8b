// SPDX-License-Identifier: Apache-2.0
// One filter a line, the wanted one first. What is new is written before the broker hears of it, and what is old is
// taken out after the broker has forgotten it: so the file may name too much, never too little.
#include "ingest/subscription.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { NAME_ROOM = 8 };

static enum error read_old(struct subscription *subscription, const char *path, bool *complete);
static void take_line(struct subscription *subscription, const char *line, size_t place, bool *complete);
static enum error write_all(const struct subscription *subscription);
static enum error failed(const char *doing);

enum error subscription_open(struct subscription *subscription, const char *folder, const char *filter) {
  char path[PATH_MAX];
  bool complete = false;
  *subscription = (struct subscription){.folder = folder, .filter = filter};
  if ((size_t)snprintf(path, sizeof path, "%s/subscription", folder) >= sizeof path) return ERR_CONFIG;
  enum error err = read_old(subscription, path, &complete);
  return err || complete ? err : write_all(subscription);
}

enum error subscription_settled(struct subscription *subscription) {
  subscription->old_count = 0;
  return write_all(subscription);
}

// *complete: the file names all of it already.
static enum error read_old(struct subscription *subscription, const char *path, bool *complete) {
  char line[SUBSCRIPTION_SIZE + 2];
  FILE *file = fopen(path, "re");
  if (!file) return errno == ENOENT ? OK : failed("open");
  for (size_t place = 0; fgets(line, sizeof line, file); place++) take_line(subscription, line, place, complete);
  enum error err = ferror(file) ? failed("read") : OK;
  fclose(file);
  return err;
}

static void take_line(struct subscription *subscription, const char *line, size_t place, bool *complete) {
  size_t len = strcspn(line, "\n");
  bool wanted = len == strlen(subscription->filter) && memcmp(line, subscription->filter, len) == 0;
  if (wanted) *complete |= place == 0;
  if (wanted || len == 0) return;
  if (len >= SUBSCRIPTION_SIZE || subscription->old_count == SUBSCRIPTION_OLD_MAX) {
    log_warn("subscription-forgotten", F_STR("mend", "docs/broker.md, A shared subscription"));
    return;
  }
  char *text = subscription->texts[subscription->old_count];
  memcpy(text, line, len);
  text[len] = 0;
  subscription->old[subscription->old_count++] = text;
}

static enum error write_all(const struct subscription *subscription) {
  char path[PATH_MAX], fresh[PATH_MAX + NAME_ROOM];
  if ((size_t)snprintf(path, sizeof path, "%s/subscription", subscription->folder) >= sizeof path) return ERR_CONFIG;
  snprintf(fresh, sizeof fresh, "%s.new", path);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open");
  bool good = dprintf(fd, "%s\n", subscription->filter) > 0;
  for (size_t i = 0; good && i < subscription->old_count; i++) good = dprintf(fd, "%s\n", subscription->old[i]) > 0;
  if (good) good = fsync(fd) == 0;
  enum error err = good ? OK : failed("write");
  close(fd);
  if (!err && rename(fresh, path)) err = failed("rename");
  if (err) unlink(fresh); // it takes room on a full disk
  return err;
}

static enum error failed(const char *doing) {
  log_error("subscription-failed", F_STR("doing", doing), F_STR("cause", strerror(errno)));
  return ERR_IO;
}

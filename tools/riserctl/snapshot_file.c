// SPDX-License-Identifier: Apache-2.0
// The digest is checked before anything is given out, and the bounds of every record with it, so that reading goes on
// without errors.
#include "riserctl/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riserctl/digest.h"

enum { MAGIC_SIZE = 8, NUMBER_SIZE = 4, PATH_SIZE = 4096, FILE_MODE = 0600 };

#define MAGIC "RISERSN1"
#define CONTENT_MAX ((size_t)8 << 30)

static enum error append_number(struct buffer *to, size_t number) {
  uint8_t bytes[NUMBER_SIZE];
  if (number > UINT32_MAX) return ERR_LIMIT;
  put_le32(bytes, (uint32_t)number);
  return buffer_append(to, bytes, sizeof bytes);
}

static enum error append_bytes(struct buffer *to, struct bytes bytes) {
  enum error err = append_number(to, bytes.len);
  return err ? err : buffer_append(to, bytes.data, bytes.len);
}

enum error snapshot_begin(struct buffer *to, int32_t partition, struct bytes meta) {
  buffer_init(to, CONTENT_MAX);
  enum error err = buffer_append(to, MAGIC, MAGIC_SIZE);
  if (!err) err = append_number(to, (size_t)partition);
  return err ? err : append_bytes(to, meta);
}

// The zero behind the key is part of it, so that a reader can hand it out as it lies there.
enum error snapshot_add(struct buffer *to, const struct snapshot_record *record) {
  enum error err = buffer_append_byte(to, (uint8_t)record->kind);
  if (!err) err = append_bytes(to, bytes_make(record->key, strlen(record->key) + 1));
  return err ? err : append_bytes(to, record->value);
}

// ---------------------------------------------------------------- the file

static bool write_all(int fd, struct bytes bytes) {
  while (bytes.len) {
    ssize_t written = write(fd, bytes.data, bytes.len);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes_make(bytes.data + written, bytes.len - (size_t)written);
  }
  return true;
}

// The new name lasts when its folder is on the disk.
static bool sync_folder(const char *path) {
  char folder[PATH_SIZE];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool done = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return done;
}

enum error snapshot_write(struct buffer *content, const char *path) {
  uint8_t digest[DIGEST_SIZE];
  char beside[PATH_SIZE];
  enum error err = buffer_append_byte(content, SNAPSHOT_END);
  digest_of(buffer_bytes(content), digest);
  if (!err) err = buffer_append(content, digest, sizeof digest);
  if (err) return err;
  int len = snprintf(beside, sizeof beside, "%s.new", path);
  if (len < 0 || len >= PATH_SIZE) return ERR_LIMIT;
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
  if (fd < 0) return ERR_IO;
  bool whole = write_all(fd, buffer_bytes(content)) && fsync(fd) == 0;
  whole = close(fd) == 0 && whole;
  return whole && rename(beside, path) == 0 && sync_folder(path) ? OK : ERR_IO;
}

static enum error read_all(const char *path, struct buffer *to) {
  struct stat stat;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
  enum error err = fstat(fd, &stat) == 0 ? buffer_reserve(to, (size_t)stat.st_size + 1) : ERR_IO;
  while (!err) {
    ssize_t got = read(fd, to->data + to->len, to->capacity - to->len);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      err = got < 0 ? ERR_IO : OK;
      break;
    }
    to->len += (size_t)got;
    if (to->len == to->capacity) err = buffer_reserve(to, to->len);
  }
  close(fd);
  return err;
}

// ---------------------------------------------------------------- reading

static bool take_number(struct bytes content, size_t *at, uint32_t *number) {
  if (content.len - *at < NUMBER_SIZE) return false;
  *number = get_le32(content.data + *at);
  *at += NUMBER_SIZE;
  return true;
}

static bool take_bytes(struct bytes content, size_t *at, struct bytes *out) {
  uint32_t len;
  if (!take_number(content, at, &len) || content.len - *at < len) return false;
  *out = bytes_make(content.data + *at, len);
  *at += len;
  return true;
}

static bool take_record(struct bytes content, size_t *at, struct snapshot_record *record) {
  struct bytes key;
  if (*at >= content.len) return false;
  record->kind = content.data[(*at)++];
  if (record->kind == SNAPSHOT_END) return *at == content.len;
  bool known = record->kind == SNAPSHOT_VALUE || record->kind == SNAPSHOT_DEVICE;
  if (!known || !take_bytes(content, at, &key) || !take_bytes(content, at, &record->value)) return false;
  record->key = (const char *)key.data;
  return key.len > 0 && memchr(key.data, 0, key.len) == key.data + key.len - 1;
}

// Without the digest at its end.
static struct bytes body(const struct snapshot *snapshot) {
  return bytes_make(snapshot->content.data, snapshot->content.len - DIGEST_SIZE);
}

static bool is_whole(struct snapshot *snapshot) {
  uint8_t digest[DIGEST_SIZE];
  struct snapshot_record record;
  uint32_t partition;
  if (snapshot->content.len < MAGIC_SIZE + DIGEST_SIZE) return false;
  struct bytes content = body(snapshot);
  digest_of(content, digest);
  if (memcmp(content.data, MAGIC, MAGIC_SIZE) != 0) return false;
  if (memcmp(digest, content.data + content.len, DIGEST_SIZE) != 0) return false;
  snapshot->at = MAGIC_SIZE;
  if (!take_number(content, &snapshot->at, &partition)) return false;
  if (!take_bytes(content, &snapshot->at, &snapshot->meta)) return false;
  snapshot->partition = (int32_t)partition;
  size_t at = snapshot->at;
  do {
    if (!take_record(content, &at, &record)) return false;
  } while (record.kind != SNAPSHOT_END);
  return true;
}

enum error snapshot_open(struct snapshot *snapshot, const char *path) {
  *snapshot = (struct snapshot){.at = 0};
  buffer_init(&snapshot->content, CONTENT_MAX);
  enum error err = read_all(path, &snapshot->content);
  if (err) return err;
  return is_whole(snapshot) ? OK : ERR_CORRUPT;
}

void snapshot_close(struct snapshot *snapshot) {
  buffer_fini(&snapshot->content);
}

bool snapshot_next(struct snapshot *snapshot, struct snapshot_record *record) {
  return take_record(body(snapshot), &snapshot->at, record) && record->kind != SNAPSHOT_END;
}

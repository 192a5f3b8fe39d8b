// SPDX-License-Identifier: Apache-2.0
// Little-endian: "rseqs-2\n" | position u64 | devices u64 | per device: key length u16, key, boot u64, first u64,
// received u64, newest u64, runs u16, per run: first u64, last u64 | CRC-32C of all before, u32.
#include "ingest/sequence_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "ingest/core/topic.h"

static const char MAGIC[8] = "rseqs-2\n";
enum { NAME_ROOM = 32, HEADER = 24, TRAILER = 4 };

struct writer {
  struct buffer *out;
  uint64_t count;
  enum error err;
};

struct reader {
  const uint8_t *at;
  size_t left;
};

static void write_device(void *ctx, const struct heard *heard);
static void put16(struct writer *writer, uint16_t value);
static void put64(struct writer *writer, uint64_t value);
static void put(struct writer *writer, const void *data, size_t len);
static enum error write_file(int fd, struct bytes content);
static enum error sync_names(const char *folder);
static enum error read_file(const char *folder, struct buffer *content);
static bool read_devices(struct bytes content, struct devices *devices);
static bool read_device(struct reader *reader, struct devices *devices);
static bool get(struct reader *reader, size_t len, const uint8_t **at);
static enum error failed(const char *doing);

enum error sequence_store_encode(const struct devices *devices, uint64_t position, struct buffer *out) {
  size_t begin = out->len;
  struct writer writer = {.out = out};
  put(&writer, MAGIC, sizeof MAGIC);
  put64(&writer, position);
  put64(&writer, 0); // the count, below
  devices_each(devices, write_device, &writer);
  if (writer.err) return writer.err;
  put_le64(out->data + begin + 16, writer.count);
  uint8_t crc[TRAILER];
  put_le32(crc, crc32c(0, out->data + begin, out->len - begin));
  put(&writer, crc, sizeof crc);
  return writer.err;
}

static void write_device(void *ctx, const struct heard *heard) {
  struct writer *writer = ctx;
  const struct sequence *sequence = &heard->sequence;
  if (!sequence->received) return;
  put16(writer, (uint16_t)heard->key_len);
  put(writer, heard->key, heard->key_len);
  put64(writer, sequence->head.boot);
  put64(writer, sequence->first);
  put64(writer, sequence->received);
  put64(writer, sequence->head.newest);
  put16(writer, (uint16_t)sequence->run_count);
  for (uint32_t i = 0; i < sequence->run_count; i++) {
    put64(writer, sequence->runs[i].first);
    put64(writer, sequence->runs[i].last);
  }
  writer->count++;
}

static void put16(struct writer *writer, uint16_t value) {
  uint8_t bytes[2];
  put_le16(bytes, value);
  put(writer, bytes, sizeof bytes);
}

static void put64(struct writer *writer, uint64_t value) {
  uint8_t bytes[8];
  put_le64(bytes, value);
  put(writer, bytes, sizeof bytes);
}

static void put(struct writer *writer, const void *data, size_t len) {
  if (!writer->err) writer->err = buffer_append(writer->out, data, len);
}

enum error sequence_store_write(const char *folder, struct bytes snapshot) {
  char path[PATH_MAX], fresh[PATH_MAX + NAME_ROOM];
  if ((size_t)snprintf(path, sizeof path, "%s/sequences", folder) >= sizeof path) return ERR_CONFIG;
  snprintf(fresh, sizeof fresh, "%s.new", path);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open");
  enum error err = write_file(fd, snapshot);
  close(fd);
  if (!err && rename(fresh, path)) err = failed("rename");
  if (err && unlink(fresh)) log_warn("sequences-left", F_STR("file", fresh)); // it takes room on a full disk
  return err ? err : sync_names(folder);
}

static enum error sync_names(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("open-folder");
  enum error err = fsync(fd) ? failed("sync-folder") : OK;
  close(fd);
  return err;
}

static enum error write_file(int fd, struct bytes content) {
  while (content.len) {
    ssize_t written = write(fd, content.data, content.len);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("write");
    content = bytes_make(content.data + written, content.len - (size_t)written);
  }
  return fsync(fd) ? failed("sync") : OK;
}

enum error sequence_store_load(const char *folder, uint64_t oldest, struct devices *devices, uint64_t *position) {
  struct buffer content;
  buffer_init(&content, SEQUENCE_STORE_MAX);
  enum error err = read_file(folder, &content);
  if (!err && (content.len < HEADER + TRAILER || memcmp(content.data, MAGIC, sizeof MAGIC) != 0)) err = ERR_CORRUPT;
  if (!err && get_le32(content.data + content.len - TRAILER) != crc32c(0, content.data, content.len - TRAILER))
    err = ERR_CORRUPT;
  if (!err && get_le64(content.data + 8) < oldest) err = ERR_MISMATCH;
  if (!err && !(read_devices(buffer_bytes(&content), NULL) && read_devices(buffer_bytes(&content), devices)))
    err = ERR_CORRUPT;
  if (!err) *position = get_le64(content.data + 8);
  buffer_fini(&content);
  return err;
}

// All of them, into the table; without one it is only seen whether they can be read.
static bool read_devices(struct bytes content, struct devices *devices) {
  struct reader reader = {content.data + HEADER, content.len - HEADER - TRAILER};
  bool good = true;
  for (uint64_t left = get_le64(content.data + 16); good && left; left--) good = read_device(&reader, devices);
  return good;
}

static enum error read_file(const char *folder, struct buffer *content) {
  char path[PATH_MAX];
  struct stat status;
  if ((size_t)snprintf(path, sizeof path, "%s/sequences", folder) >= sizeof path) return ERR_CONFIG;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? ERR_NOT_FOUND : failed("open");
  enum error err = fstat(fd, &status) ? failed("stat") : buffer_reserve(content, (size_t)status.st_size);
  while (!err && content->len < (size_t)status.st_size) {
    ssize_t got = read(fd, content->data + content->len, (size_t)status.st_size - content->len);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      err = failed("read");
    else
      content->len += (size_t)got;
  }
  close(fd);
  return err;
}

// The checksum has held, so that only a program's error could get us beyond the end; that too is noticed.
static bool read_device(struct reader *reader, struct devices *devices) {
  const uint8_t *at, *key;
  if (!get(reader, 2, &at)) return false;
  size_t key_len = get_le16(at);
  if (!get(reader, key_len, &key) || !get(reader, 34, &at)) return false;
  const uint8_t *slash = memchr(key, '/', key_len);
  uint32_t runs = get_le16(at + 32);
  if (!slash || runs > SEQUENCE_RUNS_MAX) return false;
  struct sequence sequence = {.head = {.boot = get_le64(at), .newest = get_le64(at + 24)},
                              .first = get_le64(at + 8),
                              .received = get_le64(at + 16),
                              .run_count = runs};
  for (uint32_t i = 0; i < runs; i++) {
    if (!get(reader, 16, &at)) return false;
    sequence.runs[i] = (struct sequence_run){get_le64(at), get_le64(at + 8)};
  }
  size_t site_len = (size_t)(slash - key);
  struct bytes site = bytes_make(key, site_len), device = bytes_make(slash + 1, key_len - site_len - 1);
  if (!id_is_valid(site) || !id_is_valid(device)) return false;
  struct heard *heard = devices ? devices_get(devices, site, device) : NULL;
  if (!heard) return true;
  heard->sequence = sequence;
  heard->ahead.numbers = sequence.head;
  return true;
}

static bool get(struct reader *reader, size_t len, const uint8_t **at) {
  if (reader->left < len) return false;
  *at = reader->at;
  reader->at += len;
  reader->left -= len;
  return true;
}

static enum error failed(const char *doing) {
  log_error("sequences-failed", F_STR("doing", doing), F_STR("cause", strerror(errno)));
  return ERR_IO;
}

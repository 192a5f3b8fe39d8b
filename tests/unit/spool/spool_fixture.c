// SPDX-License-Identifier: Apache-2.0
#include "spool_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

static size_t payload_of(uint32_t n, uint8_t *payload);

void fixture_init(struct fixture *fixture) {
  strcpy(fixture->folder, "/tmp/riser-spool-XXXXXX");
  assert_non_null(mkdtemp(fixture->folder));
  fixture->options = (struct spool_options){
      .folder = fixture->folder, .max_bytes = 65536, .segment_bytes = 4096, .reserve_bytes = 8192};
  fixture->spool = NULL;
}

void fixture_fini(struct fixture *fixture) {
  spool_close(fixture->spool);
  DIR *dir = opendir(fixture->folder);
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));)
    if (entry->d_name[0] != '.') unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
  assert_int_equal(rmdir(fixture->folder), 0);
}

void fixture_open(struct fixture *fixture) {
  assert_int_equal(spool_open(&fixture->options, &fixture->spool), OK);
}

void fixture_reopen(struct fixture *fixture) {
  spool_close(fixture->spool);
  fixture->spool = NULL;
  fixture_open(fixture);
}

void fixture_path(const struct fixture *fixture, const char *name, char *path, size_t size) {
  assert_true((size_t)snprintf(path, size, "%s/%s", fixture->folder, name) < size);
}

static size_t payload_of(uint32_t n, uint8_t *payload) {
  size_t len = n * 7919u % 300;
  for (size_t i = 0; i < len; i++) payload[i] = (uint8_t)(n * 31 + i * 7);
  return len;
}

enum error append_number(struct spool *spool, uint32_t n) {
  char topic[32];
  uint8_t payload[300];
  snprintf(topic, sizeof topic, "t/%u", n);
  struct spool_entry entry = {
      .receive_ms = 1000000 + (int64_t)n,
      .note = n,
      .kind = (uint8_t)(n % 7),
      .topic = bytes_text(topic),
      .payload = bytes_make(payload, payload_of(n, payload)),
  };
  return spool_append(spool, &entry);
}

bool read_number(struct spool *spool, uint64_t *position, uint32_t *n) {
  struct spool_record record;
  enum error err = spool_read(spool, *position, &record);
  if (err == ERR_AGAIN) return false;
  assert_int_equal(err, OK);
  char topic[32];
  uint8_t payload[300];
  *n = record.entry.note;
  snprintf(topic, sizeof topic, "t/%u", *n);
  assert_true(bytes_equal_text(record.entry.topic, topic));
  assert_true(bytes_equal(record.entry.payload, bytes_make(payload, payload_of(*n, payload))));
  assert_int_equal(record.entry.receive_ms, 1000000 + (int64_t)*n);
  assert_int_equal(record.entry.kind, *n % 7);
  assert_true(record.position >= *position && record.next > record.position);
  *position = record.next;
  return true;
}

uint8_t *file_read(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *len = (size_t)ftell(file);
  rewind(file);
  uint8_t *data = malloc(*len + 1);
  assert_non_null(data);
  assert_int_equal(fread(data, 1, *len, file), *len);
  fclose(file);
  return data;
}

void file_write(const char *path, const uint8_t *data, size_t len) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  if (len) assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

// SPDX-License-Identifier: Apache-2.0
// A snapshot comes back as it was written; one that is damaged anywhere, cut anywhere or no snapshot is found out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riserctl/items.h"
#include "riserctl/snapshot_file.h"

static char folder[] = "/tmp/riser-snapshot-XXXXXX";
static char path[64];

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/p3.snapshot", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  remove(path);
  return rmdir(folder);
}

static const struct snapshot_record records[] = {
    {SNAPSHOT_VALUE, "due", BYTES_LITERAL("close:a\n100\n")},
    {SNAPSHOT_VALUE, "reads:a/m/1/201603", BYTES_LITERAL("\0\1\n\xff")},
    {SNAPSHOT_VALUE, "site:a", BYTES_LITERAL("")},
    {SNAPSHOT_DEVICE, "a/relay", BYTES_LITERAL("on")},
};
enum { RECORDS = sizeof records / sizeof *records };

static void write_snapshot(void) {
  struct buffer content;
  assert_int_equal(snapshot_begin(&content, 3, bytes_text("meta")), OK);
  for (size_t i = 0; i < RECORDS; i++) assert_int_equal(snapshot_add(&content, &records[i]), OK);
  assert_int_equal(snapshot_write(&content, path), OK);
  buffer_fini(&content);
}

static enum error opens(void) {
  struct snapshot snapshot;
  enum error err = snapshot_open(&snapshot, path);
  snapshot_close(&snapshot);
  return err;
}

static size_t read_file(uint8_t *to, size_t size) {
  FILE *file = fopen(path, "rb");
  size_t len = fread(to, 1, size, file);
  fclose(file);
  return len;
}

static void write_file(const uint8_t *from, size_t len) {
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(from, 1, len, file), len);
  fclose(file);
}

static void test_it_comes_back(void **state) {
  struct snapshot snapshot;
  struct snapshot_record record;
  struct stat stat_of;
  (void)state;
  write_snapshot();
  write_snapshot(); // over the first one
  assert_int_equal(snapshot_open(&snapshot, path), OK);
  assert_int_equal(snapshot.partition, 3);
  assert_true(bytes_equal_text(snapshot.meta, "meta"));
  for (size_t i = 0; i < RECORDS; i++) {
    assert_true(snapshot_next(&snapshot, &record));
    assert_int_equal(record.kind, records[i].kind);
    assert_string_equal(record.key, records[i].key);
    assert_true(bytes_equal(record.value, records[i].value));
  }
  assert_false(snapshot_next(&snapshot, &record));
  snapshot_close(&snapshot);
  assert_int_equal(stat(path, &stat_of), 0);
  assert_int_equal(stat_of.st_mode & 0777, 0600);
}

static void test_damage_is_found(void **state) {
  uint8_t whole[1024];
  (void)state;
  write_snapshot();
  size_t len = read_file(whole, sizeof whole);
  for (size_t i = 0; i < len; i++) {
    whole[i] ^= 1;
    write_file(whole, len);
    assert_int_equal(opens(), ERR_CORRUPT);
    whole[i] ^= 1;
    write_file(whole, i);
    assert_int_equal(opens(), ERR_CORRUPT);
  }
  whole[len] = 0;
  write_file(whole, len + 1);
  assert_int_equal(opens(), ERR_CORRUPT);
  write_file(whole, len);
  assert_int_equal(opens(), OK);
}

static void test_no_file(void **state) {
  (void)state;
  remove(path);
  assert_int_equal(opens(), ERR_NOT_FOUND);
  struct buffer content;
  assert_int_equal(snapshot_begin(&content, 0, bytes_text("")), OK);
  assert_int_equal(snapshot_write(&content, "/no/such/folder/p0.snapshot"), ERR_IO);
  buffer_fini(&content);
}

static void test_items(void **state) {
  struct item *set = NULL;
  (void)state;
  assert_int_equal(items_put(&set, "b", bytes_text("1")), OK);
  assert_int_equal(items_put(&set, "a", bytes_text("")), OK);
  items_find(set, "b")->seen = true;
  assert_int_equal(items_put(&set, "b", bytes_text("two")), OK);
  assert_true(items_find(set, "b")->seen);
  assert_true(bytes_equal_text(items_find(set, "b")->value, "two"));
  items_sort(&set);
  assert_string_equal(set->key, "a");
  items_remove(&set, "a");
  items_remove(&set, "none");
  assert_null(items_find(set, "a"));
  assert_int_equal(HASH_COUNT(set), 1);
  items_free(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_comes_back),
      cmocka_unit_test(test_damage_is_found),
      cmocka_unit_test(test_no_file),
      cmocka_unit_test(test_items),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

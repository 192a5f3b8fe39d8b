// SPDX-License-Identifier: Apache-2.0
// The spool after the worst: cut off at every byte, every byte changed, half-written, forged, files gone. What was
// whole is still there; what was not never passes for a record.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "io/spool_record.h"
#include "spool_fixture.h"

enum { RECORDS = 14, PATH = 128 };
static const char SEGMENT_1[] = "0000000000000001.spool";

// A folder with one segment that holds records 0 .. RECORDS - 1, closed; and where each of them begins.
struct image {
  struct fixture fixture;
  char path[PATH];
  uint8_t *data;
  size_t len;
  uint64_t begin[RECORDS + 1];
};

static int set_up(void **state) {
  static struct image image;
  fixture_init(&image.fixture);
  fixture_open(&image.fixture);
  image.begin[0] = spool_tail(image.fixture.spool) & 0xffffffff;
  for (uint32_t n = 0; n < RECORDS; n++) {
    assert_int_equal(append_number(image.fixture.spool, n), OK);
    image.begin[n + 1] = spool_tail(image.fixture.spool) & 0xffffffff;
    assert_true(image.begin[n + 1] > image.begin[n]); // still the first segment
  }
  spool_close(image.fixture.spool);
  image.fixture.spool = NULL;
  fixture_path(&image.fixture, SEGMENT_1, image.path, sizeof image.path);
  image.data = file_read(image.path, &image.len);
  *state = &image;
  return 0;
}

static int tear_down(void **state) {
  struct image *image = *state;
  free(image->data);
  fixture_fini(&image->fixture);
  return 0;
}

// Opens, reads all, closes. Every record is checked against its number as it is read; *seen has one bit a record.
static uint32_t survivors(struct image *image) {
  fixture_open(&image->fixture);
  uint32_t seen = 0, n, before = 0;
  uint64_t position = 0;
  while (read_number(image->fixture.spool, &position, &n)) {
    assert_true(n < RECORDS && (seen == 0 || n > before));
    before = n;
    seen |= 1u << n;
  }
  spool_close(image->fixture.spool);
  image->fixture.spool = NULL;
  return seen;
}

static uint32_t first_records(size_t count) {
  return (uint32_t)((1ull << count) - 1);
}

static size_t whole_before(const struct image *image, uint64_t offset) {
  size_t count = 0;
  while (count < RECORDS && image->begin[count + 1] <= offset) count++;
  return count;
}

static void test_cut_off_at_every_byte(void **state) {
  struct image *image = *state;
  for (uint64_t cut = 0; cut <= image->begin[RECORDS]; cut++) {
    file_write(image->path, image->data, cut);
    size_t whole = whole_before(image, cut & ~7ull);
    assert_int_equal(survivors(image), first_records(whole));
    char second[PATH]; // made if nothing of the first was left
    fixture_path(&image->fixture, "0000000000000002.spool", second, sizeof second);
    unlink(second);
  }
}

static void test_half_written_last_record(void **state) {
  struct image *image = *state;
  uint64_t last = image->begin[RECORDS - 1], end = image->begin[RECORDS];
  uint8_t *torn = malloc(image->len);
  assert_non_null(torn);
  for (uint64_t written = 0; written < end - last; written++) {
    memcpy(torn, image->data, image->len);
    memset(torn + last + written, 0xa5, end - last - written); // what an earlier use left there
    file_write(image->path, torn, image->len);
    uint32_t seen = survivors(image);
    if (memcmp(torn + last, image->data + last, SPOOL_HEADER + 4 + 7919u * (RECORDS - 1) % 300) == 0) continue;
    assert_int_equal(seen, first_records(RECORDS - 1));
  }
  free(torn);
}

static void test_every_byte_changed(void **state) {
  struct image *image = *state;
  uint8_t *changed = malloc(image->len);
  assert_non_null(changed);
  for (uint64_t at = 0; at < image->begin[RECORDS]; at++) {
    memcpy(changed, image->data, image->len);
    changed[at] ^= (uint8_t)(1u << at % 8);
    file_write(image->path, changed, image->len);
    size_t hit = whole_before(image, at);
    uint32_t seen = survivors(image);
    if (seen == first_records(RECORDS))
      assert_true(at >= image->begin[hit + 1] - 7); // padding
    else
      assert_int_equal(seen, first_records(RECORDS) & ~(1u << hit));
  }
  free(changed);
}

static void test_damage_is_counted_and_appending_goes_on(void **state) {
  struct image *image = *state;
  image->data[image->begin[3] + SPOOL_HEADER] ^= 1;
  file_write(image->path, image->data, image->len);
  fixture_open(&image->fixture);
  assert_int_equal(spool_level(image->fixture.spool).damaged_bytes, image->begin[4] - image->begin[3]);
  assert_int_equal(append_number(image->fixture.spool, RECORDS), OK);
  fixture_reopen(&image->fixture);
  assert_int_equal(spool_level(image->fixture.spool).damaged_bytes, 0); // covered once and for all
  uint64_t position = 0;
  uint32_t n = 0, count = 0;
  while (read_number(image->fixture.spool, &position, &n)) count++;
  assert_int_equal(count, RECORDS);
  assert_int_equal(n, RECORDS);
}

// A device sends what looks like a record of another topic, at every place where one could begin. The record that
// carries it is torn, so the scan looks inside.
static void test_a_forged_record_inside_a_payload(void **state) {
  struct image *image = *state;
  fixture_open(&image->fixture);
  uint64_t at = spool_tail(image->fixture.spool);
  static uint8_t payload[512];
  struct spool_entry forged = {.topic = bytes_text("riser/v1/other/m/up/json"), .payload = bytes_text("{}")};
  for (size_t i = 0; i + 64 <= sizeof payload; i += 64)
    spool_record_write(payload + i, at + SPOOL_HEADER + i, &forged); // the sender knows the place, not the key
  struct spool_entry entry = {.payload = bytes_make(payload, sizeof payload)};
  assert_int_equal(spool_append(image->fixture.spool, &entry), OK);
  assert_true(spool_tail(image->fixture.spool) > at && spool_tail(image->fixture.spool) - at < 4096);
  spool_close(image->fixture.spool);
  image->fixture.spool = NULL;
  size_t len;
  uint8_t *data = file_read(image->path, &len);
  data[(at & 0xffffffff) + 4] ^= 1;
  file_write(image->path, data, len);
  free(data);
  assert_int_equal(survivors(image), first_records(RECORDS));
}

static void test_damaged_marks_only_replay(void **state) {
  struct image *image = *state;
  fixture_open(&image->fixture);
  spool_confirm(image->fixture.spool, spool_tail(image->fixture.spool));
  spool_close(image->fixture.spool);
  image->fixture.spool = NULL;
  assert_int_equal(survivors(image), 0);
  char path[PATH];
  fixture_path(&image->fixture, "marks", path, sizeof path);
  size_t len;
  uint8_t *data = file_read(path, &len);
  for (size_t i = 0; i < 128; i++) data[i] ^= 0xff;
  file_write(path, data, len);
  free(data);
  assert_int_equal(survivors(image), first_records(RECORDS));
}

static void test_one_damaged_mark_falls_back_to_the_other(void **state) {
  struct image *image = *state;
  char path[PATH];
  fixture_path(&image->fixture, "marks", path, sizeof path);
  fixture_open(&image->fixture);
  uint64_t position = 0;
  uint32_t n;
  for (int i = 0; i < 6; i++) {
    assert_true(read_number(image->fixture.spool, &position, &n));
    spool_confirm(image->fixture.spool, position);
  }
  spool_close(image->fixture.spool);
  image->fixture.spool = NULL;
  size_t len;
  uint8_t *data = file_read(path, &len);
  data[8] ^= 0xff; // the sixth mark is in the first slot
  file_write(path, data, len);
  free(data);
  assert_int_equal(survivors(image), first_records(RECORDS) & ~first_records(5));
}

static uint64_t key_of(const struct image *image) {
  char path[PATH];
  size_t len;
  fixture_path(&image->fixture, "key", path, sizeof path);
  uint8_t *data = file_read(path, &len);
  uint64_t key = get_le64(data);
  free(data);
  return key;
}

// Segment numbers have 32 bits in a position; a file of a larger one is not the spool's, whoever put it there.
static void test_a_name_that_no_position_has_is_ignored(void **state) {
  static const uint64_t numbers[] = {0, 0xffffffff, 0x100000000, UINT64_MAX};
  struct image *image = *state;
  struct spool_entry entry = {.payload = bytes_text("of no position")};
  uint64_t key = key_of(image);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char path[PATH], name[64];
    uint8_t segment[4096] = {0};
    spool_record_write(segment, spool_position(numbers[i], 0) ^ key, &entry);
    snprintf(name, sizeof name, "%016" PRIx64 ".spool", numbers[i]);
    fixture_path(&image->fixture, name, path, sizeof path);
    file_write(path, segment, sizeof segment);
  }
  assert_int_equal(survivors(image), first_records(RECORDS));
}

// Where no filler fits a reader would take the hole itself for a record: what follows so closely is given up.
static void test_a_hole_smaller_than_a_header(void **state) {
  struct image *image = *state;
  uint64_t end = image->begin[RECORDS];
  struct spool_entry entry = {.payload = bytes_text("too close")};
  memset(image->data + end, 0x5a, 8);
  spool_record_write(image->data + end + 8, spool_position(1, end + 8) ^ key_of(image), &entry);
  file_write(image->path, image->data, image->len);
  assert_int_equal(survivors(image), first_records(RECORDS));
}

static void test_a_mark_where_no_record_can_begin_is_none(void **state) {
  struct image *image = *state;
  static const uint64_t marks[] = {UINT64_C(0x100000001), UINT64_C(0x10000002d), UINT64_C(0xffffffff00000000)};
  char path[PATH];
  fixture_path(&image->fixture, "marks", path, sizeof path);
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    uint8_t slot[4096] = "rspool1"; // the layout: spool_folder.c
    put_le64(slot + 8, 99);
    put_le64(slot + 16, marks[i]);
    put_le64(slot + 24, UINT64_MAX);
    put_le32(slot + 40, crc32c(0, slot, 40));
    file_write(path, slot, sizeof slot);
    assert_int_equal(survivors(image), first_records(RECORDS));
  }
}

static void test_without_its_key_it_refuses(void **state) {
  struct image *image = *state;
  char path[PATH];
  fixture_path(&image->fixture, "key", path, sizeof path);
  unlink(path);
  assert_int_equal(spool_open(&image->fixture.options, &image->fixture.spool), ERR_CORRUPT);
  file_write(path, (const uint8_t *)"abc", 3);
  assert_int_equal(spool_open(&image->fixture.options, &image->fixture.spool), ERR_CORRUPT);
}

// Five segments; the one in the middle is lost, its content first, then the file.
static void test_a_lost_segment_is_counted(void **state) {
  struct image *image = *state;
  char path[PATH];
  fixture_open(&image->fixture);
  uint32_t n = RECORDS;
  while (spool_level(image->fixture.spool).segments < 5) assert_int_equal(append_number(image->fixture.spool, n++), OK);
  fixture_path(&image->fixture, "0000000000000003.spool", path, sizeof path);
  static const uint8_t zeros[4096];
  for (int lost = 0; lost < 2; lost++) {
    spool_close(image->fixture.spool);
    if (lost == 0)
      file_write(path, zeros, sizeof zeros);
    else
      unlink(path);
    fixture_open(&image->fixture);
    assert_int_equal(spool_level(image->fixture.spool).damaged_bytes, sizeof zeros);
    uint64_t position = 0;
    uint32_t got, count = 0, before = 0, gaps = 0;
    for (; read_number(image->fixture.spool, &position, &got); count++, before = got)
      gaps += count && got != before + 1;
    assert_true(gaps == 1 && before == n - 1 && count > n / 2);
  }
  spool_confirm(image->fixture.spool, spool_tail(image->fixture.spool));
  fixture_reopen(&image->fixture);
  assert_int_equal(spool_level(image->fixture.spool).damaged_bytes, 0); // nobody waits for it any more
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_cut_off_at_every_byte),
      TEST(test_half_written_last_record),
      TEST(test_every_byte_changed),
      TEST(test_damage_is_counted_and_appending_goes_on),
      TEST(test_a_forged_record_inside_a_payload),
      TEST(test_damaged_marks_only_replay),
      TEST(test_a_lost_segment_is_counted),
      TEST(test_one_damaged_mark_falls_back_to_the_other),
      TEST(test_a_name_that_no_position_has_is_ignored),
      TEST(test_a_hole_smaller_than_a_header),
      TEST(test_a_mark_where_no_record_can_begin_is_none),
      TEST(test_without_its_key_it_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

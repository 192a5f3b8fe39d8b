// SPDX-License-Identifier: Apache-2.0
// A spool whose files hold whatever a dying node or a bad disk may leave. Input describes the marks and up to four
// segment files as whole records, fillers, strange bytes and headers that lie (their checksums made right, or the
// fuzzer would never get past them). What is opened must read, append, confirm, close and open again without losing a
// record.
#include <string.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "folder.h"
#include "fuzz.h"
#include "io/spool.h"
#include "io/spool_record.h"

enum { SEGMENT = 4096, FILE_MAX = 2 * SEGMENT, SEGMENTS_MAX = 4, RECORDS_MAX = 4096, MARKS_USED = 40 };
static const uint64_t KEY = 0x1122334455667788;
static const uint64_t NUMBERS[] = {1, 2, 3, 4, 5, 7, 0, 0x7fffffff, 0xfffffffe, 0xffffffff, 0x100000000, UINT64_MAX};
static const size_t SIZES[] = {SEGMENT, SEGMENT, SEGMENT, FILE_MAX, SEGMENT - 8, 100, 8, 0};

struct plan {
  size_t records; // whole ones in numbered segments
  bool exact;     // nothing lies about its size, and no marks: exactly these must be found
};

// ---- what the files hold

static void write_record(struct fuzz_input *input, uint8_t *at, size_t *room, uint64_t key, struct plan *plan) {
  struct spool_entry entry = {.kind = fuzz_u8(input) % SPOOL_FILLER, .receive_ms = fuzz_u16(input), .note = 7};
  entry.topic = fuzz_bytes(input, fuzz_u8(input));
  entry.payload = fuzz_bytes(input, fuzz_u16(input) % 1100);
  size_t size = spool_record_size(entry.topic.len + entry.payload.len);
  if (size > *room) {
    *room = 0;
    return;
  }
  spool_record_write(at, key, &entry);
  plan->records++;
  *room = size;
}

static void write_filler(struct fuzz_input *input, uint8_t *at, size_t *room, uint64_t key, struct plan *plan) {
  size_t size = (size_t)fuzz_u16(input) / 8 * 8;
  if (*room < SPOOL_HEADER || size < SPOOL_HEADER) {
    *room = 0;
    return;
  }
  spool_filler_write(at, key, size);
  if (size > *room) plan->exact = false;
  *room = size < *room ? size : *room;
}

// Any header whose checksum holds as far as it can.
static void write_liar(struct fuzz_input *input, uint8_t *at, size_t *room, uint64_t key, struct plan *plan) {
  if (*room < SPOOL_HEADER) {
    *room = 0;
    return;
  }
  struct bytes header = fuzz_bytes(input, SPOOL_HEADER);
  uint8_t seed[8];
  spool_filler_write(at, key, SPOOL_HEADER); // for its mark
  if (header.len == SPOOL_HEADER) memcpy(at + 8, header.data + 8, SPOOL_HEADER - 8);
  size_t content = (size_t)get_le32(at + 8) + get_le16(at + 12);
  size_t covered = spool_record_is_filler(at) || content > *room - SPOOL_HEADER ? SPOOL_HEADER : SPOOL_HEADER + content;
  put_le64(seed, key);
  put_le32(at, crc32c(crc32c(0, seed, sizeof seed), at + 4, covered - 4));
  plan->exact = false;
  *room = SPOOL_HEADER;
}

// What is smaller than a header can't be the place of a record that was damaged: then what follows may be lost.
static void write_strange(struct fuzz_input *input, uint8_t *at, size_t *room, struct plan *plan) {
  struct bytes strange = fuzz_bytes(input, fuzz_u8(input) % 72);
  if (strange.len > *room) strange.len = *room;
  if (strange.len) memcpy(at, strange.data, strange.len);
  *room = strange.len ? (strange.len + 7) / 8 * 8 : 8;
  if (*room < SPOOL_HEADER) plan->exact = false;
}

static void write_segment(struct fuzz_input *input, struct plan *plan) {
  static uint8_t content[FILE_MAX];
  char name[32];
  uint8_t choice = fuzz_u8(input);
  uint64_t number = NUMBERS[choice % (sizeof NUMBERS / sizeof *NUMBERS)];
  size_t size = SIZES[choice >> 4 & 7], used = 0;
  bool spare = choice & 128;
  if (number < 1 || number > 7) plan->exact = false;
  memset(content, 0, sizeof content);
  while (input->left && used + 8 <= size) {
    size_t room = (size - used) / 8 * 8;
    uint64_t key = spool_position(spare ? 9 : number, used) ^ KEY; // a spare's records are of a number long past
    uint8_t kind = fuzz_u8(input) % 5;
    if (kind == 0) break;
    if (kind == 1) write_record(input, content + used, &room, key, plan);
    if (kind == 2) write_filler(input, content + used, &room, key, plan);
    if (kind == 3) write_liar(input, content + used, &room, key, plan);
    if (kind == 4) write_strange(input, content + used, &room, plan);
    if (!room) break;
    used += room;
  }
  if (spare) plan->exact = false;
  snprintf(name, sizeof name, spare ? "spare-%llx" : "%016llx.spool", (unsigned long long)number);
  folder_put(name, bytes_make(content, size));
}

// Two slots; the checksum of the first is made right when asked for.
static void write_marks(struct fuzz_input *input, bool right) {
  uint8_t marks[4096] = "rspool1";
  struct bytes given = fuzz_bytes(input, 32);
  memcpy(marks + 8, given.data, given.len);
  if (right) put_le32(marks + MARKS_USED, crc32c(0, marks, MARKS_USED));
  folder_put("marks", bytes_make(marks, sizeof marks));
}

// ---- what is read

struct seen {
  size_t count;
  uint64_t last;   // position
  uint32_t digest; // of all contents in order
};

static struct seen read_all(struct spool *spool) {
  struct seen seen = {.count = 0};
  struct spool_record record;
  for (uint64_t position = 0; spool_read(spool, position, &record) == OK; position = record.next) {
    FUZZ_HOLDS(record.position >= seen.last && record.next > record.position && record.next <= spool_tail(spool));
    seen.digest = crc32c(seen.digest, record.entry.topic.data, record.entry.topic.len);
    seen.digest = crc32c(seen.digest, record.entry.payload.data, record.entry.payload.len);
    seen.last = record.position;
    FUZZ_HOLDS(++seen.count < RECORDS_MAX);
  }
  return seen;
}

static void use(struct spool *spool, const struct spool_options *options) {
  struct spool_entry entry = {.receive_ms = 1, .topic = bytes_text("t"), .payload = bytes_text("payload")};
  struct seen before = read_all(spool), after;
  enum error err = spool_append(spool, &entry);
  FUZZ_HOLDS(err == OK || err == ERR_QUEUE_FULL || err == ERR_IO);
  after = read_all(spool);
  FUZZ_HOLDS(after.count == before.count + (err == OK));
  struct spool_level level = spool_level(spool);
  FUZZ_HOLDS(level.segments <= SEGMENTS_MAX + 2);
  spool_close(spool);
  FUZZ_HOLDS(spool_open(options, &spool) == OK);
  before = after;
  after = read_all(spool);
  FUZZ_HOLDS(after.count == before.count && after.digest == before.digest); // nothing that was read once gets lost
  spool_hold(spool, UINT64_MAX);
  spool_confirm(spool, after.last);
  spool_tend(spool);
  after = read_all(spool);
  FUZZ_HOLDS(after.count <= 1 || before.count == 0);
  spool_close(spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct spool_options options = {
      .folder = folder_empty(), .max_bytes = 8 * SEGMENT, .segment_bytes = SEGMENT, .reserve_bytes = SEGMENT};
  uint8_t key[8], how = fuzz_u8(&input);
  put_le64(key, KEY);
  folder_put("key", bytes_make(key, how & 64 ? how % 9 : sizeof key));
  struct plan plan = {.exact = !(how & (8 | 64))};
  if (how & 8) write_marks(&input, how & 16);
  unsigned numbers = 0;
  for (unsigned i = 0; i < (how & 3u) + 1 && input.left; i++) {
    unsigned number = *input.at % (sizeof NUMBERS / sizeof *NUMBERS);
    if (numbers & 1u << number) plan.exact = false; // one file in the place of another
    numbers |= 1u << number;
    write_segment(&input, &plan);
  }
  struct spool *spool = NULL;
  enum error err = spool_open(&options, &spool);
  FUZZ_HOLDS(err == OK || err == ERR_CORRUPT || err == ERR_QUEUE_FULL || err == ERR_IO);
  FUZZ_HOLDS(err == OK || !plan.exact);
  if (err) return 0;
  if (plan.exact) FUZZ_HOLDS(read_all(spool).count == plan.records);
  use(spool, &options);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The decoders of every record: input is the record's number, then its bytes. What decodes must encode, to bytes that
// come back as they are; and as JSON it must be readable.
#include <string.h>

#include "fuzz.h"
#include "unit/wire/records.h"
#include "wire/json.h"

enum { ARENA_MAX = 64 << 20 };

typedef enum error again(struct bytes in, struct arena *arena, struct buffer *out);

#define AGAIN(name, type)                                                                                              \
  static enum error name##_again(struct bytes in, struct arena *arena, struct buffer *out) {                           \
    type value;                                                                                                        \
    enum error err = wire_##name##_decode(in, arena, &value);                                                          \
    return err ? err : wire_##name##_encode(&value, out);                                                              \
  }
RECORDS(AGAIN)

#define ROW(name, type) name##_again,
static again *const records[] = {RECORDS(ROW)};
enum { RECORD_COUNT = sizeof records / sizeof records[0] };

static void try_json(size_t number, struct bytes in, struct arena *arena, struct buffer *out) {
  size_t kinds = 0;
  while (wire_kinds[kinds].name) kinds++;
  arena_reset(arena);
  buffer_clear(out);
  enum error err = wire_json(wire_kinds[number % kinds].name, in, arena, out);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena *arena;
  if (!arena) arena = arena_new(ARENA_MAX);
  if (size < 1 || !arena) return 0;
  struct buffer once, twice;
  buffer_init(&once, ARENA_MAX);
  buffer_init(&twice, ARENA_MAX);
  uint8_t *exact = fuzz_copy(bytes_make(data + 1, size - 1));
  struct bytes in = bytes_make(exact, size - 1);
  again *record = records[data[0] % RECORD_COUNT];
  arena_reset(arena);
  enum error err = record(in, arena, &once);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
  if (!err) {
    arena_reset(arena);
    FUZZ_HOLDS(record(buffer_bytes(&once), arena, &twice) == OK);
    FUZZ_HOLDS(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
  }
  try_json(data[0], in, arena, &twice);
  free(exact);
  buffer_fini(&once);
  buffer_fini(&twice);
  return 0;
}

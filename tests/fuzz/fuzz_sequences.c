// SPDX-License-Identifier: Apache-2.0
// The file of the devices' sequences beside the spool: input says whether its checksum is to be made right, then its
// content. What loads is saved and loads again as it was.
#include "base/crc32c.h"
#include "folder.h"
#include "fuzz.h"
#include "ingest/sequence_store.h"

enum { DEVICES_MAX = 100, ENCODED_MAX = 1 << 20 };

static void save_again(const struct devices *devices, uint64_t position) {
  struct buffer once, twice;
  const char *folder = folder_empty();
  struct devices *loaded = devices_new(DEVICES_MAX);
  uint64_t again = 0;
  buffer_init(&once, ENCODED_MAX);
  buffer_init(&twice, ENCODED_MAX);
  FUZZ_HOLDS(sequence_store_encode(devices, position, &once) == OK);
  FUZZ_HOLDS(sequence_store_write(folder, buffer_bytes(&once)) == OK);
  FUZZ_HOLDS(sequence_store_load(folder, 0, loaded, &again) == OK && again == position);
  FUZZ_HOLDS(sequence_store_encode(loaded, again, &twice) == OK);
  FUZZ_HOLDS(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
  buffer_fini(&once);
  buffer_fini(&twice);
  devices_free(loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  bool right = fuzz_u8(&input) & 1;
  uint8_t *content = fuzz_copy(bytes_make(input.at, input.left));
  if (right && input.left >= 4) put_le32(content + input.left - 4, crc32c(0, content, input.left - 4));
  const char *folder = folder_empty();
  folder_put("sequences", bytes_make(content, input.left));
  free(content);
  struct devices *devices = devices_new(DEVICES_MAX);
  uint64_t position = 0;
  enum error err = sequence_store_load(folder, 0, devices, &position);
  FUZZ_HOLDS(err == OK || err == ERR_CORRUPT);
  if (!err) save_again(devices, position);
  devices_free(devices);
  return 0;
}

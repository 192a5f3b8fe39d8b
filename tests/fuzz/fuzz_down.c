// SPDX-License-Identifier: Apache-2.0
// What devices read: commands and receipts, as metersim's do; and notify's note of its progress, which it reads back
// from Kafka. Input is which of them, then the payload.
#include <string.h>

#include "fuzz.h"
#include "metersim/payload.h"
#include "notify/core/progress.h"

enum { ARENA_MAX = 1 << 20 };

static void try_note(const char *note) {
  struct progress progress = {.mark.partition = 3}, again = {.mark.partition = 3};
  char written[PROGRESS_NOTE_SIZE], twice[PROGRESS_NOTE_SIZE];
  enum error err = progress_resume(&progress, 1000, note);
  FUZZ_HOLDS(err == OK || err == ERR_CORRUPT);
  if (err) return;
  progress_note(&progress, written);
  FUZZ_HOLDS(strlen(written) < sizeof written);
  FUZZ_HOLDS(progress_resume(&again, progress_offset(&progress), written) == OK);
  progress_note(&again, twice);
  FUZZ_HOLDS(strcmp(written, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena *arena;
  if (!arena) arena = arena_new(ARENA_MAX);
  struct fuzz_input input = {data, size};
  uint8_t which = fuzz_u8(&input) % 3;
  uint8_t *exact = fuzz_copy(bytes_make(input.at, input.left));
  char *text = fuzz_text(bytes_make(input.at, input.left));
  struct device_command command;
  struct receipt receipt;
  enum error err = OK;
  arena_reset(arena);
  if (which == 0) err = payload_command(bytes_make(exact, input.left), arena, &command);
  if (which == 1) err = payload_receipt(bytes_make(exact, input.left), arena, &receipt);
  if (which == 2) try_note(text);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
  if (which == 0 && !err) FUZZ_HOLDS(command.command_id);
  free(text);
  free(exact);
  return 0;
}

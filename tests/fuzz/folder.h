// SPDX-License-Identifier: Apache-2.0
// A folder of its own in memory (/dev/shm) for targets that read files; emptied before each input, removed at the end.
#ifndef RISER_TESTS_FUZZ_FOLDER_H
#define RISER_TESTS_FUZZ_FOLDER_H

#include "base/bytes.h"

const char *folder_empty(void); // its path; nothing is in it
// A file in it: its path, until the next call.
const char *folder_put(const char *name, struct bytes content);

#endif

// SPDX-License-Identifier: Apache-2.0
// A spool in a folder of its own, with records whose content follows from their number. For the tests of the spool.
#ifndef RISER_TESTS_UNIT_SPOOL_SPOOL_FIXTURE_H
#define RISER_TESTS_UNIT_SPOOL_SPOOL_FIXTURE_H

#include "io/spool.h"

struct fixture {
  char folder[64];
  struct spool_options options; // small segments: 4 KiB each, 64 KiB in all
  struct spool *spool;
};

void fixture_init(struct fixture *fixture);
void fixture_fini(struct fixture *fixture); // closes, removes the folder
void fixture_open(struct fixture *fixture);
void fixture_reopen(struct fixture *fixture);
void fixture_path(const struct fixture *fixture, const char *name, char *path, size_t size);

// Record n: topic "t/<n>", 0 .. 299 bytes of payload, receive time 1,000,000 + n, note n, kind n % 7.
enum error append_number(struct spool *spool, uint32_t n);
// Reads on from *position; false at the end. Fails the test unless the record is what append_number wrote.
bool read_number(struct spool *spool, uint64_t *position, uint32_t *n);

// Whole files, for images of a folder. The caller frees.
uint8_t *file_read(const char *path, size_t *len);
void file_write(const char *path, const uint8_t *data, size_t len);

#endif

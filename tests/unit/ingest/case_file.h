// SPDX-License-Identifier: Apache-2.0
// The case files of tests/unit/ingest/cases (their words: bad.txt), and a world in which they are tried.
#ifndef RISER_TESTS_UNIT_INGEST_CASE_FILE_H
#define RISER_TESTS_UNIT_INGEST_CASE_FILE_H

#include "ingest/intake.h"

enum { CASE_TEXT_MAX = 4096, CASE_PAYLOAD_MAX = 1 << 20 };

struct test_case {
  char name[CASE_TEXT_MAX], topic[CASE_TEXT_MAX];
  char expected[CASE_TEXT_MAX]; // lines
  uint8_t *payload;
  size_t payload_len;
  int64_t receive_ms, held_ms;
};

// Calls `each` for every case of cases/<name>, in order; how many there were. The case is lent.
int case_file_read(const char *name, void (*each)(void *ctx, struct test_case *test), void *ctx);

// Sites, devices and limits as bad.txt says.
struct case_world {
  struct registry *registry;
  struct devices *devices;
  struct intake *intake;
};
void case_world_init(struct case_world *world);
void case_world_fini(struct case_world *world);

struct arrival case_arrival(const struct test_case *test, uint64_t position);

#endif

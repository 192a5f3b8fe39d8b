// SPDX-License-Identifier: Apache-2.0
// The billing shell's twin without Kafka and Redis: applies facts, loads what the fold wants and saves what it changed
// as the bytes that Redis would hold. Failures end the test.
#ifndef RISER_TESTS_UNIT_BILLING_TWIN_H
#define RISER_TESTS_UNIT_BILLING_TWIN_H

#include <stdbool.h>

#include "billing/core/fold.h"
#include "domain/fact.h"

// How hard the twin makes it for the fold. The outcome must be the same.
struct twin_mode {
  const char *name;
  bool cold;           // after every fact all is saved and forgotten
  size_t decision_max; // of a batch
  size_t write_max;
};

struct twin;

struct twin *twin_new(struct twin_mode mode);
void twin_free(struct twin *twin);

// Applies the fact as the next record of the log. Decisions are handed to `seen` in order.
typedef void (*twin_seen)(void *context, const struct decision *decision);
void twin_apply(struct twin *twin, const struct fact *fact, twin_seen seen, void *context);

// Device records so far of one device, the last one; false: none. Strings live until the twin is freed.
bool twin_device(const struct twin *twin, const char *device, struct device *out);

int64_t twin_business_time(const struct twin *twin);

// Everything that is stored, as text: a key a line with its bytes in hexadecimal, sorted. The caller frees it.
char *twin_dump(struct twin *twin);
// The bytes of one key; .data NULL when there is none.
struct bytes twin_value(struct twin *twin, const char *key);
// Whether the value was added to since it was last written whole: then Redis may keep as much room again behind it.
bool twin_grown(struct twin *twin, const char *key);

#endif

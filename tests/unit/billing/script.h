// SPDX-License-Identifier: Apache-2.0
// The lines of a case file as facts. The words: cases/README.md. A line that is not understood ends the test.
#ifndef RISER_TESTS_UNIT_BILLING_SCRIPT_H
#define RISER_TESTS_UNIT_BILLING_SCRIPT_H

#include <stdbool.h>

#include "base/arena.h"
#include "domain/fact.h"

enum { SCRIPT_WORDS_MAX = 64 };

struct script {
  struct arena *arena; // everything that facts point to
  const char *site;
  struct zone zone;
  unsigned fact_count; // numbers the fact ids: f1, f2, ...
};

void script_init(struct script *script);
void script_fini(struct script *script);

struct words {
  char *word[SCRIPT_WORDS_MAX];
  int count;
};
void words_split(char *line, struct words *words);
// The value of "key=value" among the words from `first` on, NULL if it is not there.
const char *words_option(const struct words *words, int first, const char *key);

// The fact of a line; false: the line is none (its first word is no fact).
bool script_fact(struct script *script, const struct words *words, struct fact *out);

int64_t script_time(const struct script *script, const char *text);
// kWh or m3.
int64_t script_quantity(const char *text, enum commodity commodity);
enum supply script_supply(const char *text);

#endif

// SPDX-License-Identifier: Apache-2.0
// Reading case files: lines of words. Empty lines and lines that begin with # are passed over. A word may stand in
// double quotes. One thread; a test ends on the first line that it can't read.
#ifndef RISER_TESTS_UNIT_RISERCTL_CASES_H
#define RISER_TESTS_UNIT_RISERCTL_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CASES_WORDS_MAX = 24, CASES_LINE_MAX = 2048 };

struct cases {
  FILE *file;
  const char *path;
  int line;
  char text[CASES_LINE_MAX]; // the line as it stands
  char cut[CASES_LINE_MAX];
  char *words[CASES_WORDS_MAX];
  size_t count;
};

void cases_open(struct cases *cases, const char *name); // of the folder CASES
bool cases_next(struct cases *cases);                   // false at the end
void cases_close(struct cases *cases);
bool cases_is(const struct cases *cases, const char *word); // the line's first word
int64_t cases_number(const struct cases *cases, size_t word);
void cases_fail(const struct cases *cases, const char *what);

#endif

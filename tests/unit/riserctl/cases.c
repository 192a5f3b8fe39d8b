// SPDX-License-Identifier: Apache-2.0
#include "cases.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void cases_open(struct cases *cases, const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", CASES, name);
  *cases = (struct cases){.path = path, .file = fopen(path, "r")};
  if (!cases->file) fail_msg("%s can't be opened", path);
}

void cases_close(struct cases *cases) {
  fclose(cases->file);
}

static void cut(struct cases *cases) {
  char *at = strcpy(cases->cut, cases->text);
  cases->count = 0;
  for (;;) {
    at += strspn(at, " ");
    if (*at == 0) return;
    if (cases->count == CASES_WORDS_MAX) cases_fail(cases, "too many words");
    bool quoted = *at == '"';
    at += quoted;
    cases->words[cases->count++] = at;
    at += strcspn(at, quoted ? "\"" : " ");
    if (*at) *at++ = 0;
  }
}

bool cases_next(struct cases *cases) {
  while (fgets(cases->text, sizeof cases->text, cases->file)) {
    cases->line++;
    cases->text[strcspn(cases->text, "\n")] = 0;
    if (cases->text[0] == 0 || cases->text[0] == '#') continue;
    cut(cases);
    return true;
  }
  return false;
}

bool cases_is(const struct cases *cases, const char *word) {
  return cases->count > 0 && strcmp(cases->words[0], word) == 0;
}

int64_t cases_number(const struct cases *cases, size_t word) {
  char *end;
  if (word >= cases->count) cases_fail(cases, "a number is missing");
  int64_t value = strtoll(cases->words[word], &end, 10);
  if (*end) cases_fail(cases, "this is no number");
  return value;
}

void cases_fail(const struct cases *cases, const char *what) {
  fail_msg("%s:%d: %s: %s", cases->path, cases->line, what, cases->text);
}

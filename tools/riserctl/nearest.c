// SPDX-License-Identifier: Apache-2.0
// Three rows of the usual table of distances; words longer than the rows are not compared, since nobody mistypes those.
#include "riserctl/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len);
static bool same(char a, char b);
static size_t least(size_t a, size_t b, size_t c);

const char *nearest_word(const char *word, const char *const *known, size_t count) {
  size_t len = strlen(word);
  const char *best = NULL;
  size_t best_distance = WORD_MAX;
  if (len > WORD_MAX) return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t known_len = strlen(known[i]);
    if (known_len > WORD_MAX) continue;
    size_t allowed = known_len / 3 ? known_len / 3 : 1;
    size_t found = distance(word, len, known[i], known_len);
    if (found > allowed || found >= best_distance) continue;
    best = known[i];
    best_distance = found;
  }
  return best;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
  size_t rows[3][WORD_MAX + 1]; // before the last, the last, this one
  for (size_t j = 0; j <= b_len; j++) rows[1][j] = j;
  for (size_t i = 1; i <= a_len; i++) {
    rows[2][0] = i;
    for (size_t j = 1; j <= b_len; j++) {
      size_t substitute = rows[1][j - 1] + !same(a[i - 1], b[j - 1]);
      rows[2][j] = least(substitute, rows[1][j] + 1, rows[2][j - 1] + 1);
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) && rows[0][j - 2] + 1 < rows[2][j]) {
        rows[2][j] = rows[0][j - 2] + 1;
      }
    }
    memcpy(rows[0], rows[1], sizeof rows[0]);
    memcpy(rows[1], rows[2], sizeof rows[1]);
  }
  return rows[1][b_len];
}

static bool same(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b, size_t c) {
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

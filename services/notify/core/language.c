// SPDX-License-Identifier: Apache-2.0
#include "notify/core/language.h"

#include <stdbool.h>
#include <string.h>

static bool language_is(const struct language *language, const char *tag) {
  size_t len = strlen(language->code);
  if (strlen(tag) < len) return false;
  for (size_t i = 0; i < len; i++) {
    char c = tag[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c != language->code[i]) return false;
  }
  return tag[len] == '\0' || tag[len] == '-' || tag[len] == '_';
}

static const struct language *language_find(const char *tag) {
  for (size_t i = 0; languages[i]; i++) {
    if (language_is(languages[i], tag)) return languages[i];
  }
  return NULL;
}

const struct language *language_choose(const char *person, const char *site) {
  const struct language *found = language_find(person);
  if (!found) found = language_find(site);
  return found ? found : language_find("en");
}

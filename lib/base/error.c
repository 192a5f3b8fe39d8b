// SPDX-License-Identifier: Apache-2.0
// Both tables are made from the one list in the header, so that they can't drift apart.
#include "base/error.h"

#include <string.h>

#define ERROR_NAME(id, class, name) name,
#define ERROR_CLASS(id, class, name) class,
static const char *const names[] = {ERROR_TABLE(ERROR_NAME)};
static const enum error_class classes[] = {ERROR_TABLE(ERROR_CLASS)};

enum error_class error_class(enum error err) {
  return (size_t)err < ERROR_COUNT ? classes[err] : CLASS_FATAL;
}

const char *error_name(enum error err) {
  return (size_t)err < ERROR_COUNT ? names[err] : "unknown";
}

const char *const *error_names(size_t *count) {
  *count = ERROR_COUNT;
  return names;
}

enum error error_by_name(const char *name) {
  for (size_t i = 0; i < ERROR_COUNT; i++)
    if (strcmp(names[i], name) == 0) return (enum error)i;
  return ERROR_COUNT;
}

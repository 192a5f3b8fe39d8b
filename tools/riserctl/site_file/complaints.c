// SPDX-License-Identifier: Apache-2.0
// A buffer that is full or without memory loses later lines, never the count: the file is refused all the same.
#include "riserctl/site_file/complaints.h"

#include <stdio.h>

enum { TEXT_MAX = 64 * 1024, LINE_SIZE = 1024 };

void complaints_init(struct complaints *complaints) {
  buffer_init(&complaints->text, TEXT_MAX);
  complaints->count = 0;
}

void complaints_fini(struct complaints *complaints) {
  buffer_fini(&complaints->text);
}

void complain(struct complaints *complaints, struct place place, const char *format, ...) {
  va_list list;
  va_start(list, format);
  complain_list(complaints, place, format, list);
  va_end(list);
}

void complain_list(struct complaints *complaints, struct place place, const char *format, va_list list) {
  char line[LINE_SIZE];
  enum error err = OK;
  if (complaints->count++ >= COMPLAINTS_MAX) return;
  vsnprintf(line, sizeof line, format, list);
  if (place.line == 0) {
    err = buffer_printf(&complaints->text, "%s: %s\n", place.file, line);
  } else {
    err = buffer_printf(&complaints->text, "%s:%zu:%zu: %s\n", place.file, place.line, place.column, line);
  }
  if (err) complaints->count = COMPLAINTS_MAX + 1;
}

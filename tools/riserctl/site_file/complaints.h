// SPDX-License-Identifier: Apache-2.0
// What is wrong with files that a person wrote: collected, so that nobody has to run a command five times to learn of
// five mistakes. Each line is "file:line:column: what; how to mend it".
#ifndef RISER_RISERCTL_SITE_FILE_COMPLAINTS_H
#define RISER_RISERCTL_SITE_FILE_COMPLAINTS_H

#include <stdarg.h>
#include <stddef.h>

#include "base/bytes.h"

enum { COMPLAINTS_MAX = 25 }; // beyond it they are only counted

struct complaints {
  struct buffer text; // one a line
  size_t count;
};

void complaints_init(struct complaints *complaints);
void complaints_fini(struct complaints *complaints);

// line and column from 1; line 0: the file as a whole.
struct place {
  const char *file;
  size_t line;
  size_t column;
};
void complain(struct complaints *complaints, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void complain_list(struct complaints *complaints, struct place place, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));

#endif

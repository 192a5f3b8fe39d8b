// SPDX-License-Identifier: Apache-2.0
// What happened, for people: nothing is written down unless somebody wants to see it, since any run can be done again.
// And the one way to say that a promise was broken.
#ifndef RISER_TESTS_SIM_TRACE_H
#define RISER_TESTS_SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>

enum trace_mode { TRACE_OFF, TRACE_KEEP, TRACE_PRINT }; // KEEP: the last TRACE_LINES

enum { TRACE_LINES = 80, TRACE_LINE_SIZE = 320 };

void trace_begin(enum trace_mode mode);
bool trace_wanted(void);
void trace_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace_print_kept(size_t lines);

#define trace(...) (trace_wanted() ? trace_write(__VA_ARGS__) : (void)0)

// The first one counts; the run ends with the step.
void violated(const char *promise, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool is_violated(void);
const char *violated_promise(void); // "" if none was
const char *violated_detail(void);

#endif

// SPDX-License-Identifier: Apache-2.0
// Tells AddressSanitizer when a task's stack takes over from another; nothing without it.
#ifndef RISER_TESTS_SIM_FIBER_H
#define RISER_TESTS_SIM_FIBER_H

#include <stddef.h>

struct fiber {
  void *fake;
  const void *bottom;
  size_t size;
};

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>

static inline void fiber_switch(struct fiber *from, const struct fiber *to) {
  __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
}
static inline void fiber_last_switch(const struct fiber *to) {
  __sanitizer_start_switch_fiber(NULL, to->bottom, to->size);
}
// `self` NULL: for the first time.
static inline void fiber_arrived_from(struct fiber *self, struct fiber *from) {
  __sanitizer_finish_switch_fiber(self ? self->fake : NULL, &from->bottom, &from->size);
}
#else
static inline void fiber_switch(struct fiber *from, const struct fiber *to) {
  (void)from, (void)to;
}
static inline void fiber_last_switch(const struct fiber *to) {
  (void)to;
}
static inline void fiber_arrived_from(struct fiber *self, struct fiber *from) {
  (void)self, (void)from;
}
#endif

#endif

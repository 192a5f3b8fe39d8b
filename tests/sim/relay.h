// SPDX-License-Identifier: Apache-2.0
// The simulated mail relay, behind notify's courier: what it accepts is a person's; it may be slow, say no for now or
// for good, or its yes may get lost.
#ifndef RISER_TESTS_SIM_RELAY_H
#define RISER_TESTS_SIM_RELAY_H

#include <stdbool.h>

void relay_set_away(bool away);

#endif

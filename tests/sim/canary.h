// SPDX-License-Identifier: Apache-2.0
// Breakages on purpose, to see that the simulation finds them: each takes a promise's means away in the simulated
// world around the services.
#ifndef RISER_TESTS_SIM_CANARY_H
#define RISER_TESTS_SIM_CANARY_H

#include <stdbool.h>

enum canary {
  CANARY_NONE,
  CANARY_FENCE,  // Redis does not look at the fence
  CANARY_OUTBOX, // the outbox is not kept
  CANARY_MARKS,  // what consumers noted beside their offsets is not given back
  CANARY_SPOOL,  // what is spooled dies with the process
  CANARY_NOTICE, // the relay says that it took mails which it threw away
  CANARY_COUNT,
};

extern const char *const canary_names[CANARY_COUNT];

void canary_choose(enum canary canary);
bool canary_sings(enum canary canary);

#endif

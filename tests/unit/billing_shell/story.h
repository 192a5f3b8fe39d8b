// SPDX-License-Identifier: Apache-2.0
// A log with a bit of everything: a site with two rooms, reads of three months, ticks, a payment, a strange meter.
#ifndef RISER_TESTS_UNIT_BILLING_SHELL_STORY_H
#define RISER_TESTS_UNIT_BILLING_SHELL_STORY_H

#include "world.h"

// Ends with records from which nothing follows, so that the last outbox is empty.
void story_write(struct world *world);

#endif

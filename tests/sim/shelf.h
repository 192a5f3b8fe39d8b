// SPDX-License-Identifier: Apache-2.0
// The disks of the simulated ingests: see spool.c.
#ifndef RISER_TESTS_SIM_SHELF_H
#define RISER_TESTS_SIM_SHELF_H

#include <stdbool.h>

void shelves_begin(void); // empty
bool shelves_are_empty(void);

#endif

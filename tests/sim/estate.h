// SPDX-License-Identifier: Apache-2.0
// The people: an operator who furnishes the houses, swaps meters, moves tenants, edits and voids reads; tenants who pay
// in time, late, too much or twice; writers who write nonsense. All through the site log, as riserctl does, and each
// tries until Kafka has accepted it.
#ifndef RISER_TESTS_SIM_ESTATE_H
#define RISER_TESTS_SIM_ESTATE_H

#include <stdbool.h>

enum {
  ESTATE_LEAD_DAYS = 2,
  ESTATE_DUE_DAYS = 2,
  ESTATE_REMIND_DAYS = 1,
  ESTATE_NOTICE_DAYS = 2,
  ESTATE_CUT_DAYS = 4,
  ESTATE_GRACE_HOURS = 6,
};

void estate_begin(void);
void estate_furnish(void); // writes what the houses are
void estate_open(void);    // life begins
void estate_calm(void);    // nothing but payments, until nobody owes anything
bool estate_is_paid(void);

#endif

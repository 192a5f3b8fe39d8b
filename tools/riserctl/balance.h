// SPDX-License-Identifier: Apache-2.0
// What leases owe, from billing's accounts.
#ifndef RISER_RISERCTL_BALANCE_H
#define RISER_RISERCTL_BALANCE_H

#include "riserctl/ctl.h"
#include "riserctl/state.h"

struct owed {
  int64_t billed_e4[COMMODITY_COUNT];
  int64_t paid_e4[COMMODITY_COUNT];
  int64_t owed_e4[COMMODITY_COUNT]; // negative: credit
  int64_t total_e4;                 // of owed
};

void balance_of(const struct account_state *account, struct owed *out);

// A table of leases: billed, paid, owed per commodity. A lease without an account owes nothing.
enum status balance_print(struct ctl *ctl, const struct site_state *site, const struct lease *leases, size_t count,
                          bool json);

#endif

// SPDX-License-Identifier: Apache-2.0
// A lease's bill of a month, made of the frozen periods of its room's points.
#ifndef RISER_BILLING_CORE_BILLS_H
#define RISER_BILLING_CORE_BILLS_H

#include "billing/core/accounts.h"
#include "billing/core/periods.h"

// Issues the first bill of the month, or (a bill is there) its next revision. at_s: when it was due to be issued.
// Nothing is issued when there is no bill and the lease has no period in the month.
// only_if_moved: nor when the amounts are those of the bill that is there; but what it rests on may have become actual.
void bill_issue(struct fold *fold, const struct tenancy *tenancy, struct month month, int64_t at_s, bool only_if_moved);

#endif

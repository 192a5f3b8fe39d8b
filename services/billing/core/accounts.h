// SPDX-License-Identifier: Apache-2.0
// What a lease owes, per commodity: bills, payments, credit; and what follows when that changes.
#ifndef RISER_BILLING_CORE_ACCOUNTS_H
#define RISER_BILLING_CORE_ACCOUNTS_H

#include "billing/core/fold_parts.h"

// A lease with its room and its account, as every step about money needs it.
struct tenancy {
  const struct site_state *site;
  const struct lease *lease;
  struct entity *entity; // the account
  struct account_state *account;
  struct unit room; // its points: those whose supply follows the money. Possibly none.
};

// Looks everything up; false: not loaded (fold_waits), or there is no such lease.
bool tenancy_need(struct fold *fold, const char *site, const char *lease, struct tenancy *out);
// The same for a lease of a unit that has been looked up.
bool tenancy_of_unit(struct fold *fold, const struct unit *unit, const struct lease *lease, struct tenancy *out);

struct account_bill *account_bill_of(struct account_state *account, uint32_t month); // NULL: none
int64_t bill_unpaid(const struct account_bill *bill, enum commodity commodity);
int64_t bill_due(const struct account_bill *bill, enum commodity commodity); // when what it says of one is due
int64_t account_owed(const struct account_state *account, enum commodity commodity); // negative: credit
// The bill whose due date counts for what is to follow: the first to fall due with which the unpaid amounts reach the
// site's least debt. NULL: all of them are less.
const struct account_bill *account_debt(const struct tenancy *tenancy, enum commodity commodity);
// Whether what is overdue reaches the least debt.
bool account_in_arrears(const struct tenancy *tenancy, enum commodity commodity, int64_t now_s);
// What is overdue at the business time.
int64_t account_overdue(const struct account_state *account, enum commodity commodity, int64_t now_s);

// What was billed for a month, anew: overpaid amounts become credit, credit pays what is unpaid, oldest first.
enum error account_post(struct fold *fold, const struct tenancy *tenancy, const struct account_bill *bill);
void account_pay(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity, int64_t amount_e4);
void account_balance(struct fold *fold, const struct tenancy *tenancy, const char *cause);
const char *account_bill_id(struct fold *fold, const struct tenancy *tenancy, uint32_t month, uint32_t revision);

// ---- arrears.c

// After every change of an account: an episode that has ended is closed and its supply comes back; notice and
// disconnection are put into the due index for when they may be due.
void arrears_review(struct fold *fold, const struct tenancy *tenancy);
const char *notice_id(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity);
// A notice to the lease's persons, with what is overdue of the commodity.
void notice_decide(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity, enum notice_kind kind,
                   const char *id);
int64_t notice_served_s(const struct arrears *arrears); // 0: it is not

// ---- switching.c

// The point's supply should change for this lease: a new version of the desired state and its decision.
void switch_to(struct fold *fold, const struct tenancy *tenancy, size_t point, enum supply supply);
// Looks up what switch_to will need of the room's devices.
void switches_need(struct fold *fold, const struct unit *unit);

#endif

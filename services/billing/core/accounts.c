// SPDX-License-Identifier: Apache-2.0
// Accounts. Credit of a commodity pays its oldest bill first; credit of any commodity pays the oldest bill, electricity
// before water. So the order of bills and payments does not matter for what remains.
#include "billing/core/accounts.h"

#include <stdlib.h>
#include <string.h>

bool tenancy_of_unit(struct fold *fold, const struct unit *unit, const struct lease *lease, struct tenancy *out) {
  *out = (struct tenancy){.site = unit->site, .lease = lease, .room = *unit};
  need_seal(fold, unit->site->site.id);
  out->entity = need_account(fold, unit->site->site.id, lease->id);
  if (out->entity) out->account = entity_account(out->entity);
  return out->entity != NULL;
}

bool tenancy_need(struct fold *fold, const char *site, const char *lease, struct tenancy *out) {
  struct entity *site_entity = need_site(fold, site);
  const struct lease *found = site_entity ? site_lease(entity_site(site_entity), lease) : NULL;
  if (!found) return false;
  struct unit unit;
  bool whole = unit_need(fold, site_entity, found->room, &unit);
  if (!whole && unit.count > 0 && !fold_waits(fold)) fold_fail(fold, ERR_CORRUPT); // a point without its state
  switches_need(fold, &unit);
  return tenancy_of_unit(fold, &unit, found, out) && !fold_waits(fold) && fold->error == OK;
}

struct account_bill *account_bill_of(struct account_state *account, uint32_t month) {
  for (size_t i = 0; i < account->bill_count; i++) {
    if (account->bills[i].month == month) return &account->bills[i];
  }
  return NULL;
}

int64_t bill_unpaid(const struct account_bill *bill, enum commodity commodity) {
  return bill->amount_e4[commodity] - bill->paid_e4[commodity];
}

int64_t bill_due(const struct account_bill *bill, enum commodity commodity) {
  return bill->own_due_s[commodity] ? bill->own_due_s[commodity] : bill->due_s;
}

int64_t account_owed(const struct account_state *account, enum commodity commodity) {
  int64_t owed_e4 = -account->credit_e4[commodity];
  for (size_t i = 0; i < account->bill_count; i++) owed_e4 += bill_unpaid(&account->bills[i], commodity);
  return owed_e4;
}

static int64_t least_debt(const struct tenancy *tenancy) {
  int64_t least_e4 = tenancy->site->site.least_debt_e4;
  return least_e4 > 0 ? least_e4 : 1;
}

const struct account_bill *account_debt(const struct tenancy *tenancy, enum commodity commodity) {
  const struct account_state *account = tenancy->account;
  const struct account_bill *first = NULL;
  for (size_t i = 0; i < account->bill_count; i++) {
    const struct account_bill *bill = &account->bills[i];
    int64_t due_s = bill_due(bill, commodity);
    if (bill_unpaid(bill, commodity) <= 0 || (first && bill_due(first, commodity) <= due_s)) continue;
    if (account_in_arrears(tenancy, commodity, due_s)) first = bill;
  }
  return first;
}

bool account_in_arrears(const struct tenancy *tenancy, enum commodity commodity, int64_t now_s) {
  return account_overdue(tenancy->account, commodity, now_s) >= least_debt(tenancy);
}

int64_t account_overdue(const struct account_state *account, enum commodity commodity, int64_t now_s) {
  int64_t overdue_e4 = 0;
  for (size_t i = 0; i < account->bill_count; i++) {
    const struct account_bill *bill = &account->bills[i];
    if (bill_due(bill, commodity) <= now_s) overdue_e4 += bill_unpaid(bill, commodity);
  }
  return overdue_e4;
}

// ---- changes

static void pay_from(int64_t *credit_e4, struct account_bill *bill, enum commodity commodity) {
  int64_t unpaid_e4 = bill_unpaid(bill, commodity);
  int64_t part_e4 = *credit_e4 < unpaid_e4 ? *credit_e4 : unpaid_e4;
  if (part_e4 <= 0) return;
  bill->paid_e4[commodity] += part_e4;
  *credit_e4 -= part_e4;
}

static void settle(struct account_state *account) {
  for (size_t i = 0; i < account->bill_count; i++) {
    struct account_bill *bill = &account->bills[i];
    for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
      int64_t over_e4 = -bill_unpaid(bill, (enum commodity)c);
      if (over_e4 <= 0) continue;
      bill->paid_e4[c] -= over_e4;
      account->credit_e4[c] += over_e4;
    }
  }
  for (size_t i = 0; i < account->bill_count; i++) {
    for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
      pay_from(&account->credit_e4[c], &account->bills[i], (enum commodity)c);
      pay_from(&account->credit_e4[COMMODITY_NONE], &account->bills[i], (enum commodity)c);
    }
  }
}

static bool settled(const struct account_bill *bill) {
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    if (bill_unpaid(bill, (enum commodity)c) != 0) return false;
  }
  return true;
}

// Drops the oldest bills beyond what is kept, but never one of which something is unpaid.
static void prune(struct account_state *account) {
  size_t gone = 0;
  while (account->bill_count - gone > ACCOUNT_BILLS_MAX && settled(&account->bills[gone])) gone++;
  if (gone == 0) return;
  account->bill_count -= gone;
  memmove(account->bills, account->bills + gone, account->bill_count * sizeof *account->bills);
}

enum error account_post(struct fold *fold, const struct tenancy *tenancy, const struct account_bill *bill) {
  struct account_state *account = tenancy->account;
  struct account_bill *there = account_bill_of(account, bill->month);
  if (there) {
    struct account_bill old = *there;
    *there = *bill;
    memcpy(there->paid_e4, old.paid_e4, sizeof old.paid_e4);
    memcpy(there->notices, old.notices, sizeof old.notices);
  } else {
    struct account_bill *list = store_grow(account->bills, account->bill_count, sizeof *list);
    if (!list) return ERR_NO_MEMORY;
    account->bills = list;
    size_t at = account->bill_count++;
    for (; at > 0 && list[at - 1].month > bill->month; at--) list[at] = list[at - 1];
    list[at] = *bill;
  }
  settle(account);
  prune(account);
  store_mark(fold->store, tenancy->entity);
  return OK;
}

void account_pay(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity, int64_t amount_e4) {
  tenancy->account->credit_e4[commodity] += amount_e4;
  settle(tenancy->account);
  store_mark(fold->store, tenancy->entity);
}

void account_balance(struct fold *fold, const struct tenancy *tenancy, const char *cause) {
  const struct site *site = &tenancy->site->site;
  const char *id = fold_text(fold, "balance:%s:%s:%s", site->id, tenancy->lease->id, cause);
  struct decision *decision = fold_decide(fold, site, DECISION_BALANCE, id);
  decision->balance = (struct balance){.lease = tenancy->lease->id,
                                       .room = tenancy->lease->room,
                                       .cause_fact = cause,
                                       .seal = chain_seal(fold, site->id)};
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    decision->balance.owed_e4[c] = account_owed(tenancy->account, (enum commodity)c);
  }
}

const char *account_bill_id(struct fold *fold, const struct tenancy *tenancy, uint32_t month, uint32_t revision) {
  return fold_text(fold, "bill:%s:%s:%04u-%02u:r%u", tenancy->site->site.id, tenancy->lease->id, month / 100,
                   month % 100, revision);
}

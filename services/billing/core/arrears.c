// SPDX-License-Identifier: Apache-2.0
// The way from an overdue bill to a disconnection: reminder, notice, switch. An episode of a commodity begins with its
// notice and ends when nothing overdue is left. The due index only says when to look; what holds is found out then.
#include <string.h>

#include "billing/core/accounts.h"

#include "base/canary.h"

static int64_t later(int64_t a_s, int64_t b_s) {
  return a_s > b_s ? a_s : b_s;
}

static int64_t days(uint32_t count) {
  return (int64_t)count * DAY_S;
}

int64_t notice_served_s(const struct arrears *arrears) {
  int64_t served_s = 0;
  for (size_t i = 0; i < arrears->receipt_count; i++) {
    int64_t one_s = arrears->receipts[i].served_s;
    if (served_s == 0 || one_s < served_s) served_s = one_s;
  }
  return served_s;
}

const char *notice_id(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity) {
  const struct arrears *arrears = &tenancy->account->arrears[commodity];
  return fold_text(fold, "notice:%s:%s:%s:%04u-%02u:n%u", tenancy->site->site.id, tenancy->lease->id,
                   commodity_name(commodity), arrears->notice_month / 100, arrears->notice_month % 100,
                   arrears->notice_count);
}

// ---- review

static void end_episode(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity) {
  struct arrears *arrears = &tenancy->account->arrears[commodity];
  if (arrears->noticed || arrears->bounced || arrears->receipt_count > 0) {
    arrears->noticed = arrears->bounced = false;
    arrears->receipt_count = 0;
    store_mark(fold->store, tenancy->entity);
  }
  for (size_t i = 0; i < tenancy->room.count; i++) {
    if (tenancy->room.points[i]->commodity != commodity) continue;
    const struct point_state *point = entity_point(tenancy->room.states[i]);
    bool ours = strcmp(point->desired_lease, tenancy->lease->id) == 0;
    if (point->desired == SUPPLY_OFF && ours && !CANARY(LEFT_CUT)) switch_to(fold, tenancy, i, SUPPLY_ON);
  }
}

// A notice that reached nobody is given again after a pause, so that an address that is wrong for good is not flooded.
static int64_t notice_at(const struct tenancy *tenancy, const struct arrears *arrears, int64_t due_s) {
  const struct site *site = &tenancy->site->site;
  int64_t first_s = due_s + days(site->notice_after_days);
  if (!arrears->bounced) return first_s;
  return later(first_s, arrears->given_s + days(site->notice_lead_days ? site->notice_lead_days : 1));
}

static int64_t cut_at(const struct tenancy *tenancy, const struct arrears *arrears, int64_t due_s) {
  const struct site *site = &tenancy->site->site;
  return later(due_s + days(site->disconnect_after_days) + 1,
               notice_served_s(arrears) + days(site->notice_lead_days));
}

// Never in the past: what else falls due in this tick comes first, corrections of bills above all.
static void plan(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity) {
  const struct site *site = &tenancy->site->site;
  const struct arrears *arrears = &tenancy->account->arrears[commodity];
  const struct account_bill *oldest = account_debt(tenancy, commodity);
  if (!site->disconnectable[commodity] || !oldest) return;
  const char *what = commodity_name(commodity), *lease = tenancy->lease->id;
  if (!arrears->noticed || arrears->bounced) {
    struct key member = due_member(DUE_NOTICE, site->id, lease, what);
    int64_t at_s = later(notice_at(tenancy, arrears, bill_due(oldest, commodity)), fold->now_s);
    fold_fail(fold, store_due_set(fold->store, at_s, member.text));
  } else if (arrears->receipt_count > 0 || CANARY(NOTICE_CHECK_OFF)) {
    struct key member = due_member(DUE_CUT, site->id, lease, what);
    int64_t at_s = later(cut_at(tenancy, arrears, bill_due(oldest, commodity)), fold->now_s);
    fold_fail(fold, store_due_set(fold->store, at_s, member.text));
  }
}

void arrears_review(struct fold *fold, const struct tenancy *tenancy) {
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    enum commodity commodity = (enum commodity)c;
    if (!account_in_arrears(tenancy, commodity, fold->now_s)) end_episode(fold, tenancy, commodity);
    plan(fold, tenancy, commodity);
  }
}

// ---- notices

static void overdue_bills(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity,
                          struct notice_due *notice) {
  const struct account_state *account = tenancy->account;
  const char **bills = fold_array(fold, account->bill_count, sizeof *bills);
  for (size_t i = 0; bills && i < account->bill_count; i++) {
    const struct account_bill *bill = &account->bills[i];
    if (bill_due(bill, commodity) > fold->now_s || bill_unpaid(bill, commodity) <= 0) continue;
    if (notice->bill_count == 0) notice->due_s = bill_due(bill, commodity);
    bills[notice->bill_count++] = account_bill_id(fold, tenancy, bill->month, bill->revision);
  }
  notice->bills = bills;
}

void notice_decide(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity, enum notice_kind kind,
                   const char *id) {
  struct decision *decision = fold_decide(fold, &tenancy->site->site, DECISION_NOTICE_DUE, id);
  struct notice_due *notice = &decision->notice_due;
  *notice = (struct notice_due){
      .kind = kind,
      .lease = tenancy->lease->id,
      .room = tenancy->lease->room,
      .persons = fold_persons(fold, tenancy->lease),
      .person_count = tenancy->lease->person_count,
      .commodity = commodity,
      .owed_e4 = account_overdue(tenancy->account, commodity, fold->now_s),
  };
  overdue_bills(fold, tenancy, commodity, notice);
  if (kind != NOTICE_DISCONNECT) return;
  const struct site *site = &tenancy->site->site;
  const struct account_bill *debt = account_debt(tenancy, commodity);
  int64_t due_s = debt ? bill_due(debt, commodity) : notice->due_s;
  notice->not_before_s = later(due_s + days(site->disconnect_after_days), fold->now_s + days(site->notice_lead_days));
}

// ---- steps. Each leaves the due index as it should be: the entry moved, or removed.

// "{month}-{commodity}", as remind_later writes it.
static uint32_t month_of(const char *text, enum commodity *commodity) {
  uint32_t month = 0;
  while (*text >= '0' && *text <= '9' && month < 1000000) month = month * 10 + (uint32_t)(*text++ - '0');
  bool known = text[0] == '-' && text[1] > '0' && text[1] < '0' + COMMODITY_COUNT && !text[2];
  *commodity = known ? (enum commodity)(text[1] - '0') : COMMODITY_NONE;
  return month;
}

// A bill can be reminded of again, once a reissue has made more of it. Its revision tells the reminders apart, as each
// is of another one.
static const char *reminder_id(struct fold *fold, const struct step *step, enum commodity commodity,
                               const struct account_bill *bill) {
  const char *id = fold_text(fold, "reminder:%s:%s:%s:%04u-%02u", step->due.site, step->due.what,
                             commodity_name(commodity), bill->month / 100, bill->month % 100);
  return bill->revision ? fold_text(fold, "%s:r%u", id, bill->revision) : id;
}

enum error step_remind(struct fold *fold, const struct step *step) {
  struct tenancy tenancy;
  bool there = tenancy_need(fold, step->due.site, step->due.what, &tenancy);
  if (fold_waits(fold)) return ERR_AGAIN;
  enum commodity commodity;
  uint32_t month = month_of(step->due.detail, &commodity);
  const struct account_bill *bill = there ? account_bill_of(tenancy.account, month) : NULL;
  bool owed = bill && commodity != COMMODITY_NONE && bill_unpaid(bill, commodity) > 0;
  if (owed && account_in_arrears(&tenancy, commodity, fold->now_s)) {
    notice_decide(fold, &tenancy, commodity, NOTICE_REMINDER, reminder_id(fold, step, commodity, bill));
  }
  return store_due_remove(fold->store, step->member);
}

// Numbered by the bill: a month can come into arrears again after another one did.
static void give_notice(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity,
                        struct account_bill *oldest) {
  struct arrears *arrears = &tenancy->account->arrears[commodity];
  arrears->notice_count = ++oldest->notices[commodity];
  arrears->notice_month = oldest->month;
  arrears->noticed = true;
  arrears->given_s = fold->now_s;
  arrears->bounced = false;
  arrears->receipt_count = 0;
  store_mark(fold->store, tenancy->entity);
  notice_decide(fold, tenancy, commodity, NOTICE_DISCONNECT, notice_id(fold, tenancy, commodity));
}

// The lease, its commodity and the bill that counts; NULL: nothing threatens (any more).
static const struct account_bill *threatened(struct fold *fold, const struct step *step, struct tenancy *tenancy,
                                             enum commodity *commodity) {
  *commodity = commodity_from_name(step->due.detail);
  if (!tenancy_need(fold, step->due.site, step->due.what, tenancy)) return NULL;
  bool possible = *commodity != COMMODITY_NONE && tenancy->site->site.disconnectable[*commodity];
  if (!possible || !lease_covers(tenancy->lease, fold->now_s)) return NULL;
  return account_debt(tenancy, *commodity);
}

enum error step_notice(struct fold *fold, const struct step *step) {
  struct tenancy tenancy;
  enum commodity commodity;
  const struct account_bill *oldest = threatened(fold, step, &tenancy, &commodity);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!oldest) return store_due_remove(fold->store, step->member);
  const struct arrears *arrears = &tenancy.account->arrears[commodity];
  if (arrears->noticed && !arrears->bounced) return store_due_remove(fold->store, step->member);
  int64_t at_s = notice_at(&tenancy, arrears, bill_due(oldest, commodity));
  if (fold->now_s < at_s) return store_due_set(fold->store, at_s, step->member);
  give_notice(fold, &tenancy, commodity, account_bill_of(tenancy.account, oldest->month));
  return store_due_remove(fold->store, step->member);
}

enum error step_cut(struct fold *fold, const struct step *step) {
  struct tenancy tenancy;
  enum commodity commodity;
  const struct account_bill *oldest = threatened(fold, step, &tenancy, &commodity);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!oldest) return store_due_remove(fold->store, step->member);
  const struct arrears *arrears = &tenancy.account->arrears[commodity];
  bool served = arrears->noticed && (arrears->receipt_count > 0 || CANARY(NOTICE_CHECK_OFF));
  int64_t at_s = cut_at(&tenancy, arrears, bill_due(oldest, commodity));
  if (served && fold->now_s < at_s) return store_due_set(fold->store, at_s, step->member);
  bool actual = oldest->actual[commodity] || CANARY(ESTIMATE_CUTS);
  for (size_t i = 0; served && actual && i < tenancy.room.count; i++) {
    const struct service_point *point = tenancy.room.points[i];
    bool off = entity_point(tenancy.room.states[i])->desired == SUPPLY_OFF;
    if (point->commodity != commodity || off) continue;
    if (point_switch(tenancy.site, point->id, fold->now_s)) switch_to(fold, &tenancy, i, SUPPLY_OFF);
  }
  return store_due_remove(fold->store, step->member);
}

// A lease begins: the debt of the one before it must not keep the room in the dark.
enum error step_begin(struct fold *fold, const struct step *step) {
  struct tenancy tenancy;
  bool there = tenancy_need(fold, step->due.site, step->due.what, &tenancy);
  if (fold_waits(fold)) return ERR_AGAIN;
  for (size_t i = 0; there && lease_covers(tenancy.lease, fold->now_s) && i < tenancy.room.count; i++) {
    const struct point_state *point = entity_point(tenancy.room.states[i]);
    bool others = strcmp(point->desired_lease, tenancy.lease->id) != 0;
    if (point->desired == SUPPLY_OFF && others) switch_to(fold, &tenancy, i, SUPPLY_ON);
  }
  return store_due_remove(fold->store, step->member);
}

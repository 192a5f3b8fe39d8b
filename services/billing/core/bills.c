// SPDX-License-Identifier: Apache-2.0
// Bills. Everything that is needed to check one by hand is in it. A bill is never changed: a later word cancels it and
// issues the next revision; what was paid stays paid.
#include "billing/core/bills.h"

#include <string.h>

#include "billing/core/tariff/tariff.h"

static void add_section(struct fold *fold, const struct tenancy *tenancy, size_t index, struct month month,
                        struct bill *bill);
static void price_section(struct fold *fold, const struct tenancy *tenancy, const struct period *period,
                          struct bill_section *section);

static const struct period *lease_period(const struct point_state *point, uint32_t month, const char *lease) {
  size_t count, first = periods_of_month(point, month, &count);
  for (size_t i = first; i < first + count; i++) {
    if (strcmp(point->periods[i].lease, lease) == 0) return &point->periods[i];
  }
  return NULL;
}

static int64_t later(int64_t a_s, int64_t b_s) {
  return a_s > b_s ? a_s : b_s;
}

// What the bill says, without its arrears and its place among revisions.
static struct bill draft(struct fold *fold, const struct tenancy *tenancy, struct month month) {
  const struct lease *lease = tenancy->lease;
  struct bill bill = {
      .lease = lease->id,
      .room = lease->room,
      .period = month_text(fold, month.number),
      .from_s = later(month.from_s, lease->from_s),
      .until_s = lease->until_s != 0 && lease->until_s < month.until_s ? lease->until_s : month.until_s,
      .supersedes = "",
  };
  if (bill.until_s < bill.from_s) bill.until_s = bill.from_s; // the lease turned out not to reach into the month
  bill.persons = fold_persons(fold, lease);
  bill.person_count = bill.persons ? lease->person_count : 0;
  bill.sections = fold_array(fold, tenancy->room.count, sizeof *bill.sections);
  for (size_t i = 0; bill.sections && i < tenancy->room.count; i++) add_section(fold, tenancy, i, month, &bill);
  return bill;
}

static void add_section(struct fold *fold, const struct tenancy *tenancy, size_t index, struct month month,
                        struct bill *bill) {
  const struct service_point *point = tenancy->room.points[index];
  const struct point_state *state = entity_point(tenancy->room.states[index]);
  const struct period *period = lease_period(state, month.number, tenancy->lease->id);
  if (!period) return;
  struct bill_section *section = (struct bill_section *)&bill->sections[bill->section_count++];
  *section = (struct bill_section){.service_point = point->id,
                                   .commodity = point->commodity,
                                   .tariff = point_tariff(tenancy->site, point->id, period->from_s),
                                   .tariff_name = "",
                                   .quantity = period->usage};
  struct bill_meter *meters = fold_array(fold, period->meter_count, sizeof *meters);
  for (size_t i = 0; meters && i < period->meter_count; i++) meters[i] = period->meters[i].shown;
  section->meters = meters;
  section->meter_count = meters ? period->meter_count : 0;
  price_section(fold, tenancy, period, section);
  bill->total_e4 += section->amount_e4;
}

// ---- price

// The beginning of the accumulation period that the month lies in.
static int64_t accumulation_from(const struct zone *zone, const struct tariff *tariff, uint32_t month) {
  int32_t year = (int32_t)(month / 100), number = (int32_t)(month % 100);
  if (tariff->accumulation == ACCUMULATION_NONE) return 0;
  if (tariff->accumulation == ACCUMULATION_MONTH) return zone_month_start(zone, year, number);
  int32_t start = (int32_t)tariff->year_start_month;
  return zone_month_start(zone, number >= start ? year : year - 1, start);
}

// What the lease used in earlier periods since then.
static int64_t prior_quantity(const struct tenancy *tenancy, const char *point, const struct period *period,
                              int64_t from_s) {
  int64_t prior = 0;
  for (size_t i = 0; i < tenancy->room.count; i++) {
    const struct point_state *state = entity_point(tenancy->room.states[i]);
    if (strcmp(state->id, point) != 0) continue;
    for (size_t k = 0; k < state->period_count; k++) {
      const struct period *earlier = &state->periods[k];
      bool counts = earlier->from_s >= from_s && earlier->until_s <= period->from_s;
      if (counts && strcmp(earlier->lease, tenancy->lease->id) == 0) prior += earlier->usage;
    }
  }
  return prior;
}

static void price_section(struct fold *fold, const struct tenancy *tenancy, const struct period *period,
                          struct bill_section *section) {
  const struct site *site = &tenancy->site->site;
  const struct tariff *tariff = site_tariff(tenancy->site, section->tariff, period->from_s);
  if (!tariff) return;
  section->tariff_name = tariff->name;
  section->accumulation = tariff->accumulation;
  section->line_rounding = tariff->line_rounding;
  section->accumulation_from_s = accumulation_from(&site->zone, tariff, period->month);
  if (tariff->accumulation != ACCUMULATION_NONE) {
    section->prior_quantity = prior_quantity(tenancy, section->service_point, period, section->accumulation_from_s);
  }
  struct tariff_use use = {section->prior_quantity, section->quantity, site->minor_digits};
  struct tariff_lines *lines = fold_array(fold, 1, sizeof *lines);
  if (!lines) return;
  if (tariff_price(tariff, &use, lines) != OK) { // beyond any real bill: not charged, but seen
    fold_exception(fold, site, "amount-overflow", section->service_point);
    return;
  }
  section->lines = lines->lines;
  section->line_count = lines->count;
  section->amount_e4 = lines->amount_e4;
}

// ---- issue

static bool meters_actual(const struct bill_section *section) {
  for (size_t i = 0; i < section->meter_count; i++) {
    const struct bill_meter *meter = &section->meters[i];
    if (!quality_is_actual(meter->previous_quality) || !quality_is_actual(meter->present_quality)) return false;
  }
  return section->meter_count > 0;
}

static struct account_bill entry_of(const struct bill *bill, uint32_t month) {
  struct account_bill entry = {.month = month, .from_s = bill->from_s, .until_s = bill->until_s};
  for (int c = 0; c < COMMODITY_COUNT; c++) entry.actual[c] = true;
  for (size_t i = 0; i < bill->section_count; i++) {
    const struct bill_section *section = &bill->sections[i];
    entry.amount_e4[section->commodity] += section->amount_e4;
    if (!meters_actual(section)) entry.actual[section->commodity] = false;
  }
  return entry;
}

// Until the end of the local day that lies so many days behind the issue.
static int64_t due_of(const struct site *site, int64_t issued_s) {
  return zone_day_start_at(&site->zone, issued_s, (int32_t)site->due_days + 1);
}

// Of the commodity the reissue wants more, and nothing of it was unpaid: what it adds could not be paid in time.
static bool adds(const struct account_bill *was, const struct account_bill *entry, enum commodity commodity) {
  return entry->amount_e4[commodity] > was->amount_e4[commodity] && bill_unpaid(was, commodity) <= 0;
}

// A reissue is due when the bill was, but for commodities of which it adds something to what was paid. The bill shows
// the latest of the dates.
static void due_anew(const struct site *site, const struct account_bill *was, struct account_bill *entry) {
  int64_t due_s[COMMODITY_COUNT];
  entry->due_s = was->due_s;
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    due_s[c] = bill_due(was, (enum commodity)c);
    if (adds(was, entry, (enum commodity)c)) due_s[c] = later(due_s[c], due_of(site, entry->issued_s));
    entry->due_s = later(entry->due_s, due_s[c]);
  }
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    entry->own_due_s[c] = due_s[c] == entry->due_s ? 0 : due_s[c];
  }
}

static void decide(struct fold *fold, const struct tenancy *tenancy, struct bill *bill,
                   const struct account_bill *entry, const struct account_bill *was) {
  bill->id = account_bill_id(fold, tenancy, entry->month, entry->revision);
  bill->revision = entry->revision;
  bill->issued_s = entry->issued_s;
  bill->due_s = entry->due_s;
  if (was) bill->supersedes = account_bill_id(fold, tenancy, was->month, was->revision);
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    bill->arrears_e4[c] = account_owed(tenancy->account, (enum commodity)c) - (was ? was->amount_e4[c] : 0);
  }
  bill->seal = chain_seal(fold, tenancy->site->site.id);
  fold_decide(fold, &tenancy->site->site, DECISION_BILL, bill->id)->bill = *bill;
}

// Once a commodity for each date on which something of it falls due: at the first issue, and when more is added.
static void remind_later(struct fold *fold, const struct tenancy *tenancy, const struct account_bill *was,
                         const struct account_bill *entry) {
  const struct site *site = &tenancy->site->site;
  for (int c = COMMODITY_ELECTRICITY; c < COMMODITY_COUNT; c++) {
    enum commodity commodity = (enum commodity)c;
    bool owed = entry->amount_e4[c] > 0;
    if (!owed || !adds(was, entry, commodity)) continue;
    int64_t at_s = bill_due(entry, commodity) + (int64_t)site->reminder_after_days * DAY_S;
    const char *which = fold_text(fold, "%u-%d", entry->month, c);
    struct key member = due_member(DUE_REMIND, site->id, tenancy->lease->id, which);
    fold_fail(fold, store_due_set(fold->store, at_s, member.text));
  }
}

// The bill stands; real reads may have confirmed what it estimated.
static void confirm(struct fold *fold, const struct tenancy *tenancy, struct account_bill *there,
                    const struct account_bill *entry) {
  if (memcmp(there->actual, entry->actual, sizeof there->actual) == 0) return;
  memcpy(there->actual, entry->actual, sizeof there->actual);
  store_mark(fold->store, tenancy->entity);
  arrears_review(fold, tenancy);
}

void bill_issue(struct fold *fold, const struct tenancy *tenancy, struct month month, int64_t at_s,
                bool only_if_moved) {
  struct bill bill = draft(fold, tenancy, month);
  struct account_bill entry = entry_of(&bill, month.number);
  struct account_bill *there = account_bill_of(tenancy->account, month.number);
  if (!there && bill.section_count == 0) return;
  bool same = there && memcmp(there->amount_e4, entry.amount_e4, sizeof entry.amount_e4) == 0;
  if (same && only_if_moved) {
    confirm(fold, tenancy, there, &entry);
    return;
  }

  struct account_bill was = there ? *there : (struct account_bill){0};
  entry.issued_s = at_s;
  entry.due_s = due_of(&tenancy->site->site, at_s);
  if (there) due_anew(&tenancy->site->site, &was, &entry);
  entry.revision = there ? was.revision + 1 : 0;
  decide(fold, tenancy, &bill, &entry, there ? &was : NULL);
  remind_later(fold, tenancy, &was, &entry);
  fold_fail(fold, account_post(fold, tenancy, &entry));
  account_balance(fold, tenancy, bill.id);
  arrears_review(fold, tenancy);
}

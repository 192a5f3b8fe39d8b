// SPDX-License-Identifier: Apache-2.0
#include "riserctl/balance.h"

#include "riserctl/human.h"
#include "riserctl/table.h"

void balance_of(const struct account_state *account, struct owed *out) {
  *out = (struct owed){.total_e4 = 0};
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    for (size_t i = 0; i < account->bill_count; i++) {
      out->billed_e4[c] += account->bills[i].amount_e4[c];
      out->paid_e4[c] += account->bills[i].paid_e4[c];
    }
    out->paid_e4[c] += account->credit_e4[c];
    out->owed_e4[c] = out->billed_e4[c] - out->paid_e4[c];
    out->total_e4 += out->owed_e4[c];
  }
}

static int64_t sum(const int64_t amounts[COMMODITY_COUNT]) {
  int64_t total = 0;
  for (int c = 0; c < COMMODITY_COUNT; c++) total += amounts[c];
  return total;
}

static void add_row(struct table *table, const struct site_state *site, const struct lease *lease,
                    const struct owed *owed) {
  char text[HUMAN_TEXT_SIZE];
  uint32_t digits = site->site.minor_digits;
  const int64_t amounts[] = {sum(owed->billed_e4), sum(owed->paid_e4), owed->owed_e4[COMMODITY_ELECTRICITY],
                             owed->owed_e4[COMMODITY_WATER], owed->total_e4};
  table_row(table);
  table_text(table, lease->id);
  table_text(table, lease->room);
  for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
    table_text(table, human_money_format(amounts[i], digits, text));
  }
  table_text(table, site->site.currency);
}

enum status balance_print(struct ctl *ctl, const struct site_state *site, const struct lease *leases, size_t count,
                          bool json) {
  static const struct column columns[] = {
      {"lease", CELL_TEXT},
      {"room", CELL_TEXT},
      {"billed", CELL_NUMBER},
      {"paid", CELL_NUMBER},
      {"owed_electricity", CELL_NUMBER},
      {"owed_water", CELL_NUMBER},
      {"owed", CELL_NUMBER},
      {"currency", CELL_TEXT},
  };
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum error err = OK;
  for (size_t i = 0; i < count && !err; i++) {
    struct account_state account = {.lease = leases[i].id};
    struct owed owed;
    err = state_account(ctl, site->site.id, leases[i].id, &account);
    if (err == ERR_NOT_FOUND) err = OK;
    balance_of(&account, &owed);
    add_row(table, site, &leases[i], &owed);
  }
  if (!err) table_print(table, json);
  table_free(table);
  return err ? ctl_fail(ctl, err, "the accounts can't be read") : STATUS_OK;
}

// SPDX-License-Identifier: Apache-2.0
// Bills and what is owed.
#include <stdlib.h>
#include <string.h>

#include "riserctl/balance.h"
#include "riserctl/get.h"
#include "riserctl/human.h"
#include "riserctl/table.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum error add_bill(struct get *get, const char *id, struct table *table);
static int64_t section_amount(const struct bill *bill, enum commodity commodity);

enum status get_bills(struct get *get) {
  static const struct column columns[] = {
      {"bill", CELL_TEXT},       {"lease", CELL_TEXT},   {"room", CELL_TEXT},     {"month", CELL_TEXT},
      {"revision", CELL_NUMBER}, {"issued", CELL_TEXT},  {"due", CELL_TEXT},      {"electricity", CELL_NUMBER},
      {"water", CELL_NUMBER},    {"total", CELL_NUMBER}, {"currency", CELL_TEXT},
  };
  struct ctl *ctl = get->ctl;
  const char *const *keys;
  size_t count = 0;
  struct table *table = table_new(columns, COUNT(columns));
  const char *prefix = arena_printf(ctl->arena, "bill:bill:%s:", get->site.site.id);
  enum error err =
      prefix ? state_keys(ctl, state_partition(ctl, get->site.site.id), prefix, &keys, &count) : ERR_NO_MEMORY;
  for (size_t i = 0; i < count && !err; i++) err = add_bill(get, keys[i] + strlen("bill:"), table);
  if (!err) table_print(table, get->arguments->json);
  table_free(table);
  return err ? ctl_fail(ctl, err, "the bills can't be read") : STATUS_OK;
}

static enum error add_bill(struct get *get, const char *id, struct table *table) {
  char text[HUMAN_TEXT_SIZE];
  struct bill bill;
  const struct zone *zone = &get->site.site.zone;
  uint32_t digits = get->site.site.minor_digits;
  enum error err = state_bill(get->ctl, get->site.site.id, id, &bill);
  if (err) return err;
  if (!get_wants(get, "lease", bill.lease) || !get_wants(get, "room", bill.room)) return OK;
  if (!get_wants(get, "month", bill.period)) return OK;
  table_row(table);
  table_text(table, bill.id);
  table_text(table, bill.lease);
  table_text(table, bill.room);
  table_text(table, bill.period);
  table_integer(table, bill.revision);
  table_text(table, human_stamp_format(bill.issued_s, zone, text));
  table_text(table, human_stamp_format(bill.due_s, zone, text));
  table_text(table, human_money_format(section_amount(&bill, COMMODITY_ELECTRICITY), digits, text));
  table_text(table, human_money_format(section_amount(&bill, COMMODITY_WATER), digits, text));
  table_text(table, human_money_format(bill.total_e4, digits, text));
  table_text(table, get->site.site.currency);
  return OK;
}

static int64_t section_amount(const struct bill *bill, enum commodity commodity) {
  int64_t amount = 0;
  for (size_t i = 0; i < bill->section_count; i++) {
    if (bill->sections[i].commodity == commodity) amount += bill->sections[i].amount_e4;
  }
  return amount;
}

enum status get_balance(struct get *get) {
  struct lease *leases = arena_array(get->ctl->arena, get->site.lease_count, sizeof *leases);
  size_t count = 0;
  for (size_t i = 0; leases && i < get->site.lease_count; i++) {
    const struct lease *lease = &get->site.leases[i];
    if (get_wants(get, "lease", lease->id) && get_wants(get, "room", lease->room)) leases[count++] = *lease;
  }
  return balance_print(get->ctl, &get->site, leases, count, get->arguments->json);
}

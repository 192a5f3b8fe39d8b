// SPDX-License-Identifier: Apache-2.0
// bill: one bill in full, so that anyone can check it with pencil and paper.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "riserctl/human.h"
#include "riserctl/state.h"
#include "wire/bill.h"
#include "wire/json.h"

enum { JSON_MAX = 4 * 1024 * 1024 };

struct page {
  const struct site_state *site;
  const struct bill *bill;
};

static enum status bill_run(struct ctl *ctl, const struct arguments *arguments);
static enum error find_latest(struct ctl *ctl, const struct site_state *site, const struct arguments *arguments,
                              const char **id);
static enum status print_json(struct ctl *ctl, const struct bill *bill);
static void print_bill(const struct page *page);
static void print_section(const struct page *page, const struct bill_section *section);
static void print_meter(const struct page *page, const struct bill_meter *meter, enum commodity commodity);
static void print_line(const struct page *page, const struct bill_section *section, const struct bill_line *line);
static void print_totals(const struct page *page);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"lease", "ID", "with --month: this lease's bill"},
    {"month", "YYYY-MM", "its latest revision"},
};

const struct command command_bill = {
    .name = "bill",
    .operands = "[ID]",
    .summary = "Print a bill in full",
    .details =
        "Registers at both edges with their times and quality, quantities, each step of the ladder, amounts, what\n"
        "was owed before. Example: riserctl bill --lease lease-102 --month 2016-03\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_max = 1,
    .run = bill_run,
};

static enum status bill_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  struct bill bill;
  enum status status;
  const char *id = arguments->operand_count ? arguments->operands[0] : NULL;
  bool named = arguments_given(arguments, "lease") && arguments_given(arguments, "month");
  if ((id != NULL) == named) return ctl_misuse(ctl, "give either a bill's id or --lease and --month");
  if (!state_choose_site(ctl, arguments_value(arguments, "site"), &site, &status)) return status;
  enum error err = id ? OK : find_latest(ctl, &site, arguments, &id);
  if (!err) err = state_bill(ctl, site.site.id, id, &bill);
  if (err == ERR_NOT_FOUND) return ctl_refuse(ctl, "there is no such bill (riserctl get bills)");
  if (err) return ctl_fail(ctl, err, "the bill can't be read");
  if (arguments->json) return print_json(ctl, &bill);
  print_bill(&(struct page){&site, &bill});
  return STATUS_OK;
}

// Revisions stand at the end of the id: ":r0", ":r1"; the longest and then the last is the latest.
static enum error find_latest(struct ctl *ctl, const struct site_state *site, const struct arguments *arguments,
                              const char **id) {
  const char *const *keys;
  size_t count = 0;
  const char *prefix = arena_printf(ctl->arena, "bill:bill:%s:%s:%s:r", site->site.id,
                                    arguments_value(arguments, "lease"), arguments_value(arguments, "month"));
  if (!prefix) return ERR_NO_MEMORY;
  enum error err = state_keys(ctl, state_partition(ctl, site->site.id), prefix, &keys, &count);
  if (err) return err;
  const char *latest = NULL;
  for (size_t i = 0; i < count; i++) {
    if (!latest || strlen(keys[i]) >= strlen(latest)) latest = keys[i];
  }
  if (!latest) return ERR_NOT_FOUND;
  *id = latest + strlen("bill:");
  return OK;
}

static enum status print_json(struct ctl *ctl, const struct bill *bill) {
  struct buffer encoded, text;
  buffer_init(&encoded, JSON_MAX);
  buffer_init(&text, JSON_MAX);
  enum error err = wire_bill_encode(bill, &encoded);
  if (!err) err = wire_json("bill", buffer_bytes(&encoded), ctl->arena, &text);
  if (!err) fputs(buffer_text(&text), stdout);
  buffer_fini(&encoded);
  buffer_fini(&text);
  return err ? ctl_fail(ctl, err, "the bill can't be printed") : STATUS_OK;
}

static void print_bill(const struct page *page) {
  const struct bill *bill = page->bill;
  const struct zone *zone = &page->site->site.zone;
  char from[HUMAN_TEXT_SIZE], until[HUMAN_TEXT_SIZE];
  printf("Bill %s\n", bill->id);
  printf("  room %s, lease %s", bill->room, bill->lease);
  for (size_t i = 0; i < bill->person_count; i++) printf("%s%s", i ? ", " : ", for ", bill->persons[i]);
  printf("\n  %s: %s to %s\n", bill->period, human_stamp_format(bill->from_s, zone, from),
         human_stamp_format(bill->until_s, zone, until));
  printf("  issued %s, due before %s\n", human_stamp_format(bill->issued_s, zone, from),
         human_stamp_format(bill->due_s, zone, until));
  char seal[SEAL_TEXT_SIZE];
  if (bill->seal.records) printf("  seal %s\n", seal_format(&bill->seal, seal));
  if (bill->supersedes[0]) printf("  takes the place of %s\n", bill->supersedes);
  for (size_t i = 0; i < bill->section_count; i++) print_section(page, &bill->sections[i]);
  print_totals(page);
}

static void print_section(const struct page *page, const struct bill_section *section) {
  char text[HUMAN_TEXT_SIZE], since[HUMAN_TEXT_SIZE];
  printf("\n%s at %s, tariff %s\n", section->commodity == COMMODITY_WATER ? "Water" : "Electricity",
         section->service_point, section->tariff_name[0] ? section->tariff_name : section->tariff);
  for (size_t i = 0; i < section->meter_count; i++) print_meter(page, &section->meters[i], section->commodity);
  printf("  quantity %s", human_quantity_format(section->quantity, section->commodity, text));
  if (section->accumulation == ACCUMULATION_YEAR) {
    printf(", after %s", human_quantity_format(section->prior_quantity, section->commodity, text));
    printf(" since %s", human_stamp_format(section->accumulation_from_s, &page->site->site.zone, since));
  }
  printf("\n");
  for (size_t i = 0; i < section->line_count; i++) print_line(page, section, &section->lines[i]);
  printf("  %-58s %12s\n", "together", human_money_format(section->amount_e4, page->site->site.minor_digits, text));
}

static void print_edge(const struct page *page, const char *name, int64_t time_s, const char *value,
                       enum quality quality) {
  char time[HUMAN_TEXT_SIZE];
  printf("    %-9s %-20s %16s  %s\n", name, human_stamp_format(time_s, &page->site->site.zone, time), value,
         quality_name(quality));
}

static void print_meter(const struct page *page, const struct bill_meter *meter, enum commodity commodity) {
  char text[HUMAN_TEXT_SIZE];
  printf("  meter %s, %s\n", meter->meter, register_name(meter->reg));
  print_edge(page, "previous", meter->previous_time_s, human_quantity_format(meter->previous_value, commodity, text),
             meter->previous_quality);
  print_edge(page, "present", meter->present_time_s, human_quantity_format(meter->present_value, commodity, text),
             meter->present_quality);
  if (meter->carried) {
    printf("    rollovers and resets in between add %s\n", human_quantity_format(meter->carried, commodity, text));
  }
  if (meter->multiplier_num != meter->multiplier_den) {
    printf("    times %" PRId64 "/%" PRId64 "\n", meter->multiplier_num, meter->multiplier_den);
  }
  printf("    makes     %37s\n", human_quantity_format(meter->quantity, commodity, text));
}

static void print_line(const struct page *page, const struct bill_section *section, const struct bill_line *line) {
  char from[HUMAN_TEXT_SIZE], upto[HUMAN_TEXT_SIZE], quantity[HUMAN_TEXT_SIZE], price[HUMAN_TEXT_SIZE];
  char amount[HUMAN_TEXT_SIZE], bounds[HUMAN_TEXT_SIZE * 3];
  human_number_format(line->block_from, section->commodity, from);
  human_number_format(line->block_upto, section->commodity, upto);
  snprintf(bounds, sizeof bounds, "%s to %s", from, line->block_upto ? upto : "...");
  printf("  step %" PRIu32 " (%s)  %s x %s", line->block, bounds,
         human_quantity_format(line->quantity, section->commodity, quantity),
         human_price_format(line->price_e8, price));
  int used = (int)(11 + strlen(bounds) + 2 + strlen(quantity) + 3 + strlen(price));
  printf("%*s %12s\n", used < 60 ? 60 - used : 0, "",
         human_money_format(line->amount_e4, page->site->site.minor_digits, amount));
}

static void print_totals(const struct page *page) {
  const struct bill *bill = page->bill;
  char text[HUMAN_TEXT_SIZE];
  uint32_t digits = page->site->site.minor_digits;
  int64_t owed = bill->total_e4;
  printf("\n%-60s %12s %s\n", "This bill", human_money_format(bill->total_e4, digits, text), page->site->site.currency);
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    owed += bill->arrears_e4[c];
    if (!bill->arrears_e4[c]) continue;
    printf("%s (%s)%*s %12s\n", "Owed before", commodity_name((enum commodity)c),
           (int)(46 - strlen(commodity_name((enum commodity)c))), "",
           human_money_format(bill->arrears_e4[c], digits, text));
  }
  printf("%-60s %12s %s\n", "To pay", human_money_format(owed, digits, text), page->site->site.currency);
}

// SPDX-License-Identifier: Apache-2.0
// quote: what a quantity would cost, by the code that makes the bills.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "billing/core/tariff/tariff.h"
#include "riserctl/human.h"
#include "riserctl/site_file/site_file.h"
#include "riserctl/state.h"
#include "riserctl/table.h"

static enum status quote_run(struct ctl *ctl, const struct arguments *arguments);
static enum status load(struct ctl *ctl, const struct arguments *arguments, struct site_state *site);
static const struct tariff *find(const struct site_state *site, const char *id);
static enum status price(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                         const struct tariff *tariff);
static void print(const struct site_state *site, const struct tariff *tariff, const struct tariff_lines *lines,
                  bool json);

static const struct option options[] = {
    {"tariff", "ID", "which tariff; of several versions the last one"},
    {"usage", "QUANTITY", "with its unit: 347.215 kWh, 12 m3"},
    {"prior", "QUANTITY", "used before in the same month or year; default: none"},
    {"file", "PATH", "a site file that has the tariff; default: what billing knows"},
    {"site", "ID", "needed only when there are several"},
};

const struct command command_quote = {
    .name = "quote",
    .operands = "",
    .summary = "Price a quantity with a tariff",
    .details = "Example: riserctl quote --file site.yaml --tariff electricity-ladder --usage '347.215 kWh'\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = quote_run,
};

static enum status quote_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  const char *id = arguments_value(arguments, "tariff");
  if (!id || !arguments_given(arguments, "usage")) return ctl_misuse(ctl, "--tariff and --usage are needed");
  enum status status = load(ctl, arguments, &site);
  if (status != STATUS_OK) return status;
  const struct tariff *tariff = find(&site, id);
  if (!tariff) return ctl_refuse(ctl, "there is no tariff \"%s\" (riserctl get tariffs)", id);
  const char *refused = tariff_refuse(tariff);
  if (refused) return ctl_refuse(ctl, "the tariff \"%s\" can't be used: %s", id, refused);
  return price(ctl, arguments, &site, tariff);
}

static enum status load(struct ctl *ctl, const struct arguments *arguments, struct site_state *site) {
  const char *path = arguments_value(arguments, "file");
  enum status status = STATUS_OK;
  if (!path) {
    return state_choose_site(ctl, arguments_value(arguments, "site"), site, &status) ? STATUS_OK : status;
  }
  struct complaints complaints;
  struct site_file file;
  complaints_init(&complaints);
  if (!site_file_read(&path, 1, ctl->arena, &complaints, &file)) {
    fputs(buffer_text(&complaints.text), stderr);
    status = ctl_misuse(ctl, "the file has mistakes");
  }
  complaints_fini(&complaints);
  *site = (struct site_state){.site = file.site, .tariffs = file.tariffs, .tariff_count = file.tariff_count};
  return status;
}

static const struct tariff *find(const struct site_state *site, const char *id) {
  const struct tariff *found = NULL;
  for (size_t i = 0; i < site->tariff_count; i++) {
    const struct tariff *tariff = &site->tariffs[i];
    if (strcmp(tariff->id, id) == 0 && (!found || tariff->from_s > found->from_s)) found = tariff;
  }
  return found;
}

static enum status price(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                         const struct tariff *tariff) {
  const char *usage = arguments_value(arguments, "usage");
  const char *prior = arguments_value(arguments, "prior");
  struct tariff_use use = {.minor_digits = site->site.minor_digits};
  struct tariff_lines lines;
  if (human_quantity_parse(usage, tariff->commodity, &use.quantity)) {
    return ctl_misuse(ctl, "\"%s\" is no quantity of %s; write it like 12.5 %s", usage,
                      commodity_name(tariff->commodity), human_unit(tariff->commodity));
  }
  if (prior && (human_quantity_parse(prior, tariff->commodity, &use.prior) || use.prior < 0)) {
    return ctl_misuse(ctl, "\"%s\" is no quantity of %s; write it like 12.5 %s", prior,
                      commodity_name(tariff->commodity), human_unit(tariff->commodity));
  }
  enum error err = tariff_price(tariff, &use, &lines);
  if (err) return ctl_fail(ctl, err, "the quantity can't be priced");
  print(site, tariff, &lines, arguments->json);
  return STATUS_OK;
}

static void print(const struct site_state *site, const struct tariff *tariff, const struct tariff_lines *lines,
                  bool json) {
  static const struct column columns[] = {{"step", CELL_NUMBER},     {"from", CELL_NUMBER},  {"upto", CELL_NUMBER},
                                          {"quantity", CELL_NUMBER}, {"unit", CELL_TEXT},    {"price", CELL_NUMBER},
                                          {"amount", CELL_NUMBER},   {"currency", CELL_TEXT}};
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  char text[HUMAN_TEXT_SIZE];
  for (size_t i = 0; i < lines->count; i++) {
    const struct bill_line *line = &lines->lines[i];
    table_row(table);
    table_integer(table, line->block);
    table_text(table, human_number_format(line->block_from, tariff->commodity, text));
    table_text(table, line->block_upto ? human_number_format(line->block_upto, tariff->commodity, text) : "");
    table_text(table, human_number_format(line->quantity, tariff->commodity, text));
    table_text(table, human_unit(tariff->commodity));
    table_text(table, human_price_format(line->price_e8, text));
    table_text(table, human_money_format(line->amount_e4, site->site.minor_digits, text));
    table_text(table, site->site.currency);
  }
  table_print(table, json);
  table_free(table);
  if (!json)
    printf("together %s %s\n", human_money_format(lines->amount_e4, site->site.minor_digits, text),
           site->site.currency);
}

// SPDX-License-Identifier: Apache-2.0
// explain: where a number of usage comes from. For each meter the reads around both edges of the month, what the
// register stood at there and how that is known, and every read between that does not count or that made the register
// begin anew.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riserctl/human.h"
#include "riserctl/meter_chain.h"
#include "riserctl/state.h"

enum { SHOWN_MAX = 20, MONTH_TEXT = 8 };

struct view {
  struct ctl *ctl;
  const struct site_state *site;
  const struct service_point *point;
  int64_t from_s;
  int64_t until_s;
  uint32_t month;
};

static enum status explain_run(struct ctl *ctl, const struct arguments *arguments);
static bool read_month(const char *text, const struct zone *zone, struct view *view);
static enum error explain_meters(const struct view *view, int64_t *sum, bool *known);
static void explain_meter(const struct view *view, const struct installation *meter, const struct chain *chain,
                          int64_t *sum, bool *known);
static bool print_edge(const struct view *view, const struct chain *chain, const char *name, int64_t at_s,
                       struct boundary *edge);
static void print_odd(const struct view *view, const struct chain *chain, enum commodity commodity);
static enum error print_closed(const struct view *view, int64_t sum, bool known);
static enum error print_steps(const struct view *view, const struct period *period);
static const char *verdict_name(enum chain_verdict verdict);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"point", "ID", "which service point"},
    {"month", "YYYY-MM", "which month"},
};

const struct command command_explain = {
    .name = "explain",
    .operands = "",
    .summary = "Show where a month's usage comes from",
    .details = "Reads around both edges, how the register is known there, reads that don't count, the steps of the\n"
               "tariff. Worked out from the reads as they are now, by the same rules as billing's.\n"
               "Example: riserctl explain --point 118-water --month 2016-09\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = explain_run,
};

static enum status explain_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  struct view view = {.ctl = ctl, .site = &site};
  const char *point = arguments_value(arguments, "point");
  const char *month = arguments_value(arguments, "month");
  enum status status;
  if (!point || !month) return ctl_misuse(ctl, "--point and --month are needed");
  if (arguments->json) return ctl_misuse(ctl, "explain is for people; get usage --json is for programs");
  if (!state_choose_site(ctl, arguments_value(arguments, "site"), &site, &status)) return status;
  view.point = state_service_point(&site, point);
  if (!view.point) return ctl_refuse(ctl, "there is no service point \"%s\" (riserctl get points)", point);
  if (!read_month(month, &site.site.zone, &view)) return ctl_misuse(ctl, "\"%s\" is no month like 2016-05", month);
  char from[HUMAN_TEXT_SIZE], until[HUMAN_TEXT_SIZE];
  printf("%s, %s in %s: %s to %s, %s\n", view.point->id, commodity_name(view.point->commodity), month,
         human_stamp_format(view.from_s, &site.site.zone, from),
         human_stamp_format(view.until_s, &site.site.zone, until), site.site.zone_name);
  int64_t sum = 0;
  bool known = true;
  enum error err = explain_meters(&view, &sum, &known);
  if (!err) err = print_closed(&view, sum, known);
  return err ? ctl_fail(ctl, err, "the reads can't be read") : STATUS_OK;
}

static bool read_month(const char *text, const struct zone *zone, struct view *view) {
  int year, month, used = 0;
  if (sscanf(text, "%4d-%2d%n", &year, &month, &used) != 2 || text[used] || used != MONTH_TEXT - 1) return false;
  if (year < 1970 || month < 1 || month > 12) return false;
  view->from_s = zone_month_start(zone, year, month);
  view->until_s = zone_month_start(zone, year, month + 1);
  view->month = (uint32_t)(year * 100 + month);
  return true;
}

static enum error explain_meters(const struct view *view, int64_t *sum, bool *known) {
  for (size_t i = 0; i < view->site->installation_count; i++) {
    const struct installation *meter = &view->site->installations[i];
    struct chain chain;
    if (strcmp(meter->service_point, view->point->id) != 0) continue;
    if (meter->from_s >= view->until_s || (meter->until_s && meter->until_s <= view->from_s)) continue;
    enum error err = meter_chain_load(view->ctl, view->site->site.id, meter, view->from_s, view->until_s, &chain);
    if (err) return err;
    explain_meter(view, meter, &chain, sum, known);
  }
  return OK;
}

static void explain_meter(const struct view *view, const struct installation *meter, const struct chain *chain,
                          int64_t *sum, bool *known) {
  enum commodity commodity = view->point->commodity;
  char text[HUMAN_TEXT_SIZE], more[HUMAN_TEXT_SIZE];
  struct boundary open, close;
  printf("\nmeter %s, register %s (%zu reads here, %zu of them count)\n", meter->meter, register_name(meter->reg),
         chain->count, chain->accepted_count);
  printf("  limits: %s/h", human_quantity_format(meter->max_rate_per_hour, commodity, text));
  printf(", backflow %s", human_quantity_format(meter->backflow_max, commodity, text));
  printf(", slack %s\n", human_quantity_format(meter->slack, commodity, text));
  bool has_open = print_edge(view, chain, "opening", view->from_s, &open);
  bool has_close = print_edge(view, chain, "closing", view->until_s, &close);
  print_odd(view, chain, commodity);
  // A register that was not known at the beginning is billed from its first read on.
  const struct chain_read *first = chain_first_from(chain, view->from_s);
  int64_t from_s = has_open || !first ? view->from_s : first->time_s, usage;
  enum quality quality;
  if (!has_close || !meter_chain_usage(chain, meter, from_s, view->until_s, &usage, &quality)) {
    printf("  usage: not known\n");
    *known = false;
    return;
  }
  printf("  usage: %s", human_quantity_format(usage, commodity, text));
  if (meter->multiplier_num != meter->multiplier_den) {
    printf(" (times %" PRId64 "/%" PRId64 ")", meter->multiplier_num, meter->multiplier_den);
  }
  if (from_s != view->from_s) {
    printf(", counted from %s", human_stamp_format(from_s, &view->site->site.zone, more));
  }
  printf(", %s\n", quality_name(quality));
  *sum += usage;
}

static void print_read(const struct view *view, const char *what, const struct chain_read *read) {
  char time[HUMAN_TEXT_SIZE], value[HUMAN_TEXT_SIZE];
  if (!read) {
    printf("    %-8s none\n", what);
    return;
  }
  printf("    %-8s %-20s %18s%s\n", what, human_stamp_format(read->time_s, &view->site->site.zone, time),
         human_quantity_format(read->value, view->point->commodity, value),
         read->rank >= RANK_EDIT_0 ? "  (corrected)"
         : read->rank >= RANK_HAND ? "  (by hand)"
                                   : "");
}

static bool print_edge(const struct view *view, const struct chain *chain, const char *name, int64_t at_s,
                       struct boundary *edge) {
  char text[HUMAN_TEXT_SIZE], time[HUMAN_TEXT_SIZE];
  bool known = chain_at(chain, at_s, edge);
  const struct chain_read *after = chain_first_from(chain, known && edge->before_s == at_s ? at_s + 1 : at_s);
  const struct chain_read *before = chain_last_before(chain, at_s + 1);
  printf("  %s %s: %s%s%s\n", name, human_stamp_format(at_s, &view->site->site.zone, time),
         known ? human_quantity_format(edge->value, view->point->commodity, text) : "not known", known ? ", " : "",
         known ? quality_name(edge->quality) : "");
  print_read(view, "before", before);
  print_read(view, "after", after);
  return known;
}

static void print_odd(const struct view *view, const struct chain *chain, enum commodity commodity) {
  size_t shown = 0;
  for (size_t i = 0; i < chain->count; i++) {
    const struct chain_read *read = &chain->reads[i];
    char time[HUMAN_TEXT_SIZE], value[HUMAN_TEXT_SIZE];
    if (read->verdict == CHAIN_ACCEPTED || read->time_s < view->from_s || read->time_s > view->until_s) continue;
    if (++shown > SHOWN_MAX) continue;
    printf("  %-12s %-20s %18s\n", verdict_name(read->verdict),
           human_stamp_format(read->time_s, &view->site->site.zone, time),
           read->verdict == CHAIN_VOID ? "" : human_quantity_format(read->value, commodity, value));
  }
  if (shown > SHOWN_MAX) printf("  and %zu more that are not plain reads\n", shown - SHOWN_MAX);
}

static const char *verdict_name(enum chain_verdict verdict) {
  static const char *const names[] = {
      [CHAIN_ACCEPTED] = "accepted", [CHAIN_ROLLED_OVER] = "rolled over",
      [CHAIN_RESET] = "reset",       [CHAIN_QUESTIONABLE] = "questionable",
      [CHAIN_VOID] = "void",
  };
  return names[verdict];
}

static enum error print_closed(const struct view *view, int64_t sum, bool known) {
  char text[HUMAN_TEXT_SIZE];
  struct point_state state = {.period_count = 0};
  enum error err = state_point(view->ctl, view->site->site.id, view->point->id, &state);
  if (err && err != ERR_NOT_FOUND) return err;
  err = OK;
  int64_t closed = 0;
  bool any = false;
  for (size_t i = 0; i < state.period_count && !err; i++) {
    const struct period *period = &state.periods[i];
    if (period->month != view->month) continue;
    printf("\nbilling closed this month as revision %" PRIu32 " with %s%s%s\n", period->revision,
           human_quantity_format(period->usage, view->point->commodity, text), period->lease[0] ? ", lease " : "",
           period->lease);
    closed += period->usage;
    any = true;
    if (period->lease[0]) err = print_steps(view, period);
  }
  if (!any) printf("\nbilling has not closed this month\n");
  if (any && known && closed != sum) {
    printf("\nthe reads make %s by now: the difference is within the site's tolerance, or the next tick bills it\n",
           human_quantity_format(sum, view->point->commodity, text));
  }
  return err;
}

static enum error print_steps(const struct view *view, const struct period *period) {
  const char *id =
      arena_printf(view->ctl->arena, "bill:%s:%s:%04" PRIu32 "-%02" PRIu32 ":r%" PRIu32, view->site->site.id,
                   period->lease, period->month / 100, period->month % 100, period->revision);
  struct bill bill;
  char from[HUMAN_TEXT_SIZE], quantity[HUMAN_TEXT_SIZE], price[HUMAN_TEXT_SIZE], amount[HUMAN_TEXT_SIZE];
  if (!id) return ERR_NO_MEMORY;
  enum error err = state_bill(view->ctl, view->site->site.id, id, &bill);
  if (err) return err == ERR_NOT_FOUND ? OK : err; // a point's revision and the bill's may differ
  for (size_t i = 0; i < bill.section_count; i++) {
    const struct bill_section *section = &bill.sections[i];
    if (strcmp(section->service_point, view->point->id) != 0) continue;
    for (size_t j = 0; j < section->line_count; j++) {
      const struct bill_line *line = &section->lines[j];
      printf("  step %" PRIu32 " above %s: %s x %s = %s %s\n", line->block,
             human_quantity_format(line->block_from, section->commodity, from),
             human_quantity_format(line->quantity, section->commodity, quantity),
             human_price_format(line->price_e8, price),
             human_money_format(line->amount_e4, view->site->site.minor_digits, amount), view->site->site.currency);
    }
  }
  return OK;
}

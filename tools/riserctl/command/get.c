// SPDX-License-Identifier: Apache-2.0
// get: one table of things, each a function in a file of its own kind.
#include "riserctl/get.h"

#include <string.h>

#include "riserctl/nearest.h"

struct thing {
  const char *name;
  enum status (*run)(struct get *get);
  bool everywhere; // not of one site
};

static const struct thing things[] = {
    {"sites", get_sites, true},    {"rooms", get_rooms, false},       {"points", get_points, false},
    {"meters", get_meters, false}, {"leases", get_leases, false},     {"tariffs", get_tariffs, false},
    {"bills", get_bills, false},   {"balance", get_balance, false},   {"usage", get_usage, false},
    {"parked", get_parked, false}, {"commands", get_commands, false}, {"exceptions", get_exceptions, false},
};
enum { THING_COUNT = sizeof things / sizeof things[0] };

static enum status get_run(struct ctl *ctl, const struct arguments *arguments);
static const struct thing *find(struct ctl *ctl, const char *name);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"room", "ID", "only of this room"},
    {"lease", "ID", "only of this lease"},
    {"point", "ID", "only of this service point"},
    {"month", "YYYY-MM", "only of this month"},
    {"days", NULL, "usage: day by day (of --month)"},
    {"hours", "YYYY-MM-DD", "usage: hour by hour of this day"},
};

const struct command command_get = {
    .name = "get",
    .operands = "THING",
    .summary = "Show what billing knows",
    .details = "THING is one of\n"
               "  sites        all sites, how far billing has come with them\n"
               "  rooms        rooms with their lease\n"
               "  points       service points, with the supply as the meter shows it and as it should be\n"
               "  meters       meters installed, with their limits\n"
               "  leases, tariffs\n"
               "  bills        bills; riserctl bill ID prints one in full\n"
               "  balance      billed, paid and owed by lease\n"
               "  usage        usage by month, by day (--days) or by hour (--hours)\n"
               "  parked       meters that report and that nobody has installed\n"
               "  commands     every command to a relay or valve, and the state it is in\n"
               "  exceptions   facts that billing refused, with the reason\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = get_run,
};

static enum status get_run(struct ctl *ctl, const struct arguments *arguments) {
  struct get get = {.ctl = ctl, .arguments = arguments};
  enum status status;
  const struct thing *thing = find(ctl, arguments->operands[0]);
  if (!thing) return STATUS_USAGE;
  if (!thing->everywhere && !state_choose_site(ctl, arguments_value(arguments, "site"), &get.site, &status)) {
    return status;
  }
  return thing->run(&get);
}

static const struct thing *find(struct ctl *ctl, const char *name) {
  const char *known[THING_COUNT];
  for (size_t i = 0; i < THING_COUNT; i++) {
    known[i] = things[i].name;
    if (strcmp(known[i], name) == 0) return &things[i];
  }
  const char *near = nearest_word(name, known, THING_COUNT);
  ctl_misuse(ctl, "there is no \"%s\" to get%s%s%s", name, near ? "; did you mean " : "; see riserctl get --help",
             near ? near : "", near ? "?" : "");
  return NULL;
}

bool get_wants(const struct get *get, const char *option, const char *value) {
  const char *wanted = arguments_value(get->arguments, option);
  return !wanted || strcmp(wanted, value) == 0;
}

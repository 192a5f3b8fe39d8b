// SPDX-License-Identifier: Apache-2.0
// read: what a person says about a register: read from the meter's face, corrected, or declared void. The raw reads
// stay; of one second the highest rank counts, so a correction takes the next free revision.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "domain/reads.h"
#include "riserctl/facts.h"
#include "riserctl/human.h"
#include "riserctl/state.h"
#include "riserctl/table.h"

enum { TIMEOUT_MS = 60000, REVISION_MAX = 255 };

struct entry {
  const struct installation *meter;
  enum meter_register reg;
  int64_t time_s;
  int64_t value;
  bool correction;
  bool is_void;
  uint32_t revision;
  const char *reason;
};

static enum status read_run(struct ctl *ctl, const struct arguments *arguments);
static enum status understand(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                              struct entry *out);
static enum status find_meter(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                              struct entry *out);
static enum error next_revision(struct ctl *ctl, const struct site_state *site, struct entry *entry);
static enum status write_entry(struct ctl *ctl, const struct site_state *site, const struct entry *entry);
static void report(const struct site_state *site, const struct entry *entry, bool json);
static struct fact make_fact(const struct entry *entry, const struct reading *reading);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"meter", "ID", "whose register"},
    {"register", "NAME", "energy_import, volume, ...; needed only when the meter has several"},
    {"at", "TIME", "the instant of the read"},
    {"value", "QUANTITY", "with its unit: 1055.662 m3"},
    {"edit", NULL, "corrects the read of that instant"},
    {"void", NULL, "the read of that instant does not count (without --value)"},
    {"reason", "TEXT", "why; for --edit and --void"},
    {"revision", "N", "of a correction, 0 to 255; default: the next free one"},
};

const struct command command_read = {
    .name = "read",
    .operands = "",
    .summary = "Record a read taken by hand, or correct one",
    .details = "Becomes a fact of the site log. A closed month that it moves is billed anew at the next tick. Raw "
               "reads stay.\n"
               "Examples: riserctl read --meter w-df789230 --at '2016-11-02 09:00' --value '1055.9 m3'\n"
               "          riserctl read --void --meter w-1de2cf65 --at '2016-09-30 11:34:40' --reason 'meter fault'\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = read_run,
};

static enum status read_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  struct entry entry;
  enum status status;
  if (!arguments_given(arguments, "meter") || !arguments_given(arguments, "at")) {
    return ctl_misuse(ctl, "--meter and --at are needed");
  }
  if (!state_choose_site(ctl, arguments_value(arguments, "site"), &site, &status)) return status;
  status = understand(ctl, arguments, &site, &entry);
  if (status == STATUS_OK) status = write_entry(ctl, &site, &entry);
  if (status != STATUS_OK) return status;
  report(&site, &entry, arguments->json);
  return STATUS_OK;
}

static void report(const struct site_state *site, const struct entry *entry, bool json) {
  static const struct column columns[] = {{"meter", CELL_TEXT},   {"register", CELL_TEXT}, {"time", CELL_TEXT},
                                          {"value", CELL_NUMBER}, {"unit", CELL_TEXT},     {"kind", CELL_TEXT}};
  enum commodity commodity = register_commodity(entry->reg);
  char text[HUMAN_TEXT_SIZE];
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  table_row(table);
  table_text(table, entry->meter->meter);
  table_text(table, register_name(entry->reg));
  table_text(table, human_stamp_format(entry->time_s, &site->site.zone, text));
  table_text(table, entry->is_void ? "" : human_number_format(entry->value, commodity, text));
  table_text(table, human_unit(commodity));
  table_text(table, entry->is_void ? "void" : entry->correction ? "edit" : "by hand");
  table_print(table, json);
  table_free(table);
}

static enum status understand(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                              struct entry *out) {
  const char *at = arguments_value(arguments, "at");
  const char *value = arguments_value(arguments, "value");
  const char *reason = arguments_value(arguments, "reason");
  const char *revision = arguments_value(arguments, "revision");
  *out = (struct entry){
      .is_void = arguments_given(arguments, "void"),
      .correction = arguments_given(arguments, "void") || arguments_given(arguments, "edit"),
      .reason = reason ? reason : "",
  };
  if (out->is_void == (value != NULL)) return ctl_misuse(ctl, "give either --value or --void");
  if (out->correction && !reason) return ctl_misuse(ctl, "a correction needs a --reason");
  enum status status = find_meter(ctl, arguments, site, out);
  if (status != STATUS_OK) return status;
  enum stamp_result result = human_stamp_parse(at, &site->site.zone, &out->time_s);
  if (result != STAMP_OK) return ctl_misuse(ctl, "--at %s: %s", at, human_stamp_problem(result));
  enum commodity commodity = register_commodity(out->reg);
  if (value && (human_quantity_parse(value, commodity, &out->value) || out->value < 0)) {
    return ctl_misuse(ctl, "\"%s\" is no register; write it like 1055.662 %s", value, human_unit(commodity));
  }
  if (!out->correction) return STATUS_OK;
  if (!revision) {
    enum error err = next_revision(ctl, site, out);
    if (err == ERR_LIMIT) return ctl_refuse(ctl, "this read was corrected %d times; no revision is left", REVISION_MAX);
    return err ? ctl_fail(ctl, err, "the register's reads can't be read") : STATUS_OK;
  }
  char *end;
  long number = strtol(revision, &end, 10);
  if (*end || number < 0 || number > REVISION_MAX) return ctl_misuse(ctl, "--revision must be 0 to %d", REVISION_MAX);
  out->revision = (uint32_t)number;
  return STATUS_OK;
}

static enum status find_meter(struct ctl *ctl, const struct arguments *arguments, const struct site_state *site,
                              struct entry *out) {
  const char *meter = arguments_value(arguments, "meter");
  const char *reg = arguments_value(arguments, "register");
  enum meter_register wanted = reg ? register_from_name(reg) : REGISTER_NONE;
  if (reg && wanted == REGISTER_NONE) return ctl_misuse(ctl, "there is no register \"%s\" (riserctl get meters)", reg);
  for (size_t i = 0; i < site->installation_count; i++) {
    const struct installation *installation = &site->installations[i];
    if (strcmp(installation->meter, meter) != 0 || (reg && installation->reg != wanted)) continue;
    if (out->meter && out->reg != installation->reg) {
      return ctl_misuse(ctl, "meter %s has several registers; say which one with --register", meter);
    }
    out->meter = installation;
    out->reg = installation->reg;
  }
  if (out->meter) return STATUS_OK;
  return ctl_refuse(ctl, "no meter \"%s\"%s%s is installed (riserctl get meters)", meter,
                    reg ? " with the register " : "", reg ? reg : "");
}

static enum error next_revision(struct ctl *ctl, const struct site_state *site, struct entry *entry) {
  struct bytes vector;
  uint32_t second, month = reads_month(entry->time_s, &second);
  enum error err = state_reads(ctl, site->site.id, entry->meter->meter, entry->reg, month, &vector);
  if (err == ERR_NOT_FOUND) return OK;
  if (err) return err;
  for (size_t i = 0; i < reads_count(vector); i++) {
    struct read read = reads_get(vector, i);
    if (read.second != second || !read_is_edit(read)) continue;
    entry->revision = (uint32_t)(read.rank - RANK_EDIT_0) / 2 + 1;
  }
  return entry->revision > REVISION_MAX ? ERR_LIMIT : OK;
}

static enum status write_entry(struct ctl *ctl, const struct site_state *site, const struct entry *entry) {
  const struct reading reading = {
      .meter = entry->meter->meter, .reg = entry->reg, .time_s = entry->time_s, .value = entry->value};
  struct fact fact = make_fact(entry, &reading);
  struct kafka_position position = {.offset = -1};
  const char *id = arena_printf(ctl->arena, "%s:%s:%d:%" PRId64 ":%s%" PRIu32 ":%" PRId64, site->site.id, reading.meter,
                                (int)reading.reg, reading.time_s,
                                !entry->correction ? "hand"
                                : entry->is_void   ? "void"
                                                   : "edit",
                                entry->revision, entry->value);
  if (!id) return ctl_fail(ctl, ERR_NO_MEMORY, "the fact can't be made");
  fact_envelope(ctl, &fact, site->site.landlord, site->site.id, id);
  fact.envelope.event_time_ms = entry->time_s * 1000;
  struct facts_wait wait = {.partition = state_partition(ctl, site->site.id), .timeout_ms = TIMEOUT_MS, .prefix = id};
  enum error err = facts_mark(ctl, wait.partition, &wait.decisions_from);
  if (!err) err = fact_send(ctl, &fact, &position);
  if (!err) err = ctl_flush(ctl);
  if (err) return ctl_fail(ctl, err, "the read is not sure to be written; the same once more does no harm");
  wait.first_offset = wait.offset = position.offset;
  return facts_await(ctl, &wait);
}

static struct fact make_fact(const struct entry *entry, const struct reading *reading) {
  if (!entry->correction) {
    return (struct fact){
        .kind = FACT_READINGS,
        .readings = {.device = entry->meter->device, .readings = reading, .count = 1, .by_hand = true}};
  }
  return (struct fact){
      .kind = FACT_READ_EDIT,
      .read_edit = {.meter = reading->meter,
                    .reg = reading->reg,
                    .time_s = reading->time_s,
                    .value = reading->value,
                    .is_void = entry->is_void,
                    .revision = entry->revision,
                    .reason = entry->reason},
  };
}

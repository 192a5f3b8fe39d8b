// SPDX-License-Identifier: Apache-2.0
// command: what became of a command to a relay or valve, from the audit trail.
#include <stdlib.h>
#include <string.h>

#include "riserctl/human.h"
#include "riserctl/log_reader.h"
#include "riserctl/state.h"
#include "riserctl/table.h"
#include "wire/command.h"

struct trail {
  struct ctl *ctl;
  const struct site_state *site;
  const char *wanted; // only this one, every state; NULL: the last state of each
  struct command_state *states;
  size_t count;
  size_t capacity;
};

static enum status command_run(struct ctl *ctl, const struct arguments *arguments);
static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena);
static struct command_state *slot_for(struct trail *trail, const char *command_id);
static void print(const struct trail *trail, bool open_only, bool json);

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"open", NULL, "only those without an outcome"},
};

const struct command command_command = {
    .name = "command",
    .operands = "[ID]",
    .summary = "Show what became of commands to relays and valves",
    .details = "With an id: every state that it went through. Without: the last state of each command.\n"
               "Billing and control decide on commands; operators watch them here.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_max = 1,
    .run = command_run,
};

static enum status command_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  enum status status;
  if (!state_choose_site(ctl, arguments_value(arguments, "site"), &site, &status)) return status;
  struct trail trail = {.ctl = ctl, .site = &site, .wanted = arguments->operand_count ? arguments->operands[0] : NULL};
  const struct log_range range = {"riser.command.v1", state_partition(ctl, site.site.id), KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit, .ctx = &trail};
  enum error err = log_read(ctl, &range, &reader);
  if (err) return ctl_fail(ctl, err, "riser.command.v1 can't be read");
  if (trail.wanted && trail.count == 0) return ctl_refuse(ctl, "there is no command \"%s\"", trail.wanted);
  print(&trail, arguments_given(arguments, "open"), arguments->json);
  return STATUS_OK;
}

static enum error visit(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct trail *trail = ctx;
  struct command_state state;
  (void)arena; // what is kept lives in the command's
  enum error err = wire_command_state_decode(record->value, trail->ctl->arena, &state);
  if (err) return err;
  if (strcmp(state.site, trail->site->site.id) != 0) return OK;
  if (trail->wanted && strcmp(trail->wanted, state.command_id) != 0) return OK;
  struct command_state *slot = slot_for(trail, state.command_id);
  if (!slot) return ERR_NO_MEMORY;
  *slot = state;
  return OK;
}

static struct command_state *slot_for(struct trail *trail, const char *command_id) {
  for (size_t i = 0; !trail->wanted && i < trail->count; i++) {
    if (strcmp(trail->states[i].command_id, command_id) == 0) return &trail->states[i];
  }
  if (trail->count == trail->capacity) {
    size_t capacity = trail->capacity ? trail->capacity * 2 : 64;
    struct command_state *larger = arena_array(trail->ctl->arena, capacity, sizeof *larger);
    if (!larger) return NULL;
    if (trail->count) memcpy(larger, trail->states, trail->count * sizeof *larger);
    trail->states = larger;
    trail->capacity = capacity;
  }
  return &trail->states[trail->count++];
}

static void print(const struct trail *trail, bool open_only, bool json) {
  static const struct column columns[] = {
      {"command", CELL_TEXT},   {"room", CELL_TEXT},          {"device", CELL_TEXT},
      {"supply", CELL_TEXT},    {"state", CELL_TEXT},         {"reason", CELL_TEXT},
      {"attempt", CELL_NUMBER}, {"business_time", CELL_TEXT}, {"wall_time", CELL_TEXT},
  };
  static const struct zone utc = {.count = 0};
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  char text[HUMAN_TEXT_SIZE];
  for (size_t i = 0; i < trail->count; i++) {
    const struct command_state *state = &trail->states[i];
    if (open_only && command_step_is_final(state->step)) continue;
    table_row(table);
    table_text(table, state->command_id);
    table_text(table, state->switch_due.room);
    table_text(table, state->switch_due.device);
    table_text(table, state->switch_due.supply == SUPPLY_ON ? "on" : "off");
    table_text(table, command_step_name(state->step));
    table_text(table, state->reason);
    table_integer(table, state->attempt);
    table_text(table, human_stamp_format(state->business_time_s, &trail->site->site.zone, text));
    table_printf(table, "%sZ", human_stamp_format(state->wall_time_ms / 1000, &utc, text));
  }
  table_print(table, json);
  table_free(table);
}

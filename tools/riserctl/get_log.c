// SPDX-License-Identifier: Apache-2.0
// What stands in the logs: commands and refused facts of a site.
#include <string.h>

#include "riserctl/get.h"
#include "riserctl/human.h"
#include "riserctl/log_reader.h"
#include "riserctl/table.h"
#include "wire/command.h"
#include "wire/decision.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct listing {
  struct get *get;
  struct table *table;
  struct cause seen; // decisions at or below it are repetitions
};

static enum error visit_command(void *ctx, const struct kafka_record *record, struct arena *arena);
static enum error visit_decision(void *ctx, const struct kafka_record *record, struct arena *arena);
static enum status list(struct get *get, const char *topic, struct table *table,
                        enum error (*visit)(void *, const struct kafka_record *, struct arena *));

enum status get_commands(struct get *get) {
  static const struct column columns[] = {
      {"command", CELL_TEXT}, {"point", CELL_TEXT}, {"meter", CELL_TEXT},     {"supply", CELL_TEXT},
      {"state", CELL_TEXT},   {"time", CELL_TEXT},  {"attempt", CELL_NUMBER}, {"reason", CELL_TEXT},
  };
  return list(get, "riser.command.v1", table_new(columns, COUNT(columns)), visit_command);
}

enum status get_exceptions(struct get *get) {
  static const struct column columns[] = {
      {"fact", CELL_TEXT}, {"kind", CELL_TEXT}, {"reason", CELL_TEXT}, {"detail", CELL_TEXT}, {"time", CELL_TEXT}};
  return list(get, "riser.decision.v1", table_new(columns, COUNT(columns)), visit_decision);
}

static enum status list(struct get *get, const char *topic, struct table *table,
                        enum error (*visit)(void *, const struct kafka_record *, struct arena *)) {
  struct listing listing = {get, table, {.offset = -1}};
  const struct log_range range = {topic, state_partition(get->ctl, get->site.site.id), KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit, .ctx = &listing};
  enum error err = log_read(get->ctl, &range, &reader);
  if (!err) table_print(table, get->arguments->json);
  table_free(table);
  return err ? ctl_fail(get->ctl, err, "%s can't be read", topic) : STATUS_OK;
}

static enum error visit_command(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct listing *listing = ctx;
  struct command_state state;
  char text[HUMAN_TEXT_SIZE];
  enum error err = wire_command_state_decode(record->value, arena, &state);
  if (err) return err;
  if (strcmp(state.site, listing->get->site.site.id) != 0) return OK;
  if (!get_wants(listing->get, "point", state.switch_due.service_point)) return OK;
  if (!get_wants(listing->get, "room", state.switch_due.room)) return OK;
  if (!get_wants(listing->get, "lease", state.switch_due.lease)) return OK;
  table_row(listing->table);
  table_text(listing->table, state.command_id);
  table_text(listing->table, state.switch_due.service_point);
  table_text(listing->table, state.switch_due.meter);
  table_text(listing->table, state.switch_due.supply == SUPPLY_ON ? "on" : "off");
  table_text(listing->table, command_step_name(state.step));
  table_text(listing->table, human_stamp_format(state.business_time_s, &listing->get->site.site.zone, text));
  table_integer(listing->table, state.attempt);
  table_text(listing->table, state.reason);
  return OK;
}

static enum error visit_decision(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct listing *listing = ctx;
  struct decision decision;
  char text[HUMAN_TEXT_SIZE];
  enum error err = wire_decision_decode(record->value, arena, &decision);
  if (err || cause_compare(decision.cause, listing->seen) <= 0) return err;
  listing->seen = decision.cause;
  if (decision.kind != DECISION_FACT_EXCEPTION) return OK;
  if (strcmp(decision.site, listing->get->site.site.id) != 0) return OK;
  table_row(listing->table);
  table_text(listing->table, decision.fact_exception.fact_id);
  table_text(listing->table, decision.fact_exception.kind);
  table_text(listing->table, decision.fact_exception.reason);
  table_text(listing->table, decision.fact_exception.detail);
  table_text(listing->table, human_stamp_format(decision.business_time_s, &listing->get->site.site.zone, text));
  return OK;
}

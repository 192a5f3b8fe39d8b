// SPDX-License-Identifier: Apache-2.0
// All derived fields come from states alone, so that a restart knows what the dead process knew. Where the live path
// knows more (a publish that surely failed, a device that came back), it may only send sooner or once more than that.
#include "control/core/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

// Points *text to a copy at *end and moves that on.
static void take_text(char **end, const char **text) {
  size_t size = strlen(*text) + 1;
  *text = memcpy(*end, *text, size);
  *end += size;
}

static const char **texts_of(struct command_state *s, size_t i) {
  const char **texts[] = {&s->command_id,          &s->decision_id,       &s->landlord,          &s->site,
                          &s->switch_due.service_point, &s->switch_due.room, &s->switch_due.lease, &s->switch_due.meter,
                          &s->switch_due.device};
  return i < sizeof texts / sizeof *texts ? texts[i] : NULL;
}

static size_t text_size(const struct command_state *state) {
  struct command_state s = *state;
  size_t size = 2 * (strlen(s.site) + 2) + strlen(s.switch_due.service_point) + strlen(s.switch_due.device); // keys
  const char **text;
  for (size_t i = 0; (text = texts_of(&s, i)); i++) size += strlen(*text) + 1;
  return size;
}

struct command *command_new(const struct command_state *state) {
  struct command *command = calloc(1, sizeof *command);
  size_t size = text_size(state);
  if (!command || size > TEXT_MAX || !(command->text = malloc(size))) {
    free(command);
    return NULL;
  }
  command->state = *state;
  char *end = command->text;
  const char **text;
  for (size_t i = 0; (text = texts_of(&command->state, i)); i++) take_text(&end, text);
  command->point_key = end;
  char *limit = command->text + size;
  end += snprintf(end, (size_t)(limit - end), "%s/%s", state->site, state->switch_due.service_point) + 1;
  command->device_key = end;
  snprintf(end, (size_t)(limit - end), "%s/%s", state->site, state->switch_due.device);
  command->state.reason = command->reason;
  command->state.step = COMMAND_NONE;
  return command;
}

void command_free(struct command *command) {
  if (!command) return;
  free(command->text);
  free(command);
}

uint32_t command_attempts(const struct command *command) {
  return command->state.attempt - command->attempts_before;
}

bool command_wants_off(const struct command *command) {
  return command->state.switch_due.supply == SUPPLY_OFF;
}

// The pause after publish number `attempts` (from 1) of an episode.
static int64_t pause_ms(uint32_t attempts, const struct command_settings *settings) {
  int64_t pause = settings->retry_first_ms;
  for (uint32_t i = 1; i < attempts && pause < settings->retry_max_ms; i++) pause *= 2;
  return pause < settings->retry_max_ms ? pause : settings->retry_max_ms;
}

bool command_pauses(const struct command *command, int64_t wall_ms, const struct command_settings *settings) {
  int64_t pauses_ms[] = {settings->retry_first_ms, settings->retry_max_ms, settings->moving_ms,
                         settings->repair_pause_ms};
  int64_t longest_ms = 0, left_ms = command->next_ms - wall_ms;
  for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++)
    if (pauses_ms[i] > longest_ms) longest_ms = pauses_ms[i];
  return left_ms > 0 && left_ms <= longest_ms;
}

static void begin_episode(struct command *command, const struct command_settings *settings) {
  const struct command_state *s = &command->state;
  if (command->told != OUTCOME_NONE) command->episode++;
  command->attempts_before = s->attempt;
  command->since_s = s->business_time_s;
  command->sent_s = 0;
  int64_t pause_ms = command_wants_off(command) ? settings->repair_pause_ms : settings->retry_first_ms;
  command->next_ms = command->episode ? command->final_ms + pause_ms : s->wall_time_ms;
}

static void note_sent(struct command *command, const struct command_settings *settings) {
  const struct command_state *s = &command->state;
  if (command->sent_s == 0) command->sent_s = s->business_time_s;
  command->next_ms = s->wall_time_ms + pause_ms(command_attempts(command), settings);
}

static void note_acknowledged(struct command *command, const struct command_settings *settings) {
  int64_t moved_ms = command->state.wall_time_ms + settings->moving_ms;
  if (command->next_ms < moved_ms) command->next_ms = moved_ms;
}

static void note_final(struct command *command) {
  command->told = command_outcome_of(command->state.step, command->reason);
  command->shown_s = command->state.business_time_s;
  command->final_ms = command->state.wall_time_ms;
}

void command_follow(struct command *command, const struct command_state *state,
                    const struct command_settings *settings) {
  struct command_state *s = &command->state;
  s->step = state->step;
  s->business_time_s = state->business_time_s;
  s->wall_time_ms = state->wall_time_ms;
  s->attempt = state->attempt;
  snprintf(command->reason, sizeof command->reason, "%s", state->reason);
  if (s->step == COMMAND_DUE) begin_episode(command, settings);
  if (s->step == COMMAND_ALLOWED) command->allowed_s = s->business_time_s;
  if (s->step == COMMAND_ALLOWED) command->next_ms = s->wall_time_ms;
  if (s->step == COMMAND_SENT) note_sent(command, settings);
  if (s->step == COMMAND_ACKNOWLEDGED) note_acknowledged(command, settings);
  if (command_step_is_final(s->step)) note_final(command);
}

int64_t command_not_after_s(const struct command *command, int64_t business_s, int64_t wall_ms,
                            const struct command_settings *settings) {
  if (command_wants_off(command)) return command->allowed_s + settings->permit_s;
  int64_t wall_s = wall_ms / 1000;
  return (business_s > wall_s ? business_s : wall_s) + settings->permit_s;
}

int64_t command_expiry_s(const struct command *command, int64_t business_s, const struct command_settings *settings) {
  int64_t left_s = settings->permit_s;
  if (command_wants_off(command)) left_s += command->allowed_s - business_s;
  if (left_s > settings->message_expiry_s) left_s = settings->message_expiry_s;
  return left_s < 1 ? 1 : left_s;
}

bool command_shown_by(const struct command *command, const struct device_state_fact *state) {
  if (state->supply != command->state.switch_due.supply || command->sent_s == 0) return false;
  uint64_t version = command->state.switch_due.version;
  return (version != 0 && state->desired_version >= version) || state->time_s >= command->sent_s;
}

// A command that failed because the device was not there is taken up again when the device is heard of. One whose
// device answers and does not move, or refuses, is an operator's to look at.
static bool may_be_repaired(const struct command *command) {
  if (command->state.step == COMMAND_CONFIRMED) return true;
  if (command->state.step != COMMAND_FAILED) return false;
  return strcmp(command->reason, "no-answer") == 0 || strcmp(command->reason, "expired") == 0;
}

// Of the same second only a state that knows of the command is a later one.
bool command_contradicted_by(const struct command *command, const struct device_state_fact *state) {
  const struct switch_due *due = &command->state.switch_due;
  if (!may_be_repaired(command)) return false;
  if (state->supply == SUPPLY_UNKNOWN || state->supply == due->supply) return false;
  if (state->time_s == command->shown_s) return due->version != 0 && state->desired_version >= due->version;
  return state->time_s > command->shown_s;
}

const char *command_repair_reason(const struct command *command) {
  return command->state.step == COMMAND_CONFIRMED ? "drifted" : "came-back";
}

enum outcome command_outcome_of(enum command_step step, const char *reason) {
  switch (step) {
  case COMMAND_CONFIRMED:
    return OUTCOME_CONFIRMED;
  case COMMAND_REFUSED:
    return OUTCOME_REFUSED;
  case COMMAND_FAILED:
    return strcmp(reason, "expired") == 0 ? OUTCOME_EXPIRED : OUTCOME_FAILED;
  case COMMAND_SUPERSEDED:
    return OUTCOME_SUPERSEDED;
  default:
    return OUTCOME_NONE;
  }
}

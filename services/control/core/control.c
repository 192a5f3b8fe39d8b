// SPDX-License-Identifier: Apache-2.0
// Level-triggered: inputs only note what is now known, and control_advance asks of each open command what it needs
// next. So it does not matter whether the device's state, billing's answer or the clock came first.
#include "control/core/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/canary.h"
#include "control/core/table.h"

struct control {
  const struct control_settings *settings;
  const struct devices *devices;
  struct control_mark mark;
  struct command_table commands;
};

// What one call of the core works with.
struct step {
  struct control *control;
  int64_t wall_ms;
  struct effects *effects;
  bool link_up;
};

static const char *const ack_names[] = {"none", "accepted", "done", "refused", "expired", "duplicate"};

struct control *control_new(uint32_t partition, const struct control_settings *settings,
                            const struct devices *devices) {
  struct control *control = calloc(1, sizeof *control);
  if (!control) return NULL;
  *control = (struct control){.settings = settings, .devices = devices};
  control->mark.cause = (struct cause){.partition = partition, .offset = -1};
  command_table_init(&control->commands, settings->points_max);
  return control;
}

void control_free(struct control *control) {
  if (!control) return;
  command_table_fini(&control->commands);
  free(control);
}

// ---------------------------------------------------------------- one step of one command

static enum error add_fact(const struct step *step, const struct command *command, struct fact *fact,
                           const char *fact_id) {
  fact->envelope = (struct envelope){
      .fact_id = fact_id,
      .min_reader = 1,
      .landlord = command->state.landlord,
      .site = command->state.site,
      .event_time_ms = step->control->mark.business_s * 1000,
      .receive_time_ms = step->wall_ms,
      .source = "control",
      .actor = "",
      .supersedes = "",
      .traceparent = "",
  };
  return effects_add_fact(step->effects, fact);
}

static enum error add_intent(const struct step *step, const struct command *command) {
  char fact_id[COMMAND_ID_MAX];
  snprintf(fact_id, sizeof fact_id, "intent:%s:%u", command->state.command_id, command->episode);
  struct fact fact = {.kind = FACT_DISCONNECT_INTENT,
                      .disconnect_intent = {.command_id = command->state.command_id,
                                            .decision_id = command->state.decision_id,
                                            .service_point = command->state.switch_due.service_point,
                                            .supply = command->state.switch_due.supply,
                                            .time_s = step->control->mark.business_s}};
  return add_fact(step, command, &fact, fact_id);
}

static enum error add_outcome(const struct step *step, const struct command *command, enum outcome outcome,
                              const char *reason) {
  char fact_id[COMMAND_ID_MAX];
  snprintf(fact_id, sizeof fact_id, "outcome:%s:%u:%d", command->state.command_id, command->episode, (int)outcome);
  struct fact fact = {.kind = FACT_COMMAND_OUTCOME,
                      .command_outcome = {.command_id = command->state.command_id,
                                          .decision_id = command->state.decision_id,
                                          .service_point = command->state.switch_due.service_point,
                                          .device = command->state.switch_due.device,
                                          .supply = command->state.switch_due.supply,
                                          .outcome = outcome,
                                          .time_s = step->control->mark.business_s,
                                          .reason = reason}};
  return add_fact(step, command, &fact, fact_id);
}

// What a state means beyond the command itself: is it open, and what does its site learn?
static enum error account(struct control *control, struct command *command) {
  const struct command_state *state = &command->state;
  command_table_set_open(&control->commands, command, !command_step_is_final(state->step));
  struct site_load *load = command_table_site(&control->commands, state->site);
  if (!load) return ERR_NO_MEMORY;
  if (state->step == COMMAND_DUE && command->episode == 0) load->utc_offset_s = state->utc_offset_s;
  if (state->step == COMMAND_INTENDED && command_wants_off(command)) site_load_count(load, state->business_time_s);
  return OK;
}

static enum error enter(const struct step *step, struct command *command, enum command_step to, const char *reason) {
  struct command_state state = command->state;
  state.step = to;
  state.reason = reason;
  state.business_time_s = step->control->mark.business_s;
  state.wall_time_ms = step->wall_ms;
  state.attempt += to == COMMAND_SENT;
  command_follow(command, &state, &step->control->settings->command);
  enum error err = account(step->control, command);
  return err ? err : effects_add_state(step->effects, &command->state);
}

// A final step, and its outcome for billing unless that was the last thing it was told.
static enum error finish(const struct step *step, struct command *command, enum command_step to, const char *reason) {
  enum outcome outcome = command_outcome_of(to, reason);
  enum error err = outcome == command->told ? OK : add_outcome(step, command, outcome, reason);
  return err ? err : enter(step, command, to, reason);
}

// ---------------------------------------------------------------- from due to sent

static struct policy_answer ask_policy(const struct step *step, const struct command *command,
                                       const struct site_load *load) {
  const struct control *control = step->control;
  const struct command_state *state = &command->state;
  return policy_ask(&(struct policy_question){
      .due = &state->switch_due,
      .device = devices_find(control->devices, state->site, state->switch_due.device),
      .cuts_this_hour = site_load_cuts(load, control->mark.business_s),
      .now_s = control->mark.business_s,
      .utc_offset_s = load->utc_offset_s,
      .settings = &control->settings->policy,
  });
}

static enum error seek_permission(const struct step *step, struct command *command) {
  const struct command_settings *settings = &step->control->settings->command;
  int64_t now_s = step->control->mark.business_s;
  if (command_pauses(command, step->wall_ms, settings)) return OK;
  if (command_wants_off(command) && now_s - command->since_s > settings->hold_max_s) {
    return finish(step, command, COMMAND_FAILED, "expired");
  }
  if (command->state.step == COMMAND_HELD && now_s < command->hold_until_s) return OK;
  struct site_load *load = command_table_site(&step->control->commands, command->state.site);
  if (!load) return ERR_NO_MEMORY;
  struct policy_answer answer = ask_policy(step, command, load);
  if (answer.verdict == POLICY_REFUSE) return finish(step, command, COMMAND_REFUSED, answer.reason);
  if (answer.verdict == POLICY_ALLOW) {
    enum error err = add_intent(step, command);
    return err ? err : enter(step, command, COMMAND_INTENDED, "");
  }
  command->hold_until_s = answer.until_s;
  if (command->state.step == COMMAND_HELD && strcmp(command->reason, answer.reason) == 0) return OK;
  return enter(step, command, COMMAND_HELD, answer.reason);
}

static enum error send(const struct step *step, struct command *command, const struct device_view *device) {
  enum error err = enter(step, command, COMMAND_SENT, "");
  if (err) return err;
  const struct command_state *state = &command->state;
  const struct command_settings *settings = &step->control->settings->command;
  int64_t now_s = step->control->mark.business_s;
  int64_t not_after_s = command_not_after_s(command, now_s, step->wall_ms, settings);
  return effects_add_publish(
      step->effects, &(struct publish){.site = state->site,
                                       .device = state->switch_due.device,
                                       .codec = device ? device->codec : "",
                                       .command = {.command_id = state->command_id,
                                                   .supply = state->switch_due.supply,
                                                   .not_after_s = not_after_s,
                                                   .desired_version = state->switch_due.version},
                                       .attempt = state->attempt,
                                       .expiry_s = command_expiry_s(command, now_s, settings)});
}

// A device that is known to be away costs no attempts; when it is back it gets all of them, at once.
static bool is_away(const struct step *step, struct command *command, const struct device_view *device) {
  if (device && device->presence == PRESENCE_OFFLINE) {
    command->awaits_device = true;
    return true;
  }
  if (command->awaits_device) {
    command->awaits_device = false;
    command->attempts_before = command->state.attempt;
    command->next_ms = step->wall_ms;
  }
  return false;
}

static enum error carry_out(const struct step *step, struct command *command) {
  const struct command_settings *settings = &step->control->settings->command;
  const struct command_state *state = &command->state;
  int64_t now_s = step->control->mark.business_s;
  bool late = now_s > command_not_after_s(command, now_s, step->wall_ms, settings) && !CANARY(NEVER_EXPIRES);
  if (command_wants_off(command) && late) {
    return finish(step, command, COMMAND_FAILED, "expired");
  }
  const struct device_view *device = devices_find(step->control->devices, state->site, state->switch_due.device);
  if (is_away(step, command, device) || command_pauses(command, step->wall_ms, settings) || !step->link_up) return OK;
  uint32_t attempts = command_attempts(command);
  if (attempts < settings->attempts_max) return send(step, command, device);
  const char *reason = state->step == COMMAND_ACKNOWLEDGED ? "state-not-shown" : "no-answer";
  if (command_wants_off(command)) return finish(step, command, COMMAND_FAILED, reason);
  enum error err = attempts == settings->attempts_max ? add_outcome(step, command, OUTCOME_FAILED, reason) : OK;
  return err ? err : send(step, command, device); // whoever has paid is not given up
}

static enum error advance_one(const struct step *step, struct command *command) {
  switch (command->state.step) {
  case COMMAND_DUE:
  case COMMAND_HELD:
    return seek_permission(step, command);
  case COMMAND_ALLOWED:
  case COMMAND_SENT:
  case COMMAND_ACKNOWLEDGED:
    return carry_out(step, command);
  default: // INTENDED: billing answers
    return OK;
  }
}

enum error control_advance(struct control *control, bool link_up, int64_t wall_ms, struct effects *effects,
                           bool *more) {
  struct step step = {.control = control, .wall_ms = wall_ms, .effects = effects, .link_up = link_up};
  struct command *command, *next;
  *more = false;
  if (control->mark.business_s == 0) return OK;
  DL_FOREACH_SAFE(control->commands.open, command, next) {
    *more = !effects_have_room(effects);
    if (*more) return OK;
    enum error err = advance_one(&step, command);
    if (err) return err;
  }
  return OK;
}

// ---------------------------------------------------------------- decisions

static enum error take_due(const struct step *step, const struct decision *decision) {
  struct command_table *commands = &step->control->commands;
  const struct switch_due *due = &decision->switch_due;
  struct command *old = command_table_find(commands, decision->site, due->service_point);
  if (old && old->state.switch_due.version >= due->version) return OK;
  struct command *other = command_table_find_device(commands, decision->site, due->device);
  struct command *command = command_new(&(struct command_state){.command_id = decision->id,
                                                                .decision_id = decision->id,
                                                                .landlord = decision->landlord,
                                                                .site = decision->site,
                                                                .reason = "",
                                                                .switch_due = *due,
                                                                .cause = decision->cause,
                                                                .utc_offset_s = decision->utc_offset_s});
  if (!command) return ERR_NO_MEMORY;
  enum error err = OK;
  if (old && old->open) err = finish(step, old, COMMAND_SUPERSEDED, "newer-decision");
  if (other && other != old && other->open && err == OK) err = finish(step, other, COMMAND_SUPERSEDED, "device-taken");
  if (old) command_table_remove(commands, old);
  if (err == OK) err = command_table_take(commands, command);
  if (err) {
    command_free(command);
    return err;
  }
  return enter(step, command, COMMAND_DUE, "");
}

// A dead process may have written the intent and not that it had: so the answer also counts before INTENDED.
static enum error take_answer(const struct step *step, const struct intent_answer *answer) {
  struct command *command = command_table_find_id(&step->control->commands, answer->command_id);
  if (!command || !command->open || command->state.step > COMMAND_INTENDED) return OK;
  if (answer->confirmed) return enter(step, command, COMMAND_ALLOWED, "");
  bool superseded = strcmp(answer->reason, "superseded") == 0;
  return finish(step, command, superseded ? COMMAND_SUPERSEDED : COMMAND_REFUSED, answer->reason);
}

enum error control_take_decision(struct control *control, const struct decision *decision, int64_t wall_ms,
                                 struct effects *effects) {
  struct control_mark *mark = &control->mark;
  struct step step = {.control = control, .wall_ms = wall_ms, .effects = effects};
  if (decision->business_time_s > mark->business_s) mark->business_s = decision->business_time_s;
  if (cause_compare(decision->cause, mark->cause) <= 0) return OK;
  enum error err = OK;
  if (decision->kind == DECISION_SWITCH_DUE) err = take_due(&step, decision);
  if (decision->kind == DECISION_INTENT_ANSWER) err = take_answer(&step, &decision->intent_answer);
  if (err == OK) mark->cause = decision->cause;
  return err;
}

// ---------------------------------------------------------------- facts

static enum error take_ack(const struct step *step, const char *site, const struct command_ack_fact *ack) {
  struct command *command = command_table_find_id(&step->control->commands, ack->command_id);
  if (!command || ack->outcome == ACK_NONE) return OK;
  const struct command_state *state = &command->state;
  if (strcmp(state->site, site) != 0 || strcmp(state->switch_due.device, ack->device) != 0) return OK;
  if (state->step != COMMAND_SENT && state->step != COMMAND_ACKNOWLEDGED) return OK;
  bool refused = ack->outcome == ACK_REFUSED && command_wants_off(command); // a reconnect is asked for again
  if (refused) return finish(step, command, COMMAND_REFUSED, "device-refused");
  const char *reason = ack_names[ack->outcome];
  bool news = state->step == COMMAND_SENT || (ack->outcome != ACK_DUPLICATE && strcmp(command->reason, reason) != 0);
  return news ? enter(step, command, COMMAND_ACKNOWLEDGED, reason) : OK;
}

static enum error take_state(const struct step *step, const char *site, const struct device_state_fact *state) {
  struct command *command = command_table_find_device(&step->control->commands, site, state->device);
  if (!command) return OK;
  enum command_step at = command->state.step;
  bool awaited = at == COMMAND_SENT || at == COMMAND_ACKNOWLEDGED || at == COMMAND_FAILED || at == COMMAND_REFUSED;
  enum error err = OK;
  if (awaited && command_shown_by(command, state)) {
    err = finish(step, command, COMMAND_CONFIRMED, "");
    command->shown_s = state->time_s;
  } else if (command_contradicted_by(command, state)) {
    err = enter(step, command, COMMAND_DUE, command_repair_reason(command));
  }
  return err;
}

enum error control_take_fact(struct control *control, const struct fact *fact, int64_t wall_ms,
                             struct effects *effects) {
  struct step step = {.control = control, .wall_ms = wall_ms, .effects = effects};
  if (fact->kind == FACT_COMMAND_ACK) return take_ack(&step, fact->envelope.site, &fact->command_ack);
  if (fact->kind == FACT_DEVICE_STATE) return take_state(&step, fact->envelope.site, &fact->device_state);
  return OK;
}

void control_take_unpublished(struct control *control, const char *command_id, uint32_t attempt, enum error err,
                              int64_t wall_ms) {
  struct command *command = command_table_find_id(&control->commands, command_id);
  if (!command || command->state.step != COMMAND_SENT || command->state.attempt != attempt) return;
  if (error_class(err) != CLASS_RETRY) return;
  if (command_attempts(command) > 0) command->attempts_before++; // none count: its device came back meanwhile
  command->next_ms = wall_ms + control->settings->command.retry_first_ms;
}

// ---------------------------------------------------------------- restart

enum error control_restore(struct control *control, const struct command_state *state) {
  const struct switch_due *due = &state->switch_due;
  if (state->step == COMMAND_NONE || !state->site[0] || !due->service_point[0]) return ERR_CORRUPT;
  struct command *command = command_table_find(&control->commands, state->site, due->service_point);
  if (command && command->state.switch_due.version > due->version) return OK;
  if (command && command->state.switch_due.version < due->version) {
    command_table_remove(&control->commands, command);
    command = NULL;
  }
  if (!command) {
    command = command_new(state);
    enum error err = command ? command_table_take(&control->commands, command) : ERR_NO_MEMORY;
    if (err) {
      command_free(command);
      return err;
    }
  }
  command_follow(command, state, &control->settings->command);
  return account(control, command);
}

void control_restore_mark(struct control *control, const struct control_mark *mark) {
  if (mark) control->mark = *mark;
}

struct control_mark control_get_mark(const struct control *control) {
  return control->mark;
}

size_t control_open_count(const struct control *control) {
  return control->commands.open_count;
}

// SPDX-License-Identifier: Apache-2.0
// The state of one partition: the newest command of every service point, carried from "due" to a confirmed outcome.
// Pure: inputs change the state and fill the list of effects; wall time is handed in, business time comes with
// decisions. Before each input the caller makes sure of effects_have_room. Owned by the worker; bounded by points_max.
#ifndef RISER_CONTROL_CORE_CONTROL_H
#define RISER_CONTROL_CORE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "control/core/command.h"
#include "control/core/devices.h"
#include "control/core/effect.h"
#include "control/core/policy/policy.h"
#include "domain/decision.h"
#include "domain/fact.h"

struct control_settings {
  struct command_settings command;
  struct policy_settings policy;
  size_t points_max;
};

struct control;

// Settings and devices are borrowed. NULL without memory.
struct control *control_new(uint32_t partition, const struct control_settings *settings,
                            const struct devices *devices) MUST_USE;
void control_free(struct control *control);

// What has been dealt with: decisions with causes at or below it are ignored. Goes with the committed offset.
struct control_mark {
  struct cause cause;
  int64_t business_s; // 0: not known; nothing is begun before it is
};

// Restart: first every state of the partition in riser.command.v1, in order, then the mark (NULL: none was committed).
// ERR_LIMIT: more service points than points_max. ERR_CORRUPT: a state without site, service point or step.
enum error control_restore(struct control *control, const struct command_state *state) MUST_USE;
void control_restore_mark(struct control *control, const struct control_mark *mark);
struct control_mark control_get_mark(const struct control *control);

// Inputs. ERR_LIMIT: too many service points (FATAL to the caller); nothing has changed then.
enum error control_take_decision(struct control *control, const struct decision *decision, int64_t wall_ms,
                                 struct effects *effects) MUST_USE;
// Acknowledgements and device states; other facts are ignored. The table of devices is the caller's to update, before.
enum error control_take_fact(struct control *control, const struct fact *fact, int64_t wall_ms,
                             struct effects *effects) MUST_USE;
// A publish did not leave this process (RETRY) or the broker said no: the former does not count as an attempt.
void control_take_unpublished(struct control *control, const char *command_id, uint32_t attempt, enum error err,
                              int64_t wall_ms);

// Takes every command that is due one step further, until the list is full (*more: call again once it is performed).
// Nothing is sent while the link to the MQTT broker is down.
enum error control_advance(struct control *control, bool link_up, int64_t wall_ms, struct effects *effects,
                           bool *more) MUST_USE;

size_t control_open_count(const struct control *control); // commands that are not final

#endif

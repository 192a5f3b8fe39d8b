// SPDX-License-Identifier: Apache-2.0
// One command: what is wanted of a service point's supply, how far it got, and what its states imply for its next step.
// Everything here can be rebuilt by command_follow from the command's states in riser.command.v1, in order; the live
// path goes through the same function. Owned by a struct control.
#ifndef RISER_CONTROL_CORE_COMMAND_H
#define RISER_CONTROL_CORE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/error.h"
#include "domain/command.h"
#include "domain/fact.h"

struct command_settings {
  uint32_t attempts_max;      // publishes of an episode before a cut has failed; a reconnect goes on
  int64_t retry_first_ms;     // wall time: pause before the second publish; doubles with each
  int64_t retry_max_ms;       // the longest pause
  int64_t moving_ms;          // wall time a contact may take to move after the device acknowledged
  int64_t repair_pause_ms;    // wall time between the end of a cut's episode and its next; a reconnect: retry_first_ms
  int64_t permit_s;           // business time for which billing's permission to cut holds
  int64_t hold_max_s;         // business time for which a cut may be held by policy
  int64_t message_expiry_s;   // wall time after which the broker drops an undelivered command
};

enum { COMMAND_REASON_MAX = 64, COMMAND_ID_MAX = 512 };

// An episode is one go at making the meter show what is wanted: 0 is the first, and one begins each time the meter
// shows the opposite after it was confirmed, or after it had not been heard of at all.
struct command {
  struct command_state state; // its strings live in `text`, the reason in `reason`
  char reason[COMMAND_REASON_MAX];
  uint32_t episode;
  uint32_t attempts_before; // publishes that do not count for this episode
  int64_t since_s;          // business time at which the episode began
  int64_t hold_until_s;     // while HELD: business time before which policy need not be asked
  int64_t allowed_s;        // business time of billing's permission
  int64_t sent_s;           // business time of the episode's first publish; 0: none yet
  int64_t shown_s;          // the device's time of the state that confirmed it; of a failure: business time
  int64_t final_ms;         // wall time of the last final state
  int64_t next_ms;          // wall time before which nothing more is sent
  enum outcome told;        // the last outcome in the site log; OUTCOME_NONE: none

  bool awaits_device;        // its device is offline; it gets a fresh set of attempts when that is back

  // The owner's: see table.h.
  bool open;
  bool has_device;
  struct command *prev, *next;
  UT_hash_handle by_point, by_id, by_device;
  const char *point_key;  // site/service point
  const char *device_key; // site/device
  char *text;
};

// A command in the first state given; NULL without memory. Strings are copied.
struct command *command_new(const struct command_state *state) MUST_USE;
void command_free(struct command *command);

// Takes over a later state of the same command: step, reason, times, attempt, and what follows from them.
void command_follow(struct command *command, const struct command_state *state,
                    const struct command_settings *settings);

uint32_t command_attempts(const struct command *command); // publishes in this episode
bool command_wants_off(const struct command *command);
// Whether its pause is not over. One that is longer than any pause comes from a clock that was ahead, and is over.
bool command_pauses(const struct command *command, int64_t wall_ms, const struct command_settings *settings);
// Until when the device may carry it out: of a cut as long as billing's permission, of a reconnect always afresh, and
// by the wall clock if business time stands still, so that a device with a right clock never takes it for an old one.
int64_t command_not_after_s(const struct command *command, int64_t business_s, int64_t wall_ms,
                            const struct command_settings *settings);
// Seconds after which the broker drops the publish.
int64_t command_expiry_s(const struct command *command, int64_t business_s, const struct command_settings *settings);
// Whether this state of its device shows what is wanted, as a consequence of the command and not from before it.
bool command_shown_by(const struct command *command, const struct device_state_fact *state);
// Whether it shows the opposite and calls for a new episode; and the reason to give for that.
bool command_contradicted_by(const struct command *command, const struct device_state_fact *state);
const char *command_repair_reason(const struct command *command);
// The outcome that a final step stands for.
enum outcome command_outcome_of(enum command_step step, const char *reason);

#endif

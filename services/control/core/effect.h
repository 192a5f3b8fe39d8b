// SPDX-License-Identifier: Apache-2.0
// What the core wants done: a bounded list that one input fills and the shell performs, in this order of kinds: facts
// into the site log, then states into riser.command.v1, and only when Kafka has those, publishes to devices. The order
// is what makes a crash harmless: facts repeat under the same id, and nothing is published without a SENT state.
// All strings are copied into the list's arena, so that an effect outlives the command that caused it.
#ifndef RISER_CONTROL_CORE_EFFECT_H
#define RISER_CONTROL_CORE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "domain/command.h"
#include "domain/fact.h"

enum effect_kind { EFFECT_FACT, EFFECT_STATE, EFFECT_PUBLISH };

struct publish {
  const char *site;
  const char *device;
  const char *codec; // name of a device variant
  struct device_command command;
  uint32_t attempt;
  int64_t expiry_s; // the broker drops it after that
};

struct effect {
  enum effect_kind kind;
  union {
    struct fact fact; // whole, with its envelope
    struct command_state state;
    struct publish publish;
  };
};

struct effects {
  struct arena *arena;  // borrowed; reset by the owner together with count
  struct effect *items; // borrowed, `max` of them
  size_t count;
  size_t max;
};

// The most that one input, or one command that is advanced, adds.
enum { EFFECTS_PER_STEP = 6 };

// Whether one more step fits. Callers of the core ask before each input.
bool effects_have_room(const struct effects *effects);

// Copies what is given. ERR_LIMIT when list or arena is full; the list is then unchanged.
enum error effects_add_fact(struct effects *effects, const struct fact *fact) MUST_USE; // intent or outcome
enum error effects_add_state(struct effects *effects, const struct command_state *state) MUST_USE;
enum error effects_add_publish(struct effects *effects, const struct publish *publish) MUST_USE;

#endif

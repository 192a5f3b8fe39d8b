// SPDX-License-Identifier: Apache-2.0
// Every string is copied: a command that is superseded is freed within the input that queued its last state.
#include "control/core/effect.h"

#include <assert.h>

// Replaces *text by a copy in the arena; false when that is full.
static bool keep(struct arena *arena, const char **text) {
  char *copy = arena_strdup(arena, *text ? *text : "");
  if (copy) *text = copy;
  return copy != NULL;
}

static bool keep_all(struct arena *arena, const char **texts[], size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!keep(arena, texts[i])) return false;
  }
  return true;
}

#define KEEP(arena, ...) \
  keep_all(arena, (const char **[]){__VA_ARGS__}, sizeof((const char **[]){__VA_ARGS__}) / sizeof(const char **))

bool effects_have_room(const struct effects *effects) {
  return effects->max - effects->count >= EFFECTS_PER_STEP;
}

static enum error add(struct effects *effects, const struct effect *effect) {
  if (effects->count == effects->max) return ERR_LIMIT;
  effects->items[effects->count++] = *effect;
  return OK;
}

static bool keep_envelope(struct arena *arena, struct envelope *e) {
  return KEEP(arena, &e->fact_id, &e->landlord, &e->site, &e->source, &e->actor, &e->supersedes, &e->traceparent);
}

static bool keep_intent(struct arena *arena, struct disconnect_intent *i) {
  return KEEP(arena, &i->command_id, &i->decision_id, &i->service_point);
}

static bool keep_outcome(struct arena *arena, struct command_outcome *o) {
  return KEEP(arena, &o->command_id, &o->decision_id, &o->service_point, &o->device, &o->reason);
}

enum error effects_add_fact(struct effects *effects, const struct fact *fact) {
  assert(fact->kind == FACT_DISCONNECT_INTENT || fact->kind == FACT_COMMAND_OUTCOME);
  struct effect effect = {.kind = EFFECT_FACT, .fact = *fact};
  if (!keep_envelope(effects->arena, &effect.fact.envelope)) return ERR_LIMIT;
  bool kept = fact->kind == FACT_DISCONNECT_INTENT ? keep_intent(effects->arena, &effect.fact.disconnect_intent)
                                                   : keep_outcome(effects->arena, &effect.fact.command_outcome);
  return kept ? add(effects, &effect) : ERR_LIMIT;
}

enum error effects_add_state(struct effects *effects, const struct command_state *state) {
  struct effect effect = {.kind = EFFECT_STATE, .state = *state};
  struct command_state *s = &effect.state;
  struct switch_due *due = &s->switch_due;
  bool kept = KEEP(effects->arena, &s->command_id, &s->decision_id, &s->landlord, &s->site, &s->reason,
                   &due->service_point, &due->room, &due->lease, &due->meter, &due->device);
  return kept ? add(effects, &effect) : ERR_LIMIT;
}

enum error effects_add_publish(struct effects *effects, const struct publish *publish) {
  struct effect effect = {.kind = EFFECT_PUBLISH, .publish = *publish};
  struct publish *p = &effect.publish;
  bool kept = KEEP(effects->arena, &p->site, &p->device, &p->codec, &p->command.command_id);
  return kept ? add(effects, &effect) : ERR_LIMIT;
}

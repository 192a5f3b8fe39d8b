// SPDX-License-Identifier: Apache-2.0
// A tick moves business time and does what has fallen due, one entry of the index after the other in the order of
// (instant, member). Each is a step of its own: looked up as a whole, then done as a whole. So a tick can stop between
// two steps, be committed in part, and go on.
#include "billing/core/fold_parts.h"

enum { MINUTE_S = 60 };

static enum error unknown_step(struct fold *fold, const struct step *step) {
  return store_due_remove(fold->store, step->member); // of no fold that this one knows
}

static enum error take_step(struct fold *fold, const struct step *step) {
  switch (step->due.kind) {
  case DUE_CLOSE:
    return step_close(fold, step);
  case DUE_AMEND:
    return step_amend(fold, step);
  case DUE_DAY:
    return step_day(fold, step);
  case DUE_REMIND:
    return step_remind(fold, step);
  case DUE_NOTICE:
    return step_notice(fold, step);
  case DUE_CUT:
    return step_cut(fold, step);
  case DUE_BEGIN:
    return step_begin(fold, step);
  case DUE_NONE:
    break;
  }
  return unknown_step(fold, step);
}

static bool batch_full(const struct fold *fold) {
  return fold->out->decision_count >= fold->out->decision_max || store_dirty_count(fold->store) >= fold->out->write_max;
}

static enum error next_step(struct fold *fold, int64_t instant_s, const char *member) {
  struct step step = {.member = member, .instant_s = instant_s};
  due_parse(member, &step.due);
  arena_reset(fold->scratch);
  enum error err = take_step(fold, &step);
  return fold->error != OK ? fold->error : err;
}

enum error fold_tick(struct fold *fold, const struct tick *tick) {
  int64_t time_s = tick->time_s - tick->time_s % MINUTE_S;
  if (time_s <= fold->business_time_s) return OK;
  fold->now_s = time_s;
  for (;;) {
    int64_t instant_s;
    const char *member;
    enum lookup found = store_due_first(fold->store, time_s, &instant_s, &member);
    if (found == NOT_LOADED) return ERR_AGAIN;
    if (found == ABSENT) break;
    if (batch_full(fold)) return ERR_QUEUE_FULL;
    struct key key = key_text(member); // the step may forget the entry that the member lies in
    enum error err = next_step(fold, instant_s, key.text);
    if (err != OK) return err;
  }
  fold->business_time_s = time_s;
  const char *id = fold_text(fold, "clock:%u:%lld", fold->partition, (long long)time_s);
  fold_decide(fold, NULL, DECISION_CLOCK, id);
  return OK;
}

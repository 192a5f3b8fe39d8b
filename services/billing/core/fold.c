// SPDX-License-Identifier: Apache-2.0
// Dispatch: one family a kind of fact. The families are told apart by file: readings, catalog, payments, notices,
// switching, ticks; what falls due in a tick by step: periods, days, arrears.
#include "billing/core/fold.h"

#include <assert.h>
#include <stdlib.h>

#include "base/canary.h"
#include "billing/core/fold_parts.h"

enum { SCRATCH_MAX = 256 * 1024 * 1024, CHAINS_MAX = 64 * 1024 * 1024 };

struct fold *fold_new(struct store *store, uint32_t partition, int64_t business_time_s) {
  struct fold *fold = calloc(1, sizeof *fold);
  if (!fold) return NULL;
  fold->store = store;
  fold->partition = partition;
  fold->business_time_s = fold->now_s = business_time_s;
  fold->scratch = arena_new(SCRATCH_MAX);
  fold->chains = arena_new(CHAINS_MAX);
  if (fold->scratch && fold->chains) return fold;
  fold_free(fold);
  return NULL;
}

void fold_free(struct fold *fold) {
  if (!fold) return;
  arena_free(fold->scratch);
  arena_free(fold->chains);
  free(fold);
}

int64_t fold_business_time(const struct fold *fold) {
  return fold->business_time_s;
}

uint32_t fold_next_index(const struct fold *fold) {
  return fold->in_record ? fold->cause.index : 0;
}

void fold_fail(struct fold *fold, enum error err) {
  if (fold->error == OK) fold->error = err;
}

bool fold_waits(const struct fold *fold) {
  return fold->missing;
}

static enum error dispatch(struct fold *fold, const struct fact *fact) {
  switch (fact->kind) {
  case FACT_READINGS:
    return fold_readings(fold, &fact->readings);
  case FACT_DEVICE_STATE:
    return fold_device_state(fold, &fact->device_state);
  case FACT_SITE:
    return fold_site(fold, &fact->site);
  case FACT_ROOM:
    return fold_room(fold, &fact->room);
  case FACT_SERVICE_POINT:
    return fold_service_point(fold, &fact->service_point);
  case FACT_INSTALLATION:
    return fold_installation(fold, &fact->installation);
  case FACT_TARIFF:
    return fold_tariff(fold, &fact->tariff);
  case FACT_LEASE:
    return fold_lease(fold, &fact->lease);
  case FACT_DEVICE_KEY:
    return fold_device_key(fold, &fact->device_key);
  case FACT_PAYMENT:
    return fold_payment(fold, &fact->payment);
  case FACT_READ_EDIT:
    return fold_read_edit(fold, &fact->read_edit);
  case FACT_NOTICE_DELIVERED:
    return fold_notice_delivered(fold, &fact->notice_delivered);
  case FACT_DISCONNECT_INTENT:
    return fold_disconnect_intent(fold, &fact->disconnect_intent);
  case FACT_COMMAND_OUTCOME:
    return fold_command_outcome(fold, &fact->command_outcome);
  case FACT_TICK:
    return fold_tick(fold, &fact->tick);
  case FACT_NONE: // of a newer writer, who says by min_reader that it may be skipped
  case FACT_DEVICE_EVENT:
  case FACT_COMMAND_ACK: // the log keeps them, no state follows
    return OK;
  }
  return OK;
}

static void begin(struct fold *fold, const struct fact *fact, struct cause base, struct effects *out) {
  assert(base.partition == fold->partition);
  if (!fold->in_record || fold->cause.offset != base.offset) fold->cause = base;
  fold->fact = fact;
  fold->out = out;
  fold->now_s = fold->business_time_s;
  fold->missing = false;
  fold->error = OK;
  arena_reset(fold->scratch);
  arena_reset(fold->chains);
  seal_begin(fold);
}

// What becomes of a record that gave `err`.
static enum error end(struct fold *fold, enum error err) {
  if (err == OK) err = fold->error;
  if (err == OK) err = seal_end(fold);
  fold->in_record = err == ERR_AGAIN || err == ERR_QUEUE_FULL;
  return err;
}

enum error fold_apply(struct fold *fold, const struct fact *fact, struct cause base, struct effects *out) {
  if (fact->envelope.min_reader > FACT_READER_VERSION) return CANARY(NEWER_RECORD_SKIPPED) ? OK : ERR_NEWER_READER;
  begin(fold, fact, base, out);
  if (fold_waits(fold)) return end(fold, ERR_AGAIN);
  enum error err = OK;
  if (fact_bounded(fact)) {
    err = dispatch(fold, fact);
  } else {
    fold_exception(fold, NULL, "text-too-long", "");
  }
  return end(fold, fold->error != OK ? fold->error : err);
}

enum error fold_refuse(struct fold *fold, const struct fact *fact, struct cause base, const char *reason,
                       struct effects *out) {
  begin(fold, fact, base, out);
  if (fold_waits(fold)) return end(fold, ERR_AGAIN);
  fold_exception(fold, NULL, reason, "");
  return end(fold, OK);
}

enum error fold_pass_over(struct fold *fold, const struct fact *fact, struct cause base, struct effects *out) {
  begin(fold, fact, base, out);
  return end(fold, fold_waits(fold) ? ERR_AGAIN : OK);
}

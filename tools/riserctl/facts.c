// SPDX-License-Identifier: Apache-2.0
#include "riserctl/facts.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "riserctl/log_reader.h"
#include "riserctl/state.h"
#include "wire/decision.h"
#include "wire/fact.h"

enum { FACT_MAX = 4 * 1024 * 1024, POLL_MS = 20, SCRATCH_MAX = 64 * 1024 * 1024 };

static enum error send_encoded(struct ctl *ctl, const struct fact *fact, const struct kafka_send *send);
static enum error await_fold(struct ctl *ctl, const struct facts_wait *wait, struct cause *last);
static enum error read_exceptions(struct ctl *ctl, const struct facts_wait *wait, struct cause last, size_t *count);
static void tell_exceptions(struct ctl *ctl, const struct facts_wait *wait, const struct decision *decision,
                            size_t *count);

void fact_envelope(struct ctl *ctl, struct fact *fact, const char *landlord, const char *site, const char *fact_id) {
  const struct passwd *user = getpwuid(getuid());
  const char *actor = user ? arena_strdup(ctl->arena, user->pw_name) : "";
  int64_t now = clock_wall_ms();
  fact->envelope = (struct envelope){
      .fact_id = fact_id,
      .min_reader = FACT_READER_VERSION,
      .landlord = landlord,
      .site = site,
      .event_time_ms = now,
      .receive_time_ms = now,
      .source = "riserctl",
      .actor = actor ? actor : "",
      .supersedes = "",
      .traceparent = "",
  };
}

enum error fact_send(struct ctl *ctl, const struct fact *fact, struct kafka_position *position) {
  const struct kafka_send send = {
      .topic = "riser.site.v1",
      .partition = KAFKA_PARTITION_BY_KEY,
      .key = bytes_text(fact->envelope.site),
      .opaque = position,
  };
  return send_encoded(ctl, fact, &send);
}

enum error fact_tick(struct ctl *ctl, int32_t partition, int64_t time_s, struct kafka_position *position) {
  char key[32], id[64];
  struct fact fact = {.kind = FACT_TICK, .tick = {.time_s = time_s}};
  snprintf(key, sizeof key, "@tick/%d", (int)partition);
  snprintf(id, sizeof id, "tick:%d:%" PRId64, (int)partition, time_s);
  fact_envelope(ctl, &fact, "", "", id);
  fact.envelope.event_time_ms = time_s * 1000;
  const struct kafka_send send = {
      .topic = "riser.site.v1", .partition = partition, .key = bytes_text(key), .opaque = position};
  enum error err = send_encoded(ctl, &fact, &send);
  return err ? err : ctl_flush(ctl);
}

static enum error send_encoded(struct ctl *ctl, const struct fact *fact, const struct kafka_send *send) {
  struct buffer encoded;
  struct kafka_send full = *send;
  struct kafka_producer *producer = ctl_producer(ctl);
  if (!producer) return ERR_UNAVAILABLE;
  buffer_init(&encoded, FACT_MAX);
  enum error err = wire_fact_encode(fact, &encoded);
  full.value = buffer_bytes(&encoded);
  while (!err && (err = kafka_producer_send(producer, &full)) == ERR_QUEUE_FULL) {
    kafka_producer_poll(producer, POLL_MS);
    err = kafka_producer_status(producer);
  }
  buffer_fini(&encoded);
  return err;
}

enum error facts_mark(struct ctl *ctl, int32_t partition, int64_t *decisions_from) {
  return log_end(ctl, "riser.decision.v1", partition, decisions_from);
}

enum status facts_await(struct ctl *ctl, const struct facts_wait *wait) {
  struct cause last;
  size_t exceptions = 0;
  enum error err = await_fold(ctl, wait, &last);
  if (err == ERR_TIMEOUT) {
    return ctl_refuse(ctl,
                      "billing has not folded offset %" PRId64 " of partition %d after %" PRId64
                      " s; it is in Kafka, nothing is lost; does billing run?",
                      wait->offset, (int)wait->partition, wait->timeout_ms / 1000);
  }
  if (!err) err = read_exceptions(ctl, wait, last, &exceptions);
  if (err) return ctl_fail(ctl, err, "waiting for billing failed; what was written is in Kafka");
  return exceptions ? STATUS_FAILED : STATUS_OK;
}

// *last: the last cause that billing has decided something about by then.
static enum error await_fold(struct ctl *ctl, const struct facts_wait *wait, struct cause *last) {
  int64_t deadline = clock_mono_ms() + wait->timeout_ms;
  struct arena *scratch = arena_new(SCRATCH_MAX);
  struct fence_view fence;
  enum error err = scratch ? OK : ERR_NO_MEMORY;
  *last = (struct cause){.offset = -1};
  while (!err) {
    arena_reset(scratch);
    err = state_fence(ctl, wait->partition, scratch, &fence);
    if (!err && fence.installed && fence.meta.next_offset > wait->offset) break;
    if (!err && clock_mono_ms() > deadline) err = ERR_TIMEOUT;
    if (!err) clock_sleep_ms(POLL_MS);
  }
  for (size_t i = 0; !err && i < fence.outbox.count; i++) {
    if (fence.outbox.records[i].has_cause) *last = fence.outbox.records[i].cause;
  }
  arena_free(scratch);
  return err;
}

struct exceptions {
  struct ctl *ctl;
  const struct facts_wait *wait;
  struct cause last;
  struct cause seen;
  size_t *count;
};

static enum error visit_decision(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct exceptions *exceptions = ctx;
  struct decision decision;
  enum error err = wire_decision_decode(record->value, arena, &decision);
  if (err) return err;
  const struct facts_wait *wait = exceptions->wait;
  if (cause_compare(decision.cause, exceptions->seen) <= 0) return OK; // a repetition, or of earlier facts
  exceptions->seen = decision.cause;
  if (decision.cause.offset > wait->offset) return OK; // others' facts
  bool balance = decision.kind == DECISION_BALANCE && decision.cause.offset == wait->offset;
  if (balance && wait->balanced) *wait->balanced = true;
  if (balance && wait->seal) *wait->seal = decision.balance.seal;
  tell_exceptions(exceptions->ctl, wait, &decision, exceptions->count);
  return OK;
}

static bool have_seen_last(void *ctx) {
  const struct exceptions *exceptions = ctx;
  return cause_compare(exceptions->seen, exceptions->last) >= 0;
}

// Up to the end of the decisions, and at least up to what lay in the outbox.
static enum error read_exceptions(struct ctl *ctl, const struct facts_wait *wait, struct cause last, size_t *count) {
  struct exceptions exceptions = {
      .ctl = ctl,
      .wait = wait,
      .last = last,
      // What was decided because of earlier facts was published before.
      .seen = {.offset = wait->first_offset - 1, .index = UINT32_MAX},
      .count = count,
  };
  const struct log_range range = {"riser.decision.v1", wait->partition, wait->decisions_from};
  const struct log_reader reader = {
      .visit = visit_decision, .is_done = have_seen_last, .ctx = &exceptions, .timeout_ms = wait->timeout_ms};
  return log_read(ctl, &range, &reader);
}

static void tell_exceptions(struct ctl *ctl, const struct facts_wait *wait, const struct decision *decision,
                            size_t *count) {
  if (decision->kind != DECISION_FACT_EXCEPTION) return;
  const struct fact_exception *exception = &decision->fact_exception;
  if (strncmp(exception->fact_id, wait->prefix, strlen(wait->prefix)) != 0) return;
  ctl_refuse(ctl, "billing refuses the %s %s: %s%s%s", exception->kind, exception->fact_id, exception->reason,
             exception->detail[0] ? ", " : "", exception->detail);
  (*count)++;
}

// SPDX-License-Identifier: Apache-2.0
// Fact ids are made of what the message says, or of its place in the spool, never of chance: a replay after a restart
// makes the same facts again.
#include "ingest/core/judge.h"

#include <string.h>

#include "base/canary.h"
#include "ingest/core/advice.h"
#include "ingest/core/fact_id.h"

// One message's facts in the making.
struct making {
  const struct judge *judge;
  const struct message *message;
  struct arena *arena;
  struct verdict *verdict;
  const char *site, *device, *source, *landlord;
};

static enum error begin(struct making *making);
static enum error whole_refused(const struct judge *judge, const struct topic *topic, const struct content *content,
                                const char **what);
static enum error judge_batch(struct making *making, const struct batch *batch);
static enum error store_readings(struct making *making, const struct batch *batch, const struct reading *readings,
                                 size_t count);
static enum error partly_refused(struct making *making, const struct batch *batch, const struct check_result *result);
static enum error judge_sequence(struct making *making, const struct batch *batch);
static enum error judge_clock(struct making *making, int64_t sent_at_ms, bool *suspect);
static enum error judge_other(struct making *making, const struct content *content);
static enum error refuse(struct making *making, enum error err, const char *what);
static struct fact *fact_add(struct making *making, enum fact_kind kind);
static enum error event_add(struct making *making, enum event_kind kind, const char *detail, const char *id);

size_t judge_arena_max(const struct check_limits *limits) {
  enum { TEXTS_MAX = 64 * 1024 };
  return limits->readings_max * sizeof(struct reading) + TEXTS_MAX;
}

enum error judge_admit(const struct judge *judge, const struct topic *topic) {
  if (!registry_landlord(judge->registry, topic->site)) return ERR_UNKNOWN_SITE;
  bool foreign = judge->refuse_foreign && registry_is_foreign(judge->registry, topic->site, topic->device);
  return foreign && !CANARY(STRANGER_LET_IN) ? ERR_FOREIGN_SITE : OK;
}

enum error judge_signature(const struct judge *judge, const struct topic *topic, struct bytes text,
                           struct bytes payload) {
  const struct device_keys *keys = registry_keys(judge->registry, topic->site, topic->device);
  return keys ? signature_check(keys, text, payload) : OK;
}

enum error judge_message(const struct judge *judge, const struct message *message, const struct content *content,
                         struct arena *arena, struct verdict *verdict) {
  *verdict = (struct verdict){.refused = OK, .detail = ""};
  struct making making = {.judge = judge, .message = message, .arena = arena, .verdict = verdict};
  enum error err = begin(&making);
  if (err) return err;
  const char *what = "";
  err = whole_refused(judge, &message->topic, content, &what);
  if (err) return refuse(&making, err, what);
  if (content->kind == CONTENT_READINGS) return judge_batch(&making, &content->batch);
  return judge_other(&making, content);
}

static enum error begin(struct making *making) {
  const struct topic *topic = &making->message->topic;
  making->landlord = registry_landlord(making->judge->registry, topic->site);
  if (!making->landlord) making->landlord = "";
  making->site = arena_text(making->arena, topic->site);
  making->device = arena_text(making->arena, topic->device);
  making->source = making->device ? source_of(making->arena, making->device) : NULL;
  return making->site && making->source ? OK : ERR_NO_MEMORY;
}

// Of a message that is refused for this no number is counted; what is refused for its readings has come.
static enum error whole_refused(const struct judge *judge, const struct topic *topic, const struct content *content,
                                const char **what) {
  *what = "";
  if (*content->site && !bytes_equal_text(topic->site, content->site)) {
    *what = "the payload names another site than the topic";
    return ERR_FOREIGN_SITE;
  }
  if (*content->device && !bytes_equal_text(topic->device, content->device)) {
    *what = "the payload names another device than the topic";
    return ERR_FOREIGN_SITE;
  }
  if (content->kind != CONTENT_READINGS || content->batch.counter) return OK;
  return registry_keys(judge->registry, topic->site, topic->device) ? ERR_NO_COUNTER : OK;
}

static enum error judge_batch(struct making *making, const struct batch *batch) {
  const struct judge *judge = making->judge;
  size_t room = batch->count < judge->limits.readings_max ? batch->count : judge->limits.readings_max;
  struct reading *readings = arena_alloc_raw(making->arena, room * sizeof *readings);
  if (!readings) return ERR_NO_MEMORY;
  struct check_result result;
  enum error err = check_batch(&judge->limits, batch, making->device, making->message->receive_ms, readings, &result);
  if (result.bad)
    err = partly_refused(making, batch, &result);
  else if (err)
    err = refuse(making, err, "");
  if (!err && result.good) err = store_readings(making, batch, readings, result.good);
  bool counted = making->message->position < judge->counted_until;
  if (!err && judge->track_sequences && batch->sequence && !counted) err = judge_sequence(making, batch);
  return err;
}

static enum error store_readings(struct making *making, const struct batch *batch, const struct reading *readings,
                                 size_t count) {
  bool suspect = false;
  int64_t newest_s = readings[0].time_s;
  for (size_t i = 1; i < count; i++)
    if (readings[i].time_s > newest_s) newest_s = readings[i].time_s;
  struct fact *fact = fact_add(making, FACT_READINGS);
  fact->envelope.fact_id = fact_id_of_batch(making->arena, making->message, making->judge->instance, batch);
  fact->envelope.sequence = batch->sequence;
  fact->envelope.event_time_ms = newest_s * 1000;
  enum error err = judge_clock(making, batch->sent_at_ms, &suspect);
  fact->readings = (struct readings_fact){
      .device = making->device,
      .readings = readings,
      .count = count,
      .clock_suspect = suspect,
      .sent_at_ms = batch->sent_at_ms,
  };
  making->verdict->readings = count;
  return fact->envelope.fact_id ? err : ERR_NO_MEMORY;
}

static enum error partly_refused(struct making *making, const struct batch *batch, const struct check_result *result) {
  enum { METER_SHOWN_MAX = 64 };
  const struct reading *first = &batch->readings[result->first_index];
  const char *what = arena_printf(making->arena,
                                  "%zu of %zu readings, the others are stored; first: number %zu, meter "
                                  "%.*s, register %d, time %lld, value %lld",
                                  result->bad, batch->count, result->first_index + 1,
                                  (int)bytes_utf8_cut(bytes_text(first->meter), METER_SHOWN_MAX), first->meter,
                                  (int)first->reg, (long long)first->time_s, (long long)first->value);
  return what ? refuse(making, result->first_err, what) : ERR_NO_MEMORY;
}

static enum error judge_sequence(struct making *making, const struct batch *batch) {
  struct claim *claim = &making->verdict->claim;
  struct heard *heard = devices_get(making->judge->devices, making->message->topic.site, making->message->topic.device);
  if (!heard) return OK; // all entries are pinned: it will ask again for its receipt
  claim->heard = heard;
  claim->boot = batch->boot;
  claim->number = batch->sequence;
  claim->want_receipt = batch->want_receipt;
  struct sequence_gap gap = sequence_advance(&heard->ahead.numbers, batch->boot, batch->sequence);
  if (!gap.first) return OK;
  const char *detail =
      arena_printf(making->arena, "%llu..%llu missing", (unsigned long long)gap.first, (unsigned long long)gap.last);
  const char *id = arena_printf(making->arena, "%s/gap/%llu.%llu-%llu", making->device, (unsigned long long)batch->boot,
                                (unsigned long long)gap.first, (unsigned long long)gap.last);
  return detail && id ? event_add(making, EVENT_SEQUENCE_GAP, detail, id) : ERR_NO_MEMORY;
}

void judge_track(const struct judge *judge, const struct message *message, const struct content *content) {
  const char *what;
  if (!judge->track_sequences || content->kind != CONTENT_READINGS || !content->batch.sequence) return;
  if (message->position < judge->counted_until || whole_refused(judge, &message->topic, content, &what)) return;
  struct heard *heard = devices_get(judge->devices, message->topic.site, message->topic.device);
  if (!heard) return;
  sequence_seen(&heard->sequence, content->batch.boot, content->batch.sequence);
  heard->ahead.numbers = heard->sequence.head;
}

static enum error judge_clock(struct making *making, int64_t sent_at_ms, bool *suspect) {
  const struct judge *judge = making->judge;
  const struct message *message = making->message;
  *suspect = clock_is_off(sent_at_ms, message->receive_ms, message->held_ms, judge->clock_limit_ms);
  if (!*suspect) return OK;
  struct heard *heard = devices_get(judge->devices, message->topic.site, message->topic.device);
  if (!heard) return OK; // all entries are pinned: the readings are marked all the same
  int64_t since = message->receive_ms - heard->ahead.clock_event_ms;
  if (heard->ahead.clock_event_ms && since >= 0 && since < judge->clock_event_every_ms) return OK;
  heard->ahead.clock_event_ms = message->receive_ms;
  making->verdict->claim.heard = heard;
  making->verdict->claim.clock_event_ms = message->receive_ms;
  const char *detail =
      arena_printf(making->arena, "%lld s from arrival", (long long)((sent_at_ms - message->receive_ms) / 1000));
  const char *id = arena_printf(making->arena, "%s/clock/%lld", making->device, (long long)message->receive_ms);
  return detail && id ? event_add(making, EVENT_CLOCK_OFF, detail, id) : ERR_NO_MEMORY;
}

bool clock_is_off(int64_t sent_at_ms, int64_t receive_ms, int64_t held_ms, int64_t limit_ms) {
  if (sent_at_ms == 0) return false; // no clock, nothing to judge
  int64_t latest, earliest;
  if (__builtin_add_overflow(receive_ms, limit_ms, &latest)) latest = INT64_MAX;
  if (__builtin_sub_overflow(receive_ms, limit_ms + held_ms, &earliest)) earliest = INT64_MIN;
  return sent_at_ms > latest || sent_at_ms < earliest;
}

static enum error judge_other(struct making *making, const struct content *content) {
  const struct check_limits *limits = &making->judge->limits;
  int64_t receive_ms = making->message->receive_ms;
  struct fact made = {.kind = FACT_NONE};
  int64_t time_s = 0;
  enum error err = ERR_INTERNAL;
  if (content->kind == CONTENT_EVENT) {
    made.kind = FACT_DEVICE_EVENT;
    made.device_event = content->event;
    err = check_event(limits, receive_ms, making->arena, &made.device_event);
    made.device_event.device = making->device;
    time_s = made.device_event.time_s;
  } else if (content->kind == CONTENT_STATE) {
    made.kind = FACT_DEVICE_STATE;
    made.device_state = content->state;
    err = check_state(limits, receive_ms, &made.device_state);
    made.device_state.device = making->device;
    time_s = made.device_state.time_s;
  } else if (content->kind == CONTENT_ACK) {
    made.kind = FACT_COMMAND_ACK;
    made.command_ack = content->ack;
    err = check_ack(limits, receive_ms, making->arena, &made.command_ack);
    made.command_ack.device = making->device;
    time_s = made.command_ack.time_s;
  }
  if (err) return error_class(err) == CLASS_REJECT && err != ERR_LIMIT ? refuse(making, err, "") : ERR_NO_MEMORY;
  struct fact *fact = fact_add(making, made.kind);
  made.envelope = fact->envelope;
  *fact = made;
  fact->envelope.event_time_ms = time_s * 1000;
  fact->envelope.fact_id = fact_id_by_place(making->arena, making->message, making->judge->instance);
  return fact->envelope.fact_id ? OK : ERR_NO_MEMORY;
}

static enum error refuse(struct making *making, enum error err, const char *what) {
  const char *advice = advice_for(err);
  const char *detail = *what ? arena_printf(making->arena, "%s%s%s", what, *advice ? "; " : "", advice) : advice;
  making->verdict->refused = err;
  making->verdict->detail = detail;
  return detail ? OK : ERR_NO_MEMORY;
}

static struct fact *fact_add(struct making *making, enum fact_kind kind) {
  struct fact *fact = &making->verdict->facts[making->verdict->fact_count++];
  *fact = (struct fact){
      .kind = kind,
      .envelope =
          {
              .fact_id = "",
              .min_reader = FACT_READER_VERSION,
              .landlord = making->landlord,
              .site = making->site,
              .receive_time_ms = making->message->receive_ms,
              .source = making->source,
              .actor = "",
              .supersedes = "",
              .traceparent = "",
          },
  };
  return fact;
}

static enum error event_add(struct making *making, enum event_kind kind, const char *detail, const char *id) {
  struct fact *fact = fact_add(making, FACT_DEVICE_EVENT);
  fact->envelope.fact_id = id;
  fact->envelope.event_time_ms = making->message->receive_ms;
  fact->device_event = (struct device_event_fact){
      .device = making->device,
      .kind = kind,
      .time_s = making->message->receive_ms / 1000,
      .detail = detail,
  };
  return OK;
}

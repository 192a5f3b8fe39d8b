// SPDX-License-Identifier: Apache-2.0
// A message is made anew for each attempt from the stored record: it comes out the same, and thousands of waiting ones
// need not be held as text.
#include "notify/dispatch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "notify/digest.h"
#include "wire/decision.h"

enum { DECISION_ARENA_MAX = 16 << 20, PERSON_PAUSE_MS = 100, ID_MAX = 1024 };

static void on_done(void *ctx, void *owner, struct verdict verdict);

static void register_metrics(struct dispatch_metrics *own, struct metrics *metrics) {
  static const char *names[WORK_CHANNELS_MAX + 1];
  for (size_t i = 0; i < channel_count; i++) names[i] = channels[i]->name;
  names[channel_count] = "none";
  const struct label label = {.name = "channel", .values = names, .count = channel_count};
  const struct label label_with_none = {.name = "channel", .values = names, .count = channel_count + 1};
  own->attempts = metrics_counters(metrics, "riser_notify_attempts_total", "Attempts begun.", label);
  own->retries = metrics_counters(metrics, "riser_notify_retries_total", "Attempts that failed for now.", label);
  own->delivered = metrics_counters(metrics, "riser_notify_delivered_total", "Messages delivered.", label);
  own->failed = metrics_counters(metrics, "riser_notify_failed_total", "Messages given up.", label_with_none);
  own->in_flight = metrics_gauge(metrics, "riser_notify_in_flight", "Attempts in flight.");
  own->time = metrics_histogram_seconds(metrics, "riser_notify_delivery_seconds",
                                        "From taking a decision to the end of one of its deliveries.");
}

static enum error open_channels(struct dispatch *dispatch) {
  assert(channel_count <= WORK_CHANNELS_MAX);
  for (size_t i = 0; i < channel_count; i++) {
    enum error err = channels[i]->open(dispatch->config, &dispatch->links[i]);
    if (err) return err;
    dispatch->links[i]->kind = channels[i];
  }
  return OK;
}

enum error dispatch_init(struct dispatch *dispatch, const struct notify_config *config, struct metrics *metrics) {
  *dispatch = (struct dispatch){.config = config};
  dispatch->retry = (struct retry_policy){
      .first_ms = config->retry_first_ms, .longest_ms = config->retry_longest_ms, .age_ms = config->retry_age_ms};
  register_metrics(&dispatch->metrics, metrics);
  dispatch->arena = arena_new(DECISION_ARENA_MAX);
  enum error err = dispatch->arena ? work_init(&dispatch->work, (size_t)config->partitions) : ERR_NO_MEMORY;
  if (!err) err = open_channels(dispatch);
  if (!err) err = courier_new(on_done, dispatch, &dispatch->courier);
  if (err) dispatch_fini(dispatch);
  return err;
}

void dispatch_fini(struct dispatch *dispatch) {
  courier_free(dispatch->courier);
  for (size_t i = 0; i < channel_count; i++) {
    if (dispatch->links[i]) channels[i]->close(dispatch->links[i]);
  }
  directory_close(dispatch->directory);
  ledger_close(dispatch->ledger);
  work_fini(&dispatch->work);
  arena_free(dispatch->arena);
}

static size_t channel_place(const struct channel_link *link) {
  size_t place = 0;
  while (place < channel_count && (!link || channels[place] != link->kind)) place++;
  return place;
}

static enum channel channel_of(const struct errand *errand) {
  return errand->link ? errand->link->kind->channel : CHANNEL_NONE;
}

// ---- taking

static enum error decode(struct dispatch *dispatch, struct bytes record, struct decision *decision) {
  arena_reset(dispatch->arena);
  enum error err = wire_decision_decode(record, dispatch->arena, decision);
  return err ? ERR_CORRUPT : OK; // billing wrote it: nobody else can mend it
}

static size_t persons_of(const struct decision *decision, const char *const **persons) {
  size_t count = message_persons(decision, persons);
  if (count <= WORK_PERSONS_MAX) return count;
  log_error("too-many-persons", F_STR("decision", decision->id), F_INT("persons", (int64_t)count));
  return WORK_PERSONS_MAX;
}

enum error dispatch_take(struct dispatch *dispatch, struct part *part, const struct kafka_record *record,
                         int64_t now_ms) {
  struct decision decision;
  const char *const *persons;
  enum error err = decode(dispatch, record->value, &decision);
  if (err) {
    log_error("decision-unreadable", F_INT("partition", record->partition), F_INT("offset", record->offset));
    return err;
  }
  if (decision.business_time_s > part->business_time_s) part->business_time_s = decision.business_time_s;
  size_t count = persons_of(&decision, &persons);
  enum progress_verdict verdict;
  uint32_t done = 0;
  err = progress_take(&part->progress, record->offset, decision.cause, count > 0, &verdict, &done);
  if (err || verdict == PROGRESS_SKIP) return err == ERR_LIMIT ? ERR_INTERNAL : err;
  struct job *job = work_add_job(&dispatch->work, part, record, now_ms);
  if (!job) return ERR_NO_MEMORY;
  job->done = done;
  for (unsigned i = 0; i < count; i++) work_add_person(job, i, now_ms);
  return OK;
}

// ---- settling

struct outcome_text {
  enum delivery delivery;
  const char *message_id;
  const char *detail;
};

static enum error record_fact(struct dispatch *dispatch, const struct errand *errand, const struct decision *decision,
                              const struct outcome_text *outcome) {
  struct part *part = errand->job->part;
  const char *const *persons;
  message_persons(decision, &persons);
  char fact_id[ID_MAX];
  size_t place = channel_place(errand->link);
  snprintf(fact_id, sizeof fact_id, "delivered:%s:%s:%s", decision->id, persons[errand->person],
           place < channel_count ? channels[place]->name : "none");
  const struct fact fact = {
      .envelope = {.fact_id = fact_id,
                   .min_reader = 1,
                   .landlord = decision->landlord,
                   .site = decision->site,
                   .event_time_ms = part->business_time_s * 1000,
                   .receive_time_ms = clock_wall_ms(),
                   .source = "notify",
                   .actor = "",
                   .supersedes = "",
                   .traceparent = ""},
      .kind = FACT_NOTICE_DELIVERED,
      .notice_delivered = {.decision_id = decision->id,
                           .person = persons[errand->person],
                           .channel = channel_of(errand),
                           .delivery = outcome->delivery,
                           .message_id = outcome->message_id,
                           .time_s = part->business_time_s,
                           .detail = outcome->detail},
  };
  return ledger_add(dispatch->ledger, part, &fact);
}

static void count_outcome(struct dispatch *dispatch, const struct errand *errand, enum delivery outcome) {
  size_t place = channel_place(errand->link);
  struct counter *counters = outcome == DELIVERY_DELIVERED ? dispatch->metrics.delivered : dispatch->metrics.failed;
  counter_add(&counters[place], 1);
  histogram_observe(dispatch->metrics.time, (clock_mono_ms() - errand->job->taken_ms) * 1000);
}

// The job is gone afterwards when this was its last delivery.
static void mark_settled(struct dispatch *dispatch, struct errand *errand) {
  struct job *job = errand->job;
  struct part *part = job->part;
  progress_deliver(&part->progress, job->offset, work_slot(errand->person, channel_of(errand)));
  part->dirty = true;
  errand->settled = true;
  if (--job->open > 0) return;
  progress_finish(&part->progress, job->offset);
  work_drop_job(&dispatch->work, job);
}

static enum error settle(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                         const struct outcome_text *outcome) {
  enum error err = record_fact(dispatch, errand, decision, outcome);
  if (err) return err;
  if (outcome->delivery == DELIVERY_FAILED) {
    log_warn("given-up", F_STR("decision", decision->id), F_STR("detail", outcome->detail));
  }
  count_outcome(dispatch, errand, outcome->delivery);
  mark_settled(dispatch, errand);
  return OK;
}

// What an earlier run has settled is not recorded a second time.
static void skip(struct dispatch *dispatch, struct errand *errand) {
  mark_settled(dispatch, errand);
}

static enum error name_message(const struct dispatch *dispatch, const struct errand *errand,
                               const struct decision *decision, char id[DIGEST_MESSAGE_ID_MAX]) {
  const char *const *persons;
  message_persons(decision, &persons);
  return digest_message_id(&(struct message_name){.decision = decision->id,
                                                  .person = persons[errand->person],
                                                  .channel = errand->link->kind->name,
                                                  .domain = notify_message_domain(dispatch->config)},
                           id);
}

// ---- trying again

static enum error later_or_never(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                                 const struct verdict *verdict) {
  char id[DIGEST_MESSAGE_ID_MAX];
  enum error err = name_message(dispatch, errand, decision, id);
  if (err) return err;
  int64_t now_ms = clock_mono_ms(), pause_ms;
  uint32_t seed = crc32c(0, id, strlen(id));
  errand->failures++;
  counter_add(&dispatch->metrics.retries[channel_place(errand->link)], 1);
  if (retry_next(&dispatch->retry, errand->failures, now_ms - errand->job->taken_ms, seed, verdict->asked_ms,
                 &pause_ms)) {
    errand->due_ms = now_ms + pause_ms;
    return OK;
  }
  const struct outcome_text outcome = {.delivery = DELIVERY_FAILED, .message_id = id, .detail = verdict->detail};
  return settle(dispatch, errand, decision, &outcome);
}

static enum error judge(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                        const struct verdict *verdict) {
  if (verdict->delivery == DELIVERY_NONE) return later_or_never(dispatch, errand, decision, verdict);
  char id[DIGEST_MESSAGE_ID_MAX];
  enum error err = name_message(dispatch, errand, decision, id);
  const struct outcome_text outcome = {.delivery = verdict->delivery, .message_id = id, .detail = verdict->detail};
  return err ? err : settle(dispatch, errand, decision, &outcome);
}

static void on_done(void *ctx, void *owner, struct verdict verdict) {
  struct dispatch *dispatch = ctx;
  struct errand *errand = owner;
  struct decision decision;
  errand->sending = false;
  gauge_set(dispatch->metrics.in_flight, (int64_t)courier_in_flight(dispatch->courier));
  enum error err = decode(dispatch, bytes_make(errand->job->record, errand->job->record_len), &decision);
  if (!err) err = judge(dispatch, errand, &decision, &verdict);
  if (err) dispatch->failed = err;
}

// ---- beginning

// Who is not known may just be on the way here: the two topics have no common order.
static enum error await_person(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                               int64_t now_ms) {
  if (now_ms - errand->job->taken_ms < dispatch->config->person_wait_ms) {
    errand->due_ms = now_ms + PERSON_PAUSE_MS;
    return OK;
  }
  const struct outcome_text outcome = {.delivery = DELIVERY_FAILED, .message_id = "", .detail = "unknown-person"};
  return settle(dispatch, errand, decision, &outcome);
}

static enum error resolve(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                          int64_t now_ms) {
  const char *const *persons;
  message_persons(decision, &persons);
  const struct person *person = directory_find(dispatch->directory, persons[errand->person]);
  if (!person && work_is_done(errand->job, errand->person, CHANNEL_NONE)) {
    skip(dispatch, errand);
    return OK;
  }
  if (!person) return await_person(dispatch, errand, decision, now_ms);
  bool reached = false;
  for (size_t i = 0; i < channel_count; i++) {
    if (!channels[i]->reaches(person)) continue;
    reached = true;
    if (!work_is_done(errand->job, errand->person, channels[i]->channel)) {
      work_resolve(errand, dispatch->links[i], person);
    }
  }
  if (errand->link) return OK;
  if (reached || work_is_done(errand->job, errand->person, CHANNEL_NONE)) {
    skip(dispatch, errand);
    return OK;
  }
  const struct outcome_text outcome = {.delivery = DELIVERY_FAILED, .message_id = "", .detail = "no-contact"};
  return settle(dispatch, errand, decision, &outcome);
}

static enum error write_and_start(struct dispatch *dispatch, struct errand *errand, const struct decision *decision,
                                  const struct person *person) {
  struct message message;
  char id[DIGEST_MESSAGE_ID_MAX];
  enum error err = name_message(dispatch, errand, decision, id);
  if (!err) err = message_make(decision, person, dispatch->config->contact, dispatch->arena, &message);
  const struct letter letter = {.message_id = id, .decision = decision, .person = person, .message = &message};
  if (!err) err = courier_start(dispatch->courier, errand->link, &letter, errand);
  return err;
}

// A person may have been forgotten, or lost an address, while the message waited.
static enum error start(struct dispatch *dispatch, struct errand *errand, const struct decision *decision) {
  const char *const *persons;
  message_persons(decision, &persons);
  const struct person *person = directory_find(dispatch->directory, persons[errand->person]);
  struct verdict verdict = {.delivery = DELIVERY_FAILED};
  if (!person || !errand->link->kind->reaches(person)) {
    snprintf(verdict.detail, sizeof verdict.detail, person ? "no-contact" : "unknown-person");
    return judge(dispatch, errand, decision, &verdict);
  }
  enum error err = write_and_start(dispatch, errand, decision, person);
  if (!err) {
    errand->sending = true;
    counter_add(&dispatch->metrics.attempts[channel_place(errand->link)], 1);
    return OK;
  }
  if (error_class(err) == CLASS_FATAL) return err;
  if (error_class(err) == CLASS_RETRY) verdict.delivery = DELIVERY_NONE;
  snprintf(verdict.detail, sizeof verdict.detail, "%s", error_name(err));
  return judge(dispatch, errand, decision, &verdict);
}

static bool is_ready(const struct dispatch *dispatch, const struct errand *errand, int64_t now_ms) {
  if (errand->sending || errand->settled || errand->due_ms > now_ms) return false;
  return !errand->link || courier_has_room(dispatch->courier, errand->link, errand->lane);
}

static enum error begin(struct dispatch *dispatch, struct errand *errand, int64_t now_ms) {
  struct decision decision;
  enum error err = decode(dispatch, bytes_make(errand->job->record, errand->job->record_len), &decision);
  if (err) return err;
  return errand->link ? start(dispatch, errand, &decision) : resolve(dispatch, errand, &decision, now_ms);
}

// Begins the deliveries of one job; sees by `open` whether the job is still there after each.
static enum error begin_job(struct dispatch *dispatch, struct job *job, int64_t now_ms) {
  enum error err = OK;
  for (size_t i = 0; !err && i < job->count; i++) {
    if (!is_ready(dispatch, &job->errands[i], now_ms)) continue;
    bool last = job->open == 1;
    bool resolving = !job->errands[i].link;
    size_t before = dispatch->work.job_count;
    err = begin(dispatch, &job->errands[i], now_ms);
    if (last && dispatch->work.job_count < before) return err;              // the job is finished and gone
    if (resolving && job->errands[i].link && !job->errands[i].settled) i--; // resolved: begin it right away
  }
  return err;
}

enum error dispatch_begin_due(struct dispatch *dispatch, int64_t now_ms, int64_t until_ms) {
  enum error err = OK;
  for (struct job *job = dispatch->work.jobs, *next; job && !err && clock_mono_ms() <= until_ms; job = next) {
    next = job->next;
    err = begin_job(dispatch, job, now_ms);
  }
  gauge_set(dispatch->metrics.in_flight, (int64_t)courier_in_flight(dispatch->courier));
  return err;
}

// SPDX-License-Identifier: Apache-2.0
#include "riserctl/replay/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "riserctl/facts.h"
#include "riserctl/human.h"
#include "riserctl/replay/feed.h"
#include "riserctl/replay/progress.h"
#include "riserctl/replay/watch.h"

enum { MOVES_MS = 2, DESCRIBE_MAX = 16 * 1024, COUNTERS_MS = 1500, DATE_LEN = 10, MONTH_LEN = 7 };

struct replay {
  struct replay_options options;
  struct replay_summary *summary;
  int32_t partition;
  struct arena *arena; // of one span
  struct settle *settle;
  struct payers *payers;
  struct arrivals *arrivals;
  struct ledger *ledger;
  struct feed *feed;
  struct watch *watch;
  struct progress progress;
  uint64_t seen; // records when something last moved
  size_t fed;    // and sends
  int64_t moved_ms;
};

static enum error open_parts(struct replay *replay);
static enum error close_parts(struct replay *replay);
static enum error check_clock(struct replay *replay);
static enum error run_ticks(struct replay *replay);
static enum error run_span(struct replay *replay, int64_t tick_s);
static enum error feed_until(struct replay *replay, int64_t until_s, int64_t tick_s);
static enum error await_arrival(struct replay *replay);
static enum error await_settled(struct replay *replay);
static enum error await_rejects(struct replay *replay);
static enum error pay_until(struct replay *replay, int64_t until_s);
static enum error write_tick(struct replay *replay, int64_t tick_s);
static enum error moves(struct replay *replay, int timeout_ms);
static enum error read_counters(struct replay *replay);
static enum status tell(struct replay *replay, enum error err);
static void show(struct replay *replay, int64_t tick_s);
static void sum_up(struct replay *replay);

enum status replay_run(const struct replay_options *options, struct replay_summary *summary) {
  struct replay replay = {
      .options = *options,
      .summary = summary,
      .partition = state_partition(options->ctl, options->site->site.id),
  };
  int64_t began = clock_mono_ms();
  *summary = (struct replay_summary){.published = 0};
  enum error err = open_parts(&replay);
  if (!err) err = check_clock(&replay);
  if (!err) {
    progress_begin(&replay.progress, options->script->count);
    err = run_ticks(&replay);
    progress_end(&replay.progress);
  }
  if (!err) err = read_counters(&replay);
  summary->elapsed_ms = clock_mono_ms() - began;
  sum_up(&replay);
  enum status status = err ? tell(&replay, err) : STATUS_OK;
  err = close_parts(&replay);
  if (err && status == STATUS_OK) status = ctl_fail(options->ctl, err, "the ledger could not be written whole");
  return status;
}

static enum error open_parts(struct replay *replay) {
  struct ctl *ctl = replay->options.ctl;
  replay->arena = arena_new(64 * 1024 * 1024);
  replay->settle = settle_new();
  replay->payers = payers_new(replay->options.scenario);
  replay->arrivals = arrivals_new();
  if (!replay->arena || !replay->settle || !replay->payers || !replay->arrivals) return ERR_NO_MEMORY;
  if (!ctl_producer(ctl)) return ERR_UNAVAILABLE;
  enum error err = ledger_open(replay->options.ledger, &replay->ledger);
  if (err) return err;
  const struct watch_options watch = {ctl, replay->partition, replay->settle, replay->payers, replay->arrivals};
  err = watch_open(&watch, &replay->watch);
  if (err) return err;
  const struct feed_options feed = {
      .mqtt = ctl->config.mqtt,
      .site = replay->options.site->site.id,
      .seed = replay->options.scenario->seed,
      .rows = replay->options.rows,
      .script = replay->options.script,
      .arrivals = replay->arrivals,
      .ledger = replay->ledger,
      .window = replay->options.window,
      .distance = replay->options.distance,
  };
  return feed_open(&feed, &replay->feed);
}

static enum error close_parts(struct replay *replay) {
  feed_close(replay->feed);
  watch_close(replay->watch);
  enum error err = ledger_close(replay->ledger);
  arrivals_free(replay->arrivals);
  payers_free(replay->payers);
  settle_free(replay->settle);
  arena_free(replay->arena);
  return err;
}

// A clock never goes back, so a replay needs a site whose time has not come so far.
static enum error check_clock(struct replay *replay) {
  struct fence_view fence;
  char text[HUMAN_TEXT_SIZE];
  const struct zone *zone = &replay->options.site->site.zone;
  enum error err = state_fence(replay->options.ctl, replay->partition, replay->arena, &fence);
  if (err || fence.meta.business_time_s < replay->options.scenario->first_tick_day_s) return err;
  ctl_refuse(replay->options.ctl, "the partition's clock stands at %s already, later than the first tick",
             human_stamp_format(fence.meta.business_time_s, zone, text));
  return ERR_REFUSED;
}

static enum error run_ticks(struct replay *replay) {
  const struct scenario *scenario = replay->options.scenario;
  const struct zone *zone = &replay->options.site->site.zone;
  enum error err = OK;
  replay->moved_ms = clock_mono_ms();
  for (int64_t day_s = zone_day_start_at(zone, scenario->first_tick_day_s, 0);
       !err && day_s <= scenario->last_tick_day_s; day_s = zone_day_start_at(zone, day_s, 1)) {
    err = run_span(replay, day_s + scenario->tick_second);
  }
  // What is later than the last tick is sent all the same.
  if (!err) err = feed_until(replay, INT64_MAX, 0);
  if (!err) err = await_arrival(replay);
  if (!err) err = await_settled(replay);
  return err ? err : await_rejects(replay);
}

static enum error run_span(struct replay *replay, int64_t tick_s) {
  show(replay, tick_s);
  enum error err = feed_until(replay, tick_s, tick_s);
  if (!err) err = await_arrival(replay);
  if (!err) err = await_settled(replay);
  if (!err) err = pay_until(replay, tick_s);
  if (!err) err = write_tick(replay, tick_s);
  arena_reset(replay->arena);
  return err;
}

static enum error feed_until(struct replay *replay, int64_t until_s, int64_t tick_s) {
  int64_t began = clock_mono_ms();
  bool done = false;
  enum error err = OK;
  while (!err && !done) {
    err = feed_step(replay->feed, until_s, tick_s, &done);
    if (!err && !done) err = moves(replay, MOVES_MS);
  }
  replay->summary->feeding_ms += clock_mono_ms() - began;
  return err;
}

static enum error await_arrival(struct replay *replay) {
  int64_t began = clock_mono_ms();
  enum error err = OK;
  while (!err && arrivals_open(replay->arrivals)) err = moves(replay, MOVES_MS);
  replay->summary->arriving_ms += clock_mono_ms() - began;
  return err;
}

static enum error await_settled(struct replay *replay) {
  int64_t began = clock_mono_ms();
  bool settled = false;
  enum error err = OK;
  while (!err && !settled) {
    err = watch_settled(replay->watch, &settled);
    if (!err && !settled) err = moves(replay, MOVES_MS);
  }
  replay->summary->settling_ms += clock_mono_ms() - began;
  return err;
}

static enum error await_rejects(struct replay *replay) {
  enum error err = OK;
  while (!err && arrivals_open_rejects(replay->arrivals)) err = moves(replay, MOVES_MS);
  return err;
}

// Takes what has come. ERR_TIMEOUT when nothing at all has moved for too long.
static enum error moves(struct replay *replay, int timeout_ms) {
  enum error err = watch_step(replay->watch, timeout_ms);
  int64_t now = clock_mono_ms();
  uint64_t seen = watch_counts(replay->watch).records;
  size_t fed = feed_position(replay->feed);
  if (seen != replay->seen || fed != replay->fed) replay->moved_ms = now;
  replay->seen = seen;
  replay->fed = fed;
  return !err && now - replay->moved_ms > replay->options.timeout_ms ? ERR_TIMEOUT : err;
}

static enum error pay_until(struct replay *replay, int64_t until_s) {
  const struct site *site = &replay->options.site->site;
  struct payment payments[PAYMENTS_AT_ONCE];
  size_t count = 0, written = 0;
  enum error err = OK;
  while (!err && payers_next(replay->payers, until_s, replay->arena, payments, &count)) {
    for (size_t i = 0; i < count && !err; i++, written++) {
      struct fact fact = {.kind = FACT_PAYMENT, .payment = payments[i]};
      struct kafka_position position = {.offset = -1};
      fact_envelope(replay->options.ctl, &fact, site->landlord, site->id, payments[i].id);
      fact.envelope.event_time_ms = payments[i].paid_at_s * 1000;
      err = fact_send(replay->options.ctl, &fact, &position);
      if (!err) err = ctl_flush(replay->options.ctl);
      if (err) return err;
      watch_written(replay->watch, &position);
      ledger_payment(replay->ledger, &payments[i], position.offset);
      replay->summary->payments++;
    }
  }
  return err || !written ? err : await_settled(replay);
}

static enum error write_tick(struct replay *replay, int64_t tick_s) {
  struct kafka_position position = {.offset = -1};
  enum error err = fact_tick(replay->options.ctl, replay->partition, tick_s, &position);
  if (err) return err;
  watch_written(replay->watch, &position);
  ledger_tick(replay->ledger, tick_s, position.offset);
  replay->summary->ticks++;
  return OK;
}

// The broker publishes its counters once a second; two of them, so that one is surely behind our last message.
static enum error read_counters(struct replay *replay) {
  int64_t until = clock_mono_ms() + COUNTERS_MS, received, dropped;
  enum error err = OK;
  while (!err && clock_mono_ms() < until) err = watch_step(replay->watch, MOVES_MS);
  feed_broker_counters(replay->feed, &received, &dropped);
  ledger_broker(replay->ledger, received, dropped);
  return err;
}

static void show(struct replay *replay, int64_t tick_s) {
  char date[HUMAN_TEXT_SIZE];
  human_stamp_format(tick_s, &replay->options.site->site.zone, date);
  date[DATE_LEN] = 0;
  progress_show(&replay->progress, feed_position(replay->feed), date, MONTH_LEN);
}

static enum status tell(struct replay *replay, enum error err) {
  struct ctl *ctl = replay->options.ctl;
  struct buffer text;
  if (err == ERR_REFUSED) return STATUS_FAILED; // told
  if (err == ERR_MISMATCH) {
    return ctl_refuse(ctl, "somebody else ticks: billing must run with RISER_CLOCK=log while a replay is the clock");
  }
  if (err != ERR_TIMEOUT || !replay->watch || !replay->feed) {
    return ctl_fail(ctl, err, "the replay ended after %" PRIu64 " ticks", replay->summary->ticks);
  }
  buffer_init(&text, DESCRIBE_MAX);
  enum error described = watch_describe(replay->watch, &text);
  ctl_refuse(ctl, "after %" PRIu64 " ticks nothing has moved for %" PRId64 " s, and it is not settled:\n%s%s",
             replay->summary->ticks, replay->options.timeout_ms / 1000, buffer_text(&text),
             described ? "  and more\n" : "");
  buffer_fini(&text);
  return STATUS_FAILED;
}

static void sum_up(struct replay *replay) {
  struct replay_summary *summary = replay->summary;
  if (replay->feed) {
    struct feed_counts counts = feed_counts(replay->feed);
    summary->published = counts.published;
    summary->resent = counts.resent;
    summary->refused = counts.refused;
  }
  if (!replay->watch) return;
  struct watch_counts seen = watch_counts(replay->watch);
  summary->bills = seen.bills;
  summary->alerts = seen.alerts;
  summary->notices = seen.notices;
  summary->told = seen.told;
  summary->switches = seen.switches;
  summary->outcomes = seen.outcomes;
  summary->rejects = seen.rejects;
}

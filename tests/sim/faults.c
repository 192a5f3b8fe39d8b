// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <assert.h>

#include "again.h"
#include "bus.h"
#include "house.h"
#include "post.h"
#include "process.h"
#include "relay.h"
#include "trace.h"
#include "vault.h"

enum {
  WATCHED_MAX = 16,
  SUPERVISE_MS = 2000,
  LONG_MS = 60000,
  SECOND_MS = 1000,
  MINUTE_MS = 60000,
  HOUR_MS = 3600000,
  SKEW_HOURS = 20
};

static struct unit *watched[WATCHED_MAX];
static size_t watched_count;
static uint64_t spacing_ms; // between two, at most, as a rule
static uint32_t temptation;
static bool broker_may_forget, active, resting;

static void supervise(void *ctx, uint64_t argument);
static void strike(void *ctx, uint64_t argument);

void faults_prepare(void) {
  watched_count = 0;
  active = resting = false;
  machine_on_end(supervise);
}

void faults_begin(bool may_forget) {
  broker_may_forget = may_forget;
  active = true;
  resting = false;
  relay_set_away(false);
  static const int64_t spacings_ms[] = {40 * MINUTE_MS, 4 * HOUR_MS, 24 * HOUR_MS};
  static const uint32_t temptations[] = {5, 30, 150}; // in ten thousand
  temptation = temptations[chance_below(sizeof temptations / sizeof *temptations)];
  spacing_ms = (uint64_t)spacings_ms[chance_below(sizeof spacings_ms / sizeof *spacings_ms)];
  machine_in(HOUR_MS, strike, NULL, 0);
}

void faults_watch(struct unit *unit) {
  assert(watched_count < WATCHED_MAX);
  watched[watched_count++] = unit;
}

static void start_again(void *ctx, uint64_t argument) {
  struct unit *unit = ctx;
  (void)argument;
  if (resting || unit->state != PROCESS_DOWN) return;
  if (again_is_running())
    machine_in(SUPERVISE_MS, start_again, unit, 0);
  else
    unit_start(unit);
}

static void supervise(void *ctx, uint64_t argument) {
  (void)argument;
  for (size_t i = 0; i < watched_count; i++)
    if (watched[i] == ctx) machine_in(1 + (int64_t)chance_below(active ? LONG_MS : SUPERVISE_MS), start_again, ctx, 0);
}

static void on_relay_back(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  relay_set_away(false);
}

static void skew(struct unit *unit) {
  int64_t range_ms = 2 * SKEW_HOURS * HOUR_MS;
  unit->skew_ms = chance_of(5000) ? 0 : (int64_t)chance_below((uint64_t)range_ms) - range_ms / 2;
  trace("the clock of %s is off by %lld ms", unit->name, (long long)unit->skew_ms);
}

static void strike_house(void) {
  struct device *device = house_device(chance_below(HOUSES), chance_below(POINTS));
  if (chance_of(7000)) {
    house_go_offline(device, (int64_t)chance_below(4 * HOUR_MS));
  } else {
    device->skew_ms = chance_of(5000) ? 0 : (int64_t)chance_below(48 * HOUR_MS) - 24 * HOUR_MS;
    trace("the clock of %s/%s is off by %lld ms", device->site, device->id, (long long)device->skew_ms);
  }
}

static void strike_one(void) {
  struct unit *unit = watched[chance_below(watched_count)];
  uint64_t which = chance_below(100);
  if (which < 25) {
    unit_kill(unit);
  } else if (which < 40) {
    unit_stop(unit, (int64_t)chance_below(chance_of(3000) ? 20 * MINUTE_MS : 90 * SECOND_MS));
    bus_watch_groups();
    bus_watch_transactions();
  } else if (which < 48) {
    bus_kill_producer(unit->name);
  } else if (which < 54) {
    bus_hold((int64_t)chance_below(5 * MINUTE_MS));
  } else if (which < 66) {
    vault_crash((int64_t)chance_below(10 * SECOND_MS));
  } else if (which < 72) {
    post_break((int64_t)chance_below(2 * MINUTE_MS));
  } else if (which < 74) {
    if (broker_may_forget) post_crash();
  } else if (which < 84) {
    strike_house();
  } else if (which < 88) {
    skew(unit);
  } else if (which < 92) {
    relay_set_away(true);
    machine_in((int64_t)chance_below(HOUR_MS), on_relay_back, NULL, 0);
  } else if (which < 97) {
    bus_shake_group(chance_of(5000) ? "riser-notify" : "riser-control");
  } else if (unit->state == PROCESS_UP) {
    unit_drain(unit);
  }
}

static void on_temptation(void *ctx, uint64_t life) {
  struct unit *unit = ctx;
  if (!active || again_is_running() || unit->life != life || unit->state != PROCESS_UP) return;
  if (chance_of(5000)) {
    unit_kill(unit);
  } else {
    unit_stop(unit, (int64_t)chance_below(chance_of(5000) ? 2 * MINUTE_MS : 6 * HOUR_MS));
    bus_watch_groups();
    bus_watch_transactions();
  }
}

void faults_tempt(struct unit *unit) {
  if (!active || again_is_running() || !unit || !chance_of(temptation)) return;
  machine_in((int64_t)chance_below(4), on_temptation, unit, unit->life);
}

// Now and then several at once, or close together.
static void strike(void *ctx, uint64_t argument) {
  (void)ctx, (void)argument;
  if (!active) return;
  do
    if (!again_is_running()) strike_one();
  while (chance_of(3000));
  machine_in(1 + (int64_t)chance_below(chance_of(2500) ? 20 * SECOND_MS : spacing_ms), strike, NULL, 0);
}

void faults_end(void) {
  active = false;
  relay_set_away(false);
  for (size_t i = 0; i < watched_count; i++) {
    watched[i]->stopped_until = 0;
    watched[i]->skew_ms = 0;
  }
  for (size_t i = 0; i < DEVICES; i++) house_device(i / POINTS, i % POINTS)->skew_ms = 0;
}

void faults_rest(void) {
  resting = true;
}

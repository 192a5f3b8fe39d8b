// SPDX-License-Identifier: Apache-2.0
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "again.h"
#include "bus.h"
#include "check.h"
#include "estate.h"
#include "faults.h"
#include "house.h"
#include "numbers.h"
#include "ports.h"
#include "post.h"
#include "process.h"
#include "shelf.h"
#include "vault.h"

enum {
  FOLDS = 3,      // under faults
  CALM_DAYS = 10, // what was cut comes back
  REST_DAYS = 3,
  DAY_MS = 86400000,
  HOUR_MS = 3600000,
  SETTLE_MS = 120000,
  STEPS_MAX = 20000000,
  LOOK_EVERY = 64,
  PATH_SIZE = 256,
};

static const char *const billing_settings[] = {"RISER_CLOCK",
                                               "system",
                                               "RISER_BATCH_RECORDS",
                                               "7",
                                               "RISER_BATCH_WRITES",
                                               "12",
                                               "RISER_BATCH_DECISIONS",
                                               "4",
                                               "RISER_POLL_RECORDS",
                                               "20",
                                               "RISER_STATIC_MEMBER",
                                               "true",
                                               NULL};
static const char *const closing_settings[] = {"RISER_CLOCK", "log", NULL};
static const char *const control_settings[] = {"RISER_PARTITIONS", "2", NULL};
static const char *const notify_settings[] = {"RISER_PARTITIONS", "2", NULL};
static char spool_dirs[2][PATH_SIZE];
static const char *const receipts_settings[] = {"RISER_SEQUENCES", "true", "RISER_SPOOL_DIR", spool_dirs[0], NULL};
static const char *const ingest_settings[2][5] = {{"RISER_SEQUENCES", "false", "RISER_SPOOL_DIR", spool_dirs[0], NULL},
                                                  {"RISER_SEQUENCES", "false", "RISER_SPOOL_DIR", spool_dirs[1], NULL}};

static const struct program billing = {"billing", billing_main, billing_settings};
static const struct program closing = {"billing", billing_main, closing_settings};
static const struct program control = {"control", control_main, control_settings};
static const struct program notify = {"notify", notify_main, notify_settings};
static const struct program receipting = {"ingest", ingest_main, receipts_settings};
static const struct program ingest[2] = {{"ingest", ingest_main, ingest_settings[0]},
                                         {"ingest", ingest_main, ingest_settings[1]}};

static void watch(const struct program *program, const char *instance) {
  struct unit *unit = unit_make(program, instance);
  faults_watch(unit);
  unit_start(unit);
}

// Only one ingest at a time writes a file: the one that keeps sequences.
static void prepare_folders(const char *folder) {
  char file[2 * PATH_SIZE];
  setenv("RISER_PARTITIONS", "2", 1);
  for (int i = 0; i < 2; i++) snprintf(spool_dirs[i], PATH_SIZE, "%.200s%s", folder, i ? "/." : "");
  snprintf(file, sizeof file, "%.200s/sequences", folder);
  unlink(file);
}

static void begin(const struct story *story) {
  bool receipts = story->seed % 2 == 0;
  prepare_folders(story->folder);
  trace_begin(story->trace);
  machine_begin(story->seed);
  check_begin();
  bus_begin();
  vault_begin();
  shelves_begin();
  post_begin();
  house_begin(receipts);
  numbers_begin(receipts);
  estate_begin();
  again_begin();
  estate_furnish();
  faults_prepare();
  for (int i = 0; i < 2; i++) {
    const char *instance = i ? "1" : "0";
    watch(&billing, instance);
    watch(&notify, instance);
    watch(&control, instance);
    if (!receipts || i == 0) watch(receipts ? &receipting : &ingest[i], instance);
  }
}

static void end(void) {
  machine_end();
  house_end();
  numbers_end();
  post_end();
  shelves_begin();
  vault_end();
  bus_end();
  check_end();
}

static void live(uint64_t steps) {
  uint64_t until = machine_steps() + steps;
  while (!is_violated() && machine_steps() < until) machine_step();
}

static void live_until(int64_t until_ms) {
  for (uint64_t i = 0; !is_violated() && machine_now_ms() < until_ms; i++) {
    if (i == STEPS_MAX) violated("time goes on", "it does not");
    machine_step();
  }
}

// Devices are heard once their site is known; then it begins.
static void open_doors(const struct story *story) {
  for (uint64_t i = 0;
       !is_violated() && bus_log(BUS_DEVICE, 0)->count + bus_log(BUS_DEVICE, 1)->count < DEVICES + HOUSES; i++) {
    if (i == STEPS_MAX) violated("everything comes to rest", "the devices are not made known");
    machine_step();
  }
  live_until(machine_now_ms() + HOUR_MS);
  faults_begin(story->seed % 2 == 0);
  house_open();
  estate_open();
}

static bool is_at_rest(void) {
  return bus_is_idle() && post_is_empty() && shelves_are_empty() && house_has_said_all() && check_is_told();
}

static bool is_folded(void) {
  for (int32_t p = 0; p < BUS_PARTITIONS; p++) {
    int64_t next;
    if (!again_fence(p, &next) || next < (int64_t)bus_log(BUS_SITE, p)->count) return false;
  }
  return true;
}

// No faults, no readings any more; then no ticks either.
static void come_to_rest(void) {
  int64_t until_ms = machine_now_ms() + (int64_t)REST_DAYS * DAY_MS;
  house_close();
  for (uint64_t i = 0; !is_violated() && (i % LOOK_EVERY || !is_at_rest()); i++) {
    machine_step();
    if (machine_now_ms() < until_ms) continue;
    violated("everything comes to rest", "bus %d, broker %d, spool %d, devices %d, messages %d", bus_is_idle(),
             post_is_empty(), shelves_are_empty(), house_has_said_all(), check_is_told());
  }
  for (size_t i = 0; i < unit_count(); i++) unit_kill(unit_at(i));
}

static void fold_the_rest(void) {
  struct unit *unit = unit_make(&closing, "closing");
  unit_start(unit);
  live_until(machine_now_ms() + SETTLE_MS);
  unit_drain(unit);
  live_until(machine_now_ms() + SETTLE_MS);
  if (!is_violated() && !is_folded()) violated("everything comes to rest", "the log is not folded to its end");
}

static void heal_and_look(void) {
  faults_end();
  bus_set_calm(true);
  estate_calm();
  live_until(machine_now_ms() + (int64_t)CALM_DAYS * DAY_MS);
  if (!is_violated() && !estate_is_paid()) live_until(machine_now_ms() + DAY_MS);
  if (!is_violated()) come_to_rest();
  if (!is_violated()) faults_rest();
  if (!is_violated()) fold_the_rest();
  if (!is_violated()) again_check(true);
  if (!is_violated()) check_final();
}

struct story_end story_run(const struct story *story) {
  begin(story);
  open_doors(story);
  int64_t began_ms = machine_now_ms();
  for (int i = 0; i < FOLDS && !is_violated(); i++) {
    live(story->steps / FOLDS);
    if (!is_violated()) again_check(false);
  }
  if (!is_violated()) heal_and_look();
  struct story_end told = {
      .steps = machine_steps(), .digest = machine_digest(), .days = (machine_now_ms() - began_ms) / DAY_MS};
  end();
  return told;
}

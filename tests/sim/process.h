// SPDX-License-Identifier: Apache-2.0
// The simulated machine: processes, the time, and what is to happen when. A process is a service's own main() on a
// stack of its own; its threads are tasks. One task runs at a time, until it waits or gives way inside one of the
// simulated ports; who is next, and how long everything takes, is drawn from the seed. So a run is a function of its
// seed. Time only passes when nobody can run.
//
// A process that is killed does not vanish: from that moment nothing that it does reaches anybody (every port refuses),
// its clock flies, and it runs to its end, which frees what it had. A process that is stopped is not run for a while,
// and does not know it.
#ifndef RISER_TESTS_SIM_PROCESS_H
#define RISER_TESTS_SIM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct task;

enum { PROCESSES_MAX = 16, PROCESS_NAME_SIZE = 32 };

enum process_state { PROCESS_DOWN, PROCESS_UP, PROCESS_DYING };

struct program {
  const char *service; // "billing"
  int (*main)(int argc, char **argv);
  const char *const *settings; // of its environment: name, value, name, value ..., NULL
};

struct unit {
  char name[PROCESS_NAME_SIZE]; // "billing-0"
  char instance[8];
  const struct program *program;
  enum process_state state;
  uint32_t life;         // how often it was started
  int64_t stopped_until; // ms; not run before that
  int64_t skew_ms;       // its wall clock is off by that
  int64_t flown_ms;      // the clock of one that is dying
  bool draining;
  bool failed;
  size_t tasks;
};

// ---- the run

void machine_begin(uint64_t seed);
void machine_end(void); // kills what is up

// One step: a task runs until it waits, or something happens. False: there is nothing left to do.
bool machine_step(void);
uint64_t machine_steps(void);
int64_t machine_now_ms(void); // true time, since 1970
uint64_t machine_digest(void); // of everything that was noted
void machine_note(uint64_t what);

// Chance, all of one seed.
uint64_t chance(void);
uint64_t chance_below(uint64_t bound); // 0 .. bound - 1
bool chance_of(uint32_t in_ten_thousand);

// ---- events

typedef void event_fn(void *ctx, uint64_t argument);
void machine_at(int64_t at_ms, event_fn *fn, void *ctx, uint64_t argument);
void machine_in(int64_t delay_ms, event_fn *fn, void *ctx, uint64_t argument);

void machine_on_end(event_fn *fn); // called with each process that has ended

// ---- processes

struct unit *unit_make(const struct program *program, const char *instance);
void unit_start(struct unit *unit);
void unit_kill(struct unit *unit);                  // SIGKILL
void unit_stop(struct unit *unit, int64_t for_ms);  // SIGSTOP, and SIGCONT later
void unit_drain(struct unit *unit);                 // SIGTERM
size_t unit_count(void);
struct unit *unit_at(size_t index);

// ---- for the ports: who calls, and how to wait

struct unit *unit_current(void); // NULL: nobody, an event
void unit_enter(struct unit *unit); // an event acts on its behalf, like a thread of one of its libraries
void unit_leave(void);
bool unit_is_dead(const struct unit *unit);
bool unit_is_stopped(const struct unit *unit);

typedef bool ready_fn(void *ctx);
void task_wait(int64_t until_ms, ready_fn *ready, void *ctx); // until it is so, or true time says
void task_give_way(void);                                     // perhaps somebody else goes first
struct task *task_new(struct unit *unit, void *(*fn)(void *), void *argument);
void task_make_joinable(struct task *task); // it stays until task_join
bool task_is_over(const struct task *task);
void task_join(struct task *task); // after it is over
void task_exit(void) __attribute__((noreturn)); // the whole process ends on the spot

#endif

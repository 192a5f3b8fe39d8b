// SPDX-License-Identifier: Apache-2.0
// Tasks are contexts (ucontext) on stacks that are used again. Events lie in a heap by time and number, so that equal
// times keep their order.
#include "process.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "fiber.h"
#include "trace.h"

enum {
  STACK_SIZE = 1 << 20,
  TASKS_MAX = 64,
  GIVE_WAY = 3300, // in ten thousand
  FLIGHT_MS = 60000,
  DYING_STEPS_MAX = 1000000,
  SECOND_MS = 1000,
  MINUTE_MS = 60000,
};

#define BEGIN_MS INT64_C(1771891200000) // 2026-02-24: the first bills are near

struct task {
  bool used;
  bool over;
  bool joinable; // its end is awaited by somebody
  bool waiting;
  struct unit *unit;
  void *(*fn)(void *);
  void *argument;
  int64_t wake_ms;
  ready_fn *ready;
  void *ctx;
  ucontext_t context;
  struct fiber fiber;
  void *stack;
};

struct event {
  int64_t at_ms;
  uint64_t number;
  event_fn *fn;
  void *ctx;
  uint64_t argument;
};

static struct machine {
  uint64_t random;
  uint64_t steps;
  uint64_t digest;
  int64_t now_ms;
  struct unit units[PROCESSES_MAX];
  size_t unit_count;
  struct task tasks[TASKS_MAX];
  struct task *running;
  struct unit *acting; // an event acts for it
  ucontext_t scheduler;
  struct fiber scheduler_fiber;
  struct event *events;
  size_t event_count, event_room;
  uint64_t event_number;
  event_fn *on_end;
} machine;

static struct event event_pop(void);
static void resume(struct task *task);

// ---- chance: splitmix64

uint64_t chance(void) {
  uint64_t z = machine.random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t chance_below(uint64_t bound) {
  return bound ? chance() % bound : 0;
}

bool chance_of(uint32_t in_ten_thousand) {
  return chance_below(10000) < in_ten_thousand;
}

// ---- the run

void machine_begin(uint64_t seed) {
  for (size_t i = 0; i < TASKS_MAX; i++) assert(!machine.tasks[i].used);
  machine.random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
  machine.steps = 0;
  machine.digest = seed;
  machine.now_ms = BEGIN_MS;
  machine.event_count = 0;
  machine.event_number = 0;
  machine.unit_count = 0;
  machine.on_end = NULL;
}

void machine_on_end(event_fn *fn) {
  machine.on_end = fn;
}

void machine_end(void) {
  machine.on_end = NULL;
  for (size_t i = 0; i < machine.unit_count; i++)
    if (machine.units[i].state == PROCESS_UP) unit_kill(&machine.units[i]);
  machine.event_count = 0;
}

uint64_t machine_steps(void) {
  return machine.steps;
}

int64_t machine_now_ms(void) {
  return machine.now_ms;
}

uint64_t machine_digest(void) {
  return machine.digest;
}

void machine_note(uint64_t what) {
  machine.digest = (machine.digest ^ what) * UINT64_C(0x100000001b3) + (machine.digest >> 29);
}

static bool can_run(const struct task *task) {
  if (!task->used || task->over || task->unit->stopped_until > machine.now_ms) return false;
  return !task->waiting || task->wake_ms <= machine.now_ms || (task->ready && task->ready(task->ctx));
}

static void run_event(void) {
  struct event event = event_pop();
  if (event.at_ms > machine.now_ms) machine.now_ms = event.at_ms;
  machine_note(event.number ^ (uint64_t)event.at_ms << 16);
  event.fn(event.ctx, event.argument);
}

// How far beyond the first timer the time may leap when nothing else is to happen: a machine may be slow.
static int64_t leap_ms(void) {
  switch (chance_below(8)) {
  case 0:
    return 0;
  case 1:
    return (int64_t)chance_below(SECOND_MS);
  case 2:
  case 3:
    return (int64_t)chance_below(5 * MINUTE_MS);
  default:
    return (int64_t)chance_below(180 * MINUTE_MS);
  }
}

static bool pass_time(void) {
  int64_t wake_ms = INT64_MAX;
  for (size_t i = 0; i < TASKS_MAX; i++) {
    const struct task *task = &machine.tasks[i];
    if (!task->used || task->over) continue;
    int64_t own_ms = task->wake_ms > task->unit->stopped_until ? task->wake_ms : task->unit->stopped_until;
    if (own_ms < wake_ms) wake_ms = own_ms;
  }
  int64_t event_ms = machine.event_count ? machine.events[0].at_ms : INT64_MAX;
  if (wake_ms == INT64_MAX && event_ms == INT64_MAX) return false;
  int64_t leap = leap_ms();
  int64_t to_ms = wake_ms > INT64_MAX - leap ? INT64_MAX : wake_ms + leap;
  if (event_ms < to_ms) to_ms = event_ms;
  if (to_ms > machine.now_ms) machine.now_ms = to_ms;
  return true;
}

bool machine_step(void) {
  struct task *ready[TASKS_MAX];
  size_t count = 0;
  machine.steps++;
  for (size_t i = 0; i < TASKS_MAX; i++)
    if (can_run(&machine.tasks[i])) ready[count++] = &machine.tasks[i];
  bool due = machine.event_count && machine.events[0].at_ms <= machine.now_ms;
  if (!count && !due) return pass_time();
  uint64_t which = chance_below(count + due);
  if (which == count) {
    run_event();
    return true;
  }
  machine_note(which + 1);
  resume(ready[which]);
  return true;
}

// ---- events

static bool before(const struct event *a, const struct event *b) {
  return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

void machine_at(int64_t at_ms, event_fn *fn, void *ctx, uint64_t argument) {
  if (machine.event_count == machine.event_room) {
    machine.event_room = machine.event_room ? 2 * machine.event_room : 1024;
    machine.events = realloc(machine.events, machine.event_room * sizeof *machine.events);
    if (!machine.events) abort();
  }
  struct event event = {at_ms, machine.event_number++, fn, ctx, argument};
  size_t at = machine.event_count++;
  for (; at > 0 && before(&event, &machine.events[(at - 1) / 2]); at = (at - 1) / 2)
    machine.events[at] = machine.events[(at - 1) / 2];
  machine.events[at] = event;
}

void machine_in(int64_t delay_ms, event_fn *fn, void *ctx, uint64_t argument) {
  machine_at(machine.now_ms + delay_ms, fn, ctx, argument);
}

static struct event event_pop(void) {
  struct event first = machine.events[0], last = machine.events[--machine.event_count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= machine.event_count) break;
    if (child + 1 < machine.event_count && before(&machine.events[child + 1], &machine.events[child])) child++;
    if (!before(&machine.events[child], &last)) break;
    machine.events[at] = machine.events[child];
    at = child;
  }
  machine.events[at] = last;
  return first;
}

// ---- tasks

static void task_entry(void) {
  struct task *task = machine.running;
  fiber_arrived_from(NULL, &machine.scheduler_fiber);
  task->fn(task->argument);
  task->over = true;
  fiber_last_switch(&machine.scheduler_fiber);
  swapcontext(&task->context, &machine.scheduler);
}

struct task *task_new(struct unit *unit, void *(*fn)(void *), void *argument) {
  size_t at = 0;
  while (at < TASKS_MAX && machine.tasks[at].used) at++;
  assert(at < TASKS_MAX);
  struct task *task = &machine.tasks[at];
  void *stack = task->stack;
  if (!stack) stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  assert(stack != MAP_FAILED);
  *task = (struct task){.used = true, .unit = unit, .fn = fn, .argument = argument, .stack = stack};
  task->fiber = (struct fiber){.bottom = stack, .size = STACK_SIZE};
  getcontext(&task->context);
  task->context.uc_stack.ss_sp = stack;
  task->context.uc_stack.ss_size = STACK_SIZE;
  task->context.uc_link = NULL;
  makecontext(&task->context, task_entry, 0);
  unit->tasks++;
  return task;
}

void task_make_joinable(struct task *task) {
  task->joinable = true;
}

static void task_drop(struct task *task) {
  struct unit *unit = task->unit;
  task->used = false;
  if (--unit->tasks > 0) return;
  trace("%s ended", unit->name);
  unit->state = PROCESS_DOWN;
  if (machine.on_end) machine.on_end(unit, 0);
}

bool task_is_over(const struct task *task) {
  return task->over;
}

void task_join(struct task *task) {
  assert(task->over && task->joinable);
  task_drop(task);
}

static void resume(struct task *task) {
  task->waiting = false;
  machine.running = task;
  struct fiber from;
  fiber_switch(&machine.scheduler_fiber, &task->fiber);
  swapcontext(&machine.scheduler, &task->context);
  fiber_arrived_from(&machine.scheduler_fiber, &from);
  machine.running = NULL;
  if (task->over && !task->joinable) task_drop(task);
}

static void suspend(struct task *task) {
  fiber_switch(&task->fiber, &machine.scheduler_fiber);
  swapcontext(&task->context, &machine.scheduler);
  fiber_arrived_from(&task->fiber, &machine.scheduler_fiber);
}

void task_wait(int64_t until_ms, ready_fn *ready, void *ctx) {
  struct task *task = machine.running;
  assert(task && !machine.acting); // a library's thread may not wait
  if (unit_is_dead(task->unit)) until_ms = machine.now_ms;
  task->wake_ms = until_ms;
  task->ready = ready;
  task->ctx = ctx;
  task->waiting = true;
  suspend(task);
}

void task_give_way(void) {
  struct task *task = machine.running;
  if (!task || machine.acting || unit_is_dead(task->unit) || !chance_of(GIVE_WAY)) return;
  task->wake_ms = machine.now_ms;
  task->ready = NULL;
  task->waiting = true;
  suspend(task);
}

// What it held is lost to the simulation too: the one thing that leaks.
void task_exit(void) {
  struct unit *unit = unit_current();
  unit->state = PROCESS_DYING;
  for (size_t i = 0; i < TASKS_MAX; i++)
    if (machine.tasks[i].used && machine.tasks[i].unit == unit && &machine.tasks[i] != machine.running) {
      machine.tasks[i].over = true;
      task_drop(&machine.tasks[i]);
    }
  struct task *task = machine.running;
  assert(task);
  task->over = true;
  task->joinable = false;
  suspend(task);
  abort();
}

// ---- processes

struct unit *unit_make(const struct program *program, const char *instance) {
  assert(machine.unit_count < PROCESSES_MAX);
  struct unit *unit = &machine.units[machine.unit_count++];
  *unit = (struct unit){.program = program};
  snprintf(unit->instance, sizeof unit->instance, "%s", instance);
  snprintf(unit->name, sizeof unit->name, "%s-%s", program->service, instance);
  return unit;
}

static void *run_main(void *argument) {
  struct unit *unit = argument;
  char name[PROCESS_NAME_SIZE];
  snprintf(name, sizeof name, "riser-%s", unit->program->service);
  char *argv[] = {name, NULL};
  for (const char *const *setting = unit->program->settings; *setting; setting += 2)
    setenv(setting[0], setting[1], 1);
  setenv("RISER_INSTANCE", unit->instance, 1);
  int status = unit->program->main(1, argv);
  trace("%s: status %d", unit->name, status);
  return NULL;
}

void unit_start(struct unit *unit) {
  assert(unit->state == PROCESS_DOWN);
  unit->state = PROCESS_UP;
  unit->life++;
  unit->stopped_until = 0;
  unit->flown_ms = 0;
  unit->draining = unit->failed = false;
  trace("%s starts, life %u", unit->name, unit->life);
  task_new(unit, run_main, unit);
}

void unit_kill(struct unit *unit) {
  assert(!machine.running);
  if (unit->state != PROCESS_UP) return;
  trace("%s is killed", unit->name);
  unit->state = PROCESS_DYING;
  unit->stopped_until = 0;
  for (int i = 0; unit->tasks > 0 && i < DYING_STEPS_MAX; i++) {
    unit->flown_ms += FLIGHT_MS;
    for (size_t t = 0; t < TASKS_MAX; t++) {
      struct task *task = &machine.tasks[t];
      if (task->used && task->unit == unit && !task->over) resume(task);
    }
  }
  assert(unit->tasks == 0 && unit->state == PROCESS_DOWN);
}

void unit_stop(struct unit *unit, int64_t for_ms) {
  if (unit->state != PROCESS_UP) return;
  trace("%s is stopped for %lld ms", unit->name, (long long)for_ms);
  unit->stopped_until = machine.now_ms + for_ms;
}

void unit_drain(struct unit *unit) {
  trace("%s is asked to end", unit->name);
  unit->draining = true;
}

size_t unit_count(void) {
  return machine.unit_count;
}

struct unit *unit_at(size_t index) {
  return &machine.units[index];
}

struct unit *unit_current(void) {
  if (machine.acting) return machine.acting;
  return machine.running ? machine.running->unit : NULL;
}

void unit_enter(struct unit *unit) {
  assert(!machine.acting && !machine.running);
  machine.acting = unit;
}

void unit_leave(void) {
  machine.acting = NULL;
}

bool unit_is_dead(const struct unit *unit) {
  return unit && unit->state == PROCESS_DYING;
}

bool unit_is_stopped(const struct unit *unit) {
  return unit && unit->stopped_until > machine.now_ms;
}

// SPDX-License-Identifier: Apache-2.0
// Clock, life, health, log and threads. A service's log lines go into the trace.
#include "ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "process.h"
#include "trace.h"

// ---- clock

int64_t sim_clock_wall_ms(void) {
  const struct unit *unit = unit_current();
  return machine_now_ms() + (unit ? unit->skew_ms + unit->flown_ms : 0);
}

// A dying process finds every deadline passed.
int64_t sim_clock_mono_ms(void) {
  struct unit *unit = unit_current();
  if (!unit) return machine_now_ms();
  if (unit_is_dead(unit)) unit->flown_ms += 1000;
  return machine_now_ms() + unit->flown_ms;
}

int64_t sim_clock_mono_us(void) {
  return sim_clock_mono_ms() * 1000;
}

void sim_clock_sleep_ms(int64_t duration_ms) {
  task_wait(machine_now_ms() + duration_ms, NULL, NULL);
}

// ---- log

static void put_field(const struct log_field *field, char *to, size_t size) {
  switch (field->type) {
  case LOG_STR:
    snprintf(to, size, " %s=%s", field->key, field->as.text ? field->as.text : "-");
    break;
  case LOG_INT:
    snprintf(to, size, " %s=%lld", field->key, (long long)field->as.number);
    break;
  case LOG_BOOL:
    snprintf(to, size, " %s=%s", field->key, field->as.truth ? "true" : "false");
    break;
  default:
    snprintf(to, size, " %s=...", field->key);
  }
}

void sim_log_event(enum log_level level, const char *event, const struct log_field *fields) {
  const struct unit *unit = unit_current();
  if (unit_is_dead(unit)) return;
  if (level >= LOG_LEVEL_ERROR) check_logged(unit, event, fields);
  if (!trace_wanted()) return;
  char line[TRACE_LINE_SIZE];
  size_t len = (size_t)snprintf(line, sizeof line, "log %s", event);
  for (; fields->key && len < sizeof line; fields++) {
    put_field(fields, line + len, sizeof line - len);
    len += strlen(line + len);
  }
  trace("%s", line);
}

// ---- life and health

struct condition {
  bool holds;
};

struct health {
  struct condition conditions[HEALTH_CONDITIONS_MAX];
  size_t count;
};

enum error sim_process_open(const char *service, const struct run_settings *settings, struct process *process) {
  (void)service, (void)settings;
  *process = (struct process){.metrics = metrics_new(), .health = calloc(1, sizeof(struct health))};
  if (process->metrics && process->health) return OK;
  abort();
}

int sim_process_close(struct process *process) {
  metrics_free(process->metrics);
  free(process->health);
  return unit_current()->failed ? 1 : 0;
}

void sim_process_fail(const char *where, enum error err) {
  struct unit *unit = unit_current();
  if (!unit_is_dead(unit)) check_failed(unit, where, err);
  unit->failed = unit->draining = true;
}

bool sim_life_draining(void) {
  const struct unit *unit = unit_current();
  return unit->draining || unit_is_dead(unit);
}

int sim_life_fd(void) {
  return -1;
}

int sim_life_end(int exit_code, char **argv) {
  (void)argv;
  return exit_code;
}

bool sim_life_wait(int timeout_ms) {
  if (!sim_life_draining()) task_wait(machine_now_ms() + timeout_ms, NULL, NULL);
  return sim_life_draining();
}

struct condition *sim_health_condition(struct health *health, const char *name) {
  (void)name;
  return &health->conditions[health->count++ % HEALTH_CONDITIONS_MAX];
}

void sim_condition_set(struct condition *condition, bool holds) {
  condition->holds = holds;
}

void sim_health_beat(struct health *health) {
  (void)health;
  task_give_way();
}

// ---- threads: tasks of the process; one runs at a time, so that locks hold by themselves

int sim_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  (void)attributes;
  struct task *task = task_new(unit_current(), run, argument);
  task_make_joinable(task);
  *thread = (pthread_t)(uintptr_t)task;
  return 0;
}

static bool is_over(void *ctx) {
  return task_is_over(ctx);
}

int sim_pthread_join(pthread_t thread, void **result) {
  struct task *task = (struct task *)(uintptr_t)thread;
  (void)result;
  while (!task_is_over(task)) task_wait(INT64_MAX, is_over, task);
  task_join(task);
  return 0;
}

int sim_pthread_mutex_lock(pthread_mutex_t *mutex) {
  (void)mutex;
  return 0;
}

int sim_pthread_mutex_unlock(pthread_mutex_t *mutex) {
  (void)mutex;
  return 0;
}

// Of the whole machine: whoever waits looks again.
static uint64_t signals;

static bool is_signalled(void *ctx) {
  return signals != *(const uint64_t *)ctx;
}

int sim_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  uint64_t before = signals;
  (void)condition, (void)mutex;
  task_wait(INT64_MAX, is_signalled, &before);
  return 0;
}

int sim_pthread_cond_signal(pthread_cond_t *condition) {
  (void)condition;
  signals++;
  return 0;
}

int sim_poll(struct pollfd *descriptors, nfds_t count, int timeout_ms) {
  (void)descriptors, (void)count;
  task_wait(machine_now_ms() + timeout_ms, NULL, NULL);
  return 0;
}

// The one file that is a real one: ingest's snapshot of sequences.
int sim_rename(const char *from, const char *to) {
  return unit_is_dead(unit_current()) ? -1 : rename(from, to);
}

// The disk of that file keeps what it is given.
int sim_fsync(int fd) {
  (void)fd;
  return 0;
}

void sim_exit(int status) {
  trace("exit %d", status);
  task_exit();
}

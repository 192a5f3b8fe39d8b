// SPDX-License-Identifier: Apache-2.0
// splitmix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#include "riserctl/replay/script.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum { MILLION = 1000000, COPY_LATER_MAX_S = 3600 };

struct device_count {
  UT_hash_handle hh;
  const char *name;
  uint64_t sequence;
};

static void add_row(const struct scenario *scenario, const struct rows *rows, size_t index, struct script *out);
static void add_malformed(const struct scenario *scenario, const struct rows *rows, struct script *out);
static uint64_t seed_of(const struct scenario *scenario, const struct row *row);
static int compare(const void *a, const void *b);
static enum error number(const struct rows *rows, struct arena *arena, struct script *script);

uint64_t script_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

enum error script_make(const struct scenario *scenario, const struct rows *rows, struct arena *arena,
                       struct script *out) {
  *out = (struct script){.sends = arena_array(arena, rows->count * 2 + scenario->malformed, sizeof *out->sends)};
  if (!out->sends) return ERR_NO_MEMORY;
  for (size_t i = 0; i < rows->count; i++) add_row(scenario, rows, i, out);
  if (rows->count) add_malformed(scenario, rows, out);
  qsort(out->sends, out->count, sizeof *out->sends, compare);
  return number(rows, arena, out);
}

static void add_row(const struct scenario *scenario, const struct rows *rows, size_t index, struct script *out) {
  uint64_t random = seed_of(scenario, &rows->items[index]);
  struct send send = {.at_s = rows->items[index].time_s, .index = (uint32_t)index, .kind = SEND_ROW};
  send.late = (int64_t)(script_random(&random) % MILLION) < scenario->late_ppm && scenario->late_max_s > 0;
  uint64_t by = script_random(&random);
  if (send.late) send.at_s += 1 + (int64_t)(by % (uint64_t)scenario->late_max_s);
  // Before the last tick, or nothing would follow from it.
  if (send.late && send.at_s > scenario->last_tick_day_s) send.at_s = scenario->last_tick_day_s;
  if (send.at_s < rows->items[index].time_s) send.at_s = rows->items[index].time_s;
  out->sends[out->count++] = send;
  out->rows++;
  out->late += send.late;
  bool twice = (int64_t)(script_random(&random) % MILLION) < scenario->twice_ppm;
  uint64_t later = script_random(&random);
  if (!twice) return;
  send.kind = SEND_COPY;
  send.at_s += (int64_t)(later % COPY_LATER_MAX_S);
  out->sends[out->count++] = send;
  out->copies++;
}

static uint64_t seed_of(const struct scenario *scenario, const struct row *row) {
  uint64_t state = scenario->seed;
  for (const char *at = row->meter; *at; at++) state = state * 1099511628211u ^ (uint8_t)*at;
  state ^= script_random(&state) + (uint64_t)row->column->reg;
  state ^= script_random(&state) + (uint64_t)row->time_s;
  return script_random(&state) + (uint64_t)row->value;
}

// Anywhere between the first row and the last.
static void add_malformed(const struct scenario *scenario, const struct rows *rows, struct script *out) {
  uint64_t random = scenario->seed ^ 0x6d616c666f726d65u;
  int64_t first_s = rows->items[0].time_s, last_s = first_s;
  for (size_t i = 0; i < rows->count; i++) {
    if (rows->items[i].time_s < first_s) first_s = rows->items[i].time_s;
    if (rows->items[i].time_s > last_s) last_s = rows->items[i].time_s;
  }
  for (uint32_t i = 0; i < scenario->malformed; i++) {
    int64_t at_s = first_s + (int64_t)(script_random(&random) % (uint64_t)(last_s - first_s + 1));
    out->sends[out->count++] = (struct send){.at_s = at_s, .index = i, .kind = SEND_MALFORMED};
    out->malformed++;
  }
}

static int compare(const void *a, const void *b) {
  const struct send *x = a, *y = b;
  if (x->at_s != y->at_s) return x->at_s < y->at_s ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

// Each device counts its messages in the order of sending.
static enum error number(const struct rows *rows, struct arena *arena, struct script *script) {
  struct device_count *devices = NULL;
  uint64_t *of_row = arena_array(arena, rows->count, sizeof *of_row);
  enum error err = of_row ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; i < script->count && !err; i++) {
    struct send *send = &script->sends[i];
    if (send->kind == SEND_MALFORMED) continue;
    if (send->kind == SEND_COPY) {
      send->sequence = of_row[send->index];
      continue;
    }
    struct device_count *device = NULL;
    const char *name = rows->items[send->index].device;
    HASH_FIND_STR(devices, name, device);
    if (!device) {
      device = arena_alloc(arena, sizeof *device);
      if (!device) {
        err = ERR_NO_MEMORY;
        break;
      }
      device->name = name;
      HASH_ADD_KEYPTR(hh, devices, name, strlen(name), device);
    }
    of_row[send->index] = send->sequence = ++device->sequence;
  }
  HASH_CLEAR(hh, devices);
  return err;
}

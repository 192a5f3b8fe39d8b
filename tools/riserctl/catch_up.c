// SPDX-License-Identifier: Apache-2.0
#include "riserctl/catch_up.h"

#include "base/clock.h"
#include "riserctl/log_reader.h"
#include "riserctl/state.h"
#include "wire/fact.h"

enum { PAUSE_MS = 50, TIMEOUT_MS = 60000, REPLIES_MAX = 256 << 20 };

static enum error find_tick(void *ctx, const struct kafka_record *record, struct arena *arena) {
  int64_t *first_s = ctx;
  struct fact fact;
  if (!record->value.data || wire_fact_decode(record->value, arena, &fact) || fact.kind != FACT_TICK) return OK;
  *first_s = fact.tick.time_s;
  return ERR_CLOSED;
}

enum error catch_up_begin(struct ctl *ctl, int32_t partition, struct catch_up *out) {
  struct fence_view fence;
  *out = (struct catch_up){.partition = partition, .took_ms = -1};
  enum error err = log_end(ctl, "riser.site.v1", partition, &out->until_offset);
  if (!err) err = state_fence(ctl, partition, ctl->arena, &fence);
  if (!err && !fence.installed) err = ERR_NOT_FOUND;
  if (err) return err;
  out->generation = fence.meta.generation;
  out->from_offset = fence.meta.next_offset;
  out->from_business_s = fence.meta.business_time_s;
  if (out->from_business_s) return OK;
  const struct log_range range = {"riser.site.v1", partition, KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = find_tick, .ctx = &out->from_business_s};
  err = log_read(ctl, &range, &reader);
  return err == ERR_CLOSED ? OK : err;
}

// *moved: it has come further since the last look.
static enum error look(struct ctl *ctl, struct catch_up *one, struct arena *arena, int64_t *offset, bool *moved) {
  struct fence_view fence;
  arena_reset(arena);
  enum error err = state_fence(ctl, one->partition, arena, &fence);
  if (err) return error_class(err) == CLASS_RETRY ? OK : err;
  if (!fence.installed || fence.meta.generation != one->generation) return ERR_AGAIN;
  *moved |= fence.meta.next_offset != *offset;
  *offset = fence.meta.next_offset;
  one->until_business_s = fence.meta.business_time_s;
  return OK;
}

enum error catch_up_wait(struct ctl *ctl, struct catch_up *list, size_t count) {
  int64_t began_ms = clock_mono_ms(), moved_ms = began_ms;
  int64_t *offsets = arena_array(ctl->arena, count, sizeof *offsets);
  struct arena *arena = arena_new(REPLIES_MAX);
  enum error err = offsets && arena ? OK : ERR_NO_MEMORY;
  for (size_t open = count; !err && open;) {
    bool moved = false;
    open = 0;
    for (size_t i = 0; !err && i < count; i++) {
      if (list[i].took_ms >= 0) continue;
      err = look(ctl, &list[i], arena, &offsets[i], &moved);
      if (!err && offsets[i] >= list[i].until_offset) list[i].took_ms = clock_mono_ms() - began_ms;
      open += list[i].took_ms < 0;
    }
    if (moved) moved_ms = clock_mono_ms();
    if (!err && open && clock_mono_ms() > moved_ms + TIMEOUT_MS) err = ERR_TIMEOUT;
    if (!err && open) clock_sleep_ms(PAUSE_MS);
  }
  arena_free(arena);
  return err;
}

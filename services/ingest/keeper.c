// SPDX-License-Identifier: Apache-2.0
// Each number is counted once, when Kafka has its message: a snapshot is never ahead of that, and what it covers is not
// counted by the next life.
#include "ingest/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/sequence_store.h"

enum { EVERY_MS = 10000, CROWDED_EVERY_MS = 5, LAST_MS = 1000, NAP_MS = 1 };

static void load(struct keeper *keeper, uint64_t *saved);
static bool is_crowded(const struct keeper *keeper);
static void settle(struct keeper *keeper, uint64_t counted);

enum error keeper_open(struct keeper *keeper) {
  uint64_t saved = 0;
  load(keeper, &saved);
  keeper->given = saved < spool_tail(keeper->spool) ? saved : spool_tail(keeper->spool);
  spool_hold(keeper->spool, keeper->given); // without one, everything until the first
  return sequence_saver_start(keeper->folder, saved, &keeper->saver);
}

// A node that died may have lost what the spool had before the snapshot's position: new messages come to stand there.
// The snapshot is replaced at once then, since `given` is not what is saved.
static void load(struct keeper *keeper, uint64_t *saved) {
  enum error err = sequence_store_load(keeper->folder, spool_oldest(keeper->spool), keeper->devices, saved);
  if (!err)
    log_info("sequences-loaded", F_INT("devices", (int64_t)devices_count(keeper->devices)));
  else if (err == ERR_MISMATCH)
    log_warn("sequences-too-old"); // the spool has let go of what came since
  else if (err != ERR_NOT_FOUND)
    log_error("sequences-not-loaded", F_ERR(err));
}

void keeper_close(struct keeper *keeper) {
  sequence_saver_free(keeper->saver);
  keeper->saver = NULL;
}

void keeper_tend(struct keeper *keeper, uint64_t counted, int64_t now_ms) {
  uint64_t saved = sequence_saver_saved(keeper->saver);
  if (saved && saved == keeper->given) spool_hold(keeper->spool, saved);
  if (counted == keeper->given && saved == counted) return; // else one more attempt: the file could not be written
  bool early = now_ms < keeper->next_ms;
  if (early && (now_ms < keeper->next_ms - EVERY_MS + CROWDED_EVERY_MS || !is_crowded(keeper))) return;
  if (saved != keeper->given) settle(keeper, counted);
  enum error err = sequence_saver_give(keeper->saver, keeper->devices, counted);
  if (err == ERR_AGAIN) return;
  keeper->next_ms = now_ms + EVERY_MS;
  if (err)
    log_error("sequences-not-saved", F_ERR(err));
  else
    keeper->given = counted;
}

// What is held for snapshots must not take the room, least of all that which would make the intake stop.
static bool is_crowded(const struct keeper *keeper) {
  if (spool_confirmed(keeper->spool) <= spool_oldest(keeper->spool)) return false;
  struct spool_level level = spool_level(keeper->spool);
  return level.near_full || level.used_bytes > (level.used_bytes + level.free_bytes) / 4; // of what there is
}

// The snapshot before is not in the file: it is still being written, or could not be. Messages are worth more than
// their numbers: when there is little room, nothing is held but what is still to be read for them.
static void settle(struct keeper *keeper, uint64_t counted) {
  if (!is_crowded(keeper)) return;
  log_warn("sequences-not-held");
  spool_hold(keeper->spool, counted < spool_confirmed(keeper->spool) ? counted : UINT64_MAX);
}

void keeper_finish(struct keeper *keeper, uint64_t counted) {
  int64_t until_ms = clock_mono_ms() + LAST_MS;
  while (sequence_saver_give(keeper->saver, keeper->devices, counted) == ERR_AGAIN && clock_mono_ms() < until_ms)
    clock_sleep_ms(NAP_MS);
  while (sequence_saver_saved(keeper->saver) != counted && clock_mono_ms() < until_ms) clock_sleep_ms(NAP_MS);
  if (sequence_saver_saved(keeper->saver) == counted) spool_hold(keeper->spool, counted);
}

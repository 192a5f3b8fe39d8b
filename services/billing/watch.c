// SPDX-License-Identifier: Apache-2.0
// Each partition is asked for by itself: on a cluster one master may be away. 64 of them take some milliseconds.
#include "billing/watch.h"

#include "base/log.h"

static void watch_one(struct shell *shell, struct partition *p) {
  arena_reset(shell->load);
  struct bytes key = bytes_text(arena_printf(shell->load, "%smeta", p->tag)), now;
  if (!key.data || redis_get_many(shell->redis, &key, 1, shell->load, &now) != OK) return;
  if (bytes_equal(now, buffer_bytes(&p->fence))) return;
  log_warn("fence-moved", F_INT("partition", p->id), F_BOOL("gone", !now.data));
  partition_close(p, 0);
}

void watch_fences(struct shell *shell, struct partition *const *partitions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    watch_one(shell, partitions[i]);
    health_beat(shell->health);
  }
}

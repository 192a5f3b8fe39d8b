// SPDX-License-Identifier: Apache-2.0
#include "riserctl/meter_chain.h"

#include "domain/reads.h"
#include "riserctl/state.h"

enum { MONTHS_MAX = 64 };

enum error meter_chain_load(struct ctl *ctl, const char *site, const struct installation *meter, int64_t from_s,
                            int64_t until_s, struct chain *out) {
  struct chain_month months[MONTHS_MAX];
  const struct chain_limits limits = {
      .max_rate_per_hour = meter->max_rate_per_hour,
      .backflow_max = meter->backflow_max,
      .slack = meter->slack,
      .rollover = meter->rollover,
  };
  uint32_t second;
  uint32_t month = reads_month_add(reads_month(from_s, &second), -1);
  uint32_t last = reads_month_add(reads_month(until_s, &second), 1);
  size_t count = 0;
  for (; month <= last && count < MONTHS_MAX; month = reads_month_add(month, 1)) {
    struct bytes vector;
    enum error err = state_reads(ctl, site, meter->meter, meter->reg, month, &vector);
    if (err == ERR_NOT_FOUND) continue;
    if (err) return err;
    months[count++] = (struct chain_month){month, vector};
  }
  return chain_build(months, count, &limits, ctl->arena, out);
}

bool meter_chain_usage(const struct chain *chain, const struct installation *meter, int64_t from_s, int64_t until_s,
                       int64_t *usage, enum quality *quality) {
  struct boundary open, close;
  if (!chain_at(chain, from_s, &open) || !chain_at(chain, until_s, &close)) return false;
  __int128 scaled = (__int128)(boundary_total(&close) - boundary_total(&open)) * meter->multiplier_num;
  __int128 floored = scaled / meter->multiplier_den - (scaled % meter->multiplier_den < 0);
  *usage = (int64_t)floored;
  *quality = quality_is_actual(open.quality) ? close.quality : open.quality;
  return true;
}

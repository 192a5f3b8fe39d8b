// SPDX-License-Identifier: Apache-2.0
#include "metersim/meter.h"

enum { STEP_WH = 500, STEP_ML = 20000 };

struct reading meter_read(struct meter *meter, int64_t now_s, bool supplied, struct random *random) {
  uint64_t step = register_commodity(meter->reg) == COMMODITY_WATER ? STEP_ML : STEP_WH;
  meter->time_s = now_s > meter->time_s ? now_s : meter->time_s + 1;
  if (supplied) meter->value += (int64_t)random_below(random, step);
  return (struct reading){.meter = meter->id, .reg = meter->reg, .time_s = meter->time_s, .value = meter->value};
}

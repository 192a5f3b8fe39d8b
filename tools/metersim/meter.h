// SPDX-License-Identifier: Apache-2.0
// A synthetic meter: a cumulative register that rises by a random amount with each read, while its supply is on. Pure.
#ifndef RISER_METERSIM_METER_H
#define RISER_METERSIM_METER_H

#include "domain/reading.h"
#include "metersim/random.h"

enum { METER_ID_MAX = 64 };

struct meter {
  char id[METER_ID_MAX];
  enum meter_register reg;
  int64_t value;
  int64_t time_s; // of the last read; 0: none yet
};

// The next read, at now_s or, since a register has one value a second, a second after the last.
struct reading meter_read(struct meter *meter, int64_t now_s, bool supplied, struct random *random);

#endif

// SPDX-License-Identifier: Apache-2.0
// Inner header of lib/wire: parts of a decision that other records contain too.
#ifndef RISER_WIRE_DECISION_PARTS_H
#define RISER_WIRE_DECISION_PARTS_H

#include "base/arena.h"
#include "base/error.h"
#include "domain/decision.h"
#include "riser/decision/v1/decision.pb-c.h"

MUST_USE enum error bill_in(const Riser__Decision__V1__Bill *from, struct arena *arena, struct bill *to);
MUST_USE enum error bill_out(const struct bill *from, struct arena *scratch, Riser__Decision__V1__Bill *to);

void bill_meter_in(const Riser__Decision__V1__BillMeter *from, struct bill_meter *to);
void bill_meter_out(const struct bill_meter *from, Riser__Decision__V1__BillMeter *to);
void unknown_meter_in(const Riser__Decision__V1__UnknownMeter *from, struct unknown_meter *to);
void unknown_meter_out(const struct unknown_meter *from, Riser__Decision__V1__UnknownMeter *to);

// Amounts per commodity: those that are zero are not written, those of a commodity that we don't know not read.
void amounts_in(Riser__Decision__V1__CommodityAmount *const *from, size_t count, int64_t to[COMMODITY_COUNT]);
struct amounts_out {
  Riser__Decision__V1__CommodityAmount items[COMMODITY_COUNT];
  Riser__Decision__V1__CommodityAmount *list[COMMODITY_COUNT];
  size_t count;
};
void amounts_out_init(struct amounts_out *to, const int64_t from[COMMODITY_COUNT]);

// The message holds what is copied out to it, so `from` must outlive it. from may be NULL: nothing is sealed.
void seal_in(const Riser__Decision__V1__Seal *from, struct seal *to);
void seal_out(const struct seal *from, Riser__Decision__V1__Seal *to);

void cause_in(const Riser__Decision__V1__Cause *from, struct cause *to); // from may be NULL: zero
void cause_out(const struct cause *from, Riser__Decision__V1__Cause *to);
void switch_due_in(const Riser__Decision__V1__SwitchDue *from, struct switch_due *to); // from may be NULL: nothing
void switch_due_out(const struct switch_due *from, Riser__Decision__V1__SwitchDue *to);

#endif

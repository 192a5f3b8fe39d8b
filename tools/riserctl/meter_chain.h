// SPDX-License-Identifier: Apache-2.0
// The chain of an installation's register around a span of time, from the vectors in Redis: the same function that
// billing uses, so the same answers.
#ifndef RISER_RISERCTL_METER_CHAIN_H
#define RISER_RISERCTL_METER_CHAIN_H

#include "domain/chain.h"
#include "riserctl/state.h"

// Reads the vectors from a month before from_s to a month after until_s. Lives in ctl's arena.
enum error meter_chain_load(struct ctl *ctl, const char *site, const struct installation *meter, int64_t from_s,
                            int64_t until_s, struct chain *out) MUST_USE;

// Usage of one meter between two instants, with the worse quality of its edges: floor(difference * num / den).
// False: the register is not known at one of them.
bool meter_chain_usage(const struct chain *chain, const struct installation *meter, int64_t from_s, int64_t until_s,
                       int64_t *usage, enum quality *quality);

#endif

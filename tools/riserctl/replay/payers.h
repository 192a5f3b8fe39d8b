// SPDX-License-Identifier: Apache-2.0
// The tenants of a replay: from the bills and balances that billing decides, who pays what when. A lease pays what it
// owes at that moment, so a reissued bill is never paid twice. Pure; one thread.
#ifndef RISER_RISERCTL_REPLAY_PAYERS_H
#define RISER_RISERCTL_REPLAY_PAYERS_H

#include <stdbool.h>

#include "base/arena.h"
#include "domain/decision.h"
#include "domain/fact.h"
#include "riserctl/replay/scenario.h"

struct payers;

struct payers *payers_new(const struct scenario *scenario); // borrowed; NULL without memory
void payers_free(struct payers *payers);

enum error payers_decision(struct payers *payers, const struct decision *decision) MUST_USE;

// The next payments due at or before until_s, of one lease: in the order of (time, lease). One payment over everything
// owed, or, when one commodity is in credit, one for each that is owed. False: there is none. Texts go into the arena.
enum { PAYMENTS_AT_ONCE = COMMODITY_COUNT };
bool payers_next(struct payers *payers, int64_t until_s, struct arena *arena, struct payment out[PAYMENTS_AT_ONCE],
                 size_t *count);

#endif

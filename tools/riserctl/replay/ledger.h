// SPDX-License-Identifier: Apache-2.0
// What a replay published and what was acknowledged, as JSON lines for whoever checks the outcome independently.
// Format: docs/riserctl.md, "Ledger". A write that fails is remembered and told by ledger_close.
#ifndef RISER_RISERCTL_REPLAY_LEDGER_H
#define RISER_RISERCTL_REPLAY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/fact.h"
#include "riserctl/replay/malformed.h"
#include "riserctl/replay/rows.h"
#include "riserctl/replay/script.h"

struct ledger;

// path NULL: writes nothing. ERR_IO: can't be made.
enum error ledger_open(const char *path, struct ledger **out) MUST_USE;
// ERR_IO: not everything could be written.
enum error ledger_close(struct ledger *ledger) MUST_USE;

// One per publish: the message and what was in it. `tick_s`: the tick before which it was sent.
void ledger_reading(struct ledger *ledger, const struct send *send, const struct row *row, const char *topic,
                    int64_t tick_s);
void ledger_malformed(struct ledger *ledger, const struct send *send, const struct malformed *malformed);
void ledger_tick(struct ledger *ledger, int64_t time_s, int64_t offset);
void ledger_payment(struct ledger *ledger, const struct payment *payment, int64_t offset);
// The broker's own counters at the end ($SYS); -1: it has none.
void ledger_broker(struct ledger *ledger, int64_t received, int64_t dropped);

#endif

// SPDX-License-Identifier: Apache-2.0
// A decision as the lines that a case file expects.
#ifndef RISER_TESTS_UNIT_BILLING_RENDER_H
#define RISER_TESTS_UNIT_BILLING_RENDER_H

#include "base/bytes.h"
#include "domain/decision.h"

// Appends lines, each ended by '\n'. Without `meters` a bill's lines about its meters are left out.
void render_decision(const struct decision *decision, bool meters, struct buffer *out);

// A quantity in kWh or m3, money in whole units, a local instant: appended to a line.
void render_quantity(struct buffer *out, int64_t quantity, enum commodity commodity);
void render_money(struct buffer *out, int64_t amount_e4, uint32_t minor_digits);

#endif

// SPDX-License-Identifier: Apache-2.0
// A service point's periods: what each meter showed at both edges, derived from the reads, then frozen.
// Everything here is a draft in the fold's scratch arena until period_replace.
#ifndef RISER_BILLING_CORE_PERIODS_H
#define RISER_BILLING_CORE_PERIODS_H

#include "billing/core/fold_parts.h"

// A month's part under one lease, or under none.
struct segment {
  int64_t from_s;
  int64_t until_s;
  const char *lease; // "": nobody's
};

// The month cut where the room's leases begin and end, in order. NULL: no memory.
struct segment *segments_of(struct fold *fold, const struct unit *unit, struct month month, size_t *count);

// Looks up the vectors of all installations of the unit's points (or of one point) in the month.
void vectors_need(struct fold *fold, const struct unit *unit, struct month month);
// The month is closed: its vectors, which have been looked up, are saved as they are kept from now on.
void vectors_rewrite(struct fold *fold, const struct unit *unit, struct month month);
void vectors_need_point(struct fold *fold, const struct site_state *site, const struct point_slot *slot,
                        struct month month);

// What of a point is asked: which of its periods, from the reads as they are now.
struct question {
  const struct site_state *site;
  const struct service_point *point;
  const struct point_slot *slot; // what hangs there
  const struct point_state *state;
  struct month month;
};

// The chain of an installation's reads around the month; lives in fold->chains until the next one. `opening` (NULL:
// none) is a frozen closing to go on from: when no read lies before it, it stands in for one.
bool chain_around(struct fold *fold, const struct question *question, const struct installation *installation,
                  const struct bill_meter *opening, struct chain *out);
// The frozen closing of the installation at exactly this instant, NULL if there is none.
const struct bill_meter *frozen_closing(const struct period *periods, size_t count, const char *installation,
                                        int64_t at_s);
// floor((difference of the totals) * num / den), held within what a bill can carry.
int64_t usage_of(const struct installation *installation, int64_t difference);
// Where a meter stood at a period's beginning: its frozen closing, the boundary, or the first read behind.
struct opening {
  int64_t time_s;
  int64_t value;
  int64_t offset;
  enum quality quality;
};
bool opening_of(const struct chain *chain, const struct bill_meter *frozen, int64_t from_s, int64_t until_s,
                struct opening *out);

// The drafts of the month's periods. NULL with *count 0: no meter hung there.
struct period *periods_draft(struct fold *fold, const struct question *question, const struct segment *segments,
                             size_t segment_count, size_t *count);

// The stored periods of a month: index of the first, and how many.
size_t periods_of_month(const struct point_state *state, uint32_t month, size_t *count);
int64_t periods_usage(const struct period *periods, size_t count);
enum quality periods_quality(const struct period *periods, size_t count); // of the worst edge
// Puts the drafts in the place of the month's stored periods and drops what is older than is kept.
void periods_replace(struct fold *fold, struct entity *point, uint32_t month, const struct period *drafts,
                     size_t count);
// Whether a period, closed anew, is another one (NULL: there is none): in its shape, in what rollovers and resets
// carry, or by more than the tolerance in its usage or an edge. A closing's value means something only on its side of a
// reset: one that changed sides is never kept, though its usage may be the same.
bool period_differs(const struct period *was, const struct period *is, int64_t tolerance);
// Whether that holds of any of the month's periods, or one opens elsewhere than the month before now closes.
bool periods_moved(const struct point_state *state, const struct period *drafts, size_t count, uint32_t month,
                   int64_t tolerance);
// What stays frozen learns from the drafts which reads can move it from now on, and how good its edges have become.
void periods_keep(struct fold *fold, struct entity *point, uint32_t month, const struct period *drafts, size_t count);

// ---- days.c

// Overwrites the record of the month's days, of those that end at or before until_s.
void days_write(struct fold *fold, const struct question *question, int64_t until_s);
// The alert of a month whose usage has reached `usage`, if it is due and has not been given. lease: in force.
void alert_check(struct fold *fold, const struct question *question, struct entity *point, int64_t usage,
                 const char *lease);

#endif

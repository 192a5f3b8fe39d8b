// SPDX-License-Identifier: Apache-2.0
// Billing's state in Redis, as riserctl reads it. Nothing here writes. Results live in the arena given.
// ERR_NOT_FOUND: there is no such thing; RETRY: Redis can't be reached; ERR_BAD_PROTOBUF: what is there can't be read.
#ifndef RISER_RISERCTL_STATE_H
#define RISER_RISERCTL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "domain/billing_state.h"
#include "domain/outbox.h"
#include "riserctl/ctl.h"

int32_t state_partition(const struct ctl *ctl, const char *site);

// The value of "{pN}:" and the key.
enum error state_get(struct ctl *ctl, int32_t partition, const char *key, struct arena *arena,
                     struct bytes *value) MUST_USE;
// All keys of a partition that begin so, without the "{pN}:", sorted.
enum error state_keys(struct ctl *ctl, int32_t partition, const char *prefix, const char *const **keys,
                      size_t *count) MUST_USE;

// Fence and outbox of a partition as they stood together at one moment.
struct fence_view {
  bool installed; // false: no meta; billing refuses the partition
  struct partition_meta meta;
  struct outbox outbox;
};
enum error state_fence(struct ctl *ctl, int32_t partition, struct arena *arena, struct fence_view *out) MUST_USE;

enum error state_site(struct ctl *ctl, const char *site, struct site_state *out) MUST_USE;
enum error state_point(struct ctl *ctl, const char *site, const char *point, struct point_state *out) MUST_USE;
enum error state_account(struct ctl *ctl, const char *site, const char *lease, struct account_state *out) MUST_USE;
// The read vector of the meter's register and UTC month, as domain/reads.h has it.
enum error state_reads(struct ctl *ctl, const char *site, const char *meter, enum meter_register reg, uint32_t month,
                       struct bytes *vector) MUST_USE;
enum error state_bill(struct ctl *ctl, const char *site, const char *id, struct bill *out) MUST_USE;

// The site that --site names, or the only one there is, with its state. False: told on standard error.
bool state_choose_site(struct ctl *ctl, const char *wanted, struct site_state *out, enum status *status);

const struct lease *state_lease(const struct site_state *site, const char *id); // NULL: there is none
const struct service_point *state_service_point(const struct site_state *site, const char *id);

#endif

// SPDX-License-Identifier: Apache-2.0
// Inner header of lib/wire: a site and what belongs to it, message <-> domain, for site records and for stored state.
// _in borrows strings from the message and takes lists from the arena; _out borrows strings from the domain struct and
// takes lists from the scratch arena. ERR_LIMIT when it is full.
#ifndef RISER_WIRE_SITE_H
#define RISER_WIRE_SITE_H

#include "base/arena.h"
#include "base/error.h"
#include "domain/site.h"
#include "domain/tariff.h"
#include "riser/site/v1/site.pb-c.h"

MUST_USE enum error site_in(const Riser__Site__V1__Site *from, struct arena *arena, struct site *to);
MUST_USE enum error site_out(const struct site *from, struct arena *scratch, Riser__Site__V1__Site *to);

// The zone's table; *to gets a list of pointers of the same length.
MUST_USE enum error zone_in(Riser__Site__V1__ZoneTransition *const *from, size_t count, struct arena *arena,
                            struct zone *to);
MUST_USE enum error zone_out(const struct zone *from, struct arena *scratch, Riser__Site__V1__ZoneTransition ***to);

MUST_USE enum error tariff_in(const Riser__Site__V1__Tariff *from, struct arena *arena, struct tariff *to);
MUST_USE enum error tariff_out(const struct tariff *from, struct arena *scratch, Riser__Site__V1__Tariff *to);

void rounding_in(const Riser__Site__V1__Rounding *from, struct rounding *to); // from may be NULL: none
void rounding_out(const struct rounding *from, Riser__Site__V1__Rounding *to);
void room_in(const Riser__Site__V1__Room *from, struct room *to);
void room_out(const struct room *from, Riser__Site__V1__Room *to);
void service_point_in(const Riser__Site__V1__ServicePoint *from, struct service_point *to);
void service_point_out(const struct service_point *from, Riser__Site__V1__ServicePoint *to);
void installation_in(const Riser__Site__V1__Installation *from, struct installation *to);
void installation_out(const struct installation *from, Riser__Site__V1__Installation *to);
void device_key_in(const Riser__Site__V1__DeviceKey *from, struct device_key *to);
void device_key_out(const struct device_key *from, Riser__Site__V1__DeviceKey *to);
void lease_in(const Riser__Site__V1__Lease *from, struct lease *to);
void lease_out(const struct lease *from, Riser__Site__V1__Lease *to);

#endif

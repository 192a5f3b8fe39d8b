// SPDX-License-Identifier: Apache-2.0
// A site and what belongs to it: settings, rooms, service points, installations, leases. Strings are borrowed, never
// NULL.
#ifndef RISER_DOMAIN_SITE_H
#define RISER_DOMAIN_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/reading.h"
#include "domain/zone.h"

// Field meanings: proto/riser/site/v1/site.proto, message Site.
struct site {
  const char *id;
  const char *landlord;
  const char *name;
  const char *zone_name; // IANA
  struct zone zone;
  const char *currency;
  uint32_t minor_digits;
  const char *language;
  uint32_t grace_hours;
  uint32_t due_days;
  uint32_t reminder_after_days;
  uint32_t notice_after_days;
  uint32_t disconnect_after_days;
  uint32_t notice_lead_days;
  bool disconnectable[COMMODITY_COUNT];
  int64_t rebill_tolerance[COMMODITY_COUNT]; // Wh, ml
  const char *landlord_person;
  int64_t least_debt_e4; // per commodity: less is not reminded of, and no supply is suspended for it
};

struct room {
  const char *id;
  const char *name;
};

struct service_point {
  const char *id;
  const char *room; // "": the building's own
  enum commodity commodity;
  const char *tariff;
  int64_t from_s; // the tariff holds for periods that begin here or later; 0: for all
};

struct installation {
  const char *id;
  const char *service_point;
  const char *meter;
  const char *device;
  enum meter_register reg;
  int64_t from_s;
  int64_t until_s; // 0: still there
  int64_t multiplier_num;
  int64_t multiplier_den;
  int64_t rollover; // 0: unknown
  int64_t max_rate_per_hour;
  int64_t backflow_max;
  int64_t slack;
  enum switch_kind switch_kind;
};

// Of the device's key only what run/key_ring.h made of it is ever written down.
struct device_key {
  const char *device;
  const char *wrapped;  // "": it has none any more
  const char *previous; // the one before it, which still counts; "": none
};

#define LEASE_PERSONS_MAX 8

struct lease {
  const char *id;
  const char *room;
  const char *const *persons;
  size_t person_count;
  int64_t from_s;
  int64_t until_s; // 0: open
};

#endif

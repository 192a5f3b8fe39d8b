// SPDX-License-Identifier: Apache-2.0
#include "wire/site.h"

#include "wire/enums.h"
#include "wire/message.h"

#define PUBLIC // the mappings of this file are declared in its header

#define SITE(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(landlord) TEXT(name) TEXT(currency) PLAIN(minor_digits) TEXT(language) PLAIN(grace_hours) \
  PLAIN(due_days) PLAIN(reminder_after_days) PLAIN(notice_after_days) PLAIN(disconnect_after_days) \
  PLAIN(notice_lead_days) TEXT(landlord_person) PLAIN(least_debt_e4)
WIRE_MAPPING(settings, struct site, Riser__Site__V1__Site, riser__site__v1__site__init, SITE)

#define TRANSITION(TEXT, PLAIN, ENUM) PLAIN(from_s) PLAIN(offset_s)
WIRE_MAPPING(transition, struct zone_transition, Riser__Site__V1__ZoneTransition,
             riser__site__v1__zone_transition__init, TRANSITION)

#define BLOCK(TEXT, PLAIN, ENUM) PLAIN(upto) PLAIN(price_e8)
WIRE_MAPPING(block, struct tariff_block, Riser__Site__V1__Block, riser__site__v1__block__init, BLOCK)

#define ROUNDING(TEXT, PLAIN, ENUM) PLAIN(quantum_e4) ENUM(mode, mode, rounding_mode)
WIRE_MAPPING(step, struct rounding, Riser__Site__V1__Rounding, riser__site__v1__rounding__init, ROUNDING)

#define PRICES(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(name) ENUM(commodity, commodity, commodity) ENUM(kind, kind, tariff_kind) \
  ENUM(accumulation, accumulation, accumulation) PLAIN(year_start_month) PLAIN(from_s)
WIRE_MAPPING(prices, struct tariff, Riser__Site__V1__Tariff, riser__site__v1__tariff__init, PRICES)

#define ROOM(TEXT, PLAIN, ENUM) TEXT(id) TEXT(name)
WIRE_MAPPING_AS(PUBLIC, room, struct room, Riser__Site__V1__Room, riser__site__v1__room__init, ROOM)

#define SERVICE_POINT(TEXT, PLAIN, ENUM) TEXT(id) TEXT(room) ENUM(commodity, commodity, commodity) TEXT(tariff) \
  PLAIN(from_s)
WIRE_MAPPING_AS(PUBLIC, service_point, struct service_point, Riser__Site__V1__ServicePoint,
                riser__site__v1__service_point__init, SERVICE_POINT)

#define INSTALLATION(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(service_point) TEXT(meter) TEXT(device) ENUM(reg, register_, meter_register) PLAIN(from_s) \
  PLAIN(until_s) PLAIN(multiplier_num) PLAIN(multiplier_den) PLAIN(rollover) PLAIN(max_rate_per_hour) \
  PLAIN(backflow_max) PLAIN(slack) ENUM(switch_kind, switch_kind, switch_kind)
WIRE_MAPPING_AS(PUBLIC, installation, struct installation, Riser__Site__V1__Installation,
                riser__site__v1__installation__init, INSTALLATION)

#define DEVICE_KEY(TEXT, PLAIN, ENUM) TEXT(device) TEXT(wrapped) TEXT(previous)
WIRE_MAPPING_AS(PUBLIC, device_key, struct device_key, Riser__Site__V1__DeviceKey, riser__site__v1__device_key__init,
                DEVICE_KEY)

#define LEASE(TEXT, PLAIN, ENUM) TEXT(id) TEXT(room) PLAIN(from_s) PLAIN(until_s)
WIRE_MAPPING(agreement, struct lease, Riser__Site__V1__Lease, riser__site__v1__lease__init, LEASE)

WIRE_LIST(transition, struct zone_transition, Riser__Site__V1__ZoneTransition)
WIRE_LIST(block, struct tariff_block, Riser__Site__V1__Block)

enum error zone_in(Riser__Site__V1__ZoneTransition *const *from, size_t count, struct arena *arena, struct zone *to) {
  *to = (struct zone){transition_list_in(from, count, arena), count};
  return to->transitions ? OK : ERR_LIMIT;
}

enum error zone_out(const struct zone *from, struct arena *scratch, Riser__Site__V1__ZoneTransition ***to) {
  *to = transition_list_out(from->transitions, from->count, scratch);
  return *to ? OK : ERR_LIMIT;
}

enum error site_in(const Riser__Site__V1__Site *from, struct arena *arena, struct site *to) {
  *to = (struct site){.zone_name = from->zone};
  settings_in(from, to);
  for (size_t i = 0; i < from->n_disconnectable; i++)
    to->disconnectable[wire_enum(&WIRE_DESCRIPTOR_commodity, (int)from->disconnectable[i])] = true;
  to->disconnectable[COMMODITY_NONE] = false;
  to->rebill_tolerance[COMMODITY_ELECTRICITY] = from->rebill_tolerance_wh;
  to->rebill_tolerance[COMMODITY_WATER] = from->rebill_tolerance_ml;
  return zone_in(from->transitions, from->n_transitions, arena, &to->zone);
}

enum error site_out(const struct site *from, struct arena *scratch, Riser__Site__V1__Site *to) {
  WIRE_TYPE_commodity *disconnectable = arena_array(scratch, COMMODITY_COUNT, sizeof *disconnectable);
  if (!disconnectable) return ERR_LIMIT;
  settings_out(from, to);
  to->zone = (char *)from->zone_name;
  to->disconnectable = disconnectable;
  for (int c = COMMODITY_NONE + 1; c < COMMODITY_COUNT; c++)
    if (from->disconnectable[c]) disconnectable[to->n_disconnectable++] = (WIRE_TYPE_commodity)c;
  to->rebill_tolerance_wh = from->rebill_tolerance[COMMODITY_ELECTRICITY];
  to->rebill_tolerance_ml = from->rebill_tolerance[COMMODITY_WATER];
  to->n_transitions = from->zone.count;
  return zone_out(&from->zone, scratch, &to->transitions);
}

enum error tariff_in(const Riser__Site__V1__Tariff *from, struct arena *arena, struct tariff *to) {
  prices_in(from, to);
  rounding_in(from->line_rounding, &to->line_rounding);
  to->blocks = block_list_in(from->blocks, from->n_blocks, arena);
  to->block_count = from->n_blocks;
  return to->blocks ? OK : ERR_LIMIT;
}

enum error tariff_out(const struct tariff *from, struct arena *scratch, Riser__Site__V1__Tariff *to) {
  prices_out(from, to);
  to->blocks = block_list_out(from->blocks, from->block_count, scratch);
  to->n_blocks = from->block_count;
  to->line_rounding = arena_alloc(scratch, sizeof *to->line_rounding);
  if (!to->blocks || !to->line_rounding) return ERR_LIMIT;
  rounding_out(&from->line_rounding, to->line_rounding);
  return OK;
}

void rounding_in(const Riser__Site__V1__Rounding *from, struct rounding *to) {
  static const Riser__Site__V1__Rounding none = RISER__SITE__V1__ROUNDING__INIT;
  step_in(from ? from : &none, to);
}

void rounding_out(const struct rounding *from, Riser__Site__V1__Rounding *to) {
  step_out(from, to);
}

void lease_in(const Riser__Site__V1__Lease *from, struct lease *to) {
  agreement_in(from, to);
  to->persons = (const char *const *)from->persons;
  to->person_count = from->n_persons;
}

void lease_out(const struct lease *from, Riser__Site__V1__Lease *to) {
  agreement_out(from, to);
  to->persons = (char **)from->persons;
  to->n_persons = from->person_count;
}

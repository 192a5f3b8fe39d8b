// SPDX-License-Identifier: Apache-2.0
// Words for what a meter says: commodity, register, register read, rank, quality, supply.
// Pure values. Energy is int64 watt-hours, volume int64 millilitres, instants int64 UTC seconds.
#ifndef RISER_DOMAIN_READING_H
#define RISER_DOMAIN_READING_H

#include <stdbool.h>
#include <stdint.h>

// The numbers of the following enums are those of the protobuf schemas (lib/wire asserts it).
enum commodity { COMMODITY_NONE = 0, COMMODITY_ELECTRICITY = 1, COMMODITY_WATER = 2 };
#define COMMODITY_COUNT 3

enum meter_register {
  REGISTER_NONE = 0,
  REGISTER_ENERGY_IMPORT = 1,
  REGISTER_ENERGY_EXPORT = 2,
  REGISTER_ENERGY_IMPORT_T1 = 11,
  REGISTER_ENERGY_IMPORT_T2 = 12,
  REGISTER_ENERGY_IMPORT_T3 = 13,
  REGISTER_ENERGY_IMPORT_T4 = 14,
  REGISTER_VOLUME_COLD = 20,
  REGISTER_VOLUME_HOT = 21,
};

enum supply { SUPPLY_UNKNOWN = 0, SUPPLY_ON = 1, SUPPLY_OFF = 2 };
enum switch_kind { SWITCH_UNKNOWN = 0, SWITCH_NONE = 1, SWITCH_RELAY = 2, SWITCH_VALVE = 3 };

// ESPI QualityOfReading (NAESB REQ.21): the codes that Riser uses.
enum quality {
  QUALITY_VALID = 0,
  QUALITY_EDITED = 7,
  QUALITY_ESTIMATED_REFERENCE_DAY = 8,
  QUALITY_ESTIMATED_LINEAR = 9,
  QUALITY_QUESTIONABLE = 10,
  QUALITY_DERIVED = 11,
  QUALITY_VALIDATED = 17,
};

// Of several reads of one register in one second the highest (rank, value) wins.
// Edits and voids are ranks, so that they need no order of arrival and keep their slot.
enum {
  RANK_CLOCK_SUSPECT = 0, // the device's clock was too far off
  RANK_DEVICE = 64,       // the meter said so itself
  RANK_HAND = 128,        // a person read it from the meter's face
  RANK_EDIT_0 = 256,      // edit of revision r: RANK_EDIT_0 + 2 r; void: that + 1
  RANK_MAX = 1023,
};

struct reading {
  const char *meter;
  enum meter_register reg;
  int64_t time_s; // UTC seconds
  int64_t value;  // Wh or ml, never negative
};

enum commodity register_commodity(enum meter_register reg); // COMMODITY_NONE for an unknown register
const char *register_name(enum meter_register reg);         // stable, e.g. "energy_import"; "" when unknown
enum meter_register register_from_name(const char *name);   // REGISTER_NONE when unknown
const char *commodity_name(enum commodity c);               // "electricity", "water", "none"
enum commodity commodity_from_name(const char *name);       // COMMODITY_NONE when unknown
const char *quality_name(enum quality q);                   // "valid", "derived", ...
// An estimate never causes a disconnect.
bool quality_is_actual(enum quality q);

#endif

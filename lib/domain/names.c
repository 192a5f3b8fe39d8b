// SPDX-License-Identifier: Apache-2.0
// The stable names of the domain's enums, for people, logs and JSON.
#include <string.h>

#include "domain/command.h"
#include "domain/decision.h"
#include "domain/fact.h"
#include "domain/reading.h"

struct named {
  int number;
  const char *name;
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct named registers[] = {
    {REGISTER_ENERGY_IMPORT, "energy_import"},
    {REGISTER_ENERGY_EXPORT, "energy_export"},
    {REGISTER_ENERGY_IMPORT_T1, "energy_import_t1"},
    {REGISTER_ENERGY_IMPORT_T2, "energy_import_t2"},
    {REGISTER_ENERGY_IMPORT_T3, "energy_import_t3"},
    {REGISTER_ENERGY_IMPORT_T4, "energy_import_t4"},
    {REGISTER_VOLUME_COLD, "volume"},
    {REGISTER_VOLUME_HOT, "hot_volume"},
};

static const struct named qualities[] = {
    {QUALITY_VALID, "valid"},
    {QUALITY_EDITED, "edited"},
    {QUALITY_ESTIMATED_REFERENCE_DAY, "estimated-reference-day"},
    {QUALITY_ESTIMATED_LINEAR, "estimated-linear"},
    {QUALITY_QUESTIONABLE, "questionable"},
    {QUALITY_DERIVED, "derived"},
    {QUALITY_VALIDATED, "validated"},
};

static const struct named fact_kinds[] = {
    {FACT_READINGS, "readings"},
    {FACT_DEVICE_EVENT, "device-event"},
    {FACT_DEVICE_STATE, "device-state"},
    {FACT_COMMAND_ACK, "command-ack"},
    {FACT_SITE, "site"},
    {FACT_ROOM, "room"},
    {FACT_SERVICE_POINT, "service-point"},
    {FACT_INSTALLATION, "installation"},
    {FACT_TARIFF, "tariff"},
    {FACT_LEASE, "lease"},
    {FACT_DEVICE_KEY, "device-key"},
    {FACT_PAYMENT, "payment"},
    {FACT_READ_EDIT, "read-edit"},
    {FACT_NOTICE_DELIVERED, "notice-delivered"},
    {FACT_DISCONNECT_INTENT, "disconnect-intent"},
    {FACT_COMMAND_OUTCOME, "command-outcome"},
    {FACT_TICK, "tick"},
};

static const struct named command_steps[] = {
    {COMMAND_DUE, "due"},
    {COMMAND_HELD, "held"},
    {COMMAND_INTENDED, "intended"},
    {COMMAND_ALLOWED, "allowed"},
    {COMMAND_SENT, "sent"},
    {COMMAND_ACKNOWLEDGED, "acknowledged"},
    {COMMAND_CONFIRMED, "confirmed"},
    {COMMAND_REFUSED, "refused"},
    {COMMAND_FAILED, "failed"},
    {COMMAND_SUPERSEDED, "superseded"},
};

static const char *name_of(const struct named *table, size_t count, int number, const char *otherwise) {
  for (size_t i = 0; i < count; i++) {
    if (table[i].number == number) return table[i].name;
  }
  return otherwise;
}

static int number_of(const struct named *table, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(table[i].name, name) == 0) return table[i].number;
  }
  return 0;
}

const char *register_name(enum meter_register reg) {
  return name_of(registers, COUNT(registers), (int)reg, "");
}

enum meter_register register_from_name(const char *name) {
  return (enum meter_register)number_of(registers, COUNT(registers), name);
}

enum commodity register_commodity(enum meter_register reg) {
  if (register_name(reg)[0] == '\0') return COMMODITY_NONE;
  return reg >= REGISTER_VOLUME_COLD ? COMMODITY_WATER : COMMODITY_ELECTRICITY;
}

const char *commodity_name(enum commodity c) {
  return c == COMMODITY_ELECTRICITY ? "electricity" : c == COMMODITY_WATER ? "water" : "none";
}

enum commodity commodity_from_name(const char *name) {
  for (int c = 1; c < COMMODITY_COUNT; c++) {
    if (strcmp(commodity_name((enum commodity)c), name) == 0) return (enum commodity)c;
  }
  return COMMODITY_NONE;
}

const char *quality_name(enum quality q) {
  return name_of(qualities, COUNT(qualities), (int)q, "unknown");
}

bool quality_is_actual(enum quality q) {
  return q == QUALITY_VALID || q == QUALITY_DERIVED || q == QUALITY_VALIDATED || q == QUALITY_EDITED;
}

const char *fact_kind_name(enum fact_kind kind) {
  return name_of(fact_kinds, COUNT(fact_kinds), (int)kind, "unknown");
}

const char *command_step_name(enum command_step step) {
  return name_of(command_steps, COUNT(command_steps), (int)step, "unknown");
}

bool command_step_is_final(enum command_step step) {
  return step >= COMMAND_CONFIRMED;
}

int cause_compare(struct cause a, struct cause b) {
  if (a.offset != b.offset) return a.offset < b.offset ? -1 : 1;
  return a.index < b.index ? -1 : a.index > b.index;
}

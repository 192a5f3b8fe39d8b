// SPDX-License-Identifier: Apache-2.0
// A bill: everything needed to check it by hand. Field meanings: proto/riser/decision/v1/decision.proto.
#ifndef RISER_DOMAIN_BILL_H
#define RISER_DOMAIN_BILL_H

#include <stddef.h>
#include <stdint.h>

#include "domain/reading.h"
#include "domain/seal.h"
#include "domain/tariff.h"

struct bill_line {
  uint32_t block; // 1-based
  int64_t block_from; // exclusive
  int64_t block_upto;
  int64_t quantity;
  int64_t price_e8;
  int64_t amount_e4;
};

struct bill_meter {
  const char *meter;
  enum meter_register reg;
  int64_t previous_time_s;
  int64_t previous_value;
  enum quality previous_quality;
  int64_t present_time_s;
  int64_t present_value;
  enum quality present_quality;
  int64_t multiplier_num;
  int64_t multiplier_den;
  int64_t carried; // what rollovers and resets in between add to present - previous
  int64_t quantity;
};

struct bill_section {
  const char *service_point;
  enum commodity commodity;
  const char *tariff;
  const char *tariff_name;
  const struct bill_meter *meters;
  size_t meter_count;
  int64_t quantity;
  int64_t prior_quantity;
  const struct bill_line *lines;
  size_t line_count;
  int64_t amount_e4;
  enum accumulation accumulation;
  int64_t accumulation_from_s;
  struct rounding line_rounding;
};

struct bill {
  const char *id;
  const char *lease;
  const char *room;
  const char *const *persons;
  size_t person_count;
  const char *period; // YYYY-MM
  int64_t from_s;
  int64_t until_s;
  uint32_t revision;
  const char *supersedes;
  int64_t issued_s;
  int64_t due_s;
  const struct bill_section *sections;
  size_t section_count;
  int64_t total_e4;
  int64_t arrears_e4[COMMODITY_COUNT];
  struct seal seal;
};

#endif

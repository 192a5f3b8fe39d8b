// SPDX-License-Identifier: Apache-2.0
#include "samples.h"

enum { MARCH = 1456786800, APRIL = 1459461600, ISSUED = 1459548000, DUE = 1461448800, LATER = 1464040800 };

static const struct zone_transition transitions[] = {{0, 3600}, {1459040400, 7200}, {1477789200, 3600}};
static const char *const persons[] = {"tenant-101"};
static const char *const bills[] = {"bill:alicante:lease-101:2016-03:r0"};

#define HEAD(id_, kind_, time_)                                                                                        \
  .id = id_, .landlord = "demo", .site = "alicante", .site_name = "Residencia Alicante", .currency = "CNY",            \
  .minor_digits = 2, .language = "en", .business_time_s = time_, .utc_offset_s = 7200, .kind = kind_,                  \
  .zone = {transitions, 3}
#define CENTS                                                                                                          \
  { .quantum_e4 = 10000, .mode = ROUNDING_HALF_UP }

static const struct bill_meter heat_pump[] = {
    {.meter = "101-hp",
     .reg = REGISTER_ENERGY_IMPORT,
     .previous_time_s = MARCH,
     .previous_value = 12345,
     .previous_quality = QUALITY_VALID,
     .present_time_s = APRIL,
     .present_value = 359345,
     .present_quality = QUALITY_DERIVED,
     .multiplier_num = 1,
     .multiplier_den = 1,
     .quantity = 347000},
};
static const struct bill_line heat_pump_lines[] = {
    {.block = 1, .block_upto = 200000, .quantity = 200000, .price_e8 = 58800000, .amount_e4 = 117600000},
    {.block = 2,
     .block_from = 200000,
     .block_upto = 400000,
     .quantity = 147000,
     .price_e8 = 63800000,
     .amount_e4 = 93790000},
};
static const struct bill_meter water[] = {
    {.meter = "w-df789230",
     .reg = REGISTER_VOLUME_COLD,
     .previous_time_s = MARCH,
     .previous_value = 876471000,
     .previous_quality = QUALITY_DERIVED,
     .present_time_s = APRIL,
     .present_value = 896594456,
     .present_quality = QUALITY_ESTIMATED_LINEAR,
     .multiplier_num = 1,
     .multiplier_den = 1,
     .quantity = 20123456},
};
static const struct bill_line water_lines[] = {
    {.block = 1, .block_upto = 180000000, .quantity = 8500000, .price_e8 = 500000000, .amount_e4 = 42500000},
    {.block = 2,
     .block_from = 180000000,
     .block_upto = 260000000,
     .quantity = 11623456,
     .price_e8 = 700000000,
     .amount_e4 = 81360000},
};
static const struct bill_section two_sections[] = {
    {.service_point = "101-electricity",
     .commodity = COMMODITY_ELECTRICITY,
     .tariff = "electricity-ladder",
     .tariff_name = "Residential electricity",
     .meters = heat_pump,
     .meter_count = 1,
     .quantity = 347000,
     .lines = heat_pump_lines,
     .line_count = 2,
     .amount_e4 = 211390000,
     .accumulation = ACCUMULATION_MONTH,
     .accumulation_from_s = MARCH,
     .line_rounding = CENTS},
    {.service_point = "101-water",
     .commodity = COMMODITY_WATER,
     .tariff = "water-ladder",
     .tariff_name = "Residential water",
     .meters = water,
     .meter_count = 1,
     .quantity = 20123456,
     .prior_quantity = 171500000,
     .lines = water_lines,
     .line_count = 2,
     .amount_e4 = 123860000,
     .accumulation = ACCUMULATION_YEAR,
     .accumulation_from_s = MARCH,
     .line_rounding = CENTS},
};

// Two meters, one behind current transformers (40:3) and one that rolled over; flat price with five decimals.
static const struct bill_meter two_meters[] = {
    {.meter = "ct-1",
     .reg = REGISTER_ENERGY_IMPORT_T1,
     .previous_time_s = MARCH,
     .previous_value = 1000,
     .previous_quality = QUALITY_EDITED,
     .present_time_s = APRIL - 5400,
     .present_value = 2001,
     .present_quality = QUALITY_QUESTIONABLE,
     .multiplier_num = 40,
     .multiplier_den = 3,
     .quantity = 13346},
    {.meter = "old-7",
     .reg = REGISTER_ENERGY_IMPORT,
     .previous_time_s = MARCH + 45296,
     .previous_value = 99999500,
     .previous_quality = QUALITY_VALID,
     .present_time_s = APRIL,
     .present_value = 250,
     .carried = 100000000,
     .present_quality = QUALITY_VALID,
     .multiplier_num = 1,
     .multiplier_den = 1,
     .quantity = 750},
};
static const struct bill_line flat_lines[] = {
    {.block = 1, .quantity = 14096, .price_e8 = 12345000, .amount_e4 = 1740152},
};
static const struct bill_section flat_section[] = {
    {.service_point = "102-electricity",
     .commodity = COMMODITY_ELECTRICITY,
     .tariff = "flat",
     .tariff_name = "",
     .meters = two_meters,
     .meter_count = 2,
     .quantity = 14096,
     .lines = flat_lines,
     .line_count = 1,
     .amount_e4 = 1740152,
     .accumulation = ACCUMULATION_MONTH,
     .accumulation_from_s = MARCH,
     .line_rounding = {.quantum_e4 = 1, .mode = ROUNDING_UP}},
};

#define BILL(revision_, supersedes_, sections_, count_, total_, electricity_, water_)                                  \
  .bill = {.id = "bill:alicante:lease-101:2016-03:r" #revision_,                                                       \
           .lease = "lease-101",                                                                                       \
           .room = "101",                                                                                              \
           .persons = persons,                                                                                         \
           .person_count = 1,                                                                                          \
           .period = "2016-03",                                                                                        \
           .from_s = MARCH,                                                                                            \
           .until_s = APRIL,                                                                                           \
           .revision = revision_,                                                                                      \
           .supersedes = supersedes_,                                                                                  \
           .issued_s = ISSUED,                                                                                         \
           .due_s = DUE,                                                                                               \
           .sections = sections_,                                                                                      \
           .section_count = count_,                                                                                    \
           .total_e4 = total_,                                                                                         \
           .arrears_e4 = {0, electricity_, water_},                                                                    \
           .seal = {4711, {0xab, 0xcd, 0x01}}}
#define NOTICE(kind_, owed_, due_, not_before_, bills_)                                                                \
  .notice_due = {.kind = kind_,                                                                                        \
                 .lease = "lease-101",                                                                                 \
                 .room = "101",                                                                                        \
                 .persons = persons,                                                                                   \
                 .person_count = 1,                                                                                    \
                 .commodity = COMMODITY_ELECTRICITY,                                                                   \
                 .owed_e4 = owed_,                                                                                     \
                 .due_s = due_,                                                                                        \
                 .not_before_s = not_before_,                                                                          \
                 .bills = bills,                                                                                       \
                 .bill_count = bills_}

const struct sample samples[SAMPLES] = {
    {.name = "bill",
     .contact = "",
     .decision = {HEAD("bill:alicante:lease-101:2016-03:r0", DECISION_BILL, ISSUED),
                  BILL(0, "", two_sections, 2, 335250000, 100000000, -20000000)}},
    {.name = "bill_reissued",
     .contact = "the office, +34 965 000 000",
     .decision = {HEAD("bill:alicante:lease-101:2016-03:r1", DECISION_BILL, ISSUED),
                  BILL(1, "bill:alicante:lease-101:2016-03:r0", flat_section, 1, 1740152, 500, 0)}},
    {.name = "bill_credit",
     .contact = "",
     .decision = {HEAD("bill:alicante:lease-101:2016-03:r0", DECISION_BILL, ISSUED),
                  BILL(0, "", &two_sections[1], 1, 123860000, 0, -200000000)}},
    {.name = "usage_alert",
     .contact = "",
     .decision = {HEAD("alert:alicante:101-electricity:2017-01", DECISION_USAGE_ALERT, LATER),
                  .usage_alert = {.service_point = "101-electricity",
                                  .room = "101",
                                  .lease = "lease-101",
                                  .persons = persons,
                                  .person_count = 1,
                                  .commodity = COMMODITY_ELECTRICITY,
                                  .period = "2017-01",
                                  .usage = 412007,
                                  .last_usage = 411000}}},
    {.name = "reminder",
     .contact = "",
     .decision = {HEAD("reminder:alicante:lease-101:electricity:2016-03", DECISION_NOTICE_DUE, DUE + 7 * 86400),
                  NOTICE(NOTICE_REMINDER, 211390000, DUE, 0, 1)}},
    {.name = "disconnect_notice",
     .contact = "the office, +34 965 000 000",
     .decision = {HEAD("notice:alicante:lease-101:electricity:2016-03:n1", DECISION_NOTICE_DUE, DUE + 20 * 86400),
                  NOTICE(NOTICE_DISCONNECT, 211390000, DUE, DUE + 31 * 86400, 1)}},
    {.name = "suspended",
     .contact = "",
     .decision = {HEAD("suspended:alicante:101-electricity:v1", DECISION_NOTICE_DUE, LATER + 86400),
                  NOTICE(NOTICE_SUSPENDED, 211390000, DUE, 0, 1)}},
    {.name = "restored",
     .contact = "",
     .decision = {HEAD("restored:alicante:101-electricity:v2", DECISION_NOTICE_DUE, 1475272800),
                  NOTICE(NOTICE_RESTORED, 0, 0, 0, 0)}},
};

const struct person person_en = {.id = "tenant-101",
                                 .landlord = "demo",
                                 .name = "Mary O'Brien",
                                 .mail = "tenant-101@example.org",
                                 .webhook_url = "",
                                 .language = "en-GB",
                                 .webhook_secret_name = ""};
const struct person person_zh = {.id = "tenant-101",
                                 .landlord = "demo",
                                 .name = "王小明",
                                 .mail = "tenant-101@example.org",
                                 .webhook_url = "",
                                 .language = "zh_Hans",
                                 .webhook_secret_name = ""};

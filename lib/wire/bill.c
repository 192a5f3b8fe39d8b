// SPDX-License-Identifier: Apache-2.0
// A bill is a tree of lists; both directions walk it from the bill down.
#include "wire/bill.h"

#include <string.h>

#include "wire/decision_parts.h"
#include "wire/enums.h"
#include "wire/message.h"
#include "wire/site.h"

#define LINE(TEXT, PLAIN, ENUM) \
  PLAIN(block) PLAIN(block_from) PLAIN(block_upto) PLAIN(quantity) PLAIN(price_e8) PLAIN(amount_e4)
WIRE_MAPPING(line, struct bill_line, Riser__Decision__V1__BillLine, riser__decision__v1__bill_line__init, LINE)

#define METER(TEXT, PLAIN, ENUM) \
  TEXT(meter) ENUM(reg, register_, meter_register) PLAIN(previous_time_s) PLAIN(previous_value) \
  PLAIN(present_time_s) PLAIN(present_value) PLAIN(multiplier_num) PLAIN(multiplier_den) PLAIN(carried) PLAIN(quantity)
WIRE_MAPPING(edges, struct bill_meter, Riser__Decision__V1__BillMeter, riser__decision__v1__bill_meter__init, METER)

#define SECTION(TEXT, PLAIN, ENUM) \
  TEXT(service_point) ENUM(commodity, commodity, commodity) TEXT(tariff) TEXT(tariff_name) PLAIN(quantity) \
  PLAIN(prior_quantity) PLAIN(amount_e4) ENUM(accumulation, accumulation, accumulation) PLAIN(accumulation_from_s)
WIRE_MAPPING(totals, struct bill_section, Riser__Decision__V1__BillSection, riser__decision__v1__bill_section__init,
             SECTION)

#define BILL(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(lease) TEXT(room) TEXT(period) PLAIN(from_s) PLAIN(until_s) PLAIN(revision) TEXT(supersedes) \
  PLAIN(issued_s) PLAIN(due_s) PLAIN(total_e4)
WIRE_MAPPING(head, struct bill, Riser__Decision__V1__Bill, riser__decision__v1__bill__init, BILL)

void bill_meter_in(const Riser__Decision__V1__BillMeter *from, struct bill_meter *to) {
  edges_in(from, to);
  to->previous_quality = (enum quality)from->previous_quality_espi;
  to->present_quality = (enum quality)from->present_quality_espi;
}

void bill_meter_out(const struct bill_meter *from, Riser__Decision__V1__BillMeter *to) {
  edges_out(from, to);
  to->previous_quality_espi = from->previous_quality;
  to->present_quality_espi = from->present_quality;
}

WIRE_LIST(bill_meter, struct bill_meter, Riser__Decision__V1__BillMeter)
WIRE_LIST(line, struct bill_line, Riser__Decision__V1__BillLine)

static enum error section_in(const Riser__Decision__V1__BillSection *from, struct arena *arena,
                             struct bill_section *to) {
  totals_in(from, to);
  rounding_in(from->line_rounding, &to->line_rounding);
  to->meters = bill_meter_list_in(from->meters, from->n_meters, arena);
  to->meter_count = from->n_meters;
  to->lines = line_list_in(from->lines, from->n_lines, arena);
  to->line_count = from->n_lines;
  return to->meters && to->lines ? OK : ERR_LIMIT;
}

static enum error section_out(const struct bill_section *from, struct arena *scratch,
                              Riser__Decision__V1__BillSection *to) {
  totals_out(from, to);
  to->meters = bill_meter_list_out(from->meters, from->meter_count, scratch);
  to->n_meters = from->meter_count;
  to->lines = line_list_out(from->lines, from->line_count, scratch);
  to->n_lines = from->line_count;
  to->line_rounding = arena_alloc(scratch, sizeof *to->line_rounding);
  if (!to->meters || !to->lines || !to->line_rounding) return ERR_LIMIT;
  rounding_out(&from->line_rounding, to->line_rounding);
  return OK;
}

WIRE_DEEP_LIST(section, struct bill_section, Riser__Decision__V1__BillSection)

void seal_in(const Riser__Decision__V1__Seal *from, struct seal *to) {
  *to = (struct seal){.records = 0};
  if (!from || from->head.len != SEAL_SIZE) return;
  to->records = from->records;
  memcpy(to->head, from->head.data, SEAL_SIZE);
}

void seal_out(const struct seal *from, Riser__Decision__V1__Seal *to) {
  riser__decision__v1__seal__init(to);
  to->records = from->records;
  to->head = (ProtobufCBinaryData){SEAL_SIZE, (uint8_t *)from->head};
}

void amounts_in(Riser__Decision__V1__CommodityAmount *const *from, size_t count, int64_t to[COMMODITY_COUNT]) {
  for (int c = 0; c < COMMODITY_COUNT; c++) to[c] = 0;
  for (size_t i = 0; i < count; i++) {
    int commodity = wire_enum(&WIRE_DESCRIPTOR_commodity, (int)from[i]->commodity);
    if (commodity == (int)from[i]->commodity) to[commodity] = from[i]->amount_e4;
  }
}

void amounts_out_init(struct amounts_out *to, const int64_t from[COMMODITY_COUNT]) {
  to->count = 0;
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    if (from[c] == 0) continue;
    Riser__Decision__V1__CommodityAmount *item = &to->items[to->count];
    riser__decision__v1__commodity_amount__init(item);
    item->commodity = (WIRE_TYPE_commodity)c;
    item->amount_e4 = from[c];
    to->list[to->count++] = item;
  }
}

enum error bill_in(const Riser__Decision__V1__Bill *from, struct arena *arena, struct bill *to) {
  head_in(from, to);
  to->persons = (const char *const *)from->persons;
  to->person_count = from->n_persons;
  to->sections = section_list_in(from->sections, from->n_sections, arena);
  to->section_count = from->n_sections;
  amounts_in(from->arrears, from->n_arrears, to->arrears_e4);
  seal_in(from->seal, &to->seal);
  return to->sections ? OK : ERR_LIMIT;
}

enum error bill_out(const struct bill *from, struct arena *scratch, Riser__Decision__V1__Bill *to) {
  head_out(from, to);
  to->persons = (char **)from->persons;
  to->n_persons = from->person_count;
  to->sections = section_list_out(from->sections, from->section_count, scratch);
  to->n_sections = from->section_count;
  struct amounts_out *arrears = arena_alloc(scratch, sizeof *arrears);
  if (!to->sections || !arrears) return ERR_LIMIT;
  amounts_out_init(arrears, from->arrears_e4);
  to->arrears = arrears->list;
  to->n_arrears = arrears->count;
  if (from->seal.records == 0) return OK;
  to->seal = arena_alloc(scratch, sizeof *to->seal);
  if (!to->seal) return ERR_LIMIT;
  seal_out(&from->seal, to->seal);
  return OK;
}

enum error wire_bill_decode(struct bytes in, struct arena *arena, struct bill *out) {
  Riser__Decision__V1__Bill *message;
  enum error err = wire_unpack(&riser__decision__v1__bill__descriptor, in, arena, &message);
  if (err) return err;
  struct bill bill;
  err = bill_in(message, arena, &bill);
  if (!err) *out = bill;
  return err;
}

enum error wire_bill_encode(const struct bill *in, struct buffer *out) {
  struct arena *scratch = arena_new(WIRE_SCRATCH_MAX);
  if (!scratch) return ERR_NO_MEMORY;
  Riser__Decision__V1__Bill message;
  enum error err = bill_out(in, scratch, &message);
  if (!err) err = wire_pack(&message, out);
  arena_free(scratch);
  return err;
}

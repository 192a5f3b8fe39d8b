// SPDX-License-Identifier: Apache-2.0
// A bill is a tree of lists; both directions walk it from the bill down.
#include "wire/bill.h"

#include "wire/decision_parts.h"
#include "wire/enums.h"
#include "wire/message.h"

#define LINE(TEXT, PLAIN, ENUM) PLAIN(block) PLAIN(block_upto) PLAIN(quantity) PLAIN(price_e8) PLAIN(amount_e4)
WIRE_MAPPING(line, struct bill_line, Riser__Decision__V1__BillLine, riser__decision__v1__bill_line__init, LINE)

#define METER(TEXT, PLAIN, ENUM) \
  TEXT(meter) ENUM(reg, register_, meter_register) PLAIN(previous_time_s) PLAIN(previous_value) PLAIN(present_time_s) \
  PLAIN(present_value) PLAIN(multiplier_num) PLAIN(multiplier_den) PLAIN(quantity)
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

static void meter_in(const Riser__Decision__V1__BillMeter *from, struct bill_meter *to) {
  edges_in(from, to);
  to->previous_quality = (enum quality)from->previous_quality_espi;
  to->present_quality = (enum quality)from->present_quality_espi;
}

static void meter_out(const struct bill_meter *from, Riser__Decision__V1__BillMeter *to) {
  edges_out(from, to);
  to->previous_quality_espi = from->previous_quality;
  to->present_quality_espi = from->present_quality;
}

static enum error section_in(const Riser__Decision__V1__BillSection *from, struct arena *arena, struct bill_section *to) {
  struct bill_meter *meters = arena_array(arena, from->n_meters, sizeof *meters);
  struct bill_line *lines = arena_array(arena, from->n_lines, sizeof *lines);
  if (!meters || !lines) return ERR_LIMIT;
  for (size_t i = 0; i < from->n_meters; i++) meter_in(from->meters[i], &meters[i]);
  for (size_t i = 0; i < from->n_lines; i++) line_in(from->lines[i], &lines[i]);
  totals_in(from, to);
  to->meters = meters;
  to->meter_count = from->n_meters;
  to->lines = lines;
  to->line_count = from->n_lines;
  return OK;
}

static enum error section_out(const struct bill_section *from, struct arena *scratch,
                              Riser__Decision__V1__BillSection *to) {
  totals_out(from, to);
  to->n_meters = from->meter_count;
  to->n_lines = from->line_count;
  to->meters = arena_array(scratch, to->n_meters, sizeof *to->meters);
  to->lines = arena_array(scratch, to->n_lines, sizeof *to->lines);
  Riser__Decision__V1__BillMeter *meters = arena_array(scratch, to->n_meters, sizeof *meters);
  Riser__Decision__V1__BillLine *lines = arena_array(scratch, to->n_lines, sizeof *lines);
  if (!to->meters || !to->lines || !meters || !lines) return ERR_LIMIT;
  for (size_t i = 0; i < to->n_meters; i++) {
    meter_out(&from->meters[i], &meters[i]);
    to->meters[i] = &meters[i];
  }
  for (size_t i = 0; i < to->n_lines; i++) {
    line_out(&from->lines[i], &lines[i]);
    to->lines[i] = &lines[i];
  }
  return OK;
}

void amounts_in(Riser__Decision__V1__CommodityAmount *const *from, size_t count, int64_t to[COMMODITY_COUNT]) {
  for (int c = 0; c < COMMODITY_COUNT; c++) to[c] = 0;
  for (size_t i = 0; i < count; i++) {
    int commodity = wire_enum(&WIRE_DESCRIPTOR_commodity, (int)from[i]->commodity);
    if (commodity != COMMODITY_NONE) to[commodity] = from[i]->amount_e4;
  }
}

void amounts_out_init(struct amounts_out *to, const int64_t from[COMMODITY_COUNT]) {
  to->count = 0;
  for (int c = COMMODITY_NONE + 1; c < COMMODITY_COUNT; c++) {
    if (from[c] == 0) continue;
    Riser__Decision__V1__CommodityAmount *item = &to->items[to->count];
    riser__decision__v1__commodity_amount__init(item);
    item->commodity = (WIRE_TYPE_commodity)c;
    item->amount_e4 = from[c];
    to->list[to->count++] = item;
  }
}

enum error bill_in(const Riser__Decision__V1__Bill *from, struct arena *arena, struct bill *to) {
  struct bill_section *sections = arena_array(arena, from->n_sections, sizeof *sections);
  if (!sections) return ERR_LIMIT;
  for (size_t i = 0; i < from->n_sections; i++) {
    enum error err = section_in(from->sections[i], arena, &sections[i]);
    if (err) return err;
  }
  head_in(from, to);
  to->persons = (const char *const *)from->persons;
  to->person_count = from->n_persons;
  to->sections = sections;
  to->section_count = from->n_sections;
  amounts_in(from->arrears, from->n_arrears, to->arrears_e4);
  return OK;
}

enum error bill_out(const struct bill *from, struct arena *scratch, Riser__Decision__V1__Bill *to) {
  head_out(from, to);
  to->persons = (char **)from->persons;
  to->n_persons = from->person_count;
  to->n_sections = from->section_count;
  to->sections = arena_array(scratch, to->n_sections, sizeof *to->sections);
  Riser__Decision__V1__BillSection *sections = arena_array(scratch, to->n_sections, sizeof *sections);
  struct amounts_out *arrears = arena_alloc(scratch, sizeof *arrears);
  if (!to->sections || !sections || !arrears) return ERR_LIMIT;
  for (size_t i = 0; i < to->n_sections; i++) {
    enum error err = section_out(&from->sections[i], scratch, &sections[i]);
    if (err) return err;
    to->sections[i] = &sections[i];
  }
  amounts_out_init(arrears, from->arrears_e4);
  to->arrears = arrears->list;
  to->n_arrears = arrears->count;
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

// SPDX-License-Identifier: Apache-2.0
#include "notify/core/bill_text.h"

#include <stdbool.h>
#include <string.h>

enum { INDENT = 2, INDENT_METER = 4 };

static int64_t bill_owed_e4(const struct bill *bill) {
  int64_t owed = bill->total_e4;
  for (int c = 0; c < COMMODITY_COUNT; c++) owed += bill->arrears_e4[c];
  return owed;
}

const char *bill_text_subject(struct composer *composer) {
  const struct bill *bill = &composer->decision->bill;
  const struct bill_words *words = &composer->language->bill;
  int64_t owed_e4 = bill_owed_e4(bill);
  const char *form = owed_e4 <= 0         ? words->subject_credit
                     : bill->revision > 0 ? words->subject_reissued
                                          : words->subject;
  return FILL(composer, form, {"month", composer_month(composer, bill->period)}, {"room", bill->room},
              {"total", composer_money(composer, owed_e4)}, {"due", composer_last_day(composer, bill->due_s)});
}

static void put_head(struct composer *composer, const struct bill *bill) {
  const struct bill_words *words = &composer->language->bill;
  int64_t owed_e4 = bill_owed_e4(bill);
  if (owed_e4 > 0) {
    composer_put_row(composer, INDENT, words->to_pay, composer_money(composer, owed_e4));
    composer_put_row(composer, INDENT, words->pay_by, composer_last_day(composer, bill->due_s));
  } else {
    composer_put_row(composer, INDENT, words->to_pay, words->nothing);
    if (owed_e4 < 0) composer_put_row(composer, INDENT, words->credit, composer_money(composer, -owed_e4));
  }
  const char *span = FILL(composer, words->period_value, {"from", composer_date(composer, bill->from_s)},
                          {"until", composer_last_day(composer, bill->until_s)});
  composer_put_row(composer, INDENT, words->period, span);
  composer_put_row(composer, INDENT, words->number, bill->id);
  composer_put_row(composer, INDENT, words->issued, composer_date(composer, bill->issued_s));
}

static const char *quality_note(const struct language *language, enum quality quality) {
  if ((int)quality < 0 || (int)quality >= LANGUAGE_QUALITIES || !language->qualities[quality]) return "";
  return language->qualities[quality];
}

static const char *reading(struct composer *composer, enum commodity commodity, int64_t value, int64_t time_s,
                           enum quality quality) {
  const struct bill_words *words = &composer->language->bill;
  const char *note = quality_note(composer->language, quality);
  return FILL(composer, *note ? words->reading_noted : words->reading,
              {"value", composer_quantity(composer, commodity, value)}, {"date", composer_date_time(composer, time_s)},
              {"note", note});
}

static const char *multiplier(struct composer *composer, const struct bill_meter *meter) {
  if (meter->multiplier_den == 1) return composer_number(composer, meter->multiplier_num);
  return FILL(composer, "{num}/{den}", {"num", composer_number(composer, meter->multiplier_num)},
              {"den", composer_number(composer, meter->multiplier_den)});
}

static void put_meter(struct composer *composer, enum commodity commodity, const struct bill_meter *meter) {
  const struct bill_words *words = &composer->language->bill;
  bool plain = meter->reg == REGISTER_ENERGY_IMPORT || meter->reg == REGISTER_VOLUME_COLD;
  PUT(composer, "  {meter}\n",
      {"meter", FILL(composer, plain ? words->meter : words->meter_register, {"id", meter->meter},
                     {"register", register_name(meter->reg)})});
  composer_put_row(
      composer, INDENT_METER, words->previous,
      reading(composer, commodity, meter->previous_value, meter->previous_time_s, meter->previous_quality));
  composer_put_row(composer, INDENT_METER, words->present,
                   reading(composer, commodity, meter->present_value, meter->present_time_s, meter->present_quality));
  if (meter->carried != 0) {
    composer_put_row(composer, INDENT_METER, words->carried, composer_quantity(composer, commodity, meter->carried));
  }
  if (meter->multiplier_num != meter->multiplier_den) {
    composer_put_row(composer, INDENT_METER, words->multiplier, multiplier(composer, meter));
  }
  composer_put_row(composer, INDENT_METER, words->used, composer_quantity(composer, commodity, meter->quantity));
  composer_put(composer, "\n");
}

// The ladder's bounds; the lower one is written without its unit.
static const char *block_label(struct composer *composer, enum commodity commodity, const struct bill_line *line) {
  const struct bill_words *words = &composer->language->bill;
  const char *form = line->block_from > 0 ? (line->block_upto > 0 ? words->block_between : words->block_above)
                                          : (line->block_upto > 0 ? words->block_up_to : words->block_only);
  return FILL(composer, form, {"block", composer_number(composer, line->block)},
              {"from", composer_amount(composer, commodity, line->block_from)}, {"unit", composer_unit(commodity)},
              {"upto", composer_quantity(composer, commodity, line->block_upto)});
}

static void put_lines(struct composer *composer, const struct bill_section *section) {
  for (size_t i = 0; i < section->line_count; i++) {
    const struct bill_line *line = &section->lines[i];
    const char *sum = FILL(composer, composer->language->bill.line,
                           {"quantity", composer_quantity(composer, section->commodity, line->quantity)},
                           {"price", composer_price(composer, section->commodity, line->price_e8)},
                           {"amount", composer_money(composer, line->amount_e4)});
    composer_put_row(composer, INDENT_METER, block_label(composer, section->commodity, line), sum);
  }
}

static void put_rounding(struct composer *composer, struct rounding rounding) {
  int64_t quantum_e4 = rounding.quantum_e4 > 0 ? rounding.quantum_e4 : 1;
  int mode = (int)rounding.mode >= 0 && (int)rounding.mode < LANGUAGE_ROUNDINGS ? (int)rounding.mode : 0;
  PUT(composer, "    {note}\n",
      {"note", FILL(composer, composer->language->bill.rounding, {"quantum", composer_money(composer, quantum_e4)},
                    {"mode", composer->language->roundings[mode]})});
}

static void put_tariff(struct composer *composer, const struct bill_section *section) {
  const struct bill_words *words = &composer->language->bill;
  const char *form = words->tariff_plain;
  bool yearly = section->accumulation == ACCUMULATION_YEAR;
  bool ladder = section->line_count > 1 ||
                (section->line_count == 1 && (section->lines[0].block_from > 0 || section->lines[0].block_upto > 0));
  if (ladder) form = yearly ? words->tariff_yearly : words->tariff_monthly;
  const char *name = *section->tariff_name ? section->tariff_name : section->tariff;
  PUT(composer, "  {tariff}\n",
      {"tariff",
       FILL(composer, form, {"name", name}, {"since", composer_date(composer, section->accumulation_from_s)})});
  if (ladder && yearly) {
    composer_put_row(composer, INDENT_METER, words->used_before,
                     composer_quantity(composer, section->commodity, section->prior_quantity));
  }
}

static int commodity_index(enum commodity commodity) {
  return (int)commodity > 0 && commodity < COMMODITY_COUNT ? (int)commodity : 0;
}

static void put_section(struct composer *composer, const struct bill_section *section) {
  const struct bill_words *words = &composer->language->bill;
  int commodity = commodity_index(section->commodity);
  PUT(composer, "\n{heading}\n\n", {"heading", words->section[commodity]});
  composer_put_row(composer, INDENT, words->service_point, section->service_point);
  for (size_t i = 0; i < section->meter_count; i++) put_meter(composer, section->commodity, &section->meters[i]);
  if (section->meter_count != 1) {
    composer_put_row(composer, INDENT, words->used_total,
                     composer_quantity(composer, section->commodity, section->quantity));
  }
  put_tariff(composer, section);
  put_lines(composer, section);
  put_rounding(composer, section->line_rounding);
  composer_put(composer, "\n");
  composer_put_row(composer, INDENT, words->section_total[commodity], composer_money(composer, section->amount_e4));
}

static bool bill_has(const struct bill *bill, int commodity) {
  for (size_t i = 0; i < bill->section_count; i++) {
    if ((int)bill->sections[i].commodity == commodity) return true;
  }
  return false;
}

static void put_summary(struct composer *composer, const struct bill *bill) {
  const struct bill_words *words = &composer->language->bill;
  PUT(composer, "\n{heading}\n\n", {"heading", words->summary});
  composer_put_row(composer, INDENT, words->this_period, composer_money(composer, bill->total_e4));
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    int64_t amount_e4 = bill->arrears_e4[c];
    if (amount_e4 == 0 && (c == 0 || !bill_has(bill, c))) continue;
    composer_put_row(composer, INDENT, amount_e4 < 0 ? words->credited[c] : words->unpaid[c],
                     composer_money(composer, amount_e4 < 0 ? -amount_e4 : amount_e4));
  }
  composer_put_row(composer, INDENT, words->total, composer_money(composer, bill_owed_e4(bill)));
}

static void put_seal(struct composer *composer, const struct seal *seal) {
  char text[SEAL_TEXT_SIZE];
  if (seal->records == 0) return;
  PUT(composer, composer->language->bill.seal, {"seal", seal_format(seal, text)});
}

void bill_text_put(struct composer *composer) {
  const struct bill *bill = &composer->decision->bill;
  const struct bill_words *words = &composer->language->bill;
  const char *site = *composer->decision->site_name ? composer->decision->site_name : composer->decision->site;
  PUT(composer, bill->revision > 0 ? words->intro_reissued : words->intro,
      {"month", composer_month(composer, bill->period)}, {"room", bill->room}, {"site", site},
      {"superseded", bill->supersedes});
  put_head(composer, bill);
  for (size_t i = 0; i < bill->section_count; i++) put_section(composer, &bill->sections[i]);
  put_summary(composer, bill);
  PUT(composer, "\n{heading}\n\n", {"heading", words->check_heading});
  composer_put(composer, words->check);
  put_seal(composer, &bill->seal);
  composer_put(composer, "\n");
}

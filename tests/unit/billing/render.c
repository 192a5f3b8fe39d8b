// SPDX-License-Identifier: Apache-2.0
#include "render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"

#define say(out, ...) assert_int_equal(buffer_printf(out, __VA_ARGS__), OK)

static int scale_of(enum commodity commodity) {
  return commodity == COMMODITY_WATER ? 6 : 3;
}

void render_quantity(struct buffer *out, int64_t quantity, enum commodity commodity) {
  char text[DECIMAL_FORMAT_SIZE];
  say(out, "%s", decimal_format(quantity, scale_of(commodity), 0, text));
}

void render_money(struct buffer *out, int64_t amount_e4, uint32_t minor_digits) {
  char text[DECIMAL_FORMAT_SIZE];
  say(out, "%s", decimal_format(amount_e4, (int)minor_digits + 4, (int)minor_digits, text));
}

// The decision's own zone, as a reader of it would use it.
static void instant(struct buffer *out, const struct decision *decision, int64_t at_s) {
  struct zone_transition fixed = {INT64_MIN, decision->utc_offset_s};
  struct zone zone = decision->zone.count ? decision->zone : (struct zone){&fixed, 1};
  char date[11];
  zone_format_date(&zone, at_s, date);
  int64_t second = (at_s + zone_offset_at(&zone, at_s)) % 86400;
  say(out, "%s", date);
  if (second) say(out, "T%02d:%02d", (int)(second / 3600), (int)(second / 60 % 60));
  if (second % 60) say(out, ":%02d", (int)(second % 60));
}

static void persons(struct buffer *out, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) say(out, "%s%s", i ? "," : " to ", list[i]);
}

static void meter(struct buffer *out, const struct decision *decision, const struct bill_meter *shown,
                  enum commodity commodity) {
  say(out, ".. %s ", shown->meter);
  instant(out, decision, shown->previous_time_s);
  say(out, " ");
  render_quantity(out, shown->previous_value, commodity);
  say(out, " %s, ", quality_name(shown->previous_quality));
  instant(out, decision, shown->present_time_s);
  say(out, " ");
  render_quantity(out, shown->present_value, commodity);
  say(out, " %s", quality_name(shown->present_quality));
  if (shown->carried) {
    say(out, " carried ");
    render_quantity(out, shown->carried, commodity);
  }
  if (shown->multiplier_num != 1 || shown->multiplier_den != 1) {
    say(out, " x%lld/%lld", (long long)shown->multiplier_num, (long long)shown->multiplier_den);
  }
  say(out, ": ");
  render_quantity(out, shown->quantity, commodity);
  say(out, "\n");
}

static void section(struct buffer *out, const struct decision *decision, const struct bill_section *part, bool meters) {
  say(out, ". %s ", part->service_point);
  render_quantity(out, part->quantity, part->commodity);
  if (part->prior_quantity) {
    say(out, " after ");
    render_quantity(out, part->prior_quantity, part->commodity);
  }
  say(out, ":");
  for (size_t i = 0; i < part->line_count; i++) {
    const struct bill_line *line = &part->lines[i];
    char price[DECIMAL_FORMAT_SIZE];
    say(out, "%s block %u ", i ? "," : "", line->block);
    render_quantity(out, line->quantity, part->commodity);
    say(out, " x %s = ", decimal_format(line->price_e8, 8, 0, price));
    render_money(out, line->amount_e4, decision->minor_digits);
  }
  if (part->line_count != 1) {
    say(out, " sum ");
    render_money(out, part->amount_e4, decision->minor_digits);
  }
  say(out, "\n");
  for (size_t i = 0; meters && i < part->meter_count; i++) meter(out, decision, &part->meters[i], part->commodity);
}

static void amounts(struct buffer *out, const struct decision *decision, const int64_t amounts_e4[COMMODITY_COUNT]) {
  static const char *const names[COMMODITY_COUNT] = {"any", "electricity", "water"};
  for (int i = 1; i <= COMMODITY_COUNT; i++) {
    int c = i % COMMODITY_COUNT;
    if (amounts_e4[c] == 0) continue;
    say(out, " %s ", names[c]);
    render_money(out, amounts_e4[c], decision->minor_digits);
  }
}

static void bill(struct buffer *out, const struct decision *decision, bool meters) {
  const struct bill *it = &decision->bill;
  assert_string_equal(it->id, decision->id);
  instant(out, decision, it->from_s);
  say(out, "..");
  instant(out, decision, it->until_s);
  say(out, " issued ");
  instant(out, decision, it->issued_s);
  say(out, " due ");
  instant(out, decision, it->due_s);
  say(out, " total ");
  render_money(out, it->total_e4, decision->minor_digits);
  static const int64_t none[COMMODITY_COUNT];
  if (memcmp(it->arrears_e4, none, sizeof none) != 0) say(out, " arrears");
  amounts(out, decision, it->arrears_e4);
  if (it->supersedes[0]) say(out, " instead of %s", it->supersedes);
  persons(out, it->persons, it->person_count);
  say(out, "\n");
  for (size_t i = 0; i < it->section_count; i++) section(out, decision, &it->sections[i], meters);
}

static void usage(struct buffer *out, const struct decision *decision) {
  const struct usage_closed *it = &decision->usage_closed;
  instant(out, decision, it->from_s);
  say(out, "..");
  instant(out, decision, it->until_s);
  say(out, " ");
  render_quantity(out, it->usage, it->commodity);
  say(out, " %s\n", quality_name(it->quality));
}

static void alert(struct buffer *out, const struct usage_alert *it) {
  render_quantity(out, it->usage, it->commodity);
  say(out, " above ");
  render_quantity(out, it->last_usage, it->commodity);
  persons(out, it->persons, it->person_count);
  say(out, "\n");
}

static void notice(struct buffer *out, const struct decision *decision) {
  const struct notice_due *it = &decision->notice_due;
  say(out, "owed ");
  render_money(out, it->owed_e4, decision->minor_digits);
  if (it->due_s) {
    say(out, " due ");
    instant(out, decision, it->due_s);
  }
  if (it->not_before_s) {
    say(out, " not before ");
    instant(out, decision, it->not_before_s);
  }
  for (size_t i = 0; i < it->bill_count; i++) {
    const char *month = strstr(it->bills[i], ":20");
    say(out, "%s%s", i ? "," : " for ", month ? month + 1 : it->bills[i]);
  }
  persons(out, it->persons, it->person_count);
  say(out, "\n");
}

void render_decision(const struct decision *decision, bool meters, struct buffer *out) {
  say(out, "%s ", decision->id);
  switch (decision->kind) {
  case DECISION_USAGE_CLOSED:
    usage(out, decision);
    break;
  case DECISION_BILL:
    bill(out, decision, meters);
    break;
  case DECISION_BALANCE:
    say(out, "owed");
    amounts(out, decision, decision->balance.owed_e4);
    say(out, "\n");
    break;
  case DECISION_USAGE_ALERT:
    alert(out, &decision->usage_alert);
    break;
  case DECISION_NOTICE_DUE:
    notice(out, decision);
    break;
  case DECISION_SWITCH_DUE:
    say(out, "%s by %s owed ", decision->switch_due.supply == SUPPLY_OFF ? "off" : "on", decision->switch_due.device);
    render_money(out, decision->switch_due.owed_e4, decision->minor_digits);
    say(out, "\n");
    break;
  case DECISION_INTENT_ANSWER:
    say(out, "%s\n", decision->intent_answer.confirmed ? "confirmed" : decision->intent_answer.reason);
    break;
  case DECISION_FACT_EXCEPTION:
    say(out, "%s %s %s\n", decision->fact_exception.kind, decision->fact_exception.reason,
        decision->fact_exception.detail);
    break;
  case DECISION_UNKNOWN_METER:
    say(out, "by %s\n", decision->unknown_meter.device);
    break;
  case DECISION_NONE:
  case DECISION_SEALED:
  case DECISION_CLOCK:
    say(out, "\n");
    break;
  }
}

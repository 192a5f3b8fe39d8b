// SPDX-License-Identifier: Apache-2.0
#include "notify/channel/payload.h"

#include <json-c/json.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

static void put_text(struct json_object *to, const char *key, const char *value) {
  json_object_object_add(to, key, json_object_new_string(value));
}

static void put_integer(struct json_object *to, const char *key, int64_t value) {
  json_object_object_add(to, key, json_object_new_int64(value));
}

static void put_instant(struct json_object *to, const char *key, int64_t instant_s) {
  char text[CLOCK_TEXT_SIZE];
  clock_format_utc(instant_s * 1000, text);
  put_text(to, key, text);
}

static void put_money(struct json_object *to, const char *key, int64_t amount_e4, const struct decision *decision) {
  char text[DECIMAL_FORMAT_SIZE];
  int digits = decision->minor_digits > 4 ? 4 : (int)decision->minor_digits;
  put_text(to, key, decimal_format(amount_e4, 4 + digits, digits, text));
}

static struct json_object *put_array(struct json_object *to, const char *key) {
  struct json_object *array = json_object_new_array();
  json_object_object_add(to, key, array);
  return array;
}

static struct json_object *put_object(struct json_object *array) {
  struct json_object *object = json_object_new_object();
  json_object_array_add(array, object);
  return object;
}

static void put_meter(struct json_object *to, const struct bill_meter *meter) {
  put_text(to, "meter", meter->meter);
  put_text(to, "register", register_name(meter->reg));
  put_instant(to, "previous_time", meter->previous_time_s);
  put_integer(to, "previous_value", meter->previous_value);
  put_text(to, "previous_quality", quality_name(meter->previous_quality));
  put_instant(to, "present_time", meter->present_time_s);
  put_integer(to, "present_value", meter->present_value);
  put_text(to, "present_quality", quality_name(meter->present_quality));
  put_integer(to, "carried", meter->carried);
  put_integer(to, "multiplier_num", meter->multiplier_num);
  put_integer(to, "multiplier_den", meter->multiplier_den);
  put_integer(to, "quantity", meter->quantity);
}

static void put_line(struct json_object *to, const struct bill_line *line, const struct decision *decision) {
  char price[DECIMAL_FORMAT_SIZE];
  put_integer(to, "block", line->block);
  put_integer(to, "block_from", line->block_from);
  put_integer(to, "block_upto", line->block_upto);
  put_integer(to, "quantity", line->quantity);
  put_text(to, "price", decimal_format(line->price_e8, 8, 0, price));
  put_money(to, "amount", line->amount_e4, decision);
}

static void put_section(struct json_object *to, const struct bill_section *section, const struct decision *decision) {
  put_text(to, "service_point", section->service_point);
  put_text(to, "commodity", commodity_name(section->commodity));
  put_text(to, "tariff", section->tariff);
  put_integer(to, "quantity", section->quantity);
  put_integer(to, "prior_quantity", section->prior_quantity);
  struct json_object *meters = put_array(to, "meters");
  for (size_t i = 0; i < section->meter_count; i++) put_meter(put_object(meters), &section->meters[i]);
  struct json_object *lines = put_array(to, "lines");
  for (size_t i = 0; i < section->line_count; i++) put_line(put_object(lines), &section->lines[i], decision);
  put_money(to, "amount", section->amount_e4, decision);
}

static void put_bill(struct json_object *to, const struct decision *decision) {
  const struct bill *bill = &decision->bill;
  put_text(to, "bill", bill->id);
  put_text(to, "lease", bill->lease);
  put_text(to, "room", bill->room);
  put_text(to, "period", bill->period);
  put_instant(to, "from", bill->from_s);
  put_instant(to, "until", bill->until_s);
  put_integer(to, "revision", bill->revision);
  put_text(to, "supersedes", bill->supersedes);
  put_instant(to, "issued", bill->issued_s);
  put_instant(to, "due", bill->due_s);
  struct json_object *sections = put_array(to, "sections");
  for (size_t i = 0; i < bill->section_count; i++) put_section(put_object(sections), &bill->sections[i], decision);
  put_money(to, "total", bill->total_e4, decision);
  struct json_object *arrears = json_object_new_object();
  json_object_object_add(to, "arrears", arrears);
  int64_t owed_e4 = bill->total_e4;
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    owed_e4 += bill->arrears_e4[c];
    if (bill->arrears_e4[c]) put_money(arrears, commodity_name((enum commodity)c), bill->arrears_e4[c], decision);
  }
  put_money(to, "owed", owed_e4, decision);
}

static void put_usage_alert(struct json_object *to, const struct decision *decision) {
  const struct usage_alert *alert = &decision->usage_alert;
  put_text(to, "service_point", alert->service_point);
  put_text(to, "lease", alert->lease);
  put_text(to, "room", alert->room);
  put_text(to, "commodity", commodity_name(alert->commodity));
  put_text(to, "period", alert->period);
  put_integer(to, "usage", alert->usage);
  put_integer(to, "last_usage", alert->last_usage);
}

static void put_notice(struct json_object *to, const struct decision *decision) {
  const struct notice_due *notice = &decision->notice_due;
  put_text(to, "lease", notice->lease);
  put_text(to, "room", notice->room);
  put_text(to, "commodity", commodity_name(notice->commodity));
  put_money(to, "owed", notice->owed_e4, decision);
  if (notice->due_s) put_instant(to, "due", notice->due_s);
  if (notice->not_before_s) put_instant(to, "not_before", notice->not_before_s);
  struct json_object *bills = put_array(to, "bills");
  for (size_t i = 0; i < notice->bill_count; i++)
    json_object_array_add(bills, json_object_new_string(notice->bills[i]));
}

static void put_data(struct json_object *to, const struct decision *decision) {
  struct json_object *data = json_object_new_object();
  json_object_object_add(to, "data", data);
  if (decision->kind == DECISION_BILL)
    put_bill(data, decision);
  else if (decision->kind == DECISION_USAGE_ALERT)
    put_usage_alert(data, decision);
  else if (decision->kind == DECISION_NOTICE_DUE)
    put_notice(data, decision);
}

enum error payload_write(const struct letter *letter, struct buffer *out) {
  const struct decision *decision = letter->decision;
  struct json_object *payload = json_object_new_object();
  if (!payload) return ERR_NO_MEMORY;
  put_text(payload, "message_id", letter->message_id);
  put_text(payload, "kind", letter->message->kind);
  put_text(payload, "decision", decision->id);
  put_text(payload, "landlord", decision->landlord);
  put_text(payload, "site", decision->site);
  put_text(payload, "person", letter->person->id);
  put_instant(payload, "business_time", decision->business_time_s);
  put_text(payload, "currency", decision->currency);
  put_text(payload, "language", letter->message->language);
  put_text(payload, "subject", letter->message->subject);
  put_text(payload, "text", letter->message->text);
  put_data(payload, decision);
  size_t len = 0;
  const char *text =
      json_object_to_json_string_length(payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
  enum error err = text ? buffer_append(out, text, len) : ERR_NO_MEMORY;
  json_object_put(payload);
  return err;
}

// SPDX-License-Identifier: Apache-2.0
// Forms rather than printf: a translator sees names instead of a sequence of %s, and may use them in any order.
#include "notify/core/composer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

enum { MINOR_DIGITS_MAX = 4, DAY_S = 86400 };

void composer_init(struct composer *composer, const struct language *language, const struct decision *decision,
                   struct arena *arena) {
  *composer = (struct composer){.language = language, .decision = decision, .arena = arena, .zone = decision->zone};
  composer->fixed = (struct zone_transition){.from_s = 0, .offset_s = decision->utc_offset_s};
  if (composer->zone.count == 0) composer->zone = (struct zone){.transitions = &composer->fixed, .count = 1};
  buffer_init(&composer->text, COMPOSER_TEXT_MAX);
}

void composer_fini(struct composer *composer) {
  buffer_fini(&composer->text);
}

static void composer_append(struct composer *composer, struct buffer *to, const char *text, size_t len) {
  if (!composer->err) composer->err = buffer_append(to, text, len);
}

static void append_on_one_line(struct composer *composer, struct buffer *to, const char *text) {
  size_t begin = to->len;
  composer_append(composer, to, text, strlen(text));
  for (size_t i = begin; i < to->len; i++) {
    if (to->data[i] < 0x20 || to->data[i] == 0x7f) to->data[i] = ' ';
  }
}

static const char *slot_value(const struct slot *slots, const char *name, size_t len) {
  for (; slots->name; slots++) {
    if (strlen(slots->name) == len && memcmp(slots->name, name, len) == 0) return slots->value;
  }
  return NULL;
}

static const char *keep(struct composer *composer, struct buffer *text) {
  const char *kept = composer->err ? NULL : arena_text(composer->arena, buffer_bytes(text));
  if (!kept && !composer->err) composer->err = ERR_NO_MEMORY;
  return kept ? kept : "";
}

const char *composer_fill(struct composer *composer, const char *form, const struct slot *slots) {
  struct buffer filled;
  buffer_init(&filled, COMPOSER_TEXT_MAX);
  while (*form && !composer->err) {
    size_t plain = strcspn(form, "{");
    composer_append(composer, &filled, form, plain);
    form += plain;
    if (!*form) break;
    size_t len = strcspn(form + 1, "}");
    const char *value = slot_value(slots, form + 1, len);
    assert(value != NULL && form[1 + len] == '}');
    append_on_one_line(composer, &filled, value);
    form += len + 2;
  }
  const char *kept = keep(composer, &filled);
  buffer_fini(&filled);
  return kept;
}

void composer_put(struct composer *composer, const char *text) {
  composer_append(composer, &composer->text, text, strlen(text));
}

// Columns of a terminal: an ideograph or full-width mark (three bytes from U+2E80 on) takes two.
static int text_columns(const char *text) {
  int columns = 0;
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if ((*c & 0xc0) == 0x80) continue;
    columns += *c >= 0xe3 && *c <= 0xef ? 2 : 1;
  }
  return columns;
}

void composer_put_row(struct composer *composer, int indent, const char *label, const char *value) {
  static const char spaces[COMPOSER_LABEL_COLUMNS + 1] = "                                      ";
  int columns = indent + text_columns(label) + text_columns(composer->language->colon);
  int gap = columns < COMPOSER_LABEL_COLUMNS ? COMPOSER_LABEL_COLUMNS - columns : 1;
  composer_append(composer, &composer->text, spaces, (size_t)indent);
  composer_put(composer, label);
  composer_put(composer, composer->language->colon);
  composer_append(composer, &composer->text, spaces, (size_t)gap);
  append_on_one_line(composer, &composer->text, value);
  composer_put(composer, "\n");
}

static const char *composer_decimal(struct composer *composer, int64_t value, int scale, int min_decimals) {
  char text[DECIMAL_FORMAT_SIZE];
  decimal_format(value, scale, min_decimals, text);
  return FILL(composer, "{n}", {"n", text});
}

const char *composer_number(struct composer *composer, int64_t value) {
  return composer_decimal(composer, value, 0, 0);
}

static int minor_digits(const struct composer *composer) {
  uint32_t digits = composer->decision->minor_digits;
  return digits > MINOR_DIGITS_MAX ? MINOR_DIGITS_MAX : (int)digits;
}

static const char *composer_currency(struct composer *composer, const char *amount) {
  const struct currency_form *form = composer->language->currencies;
  while (form->code && strcmp(form->code, composer->decision->currency) != 0) form++;
  return FILL(composer, form->money, {"amount", amount}, {"currency", composer->decision->currency});
}

const char *composer_money(struct composer *composer, int64_t amount_e4) {
  int digits = minor_digits(composer);
  return composer_currency(composer, composer_decimal(composer, amount_e4, 4 + digits, digits));
}

const char *composer_unit(enum commodity commodity) {
  return commodity == COMMODITY_WATER ? "m³" : "kWh";
}

const char *composer_price(struct composer *composer, enum commodity commodity, int64_t price_e8) {
  const char *money = composer_currency(composer, composer_decimal(composer, price_e8, 8, minor_digits(composer)));
  return FILL(composer, composer->language->price, {"money", money}, {"unit", composer_unit(commodity)});
}

const char *composer_amount(struct composer *composer, enum commodity commodity, int64_t quantity) {
  return composer_decimal(composer, quantity, commodity == COMMODITY_WATER ? 6 : 3, 0);
}

const char *composer_quantity(struct composer *composer, enum commodity commodity, int64_t quantity) {
  return FILL(composer, "{n} {unit}", {"n", composer_amount(composer, commodity, quantity)},
              {"unit", composer_unit(commodity)});
}

static const char *composer_civil(struct composer *composer, const char *form, struct civil_date date) {
  assert(date.month >= 1 && date.month <= 12);
  return FILL(composer, form, {"day", composer_number(composer, date.day)},
              {"month", composer->language->months[date.month - 1]}, {"year", composer_number(composer, date.year)});
}

const char *composer_date(struct composer *composer, int64_t instant_s) {
  return composer_civil(composer, composer->language->date, zone_date_at(&composer->zone, instant_s));
}

const char *composer_date_time(struct composer *composer, int64_t instant_s) {
  int64_t local_s = instant_s + zone_offset_at(&composer->zone, instant_s);
  int64_t minute = ((local_s % DAY_S + DAY_S) % DAY_S) / 60;
  char time[] = {(char)('0' + minute / 600),     (char)('0' + minute / 60 % 10), ':',
                 (char)('0' + minute % 60 / 10), (char)('0' + minute % 10),      '\0'};
  return FILL(composer, composer->language->date_time, {"date", composer_date(composer, instant_s)}, {"time", time});
}

const char *composer_last_day(struct composer *composer, int64_t until_s) {
  return composer_date(composer, until_s - 1);
}

// False when it is not a month.
static bool period_parse(const char *period, struct civil_date *date) {
  if (strlen(period) != 7 || period[4] != '-') return false;
  for (int i = 0; i < 7; i++) {
    if (i != 4 && (period[i] < '0' || period[i] > '9')) return false;
  }
  date->year = (period[0] - '0') * 1000 + (period[1] - '0') * 100 + (period[2] - '0') * 10 + (period[3] - '0');
  date->month = (period[5] - '0') * 10 + (period[6] - '0');
  date->day = 1;
  return date->month >= 1 && date->month <= 12;
}

const char *composer_month(struct composer *composer, const char *period) {
  struct civil_date date;
  if (!period_parse(period, &date)) return FILL(composer, "{period}", {"period", period});
  return composer_civil(composer, composer->language->month, date);
}

const char *composer_month_before(struct composer *composer, const char *period) {
  struct civil_date date;
  if (!period_parse(period, &date)) return "";
  date.month = date.month == 1 ? 12 : date.month - 1;
  if (date.month == 12) date.year--;
  return composer_civil(composer, composer->language->month, date);
}

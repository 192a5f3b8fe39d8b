// SPDX-License-Identifier: Apache-2.0
// Every complaint shows a value as it should look, since that mends most mistakes at once.
#include "riserctl/site_file/values.h"

#include <inttypes.h>
#include <string.h>

#include "base/decimal.h"
#include "riserctl/human.h"
#include "riserctl/nearest.h"

enum { CHOICES_MAX = 32, ID_MAX = 64 };

static bool number_problem(struct yaml_at at, const char *text, enum error err, const char *example);

const char *value_text(struct yaml_at at, const char *fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  return text ? text : fallback;
}

bool id_is_valid(const char *id) {
  size_t len = strlen(id);
  return len >= 1 && len <= ID_MAX &&
         strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

const char *value_id(struct yaml_at at, const char *fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  if (!text) return fallback;
  if (id_is_valid(text)) return text;
  yaml_complain(at, "\"%s\" is no id; an id is 1 to %d of the characters A-Z a-z 0-9 . _ -", text, ID_MAX);
  return fallback;
}

int64_t value_integer(struct yaml_at at, int64_t min, int64_t max, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t value;
  if (!text) return fallback;
  if (!decimal_parse(bytes_text(text), 0, &value) && value >= min && value <= max) return value;
  yaml_complain(at, "\"%s\" is not a whole number from %" PRId64 " to %" PRId64, text, min, max);
  return fallback;
}

int value_choice(struct yaml_at at, const char *const *choices, int fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  struct buffer list;
  size_t count = 0;
  if (!text) return at.node ? -1 : fallback;
  for (; choices[count] && count < CHOICES_MAX; count++) {
    if (strcmp(choices[count], text) == 0) return (int)count;
  }
  const char *near = nearest_word(text, choices, count);
  if (near) {
    yaml_complain(at, "\"%s\" is unknown here; did you mean \"%s\"?", text, near);
    return -1;
  }
  buffer_init(&list, 1024);
  for (size_t i = 0; i < count; i++) {
    if (buffer_printf(&list, "%s%s", i ? ", " : "", choices[i])) break; // then the list is cut short
  }
  yaml_complain(at, "\"%s\" is unknown here; it must be one of: %s", text, buffer_text(&list));
  buffer_fini(&list);
  return -1;
}

enum commodity value_commodity(struct yaml_at at) {
  static const char *const names[] = {"electricity", "water", NULL};
  int choice = value_choice(at, names, -1);
  return choice < 0 ? COMMODITY_NONE : commodity_from_name(names[choice]);
}

int64_t value_quantity(struct yaml_at at, enum commodity commodity, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t value = fallback;
  if (!text || commodity == COMMODITY_NONE) return fallback;
  enum error err = human_quantity_parse(text, commodity, &value);
  if (!err && value < 0) err = ERR_BAD_VALUE;
  number_problem(at, text, err, commodity == COMMODITY_WATER ? "200 l, 1.5 m3" : "200 kWh, 10 Wh");
  return err ? fallback : value;
}

int64_t value_rate(struct yaml_at at, enum commodity commodity, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t value = fallback;
  if (!text || commodity == COMMODITY_NONE) return fallback;
  enum error err = human_rate_parse(text, commodity, &value);
  if (!err && value <= 0) err = ERR_BAD_VALUE;
  number_problem(at, text, err, commodity == COMMODITY_WATER ? "5 m3/h, 800 l/h" : "30 kW, 500 W");
  return err ? fallback : value;
}

int64_t value_price(struct yaml_at at) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t price = 0;
  if (text) number_problem(at, text, human_price_parse(text, &price), "0.588 (of the currency, per kWh or m3)");
  return price;
}

int64_t value_money(struct yaml_at at, uint32_t minor_digits, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t amount = fallback;
  if (!text) return fallback;
  enum error err = human_money_parse(text, minor_digits, &amount);
  number_problem(at, text, err, "0.01");
  return err ? fallback : amount;
}

void value_ratio(struct yaml_at at, int64_t *num, int64_t *den) {
  const char *text = at.node ? yaml_text(at) : NULL;
  if (text) number_problem(at, text, human_ratio_parse(text, num, den), "40 or 200/5");
}

static bool number_problem(struct yaml_at at, const char *text, enum error err, const char *example) {
  if (!err) return false;
  if (err == ERR_INEXACT) {
    yaml_complain(at, "\"%s\" has more decimals than can be kept exactly; write it like %s", text, example);
  } else if (err == ERR_BAD_UNIT) {
    yaml_complain(at, "\"%s\" has no unit that fits here; write it like %s", text, example);
  } else {
    yaml_complain(at, "\"%s\" can't be read (%s); write it like %s", text, error_name(err), example);
  }
  return true;
}

int64_t value_instant(struct yaml_at at, const struct zone *zone, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t instant = fallback;
  if (!text) return fallback;
  enum stamp_result result = human_stamp_parse(text, zone, &instant);
  if (result == STAMP_OK) return instant;
  yaml_complain(at, "\"%s\": %s", text, human_stamp_problem(result));
  return fallback;
}

int64_t value_share(struct yaml_at at, int64_t fallback) {
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t millionths;
  if (!text) return fallback;
  size_t len = strspn(text, ".0123456789");
  bool percent = strcmp(text + len, " %") == 0 || strcmp(text + len, "%") == 0;
  enum error err = percent ? decimal_parse(bytes_make(text, len), 4, &millionths) : ERR_BAD_UNIT;
  if (!err && millionths <= 1000000) return millionths;
  number_problem(at, text, err ? err : ERR_BAD_VALUE, "1 % or 0.5 %");
  return fallback;
}

int64_t value_span(struct yaml_at at, int64_t fallback) {
  static const struct {
    const char *name;
    int64_t seconds;
  } units[] = {{" days", 86400}, {" day", 86400}, {" hours", 3600}, {" hour", 3600},
               {" minutes", 60}, {" minute", 60}, {" seconds", 1},  {" second", 1}};
  const char *text = at.node ? yaml_text(at) : NULL;
  int64_t number;
  if (!text) return fallback;
  size_t len = strspn(text, "0123456789");
  if (len <= 6 && !decimal_parse(bytes_make(text, len), 0, &number)) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
      if (strcmp(text + len, units[i].name) == 0) return number * units[i].seconds;
    }
  }
  yaml_complain(at, "\"%s\" is no span of time; write it like 3 days, 12 hours, 5 minutes", text);
  return fallback;
}

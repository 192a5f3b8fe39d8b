// SPDX-License-Identifier: Apache-2.0
// Writes text in one language: fills forms with {slots}, and turns instants, money and quantities into words, exactly.
// Made for one message, on the caller's stack; borrows decision, language and arena. The first error sticks: the
// caller asks for it once, at the end. Whatever comes from outside is written on one line: a control character in a
// name becomes a space.
#ifndef RISER_NOTIFY_CORE_COMPOSER_H
#define RISER_NOTIFY_CORE_COMPOSER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "domain/decision.h"
#include "notify/core/language.h"

enum { COMPOSER_TEXT_MAX = 65536, COMPOSER_LABEL_COLUMNS = 38 };

struct composer {
  const struct language *language;
  const struct decision *decision;
  struct zone zone;
  struct zone_transition fixed; // the zone when the decision brings none
  struct arena *arena;
  struct buffer text;
  enum error err;
};

void composer_init(struct composer *composer, const struct language *language, const struct decision *decision,
                   struct arena *arena);
void composer_fini(struct composer *composer);

struct slot {
  const char *name; // NULL ends the list
  const char *value;
};

// The form with its slots filled, in the arena ("" after an error). A slot that is not in the list is a programmer's
// error. FILL(c, "Dear {name}", {"name", person->name})
#define FILL(composer, form, ...) composer_fill(composer, form, (const struct slot[]){__VA_ARGS__, {NULL, NULL}})
const char *composer_fill(struct composer *composer, const char *form, const struct slot *slots);

// Appends to the text: as it is, or a form; "{indent}{label}: {value}\n" with the values in a column.
void composer_put(struct composer *composer, const char *text);
#define PUT(composer, form, ...) composer_put(composer, FILL(composer, form, __VA_ARGS__))
void composer_put_row(struct composer *composer, int indent, const char *label, const char *value);

const char *composer_number(struct composer *composer, int64_t value);
const char *composer_money(struct composer *composer, int64_t amount_e4); // at least whole minor units, all digits
const char *composer_price(struct composer *composer, enum commodity commodity, int64_t price_e8);
const char *composer_quantity(struct composer *composer, enum commodity commodity, int64_t quantity); // kWh, m3
const char *composer_amount(struct composer *composer, enum commodity commodity, int64_t quantity);   // without unit
const char *composer_unit(enum commodity commodity);
const char *composer_date(struct composer *composer, int64_t instant_s);      // the site's local date
const char *composer_date_time(struct composer *composer, int64_t instant_s); // and hour and minute
const char *composer_last_day(struct composer *composer, int64_t until_s);    // of a span that ends at this midnight
const char *composer_month(struct composer *composer, const char *period);    // of "YYYY-MM"
// The month before that, as "YYYY-MM".
const char *composer_month_before(struct composer *composer, const char *period);

#endif

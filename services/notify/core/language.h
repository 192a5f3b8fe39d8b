// SPDX-License-Identifier: Apache-2.0
// The words of one language: everything that a message says, as forms with {slots} that core/composer.h fills. Each
// language is one file in core/language/ and one word in the list of its CMakeLists.txt. Constant, shared by all.
#ifndef RISER_NOTIFY_CORE_LANGUAGE_H
#define RISER_NOTIFY_CORE_LANGUAGE_H

#include <stddef.h>

#include "domain/decision.h"
#include "domain/money.h"

enum { LANGUAGE_QUALITIES = 18, LANGUAGE_ROUNDINGS = 7, LANGUAGE_NOTICES = 5 };

// How a language writes one currency; the last has code NULL and is for all others ({currency} is the ISO code).
struct currency_form {
  const char *code;
  const char *money; // {amount} {currency}
};

// A message but for the bill: what stands between greeting and closing. The bills in question follow the body.
struct notice_words {
  const char *subject;
  const char *body;
  const char *rest;
};

// Labels stand in a column of their own, with the language's colon.
struct bill_words {
  const char *subject; // {month} {room} {total} {due}
  const char *subject_credit;
  const char *subject_reissued;
  const char *intro;          // {month} {room} {site}
  const char *intro_reissued; // also {superseded}
  const char *to_pay, *credit, *nothing, *pay_by, *number, *period, *issued;
  const char *period_value;             // {from} {until}
  const char *section[COMMODITY_COUNT]; // headings
  const char *service_point;            // {id}
  const char *meter;                    // {id}
  const char *meter_register;           // {id} {register}
  const char *previous, *present, *carried, *multiplier, *used, *used_total, *used_before;
  const char *reading;                                       // {value} {date}
  const char *reading_noted;                                 // also {note}
  const char *tariff_monthly, *tariff_yearly, *tariff_plain; // {name} {since}
  const char *block_up_to, *block_between, *block_above,
      *block_only;      // {block} {from} {upto} {unit}; only {upto} has its unit
  const char *line;     // {quantity} {price} {amount}
  const char *rounding; // {quantum} {mode}
  const char *section_total[COMMODITY_COUNT];
  const char *summary, *this_period, *total;
  const char *unpaid[COMMODITY_COUNT];   // owed from before
  const char *credited[COMMODITY_COUNT]; // a credit from before
  const char *check_heading, *check;
  const char *seal; // {seal}
};

struct language {
  const char *code; // primary subtag of BCP 47
  const char *months[12];
  const char *date;      // {day} {month} {year}
  const char *date_time; // {date} {time}
  const char *month;     // {month} {year}
  const char *price;     // {money} {unit}
  const struct currency_form *currencies;
  const char *colon;
  const char *commodities[COMMODITY_COUNT];
  const char *qualities[LANGUAGE_QUALITIES]; // by enum quality; "" or NULL: a plain valid reading
  const char *roundings[LANGUAGE_ROUNDINGS]; // by enum rounding_mode
  const char *greeting, *greeting_nameless;  // {name}
  const char *questions_heading;
  const char *questions;         // {site} {reference}
  const char *questions_contact; // also {contact}
  const char *closing;           // {site}
  const char *bill_item;         // {bill}
  struct bill_words bill;
  struct notice_words usage_alert;               // {commodity} {month} {last_month} {usage} {last_usage} {point} ...
  struct notice_words notices[LANGUAGE_NOTICES]; // by enum notice_kind
};

// The first that Riser speaks of: the person's, the site's, English. Tags may be longer ("zh-Hans-CN").
const struct language *language_choose(const char *person, const char *site);

extern const struct language *const languages[]; // generated from the list, ended by NULL

#endif

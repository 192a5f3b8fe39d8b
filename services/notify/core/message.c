// SPDX-License-Identifier: Apache-2.0
#include "notify/core/message.h"

#include <string.h>

#include "notify/core/bill_text.h"
#include "notify/core/composer.h"

size_t message_persons(const struct decision *decision, const char *const **persons) {
  switch ((int)decision->kind) {
  case DECISION_BILL:
    *persons = decision->bill.persons;
    return decision->bill.person_count;
  case DECISION_USAGE_ALERT:
    *persons = decision->usage_alert.persons;
    return decision->usage_alert.person_count;
  case DECISION_NOTICE_DUE:
    *persons = decision->notice_due.persons;
    return decision->notice_due.person_count;
  default:
    *persons = NULL;
    return 0;
  }
}

static const char *site_of(const struct composer *composer) {
  const struct decision *decision = composer->decision;
  return *decision->site_name ? decision->site_name : decision->site;
}

static const char *commodity_word(const struct composer *composer, enum commodity commodity) {
  int index = (int)commodity > 0 && commodity < COMMODITY_COUNT ? (int)commodity : 0;
  return composer->language->commodities[index];
}

static void put_usage_alert(struct composer *composer, struct message *out) {
  const struct usage_alert *alert = &composer->decision->usage_alert;
  const struct notice_words *words = &composer->language->usage_alert;
  const struct slot slots[] = {
      {"commodity", commodity_word(composer, alert->commodity)},
      {"month", composer_month(composer, alert->period)},
      {"last_month", composer_month_before(composer, alert->period)},
      {"usage", composer_quantity(composer, alert->commodity, alert->usage)},
      {"last_usage", composer_quantity(composer, alert->commodity, alert->last_usage)},
      {"room", alert->room},
      {"point", alert->service_point},
      {NULL, NULL},
  };
  out->kind = "usage-alert";
  out->subject = composer_fill(composer, words->subject, slots);
  composer_put(composer, composer_fill(composer, words->body, slots));
}

static const char *notice_name(enum notice_kind kind) {
  static const char *const names[LANGUAGE_NOTICES] = {NULL, "reminder", "disconnect-notice", "suspended", "restored"};
  return (int)kind >= 0 && (int)kind < LANGUAGE_NOTICES ? names[kind] : NULL;
}

static void put_notice(struct composer *composer, struct message *out) {
  const struct notice_due *notice = &composer->decision->notice_due;
  const struct notice_words *words = &composer->language->notices[notice->kind];
  const struct slot slots[] = {
      {"commodity", commodity_word(composer, notice->commodity)},
      {"room", notice->room},
      {"owed", composer_money(composer, notice->owed_e4)},
      {"due", composer_last_day(composer, notice->due_s)},
      {"not_before", composer_date(composer, notice->not_before_s)},
      {"now", composer_date(composer, composer->decision->business_time_s)},
      {NULL, NULL},
  };
  out->kind = notice_name(notice->kind);
  out->subject = composer_fill(composer, words->subject, slots);
  composer_put(composer, composer_fill(composer, words->body, slots));
  for (size_t i = 0; i < notice->bill_count; i++) {
    PUT(composer, composer->language->bill_item, {"bill", notice->bills[i]});
  }
  composer_put(composer, composer_fill(composer, words->rest, slots));
}

static void put_greeting(struct composer *composer, const struct person *person) {
  PUT(composer, *person->name ? composer->language->greeting : composer->language->greeting_nameless,
      {"name", person->name});
}

static void put_closing(struct composer *composer, const char *contact) {
  const struct language *language = composer->language;
  const struct decision *decision = composer->decision;
  const char *reference = decision->kind == DECISION_BILL ? decision->bill.id : decision->id;
  PUT(composer, "{heading}\n\n", {"heading", language->questions_heading});
  PUT(composer, *contact ? language->questions_contact : language->questions, {"contact", contact},
      {"reference", reference});
  PUT(composer, language->closing, {"site", site_of(composer)});
}

static void put_body(struct composer *composer, struct message *out) {
  if (composer->decision->kind == DECISION_BILL) {
    out->kind = "bill";
    out->subject = bill_text_subject(composer);
    bill_text_put(composer);
  } else if (composer->decision->kind == DECISION_USAGE_ALERT) {
    put_usage_alert(composer, out);
  } else {
    put_notice(composer, out);
  }
}

enum error message_make(const struct decision *decision, const struct person *person, const char *contact,
                        struct arena *arena, struct message *out) {
  const char *const *persons;
  if (message_persons(decision, &persons) == 0) return ERR_REFUSED;
  if (decision->kind == DECISION_NOTICE_DUE && !notice_name(decision->notice_due.kind)) return ERR_REFUSED;
  const struct language *language = language_choose(person->language, decision->language);
  struct composer composer;
  composer_init(&composer, language, decision, arena);
  struct message message = {.language = language->code};
  put_greeting(&composer, person);
  put_body(&composer, &message);
  put_closing(&composer, contact);
  message.text = arena_text(arena, buffer_bytes(&composer.text));
  enum error err = composer.err;
  if (!err && !message.text) err = ERR_NO_MEMORY;
  composer_fini(&composer);
  if (!err) *out = message;
  return err;
}

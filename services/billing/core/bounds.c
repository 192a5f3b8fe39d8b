// SPDX-License-Identifier: Apache-2.0
// No text of a fact is without a maximum: what is kept for ever, and every decision, is bounded by it. Ids that must be
// well-formed are checked by their families.
#include <string.h>

#include "billing/core/fold_parts.h"

struct texts {
  const char *const list[8];
};

static struct texts texts_of(const struct fact *fact) {
  switch (fact->kind) {
  case FACT_READINGS:
    return (struct texts){{fact->readings.device}};
  case FACT_DEVICE_STATE:
    return (struct texts){{fact->device_state.device}};
  case FACT_SITE:
    return (struct texts){{fact->site.id, fact->site.landlord, fact->site.name, fact->site.zone_name,
                           fact->site.currency, fact->site.language, fact->site.landlord_person}};
  case FACT_ROOM:
    return (struct texts){{fact->room.id, fact->room.name}};
  case FACT_SERVICE_POINT:
    return (struct texts){{fact->service_point.id, fact->service_point.room, fact->service_point.tariff}};
  case FACT_INSTALLATION:
    return (struct texts){
        {fact->installation.id, fact->installation.service_point, fact->installation.meter, fact->installation.device}};
  case FACT_TARIFF:
    return (struct texts){{fact->tariff.id, fact->tariff.name}};
  case FACT_LEASE:
    return (struct texts){{fact->lease.id, fact->lease.room}};
  case FACT_DEVICE_KEY:
    return (struct texts){{fact->device_key.device, fact->device_key.wrapped, fact->device_key.previous}};
  case FACT_PAYMENT:
    return (struct texts){{fact->payment.id, fact->payment.lease}};
  case FACT_READ_EDIT:
    return (struct texts){{fact->read_edit.meter}};
  case FACT_NOTICE_DELIVERED:
    return (struct texts){{fact->notice_delivered.person}};
  case FACT_DISCONNECT_INTENT:
    return (struct texts){{fact->disconnect_intent.command_id, fact->disconnect_intent.decision_id,
                           fact->disconnect_intent.service_point}};
  case FACT_COMMAND_OUTCOME:
    return (struct texts){
        {fact->command_outcome.decision_id, fact->command_outcome.service_point, fact->command_outcome.device}};
  default:
    return (struct texts){{NULL}};
  }
}

static bool bounded(const char *text) {
  return strnlen(text, FACT_TEXT_MAX + 1) <= FACT_TEXT_MAX;
}

bool fact_bounded(const struct fact *fact) {
  const struct texts texts = texts_of(fact);
  for (size_t i = 0; i < sizeof texts.list / sizeof texts.list[0] && texts.list[i]; i++) {
    if (!bounded(texts.list[i])) return false;
  }
  const struct envelope *envelope = &fact->envelope;
  return bounded(envelope->fact_id) && bounded(envelope->site) && bounded(envelope->landlord);
}

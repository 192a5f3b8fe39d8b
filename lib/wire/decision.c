// SPDX-License-Identifier: Apache-2.0
#include "wire/decision.h"

#include "wire/decision_parts.h"
#include "wire/enums.h"
#include "wire/message.h"
#include "wire/site.h"

#define DECISION(TEXT, PLAIN, ENUM) \
  TEXT(id) TEXT(landlord) TEXT(site) TEXT(site_name) PLAIN(business_time_s) TEXT(currency) PLAIN(minor_digits) \
  TEXT(language) PLAIN(utc_offset_s)
WIRE_MAPPING(head, struct decision, Riser__Decision__V1__Decision, riser__decision__v1__decision__init, DECISION)

#define CAUSE(TEXT, PLAIN, ENUM) PLAIN(partition) PLAIN(offset) PLAIN(index)
WIRE_MAPPING(position, struct cause, Riser__Decision__V1__Cause, riser__decision__v1__cause__init, CAUSE)

#define USAGE(TEXT, PLAIN, ENUM) \
  TEXT(service_point) TEXT(room) ENUM(commodity, commodity, commodity) PLAIN(from_s) PLAIN(until_s) PLAIN(usage) \
  PLAIN(revision)
WIRE_MAPPING(usage, struct usage_closed, Riser__Decision__V1__UsageClosed, riser__decision__v1__usage_closed__init,
             USAGE)

#define ALERT(TEXT, PLAIN, ENUM) \
  TEXT(service_point) TEXT(room) TEXT(lease) ENUM(commodity, commodity, commodity) TEXT(period) PLAIN(usage) \
  PLAIN(last_usage)
WIRE_MAPPING(alert, struct usage_alert, Riser__Decision__V1__UsageAlert, riser__decision__v1__usage_alert__init, ALERT)

#define NOTICE(TEXT, PLAIN, ENUM) \
  ENUM(kind, kind, notice_kind) TEXT(lease) TEXT(room) ENUM(commodity, commodity, commodity) PLAIN(owed_e4) \
  PLAIN(due_s) PLAIN(not_before_s)
WIRE_MAPPING(notice, struct notice_due, Riser__Decision__V1__NoticeDue, riser__decision__v1__notice_due__init, NOTICE)

#define SWITCH(TEXT, PLAIN, ENUM) \
  TEXT(service_point) TEXT(room) TEXT(lease) ENUM(commodity, commodity, commodity) ENUM(supply, supply, supply) \
  TEXT(meter) TEXT(device) ENUM(switch_kind, switch_kind, switch_kind) PLAIN(version) PLAIN(owed_e4)
WIRE_MAPPING(wanted, struct switch_due, Riser__Decision__V1__SwitchDue, riser__decision__v1__switch_due__init, SWITCH)

#define ANSWER(TEXT, PLAIN, ENUM) \
  TEXT(command_id) TEXT(decision_id) TEXT(service_point) PLAIN(confirmed) TEXT(reason)
WIRE_MAPPING(intent_answer, struct intent_answer, Riser__Decision__V1__IntentAnswer,
             riser__decision__v1__intent_answer__init, ANSWER)

#define EXCEPTION(TEXT, PLAIN, ENUM) TEXT(fact_id) TEXT(kind) TEXT(reason) TEXT(detail)
WIRE_MAPPING(fact_exception, struct fact_exception, Riser__Decision__V1__FactException,
             riser__decision__v1__fact_exception__init, EXCEPTION)

#define UNKNOWN(TEXT, PLAIN, ENUM) TEXT(meter) TEXT(device) ENUM(reg, register_, meter_register)
#define PUBLIC // declared in decision_parts.h
WIRE_MAPPING_AS(PUBLIC, unknown_meter, struct unknown_meter, Riser__Decision__V1__UnknownMeter,
                riser__decision__v1__unknown_meter__init, UNKNOWN)

void cause_in(const Riser__Decision__V1__Cause *from, struct cause *to) {
  static const Riser__Decision__V1__Cause none = RISER__DECISION__V1__CAUSE__INIT;
  position_in(from ? from : &none, to);
}

void cause_out(const struct cause *from, Riser__Decision__V1__Cause *to) {
  position_out(from, to);
}

void switch_due_in(const Riser__Decision__V1__SwitchDue *from, struct switch_due *to) {
  static const Riser__Decision__V1__SwitchDue none = RISER__DECISION__V1__SWITCH_DUE__INIT;
  wanted_in(from ? from : &none, to);
}

void switch_due_out(const struct switch_due *from, Riser__Decision__V1__SwitchDue *to) {
  wanted_out(from, to);
}

static void sealed_in(const Riser__Decision__V1__Sealed *from, struct sealed *to) {
  to->chain = from->chain;
  to->checks = bytes_make(from->checks.data, from->checks.len);
  seal_in(from->seal, &to->seal);
}

static void usage_closed_in(const Riser__Decision__V1__UsageClosed *from, struct usage_closed *to) {
  usage_in(from, to);
  to->quality = (enum quality)from->quality_espi;
}

static void balance_in(const Riser__Decision__V1__Balance *from, struct balance *to) {
  *to = (struct balance){.lease = from->lease, .room = from->room, .cause_fact = from->cause_fact};
  amounts_in(from->owed, from->n_owed, to->owed_e4);
  seal_in(from->seal, &to->seal);
}

static void usage_alert_in(const Riser__Decision__V1__UsageAlert *from, struct usage_alert *to) {
  alert_in(from, to);
  to->persons = (const char *const *)from->persons;
  to->person_count = from->n_persons;
}

static void notice_due_in(const Riser__Decision__V1__NoticeDue *from, struct notice_due *to) {
  notice_in(from, to);
  to->persons = (const char *const *)from->persons;
  to->person_count = from->n_persons;
  to->bills = (const char *const *)from->bills;
  to->bill_count = from->n_bills;
}

static enum error content_in(const Riser__Decision__V1__Decision *from, struct arena *arena, struct decision *to) {
  switch (to->kind) {
    case DECISION_NONE:
    case DECISION_CLOCK: break;
    case DECISION_USAGE_CLOSED: usage_closed_in(from->usage_closed, &to->usage_closed); break;
    case DECISION_BILL: return bill_in(from->bill, arena, &to->bill);
    case DECISION_BALANCE: balance_in(from->balance, &to->balance); break;
    case DECISION_USAGE_ALERT: usage_alert_in(from->usage_alert, &to->usage_alert); break;
    case DECISION_NOTICE_DUE: notice_due_in(from->notice_due, &to->notice_due); break;
    case DECISION_SWITCH_DUE: switch_due_in(from->switch_due, &to->switch_due); break;
    case DECISION_INTENT_ANSWER: intent_answer_in(from->intent_answer, &to->intent_answer); break;
    case DECISION_FACT_EXCEPTION: fact_exception_in(from->fact_exception, &to->fact_exception); break;
    case DECISION_UNKNOWN_METER: unknown_meter_in(from->unknown_meter, &to->unknown_meter); break;
    case DECISION_SEALED: sealed_in(from->sealed, &to->sealed); break;
  }
  return OK;
}

enum error wire_decision_decode(struct bytes in, struct arena *arena, struct decision *out) {
  Riser__Decision__V1__Decision *message;
  enum error err = wire_unpack(&riser__decision__v1__decision__descriptor, in, arena, &message);
  if (err) return err;
  struct decision decision = {.kind = (enum decision_kind)message->what_case};
  head_in(message, &decision);
  cause_in(message->cause, &decision.cause);
  err = zone_in(message->transitions, message->n_transitions, arena, &decision.zone);
  if (!err) err = content_in(message, arena, &decision);
  if (!err) *out = decision;
  return err;
}

// Room for the messages of one decision.
struct decision_out {
  Riser__Decision__V1__Decision message;
  Riser__Decision__V1__Cause cause;
  struct amounts_out amounts;
  Riser__Decision__V1__Seal seal;
  union {
    Riser__Decision__V1__Clock clock;
    Riser__Decision__V1__UsageClosed usage_closed;
    Riser__Decision__V1__Bill bill;
    Riser__Decision__V1__Balance balance;
    Riser__Decision__V1__UsageAlert usage_alert;
    Riser__Decision__V1__NoticeDue notice_due;
    Riser__Decision__V1__SwitchDue switch_due;
    Riser__Decision__V1__IntentAnswer intent_answer;
    Riser__Decision__V1__FactException fact_exception;
    Riser__Decision__V1__UnknownMeter unknown_meter;
    Riser__Decision__V1__Sealed sealed;
  };
};

static void usage_closed_out(const struct usage_closed *from, Riser__Decision__V1__UsageClosed *to) {
  usage_out(from, to);
  to->quality_espi = from->quality;
}

static void balance_out(const struct balance *from, struct decision_out *to) {
  riser__decision__v1__balance__init(&to->balance);
  amounts_out_init(&to->amounts, from->owed_e4);
  to->balance.lease = (char *)from->lease;
  to->balance.room = (char *)from->room;
  to->balance.cause_fact = (char *)from->cause_fact;
  to->balance.owed = to->amounts.list;
  to->balance.n_owed = to->amounts.count;
  seal_out(&from->seal, &to->seal);
  to->balance.seal = from->seal.records ? &to->seal : NULL;
  to->message.balance = &to->balance;
}

static void sealed_out(const struct sealed *from, struct decision_out *to) {
  riser__decision__v1__sealed__init(&to->sealed);
  seal_out(&from->seal, &to->seal);
  to->sealed.chain = (char *)from->chain;
  to->sealed.seal = &to->seal;
  to->sealed.checks = (ProtobufCBinaryData){from->checks.len, (uint8_t *)from->checks.data};
  to->message.sealed = &to->sealed;
}

static void usage_alert_out(const struct usage_alert *from, Riser__Decision__V1__UsageAlert *to) {
  alert_out(from, to);
  to->persons = (char **)from->persons;
  to->n_persons = from->person_count;
}

static void notice_due_out(const struct notice_due *from, Riser__Decision__V1__NoticeDue *to) {
  notice_out(from, to);
  to->persons = (char **)from->persons;
  to->n_persons = from->person_count;
  to->bills = (char **)from->bills;
  to->n_bills = from->bill_count;
}

#define CONTENT(name) \
  name##_out(&from->name, &to->name); \
  to->message.name = &to->name

static enum error content_out(const struct decision *from, struct arena *scratch, struct decision_out *to) {
  switch (from->kind) {
    case DECISION_NONE: return OK;
    case DECISION_CLOCK:
      riser__decision__v1__clock__init(&to->clock);
      to->message.clock = &to->clock;
      return OK;
    case DECISION_BILL: to->message.bill = &to->bill; return bill_out(&from->bill, scratch, &to->bill);
    case DECISION_BALANCE: balance_out(&from->balance, to); return OK;
    case DECISION_USAGE_CLOSED: CONTENT(usage_closed); return OK;
    case DECISION_USAGE_ALERT: CONTENT(usage_alert); return OK;
    case DECISION_NOTICE_DUE: CONTENT(notice_due); return OK;
    case DECISION_SWITCH_DUE: CONTENT(switch_due); return OK;
    case DECISION_INTENT_ANSWER: CONTENT(intent_answer); return OK;
    case DECISION_FACT_EXCEPTION: CONTENT(fact_exception); return OK;
    case DECISION_UNKNOWN_METER: CONTENT(unknown_meter); return OK;
    case DECISION_SEALED: sealed_out(&from->sealed, to); return OK;
  }
  return ERR_INTERNAL;
}

enum error wire_decision_encode(const struct decision *in, struct buffer *out) {
  struct arena *scratch = arena_new(WIRE_SCRATCH_MAX);
  if (!scratch) return ERR_NO_MEMORY;
  struct decision_out to;
  head_out(in, &to.message);
  cause_out(&in->cause, &to.cause);
  to.message.cause = &to.cause;
  to.message.what_case = (Riser__Decision__V1__Decision__WhatCase)in->kind;
  to.message.n_transitions = in->zone.count;
  enum error err = zone_out(&in->zone, scratch, &to.message.transitions);
  if (!err) err = content_out(in, scratch, &to);
  if (!err) err = wire_pack(&to.message, out);
  arena_free(scratch);
  return err;
}

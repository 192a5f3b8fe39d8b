// SPDX-License-Identifier: Apache-2.0
// A decision: what billing concludes from the site log, with a name computed from what it is about and its cause.
// Field meanings: proto/riser/decision/v1/decision.proto. Strings are borrowed, never NULL.
#ifndef RISER_DOMAIN_DECISION_H
#define RISER_DOMAIN_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/bill.h"
#include "domain/reading.h"
#include "domain/zone.h"

struct cause {
  uint32_t partition;
  int64_t offset;
  uint32_t index;
};

// <0, 0, >0 as a is before, at, after b. Both are of one partition.
int cause_compare(struct cause a, struct cause b);

enum decision_kind { // numbers: the field numbers of Decision.what
  DECISION_NONE = 0,
  DECISION_CLOCK = 20,
  DECISION_USAGE_CLOSED = 21,
  DECISION_BILL = 22,
  DECISION_BALANCE = 23,
  DECISION_USAGE_ALERT = 24,
  DECISION_NOTICE_DUE = 25,
  DECISION_SWITCH_DUE = 26,
  DECISION_INTENT_ANSWER = 27,
  DECISION_FACT_EXCEPTION = 28,
  DECISION_UNKNOWN_METER = 29,
  DECISION_SEALED = 30,
};

struct usage_closed {
  const char *service_point;
  const char *room;
  enum commodity commodity;
  int64_t from_s;
  int64_t until_s;
  int64_t usage;
  enum quality quality;
  uint32_t revision;
};

struct balance {
  const char *lease;
  const char *room;
  int64_t owed_e4[COMMODITY_COUNT];
  const char *cause_fact;
  struct seal seal;
};

struct usage_alert {
  const char *service_point;
  const char *room;
  const char *lease;
  const char *const *persons;
  size_t person_count;
  enum commodity commodity;
  const char *period;
  int64_t usage;
  int64_t last_usage;
};

enum notice_kind {
  NOTICE_NONE = 0,
  NOTICE_REMINDER = 1,
  NOTICE_DISCONNECT = 2,
  NOTICE_SUSPENDED = 3,
  NOTICE_RESTORED = 4,
};

struct notice_due {
  enum notice_kind kind;
  const char *lease;
  const char *room;
  const char *const *persons;
  size_t person_count;
  enum commodity commodity;
  int64_t owed_e4;
  int64_t due_s;
  int64_t not_before_s;
  const char *const *bills;
  size_t bill_count;
};

struct switch_due {
  const char *service_point;
  const char *room;
  const char *lease;
  enum commodity commodity;
  enum supply supply;
  const char *meter;
  const char *device;
  enum switch_kind switch_kind;
  uint64_t version;
  int64_t owed_e4;
};

struct intent_answer {
  const char *command_id;
  const char *decision_id;
  const char *service_point;
  bool confirmed;
  const char *reason;
};

struct fact_exception {
  const char *fact_id;
  const char *kind;
  const char *reason;
  const char *detail;
};

struct unknown_meter {
  const char *meter;
  const char *device;
  enum meter_register reg;
};

struct sealed {
  const char *chain;
  struct seal seal;
  struct bytes checks;
};

struct decision {
  const char *id;
  struct cause cause;
  const char *landlord;
  const char *site;
  const char *site_name;
  int64_t business_time_s;
  const char *currency;
  uint32_t minor_digits;
  const char *language;
  int32_t utc_offset_s;
  struct zone zone; // the part of the site's that the instants below need; count 0: utc_offset_s throughout
  enum decision_kind kind;
  union {
    struct usage_closed usage_closed;
    struct bill bill;
    struct balance balance;
    struct usage_alert usage_alert;
    struct notice_due notice_due;
    struct switch_due switch_due;
    struct intent_answer intent_answer;
    struct fact_exception fact_exception;
    struct unknown_meter unknown_meter;
    struct sealed sealed;
  };
};

#endif

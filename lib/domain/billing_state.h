// SPDX-License-Identifier: Apache-2.0
// What billing keeps of a partition in Redis, as plain structs: a site, a service point, an account, the fence.
// lib/wire/state.h makes them from protobuf (proto/riser/state/v1/state.proto) and back, services/billing/core/store.h
// owns them in memory. Strings are never NULL. Months are local YYYYMM.
#ifndef RISER_DOMAIN_BILLING_STATE_H
#define RISER_DOMAIN_BILLING_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/bill.h"
#include "domain/decision.h"
#include "domain/fact.h"
#include "domain/reading.h"
#include "domain/site.h"
#include "domain/tariff.h"

// What a device last showed of itself.
struct device_shown {
  const char *device;
  bool online;
  enum supply supply;
  int64_t updated_s;
};

// Key site:{site}. Everything that has been said about a site, as it holds now.
struct site_state {
  struct site site;
  struct room *rooms;
  size_t room_count;
  struct service_point *points;
  size_t point_count;
  struct service_point *priced; // the points' tariffs over time: versions of one id differ in from_s
  size_t priced_count;
  struct installation *installations;
  size_t installation_count;
  struct tariff *tariffs; // versions of one id differ in from_s
  size_t tariff_count;
  struct lease *leases;
  size_t lease_count;
  struct device_shown *devices;
  size_t device_count;
  struct device_key *keys; // of devices
  size_t key_count;
  struct unknown_meter *unknown; // meters that report and that nobody has installed
  size_t unknown_count;
  bool unknown_full; // more of them were seen than are kept
};

// One meter's edges of a closed period, frozen.
struct period_meter {
  const char *installation;
  struct bill_meter shown;
  int64_t closing_after_s; // a read up to here can still move the closing
};

// A closed period of a service point: a local month, cut where a lease begins or ends.
struct period {
  uint32_t month;
  int64_t from_s;
  int64_t until_s;
  const char *lease; // "": nobody's
  int64_t usage;
  uint32_t revision; // of the month's usage, 0 first
  bool alerted;      // the month\'s usage alert was given
  struct period_meter *meters;
  size_t meter_count;
};

// Key point:{site}/{service point}.
struct point_state {
  const char *id;
  struct period *periods; // ascending; the last POINT_PERIODS_MAX are kept
  size_t period_count;
  int64_t closed_until_s; // everything before is closed; 0: nothing yet
  int64_t dirty_from_s;   // earliest instant behind which a late read fell; 0: none
  bool scheduled;         // its periods are being closed
  uint32_t alerted_month; // the open month, if its usage alert was given
  enum supply supply;     // as the meter itself last confirmed
  enum supply desired;
  uint64_t desired_version;
  uint64_t confirmed_version; // the highest whose command the meter's state confirmed
  const char *desired_lease;  // whose debt or payment the desired supply is about
};

// What a lease owes for one month. Commodities that the bill has no section of stay 0.
struct account_bill {
  uint32_t month;
  uint32_t revision;
  int64_t from_s;
  int64_t until_s;
  int64_t issued_s;
  int64_t due_s;                      // as the bill shows it: the latest of its commodities'
  int64_t own_due_s[COMMODITY_COUNT]; // of a commodity that was due before that; 0: due_s
  int64_t amount_e4[COMMODITY_COUNT];
  int64_t paid_e4[COMMODITY_COUNT];
  uint32_t notices[COMMODITY_COUNT]; // of disconnection, that named this bill as the oldest
  bool actual[COMMODITY_COUNT]; // both edges of every meter are actual reads
};

// A notice of disconnection that was handed over to a person.
struct notice_receipt {
  const char *person;
  enum channel channel;
  int64_t served_s; // business time
};

// One commodity's way through arrears. An episode ends when nothing overdue is left.
struct arrears {
  bool noticed;                    // a notice of disconnection was given in this episode
  uint32_t notice_month;           // the oldest overdue bill that the latest notice names; 0: never one
  uint32_t notice_count;           // notices that named that bill, the latest one's number
  int64_t given_s;                 // business time of the latest notice
  bool bounced;                    // the latest notice reached nobody: it is to be given again, after a pause
  struct notice_receipt *receipts; // of the latest notice
  size_t receipt_count;
};

// Key account:{site}/{lease}.
struct account_state {
  const char *lease;
  struct account_bill *bills; // ascending months
  size_t bill_count;
  int64_t credit_e4[COMMODITY_COUNT]; // [COMMODITY_NONE]: of any commodity
  struct arrears arrears[COMMODITY_COUNT];
  const char **payments; // ids of payments applied, in order: the duplicates are known by them
  size_t payment_count;
  const char **facts; // ids of lease facts applied, in order
  size_t fact_count;
};

// Key meta. The fence: written in the same commit as everything else.
struct partition_meta {
  int64_t next_offset;
  uint32_t next_index; // > 0: the record at next_offset is applied in part; its next decision has this index
  int64_t last_offset; // of the last record applied
  uint8_t digest[32];  // SHA-256 of it; all zero: none was applied yet
  uint32_t partition_count;
  uint32_t fold_version;
  int64_t business_time_s; // 0: no tick yet
  uint64_t generation;     // another one after each rebuild
};

// Key days:{site}/{service point}/{YYYY-MM}: 31 little-endian records {i64 usage, i32 quality}, index = local day - 1.
enum { DAYS_MAX = 31, DAY_RECORD_SIZE = 12, DAYS_SIZE = DAYS_MAX * DAY_RECORD_SIZE, DAY_UNKNOWN = -1 };

// Key paid:{site}/{part}: the payments of all the site's leases in the order of applying: of each the first PAID_SIZE
// bytes of SHA-256 of its id. The part is the first byte modulo PAID_PARTS, so that a payment overwrites little.
enum { PAID_SIZE = 16, PAID_PARTS = 64, PAID_MAX = 65536 };

enum {
  SITE_UNKNOWN_METERS_MAX = 1000,
  POINT_PERIODS_MAX = 60, // two and a half years or more, whatever the leases do
  ACCOUNT_BILLS_MAX = 60, // and whatever is unpaid
  NOTICE_RECEIPTS_MAX = LEASE_PERSONS_MAX * 2,
};

#endif

// SPDX-License-Identifier: Apache-2.0
// Each entity is a tree of lists. An encoder builds the message tree in a scratch arena of its own.
#include "wire/state.h"

#include <string.h>

#include "riser/state/v1/state.pb-c.h"
#include "wire/decision_parts.h"
#include "wire/enums.h"
#include "wire/message.h"
#include "wire/site.h"

#define META(TEXT, PLAIN, ENUM) \
  PLAIN(next_offset) PLAIN(next_index) PLAIN(partition_count) PLAIN(fold_version) PLAIN(business_time_s) \
  PLAIN(last_offset) PLAIN(generation)
WIRE_MAPPING(meta, struct partition_meta, Riser__State__V1__PartitionMeta, riser__state__v1__partition_meta__init, META)

#define SHOWN(TEXT, PLAIN, ENUM) TEXT(device) PLAIN(online) ENUM(supply, supply, supply) PLAIN(updated_s)
WIRE_MAPPING(shown, struct device_shown, Riser__State__V1__DeviceShown, riser__state__v1__device_shown__init, SHOWN)

#define PERIOD(TEXT, PLAIN, ENUM) \
  PLAIN(month) PLAIN(from_s) PLAIN(until_s) TEXT(lease) PLAIN(usage) PLAIN(revision) PLAIN(alerted)
WIRE_MAPPING(usage, struct period, Riser__State__V1__Period, riser__state__v1__period__init, PERIOD)

#define POINT(TEXT, PLAIN, ENUM) \
  TEXT(id) PLAIN(closed_until_s) PLAIN(dirty_from_s) PLAIN(scheduled) PLAIN(alerted_month) \
  ENUM(supply, supply, supply) ENUM(desired, desired, supply) PLAIN(desired_version) TEXT(desired_lease) \
  PLAIN(confirmed_version)
WIRE_MAPPING(marks, struct point_state, Riser__State__V1__PointState, riser__state__v1__point_state__init, POINT)

#define OWED(TEXT, PLAIN, ENUM) \
  PLAIN(month) PLAIN(revision) PLAIN(from_s) PLAIN(until_s) PLAIN(issued_s) PLAIN(due_s)
WIRE_MAPPING(owed, struct account_bill, Riser__State__V1__AccountBill, riser__state__v1__account_bill__init, OWED)

#define RECEIPT(TEXT, PLAIN, ENUM) TEXT(person) ENUM(channel, channel, channel) PLAIN(served_s)
WIRE_MAPPING(receipt, struct notice_receipt, Riser__State__V1__NoticeReceipt, riser__state__v1__notice_receipt__init,
             RECEIPT)

#define ARREARS(TEXT, PLAIN, ENUM) PLAIN(noticed) PLAIN(notice_month) PLAIN(notice_count) PLAIN(bounced) PLAIN(given_s)
WIRE_MAPPING(episode, struct arrears, Riser__State__V1__Arrears, riser__state__v1__arrears__init, ARREARS)

WIRE_LIST(room, struct room, Riser__Site__V1__Room)
WIRE_LIST(service_point, struct service_point, Riser__Site__V1__ServicePoint)
WIRE_LIST(installation, struct installation, Riser__Site__V1__Installation)
WIRE_DEEP_LIST(tariff, struct tariff, Riser__Site__V1__Tariff)
WIRE_LIST(lease, struct lease, Riser__Site__V1__Lease)
WIRE_LIST(device_key, struct device_key, Riser__Site__V1__DeviceKey)
WIRE_LIST(shown, struct device_shown, Riser__State__V1__DeviceShown)
WIRE_LIST(unknown_meter, struct unknown_meter, Riser__Decision__V1__UnknownMeter)
WIRE_LIST(receipt, struct notice_receipt, Riser__State__V1__NoticeReceipt)

enum error wire_partition_meta_decode(struct bytes in, struct arena *arena, struct partition_meta *out) {
  Riser__State__V1__PartitionMeta *message;
  enum error err = wire_unpack(&riser__state__v1__partition_meta__descriptor, in, arena, &message);
  if (err) return err;
  if (message->digest.len != 0 && message->digest.len != sizeof out->digest) return ERR_BAD_PROTOBUF;
  meta_in(message, out);
  memset(out->digest, 0, sizeof out->digest);
  if (message->digest.len) memcpy(out->digest, message->digest.data, sizeof out->digest);
  return OK;
}

enum error wire_partition_meta_encode(const struct partition_meta *in, struct buffer *out) {
  Riser__State__V1__PartitionMeta message;
  meta_out(in, &message);
  message.digest = (ProtobufCBinaryData){sizeof in->digest, (uint8_t *)in->digest};
  return wire_pack(&message, out);
}

// ---- site

#define SITE_LISTS(LIST) \
  LIST(rooms, room_count, n_rooms, room) \
  LIST(points, point_count, n_points, service_point) \
  LIST(priced, priced_count, n_priced, service_point) \
  LIST(installations, installation_count, n_installations, installation) \
  LIST(tariffs, tariff_count, n_tariffs, tariff) \
  LIST(leases, lease_count, n_leases, lease) \
  LIST(devices, device_count, n_devices, shown) \
  LIST(keys, key_count, n_keys, device_key) \
  LIST(unknown, unknown_count, n_unknown, unknown_meter)

#define LIST_IN(list, count, n, name) \
  site.list = name##_list_in(message->list, message->n, arena); \
  site.count = message->n; \
  if (!site.list) return ERR_LIMIT;
#define LIST_OUT(list, count, n, name) \
  to->list = name##_list_out(from->list, from->count, scratch); \
  to->n = from->count; \
  if (!to->list) return ERR_LIMIT;

enum error wire_site_state_decode(struct bytes in, struct arena *arena, struct site_state *out) {
  static const Riser__Site__V1__Site none = RISER__SITE__V1__SITE__INIT;
  Riser__State__V1__SiteState *message;
  enum error err = wire_unpack(&riser__state__v1__site_state__descriptor, in, arena, &message);
  if (err) return err;
  struct site_state site = {.unknown_full = message->unknown_full};
  err = site_in(message->site ? message->site : &none, arena, &site.site);
  if (err) return err;
  SITE_LISTS(LIST_IN)
  *out = site;
  return OK;
}

static enum error site_state_out(const struct site_state *from, struct arena *scratch,
                                 Riser__State__V1__SiteState *to) {
  riser__state__v1__site_state__init(to);
  SITE_LISTS(LIST_OUT)
  to->unknown_full = from->unknown_full;
  to->site = arena_alloc(scratch, sizeof *to->site);
  return to->site ? site_out(&from->site, scratch, to->site) : ERR_LIMIT;
}

// ---- point

static enum error period_meter_in(const Riser__State__V1__PeriodMeter *from, struct arena *arena,
                                  struct period_meter *to) {
  static const Riser__Decision__V1__BillMeter none = RISER__DECISION__V1__BILL_METER__INIT;
  (void)arena; // it has no list of its own
  to->installation = from->installation;
  to->closing_after_s = from->closing_after_s;
  bill_meter_in(from->shown ? from->shown : &none, &to->shown);
  return OK;
}

static enum error period_meter_out(const struct period_meter *from, struct arena *scratch,
                                   Riser__State__V1__PeriodMeter *to) {
  riser__state__v1__period_meter__init(to);
  to->installation = (char *)from->installation;
  to->closing_after_s = from->closing_after_s;
  to->shown = arena_alloc(scratch, sizeof *to->shown);
  if (!to->shown) return ERR_LIMIT;
  bill_meter_out(&from->shown, to->shown);
  return OK;
}

WIRE_DEEP_LIST(period_meter, struct period_meter, Riser__State__V1__PeriodMeter)

static enum error period_in(const Riser__State__V1__Period *from, struct arena *arena, struct period *to) {
  usage_in(from, to);
  to->meters = period_meter_list_in(from->meters, from->n_meters, arena);
  to->meter_count = from->n_meters;
  return to->meters ? OK : ERR_LIMIT;
}

static enum error period_out(const struct period *from, struct arena *scratch, Riser__State__V1__Period *to) {
  usage_out(from, to);
  to->meters = period_meter_list_out(from->meters, from->meter_count, scratch);
  to->n_meters = from->meter_count;
  return to->meters ? OK : ERR_LIMIT;
}

WIRE_DEEP_LIST(period, struct period, Riser__State__V1__Period)

enum error wire_point_state_decode(struct bytes in, struct arena *arena, struct point_state *out) {
  Riser__State__V1__PointState *message;
  enum error err = wire_unpack(&riser__state__v1__point_state__descriptor, in, arena, &message);
  if (err) return err;
  struct period *periods = period_list_in(message->periods, message->n_periods, arena);
  if (!periods) return ERR_LIMIT;
  marks_in(message, out);
  out->periods = periods;
  out->period_count = message->n_periods;
  return OK;
}

static enum error point_state_out(const struct point_state *from, struct arena *scratch,
                                  Riser__State__V1__PointState *to) {
  marks_out(from, to);
  to->periods = period_list_out(from->periods, from->period_count, scratch);
  to->n_periods = from->period_count;
  return to->periods ? OK : ERR_LIMIT;
}

// ---- account

static enum error account_bill_in(const Riser__State__V1__AccountBill *from, struct arena *arena,
                                  struct account_bill *to) {
  (void)arena; // its parts have fixed places
  *to = (struct account_bill){0};
  owed_in(from, to);
  for (size_t i = 0; i < from->n_parts; i++) {
    const Riser__State__V1__BillPart *part = from->parts[i];
    int commodity = wire_enum(&WIRE_DESCRIPTOR_commodity, (int)part->commodity);
    if (commodity != (int)part->commodity) continue;
    to->amount_e4[commodity] = part->amount_e4;
    to->paid_e4[commodity] = part->paid_e4;
    to->actual[commodity] = part->actual;
    to->own_due_s[commodity] = part->due_s;
    to->notices[commodity] = part->notices;
  }
  return OK;
}

static enum error account_bill_out(const struct account_bill *from, struct arena *scratch,
                                   Riser__State__V1__AccountBill *to) {
  owed_out(from, to);
  Riser__State__V1__BillPart *items = arena_array(scratch, COMMODITY_COUNT, sizeof *items);
  to->parts = arena_array(scratch, COMMODITY_COUNT, sizeof *to->parts);
  if (!items || !to->parts) return ERR_LIMIT;
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    if (!from->amount_e4[c] && !from->paid_e4[c] && !from->actual[c] && !from->own_due_s[c] && !from->notices[c])
      continue;
    riser__state__v1__bill_part__init(&items[c]);
    items[c].commodity = (WIRE_TYPE_commodity)c;
    items[c].amount_e4 = from->amount_e4[c];
    items[c].paid_e4 = from->paid_e4[c];
    items[c].actual = from->actual[c];
    items[c].due_s = from->own_due_s[c];
    items[c].notices = from->notices[c];
    to->parts[to->n_parts++] = &items[c];
  }
  return OK;
}

WIRE_DEEP_LIST(account_bill, struct account_bill, Riser__State__V1__AccountBill)

static enum error arrears_in(const Riser__State__V1__AccountState *from, struct arena *arena, struct arrears *to) {
  for (size_t i = 0; i < from->n_arrears; i++) {
    const Riser__State__V1__Arrears *part = from->arrears[i];
    int commodity = wire_enum(&WIRE_DESCRIPTOR_commodity, (int)part->commodity);
    if (commodity != (int)part->commodity) continue;
    episode_in(part, &to[commodity]);
    to[commodity].receipts = receipt_list_in(part->receipts, part->n_receipts, arena);
    to[commodity].receipt_count = part->n_receipts;
    if (!to[commodity].receipts) return ERR_LIMIT;
  }
  return OK;
}

static enum error arrears_out(const struct arrears *from, struct arena *scratch, Riser__State__V1__AccountState *to) {
  Riser__State__V1__Arrears *items = arena_array(scratch, COMMODITY_COUNT, sizeof *items);
  to->arrears = arena_array(scratch, COMMODITY_COUNT, sizeof *to->arrears);
  if (!items || !to->arrears) return ERR_LIMIT;
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    if (!from[c].notice_month && !from[c].receipt_count) continue;
    episode_out(&from[c], &items[c]);
    items[c].commodity = (WIRE_TYPE_commodity)c;
    items[c].receipts = receipt_list_out(from[c].receipts, from[c].receipt_count, scratch);
    items[c].n_receipts = from[c].receipt_count;
    if (!items[c].receipts) return ERR_LIMIT;
    to->arrears[to->n_arrears++] = &items[c];
  }
  return OK;
}

enum error wire_account_state_decode(struct bytes in, struct arena *arena, struct account_state *out) {
  Riser__State__V1__AccountState *message;
  enum error err = wire_unpack(&riser__state__v1__account_state__descriptor, in, arena, &message);
  if (err) return err;
  struct account_state account = {
      .lease = message->lease,
      .bills = account_bill_list_in(message->bills, message->n_bills, arena),
      .bill_count = message->n_bills,
      .payments = (const char **)message->payments,
      .payment_count = message->n_payments,
      .facts = (const char **)message->facts,
      .fact_count = message->n_facts,
  };
  if (!account.bills) return ERR_LIMIT;
  amounts_in(message->credit, message->n_credit, account.credit_e4);
  err = arrears_in(message, arena, account.arrears);
  if (!err) *out = account;
  return err;
}

static enum error account_state_out(const struct account_state *from, struct arena *scratch,
                                    Riser__State__V1__AccountState *to) {
  riser__state__v1__account_state__init(to);
  struct amounts_out *credit = arena_alloc(scratch, sizeof *credit);
  to->bills = account_bill_list_out(from->bills, from->bill_count, scratch);
  if (!credit || !to->bills) return ERR_LIMIT;
  amounts_out_init(credit, from->credit_e4);
  to->lease = (char *)from->lease;
  to->n_bills = from->bill_count;
  to->credit = credit->list;
  to->n_credit = credit->count;
  to->payments = (char **)from->payments;
  to->n_payments = from->payment_count;
  to->facts = (char **)from->facts;
  to->n_facts = from->fact_count;
  return arrears_out(from->arrears, scratch, to);
}

// ---- encoders

#define ENCODER(name, domain, message) \
  enum error wire_##name##_encode(const domain *in, struct buffer *out) { \
    struct arena *scratch = arena_new(WIRE_SCRATCH_MAX); \
    if (!scratch) return ERR_NO_MEMORY; \
    message tree; \
    enum error err = name##_out(in, scratch, &tree); \
    if (!err) err = wire_pack(&tree, out); \
    arena_free(scratch); \
    return err; \
  }
ENCODER(site_state, struct site_state, Riser__State__V1__SiteState)
ENCODER(point_state, struct point_state, Riser__State__V1__PointState)
ENCODER(account_state, struct account_state, Riser__State__V1__AccountState)

// SPDX-License-Identifier: Apache-2.0
// What became of a notice of disconnection. It is served at the business time of its delivery's record; a bounce takes
// that back, and with it what was done on its ground: the notice period begins again. So it does when no delivery
// succeeds at all.
#include <stdlib.h>
#include <string.h>

#include "billing/core/accounts.h"

// The parts of "notice:{site}:{lease}:{commodity}:{month}:n{k}".
struct notice_name {
  char lease[65];
  enum commodity commodity;
};

static const char *take(const char *from, char *to, size_t size) {
  size_t len = strcspn(from, ":");
  if (len >= size || from[len] != ':') return NULL;
  memcpy(to, from, len);
  to[len] = 0;
  return from + len + 1;
}

static bool parse(const char *id, struct notice_name *out) {
  char kind[8], site[65], commodity[16];
  const char *rest = take(id, kind, sizeof kind);
  if (!rest || strcmp(kind, "notice") != 0) return false;
  rest = take(rest, site, sizeof site);
  if (rest) rest = take(rest, out->lease, sizeof out->lease);
  if (rest) rest = take(rest, commodity, sizeof commodity);
  out->commodity = rest ? commodity_from_name(commodity) : COMMODITY_NONE;
  return out->commodity != COMMODITY_NONE;
}

static size_t find_receipt(const struct arrears *arrears, const struct notice_delivered *notice) {
  size_t i = 0;
  for (; i < arrears->receipt_count; i++) {
    const struct notice_receipt *receipt = &arrears->receipts[i];
    if (receipt->channel == notice->channel && strcmp(receipt->person, notice->person) == 0) break;
  }
  return i;
}

static enum error delivered(struct fold *fold, struct arrears *arrears, const struct notice_delivered *notice) {
  size_t at = find_receipt(arrears, notice);
  if (at < arrears->receipt_count || at >= NOTICE_RECEIPTS_MAX) return OK;
  struct notice_receipt *list = store_grow(arrears->receipts, arrears->receipt_count, sizeof *list);
  const char *person = store_intern(fold->store, notice->person);
  if (list) arrears->receipts = list;
  if (!list || !person) return ERR_NO_MEMORY;
  list[arrears->receipt_count++] =
      (struct notice_receipt){.person = person, .channel = notice->channel, .served_s = fold->now_s};
  arrears->bounced = false;
  return OK;
}

static void take_back(struct arrears *arrears, const struct notice_delivered *notice) {
  size_t at = find_receipt(arrears, notice);
  if (at < arrears->receipt_count) arrears->receipts[at] = arrears->receipts[--arrears->receipt_count];
}

static void not_served(struct fold *fold, const struct tenancy *tenancy, enum commodity commodity) {
  struct arrears *arrears = &tenancy->account->arrears[commodity];
  if (arrears->receipt_count > 0) return; // somebody else has it
  arrears->bounced = true;
  for (size_t i = 0; i < tenancy->room.count; i++) {
    const struct point_state *point = entity_point(tenancy->room.states[i]);
    bool ours =
        tenancy->room.points[i]->commodity == commodity && strcmp(point->desired_lease, tenancy->lease->id) == 0;
    if (ours && point->desired == SUPPLY_OFF) switch_to(fold, tenancy, i, SUPPLY_ON);
  }
}

enum error fold_notice_delivered(struct fold *fold, const struct notice_delivered *notice) {
  struct notice_name name;
  if (!parse(notice->decision_id, &name)) return OK; // only notices of disconnection change anything
  struct tenancy tenancy;
  bool there = tenancy_need(fold, fold->fact->envelope.site, name.lease, &tenancy);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (!there) {
    fold_exception(fold, NULL, "unknown-lease", name.lease);
    return OK;
  }
  struct arrears *arrears = &tenancy.account->arrears[name.commodity];
  bool latest = strcmp(notice_id(fold, &tenancy, name.commodity), notice->decision_id) == 0;
  if (!arrears->noticed || !latest) return OK; // of an earlier notice, or of an episode that is over
  enum error err = OK;
  if (notice->delivery == DELIVERY_DELIVERED) err = delivered(fold, arrears, notice);
  if (err != OK) return err;
  if (notice->delivery == DELIVERY_BOUNCED) take_back(arrears, notice);
  if (notice->delivery == DELIVERY_BOUNCED || notice->delivery == DELIVERY_FAILED) {
    not_served(fold, &tenancy, name.commodity);
  }
  store_mark(fold->store, tenancy.entity);
  arrears_review(fold, &tenancy);
  return OK;
}

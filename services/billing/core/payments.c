// SPDX-License-Identifier: Apache-2.0
// Payments. One that was applied before is known by its id: by the lease's own list as the same payment once more, by
// the site's as one that another lease has. One that fits nowhere becomes an exception that somebody sees.
#include <string.h>

#include "base/hash.h"
#include "billing/core/accounts.h"

#define PAYMENT_MAX_E4 1000000000000000 // 10^9 of a currency with two digits
#define CREDIT_MAX_E4 10000000000000000 // and ten of them at once in an account

// What the site knows the payment by.
struct mark {
  uint8_t bytes[PAID_SIZE];
  struct entity *list; // that it belongs into
};

static struct mark mark_of(struct fold *fold, const char *id) {
  struct mark mark;
  struct hash hash;
  uint8_t digest[HASH_SIZE];
  hash_begin(&hash);
  hash_add(&hash, bytes_text(id));
  hash_end(&hash, digest);
  memcpy(mark.bytes, digest, sizeof mark.bytes);
  struct key key = key_paid(fold->fact->envelope.site, digest[0] % PAID_PARTS);
  mark.list = need_entity(fold, STORE_PAID, key);
  return mark;
}

static bool taken(const struct mark *mark) {
  struct bytes list = entity_paid(mark->list);
  for (size_t at = 0; at < list.len; at += PAID_SIZE) {
    if (memcmp(list.data + at, mark->bytes, PAID_SIZE) == 0) return true;
  }
  return false;
}

static bool applied(const struct account_state *account, const char *id) {
  for (size_t i = account->payment_count; i > 0; i--) {
    if (strcmp(account->payments[i - 1], id) == 0) return true;
  }
  return false;
}

static enum error remember(struct fold *fold, struct account_state *account, const struct mark *mark, const char *id) {
  const char **payments = store_grow(account->payments, account->payment_count, sizeof *payments);
  if (!payments) return ERR_NO_MEMORY;
  account->payments = payments;
  const char *own = store_intern(fold->store, id);
  if (!own) return ERR_NO_MEMORY;
  payments[account->payment_count++] = own;
  return store_add_paid(fold->store, mark->list, mark->bytes);
}

static const char *refuse(const struct payment *payment) {
  if (!payment->id[0]) return "bad-payment";
  if (payment->amount_e4 <= 0 || payment->amount_e4 > PAYMENT_MAX_E4) return "bad-amount";
  return payment->commodity >= COMMODITY_COUNT ? "bad-commodity" : NULL;
}

enum error fold_payment(struct fold *fold, const struct payment *payment) {
  struct tenancy tenancy;
  bool known = tenancy_need(fold, fold->fact->envelope.site, payment->lease, &tenancy);
  struct entity *site_entity = need_site(fold, fold->fact->envelope.site);
  struct mark mark = mark_of(fold, payment->id);
  if (fold_waits(fold)) return ERR_AGAIN;
  if (fold->error != OK) return fold->error;
  const char *reason = refuse(payment);
  if (!known) reason = site_entity ? "unknown-lease" : "unknown-site";
  bool again = !reason && applied(tenancy.account, payment->id);
  if (!reason && !again && taken(&mark)) reason = "payment-id-taken";
  if (!reason && tenancy.account->credit_e4[payment->commodity] > CREDIT_MAX_E4 - payment->amount_e4) {
    reason = "bad-amount";
  }
  if (reason) {
    fold_exception(fold, site_entity ? &entity_site(site_entity)->site : NULL, reason, payment->lease);
    return OK;
  }
  if (again) return OK;
  enum error err = remember(fold, tenancy.account, &mark, payment->id);
  if (err != OK) return err;
  account_pay(fold, &tenancy, payment->commodity, payment->amount_e4);
  account_balance(fold, &tenancy, fold_text(fold, "%s", payment->id));
  arrears_review(fold, &tenancy);
  return OK;
}

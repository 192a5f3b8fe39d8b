// SPDX-License-Identifier: Apache-2.0
// Two lists: what each lease owes, by its latest balance; and the instants at which a lease looks at what it owes.
#include "riserctl/replay/payers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include <uthash.h>

struct account {
  UT_hash_handle hh;
  int64_t owed_e4[COMMODITY_COUNT];
  char lease[];
};

struct due {
  struct due *next;
  int64_t at_s;
  struct account *account;
};

struct payers {
  const struct scenario *scenario;
  struct account *accounts;
  struct due *dues; // ascending (time, lease)
};

static struct account *account_of(struct payers *payers, const char *lease);
static enum error schedule(struct payers *payers, const struct bill *bill);
static const struct payer *payer_of(const struct scenario *scenario, const char *lease);
static int compare_dues(const struct due *a, const struct due *b);
static size_t pay(const struct due *due, struct arena *arena, struct payment out[PAYMENTS_AT_ONCE]);
static struct payment make_payment(const struct due *due, enum commodity commodity, int64_t amount_e4,
                                   struct arena *arena);

struct payers *payers_new(const struct scenario *scenario) {
  struct payers *payers = calloc(1, sizeof *payers);
  if (payers) payers->scenario = scenario;
  return payers;
}

void payers_free(struct payers *payers) {
  struct account *account, *next_account;
  struct due *due, *next_due;
  if (!payers) return;
  LL_FOREACH_SAFE(payers->dues, due, next_due) free(due);
  HASH_ITER(hh, payers->accounts, account, next_account) {
    HASH_DEL(payers->accounts, account);
    free(account);
  }
  free(payers);
}

enum error payers_decision(struct payers *payers, const struct decision *decision) {
  if (decision->kind == DECISION_BILL) return schedule(payers, &decision->bill);
  if (decision->kind != DECISION_BALANCE) return OK;
  struct account *account = account_of(payers, decision->balance.lease);
  if (!account) return ERR_NO_MEMORY;
  memcpy(account->owed_e4, decision->balance.owed_e4, sizeof account->owed_e4);
  return OK;
}

static struct account *account_of(struct payers *payers, const char *lease) {
  struct account *account = NULL;
  HASH_FIND_STR(payers->accounts, lease, account);
  if (account) return account;
  size_t len = strlen(lease);
  account = calloc(1, sizeof *account + len + 1);
  if (!account) return NULL;
  memcpy(account->lease, lease, len + 1);
  HASH_ADD_KEYPTR(hh, payers->accounts, account->lease, len, account);
  return account;
}

static enum error schedule(struct payers *payers, const struct bill *bill) {
  const struct payer *payer = payer_of(payers->scenario, bill->lease);
  if (!payer || !payer->pays) return OK;
  struct account *account = account_of(payers, bill->lease);
  struct due *due = account ? calloc(1, sizeof *due) : NULL;
  if (!due) return ERR_NO_MEMORY;
  due->account = account;
  due->at_s = bill->issued_s + payer->after_s;
  if (due->at_s < payer->not_before_s) due->at_s = payer->not_before_s;
  LL_INSERT_INORDER(payers->dues, due, compare_dues);
  return OK;
}

static const struct payer *payer_of(const struct scenario *scenario, const char *lease) {
  for (size_t i = 1; i < scenario->payer_count; i++) {
    if (strcmp(scenario->payers[i].lease, lease) == 0) return &scenario->payers[i];
  }
  return scenario->payer_count ? &scenario->payers[0] : NULL;
}

static int compare_dues(const struct due *a, const struct due *b) {
  if (a->at_s != b->at_s) return a->at_s < b->at_s ? -1 : 1;
  return strcmp(a->account->lease, b->account->lease);
}

bool payers_next(struct payers *payers, int64_t until_s, struct arena *arena, struct payment out[PAYMENTS_AT_ONCE],
                 size_t *count) {
  while (payers->dues && payers->dues->at_s <= until_s) {
    struct due *due = payers->dues;
    LL_DELETE(payers->dues, due);
    *count = pay(due, arena, out);
    // Until billing says what is owed now, nothing is.
    memset(due->account->owed_e4, 0, sizeof due->account->owed_e4);
    free(due);
    if (*count) return true;
  }
  return false;
}

static size_t pay(const struct due *due, struct arena *arena, struct payment out[PAYMENTS_AT_ONCE]) {
  int64_t total = 0;
  bool credit = false;
  size_t count = 0;
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    total += due->account->owed_e4[c];
    credit = credit || due->account->owed_e4[c] < 0;
  }
  if (!credit && total > 0) out[count++] = make_payment(due, COMMODITY_NONE, total, arena);
  for (enum commodity c = COMMODITY_ELECTRICITY; credit && c < COMMODITY_COUNT; c++) {
    if (due->account->owed_e4[c] > 0) out[count++] = make_payment(due, c, due->account->owed_e4[c], arena);
  }
  return count;
}

static struct payment make_payment(const struct due *due, enum commodity commodity, int64_t amount_e4,
                                   struct arena *arena) {
  const char *tail = commodity == COMMODITY_NONE ? "" : commodity_name(commodity);
  const char *id =
      arena_printf(arena, "pay-%s-%" PRId64 "%s%.1s", due->account->lease, due->at_s, tail[0] ? "-" : "", tail);
  return (struct payment){
      .id = id ? id : "",
      .lease = due->account->lease,
      .commodity = commodity,
      .amount_e4 = amount_e4,
      .paid_at_s = due->at_s,
      .method = "replay",
      .reference = "",
  };
}

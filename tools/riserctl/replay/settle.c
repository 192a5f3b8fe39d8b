// SPDX-License-Identifier: Apache-2.0
// A balance per thing waited for: a decision adds one, the fact that answers it takes one away. A fact may be seen
// before its decision, then the balance is below zero for a while; repeated deliveries leave it there and do no harm.
#include "riserctl/replay/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum { KEY_SIZE = 512 };

struct wait {
  UT_hash_handle hh;
  int balance;
  bool held;
  char key[]; // "told DECISION PERSON CHANNEL" or "switched DECISION"
};

struct contact {
  UT_hash_handle hh;
  bool mail;
  bool webhook;
  char id[];
};

struct settle {
  struct wait *waits;
  struct contact *contacts;
  size_t pending;
};

static enum error await_persons(struct settle *settle, const char *decision, const char *const *persons, size_t count);
static enum error add(struct settle *settle, const char *key, int by);
static struct wait *find_or_add(struct settle *settle, const char *key);
static bool is_pending(const struct wait *wait);
static void told_key(char *to, const char *decision, const char *person, enum channel channel);
static void switched_key(char *to, const char *decision);

struct settle *settle_new(void) {
  return calloc(1, sizeof(struct settle));
}

void settle_free(struct settle *settle) {
  struct wait *wait, *next_wait;
  struct contact *contact, *next_contact;
  if (!settle) return;
  HASH_ITER(hh, settle->waits, wait, next_wait) {
    HASH_DEL(settle->waits, wait);
    free(wait);
  }
  HASH_ITER(hh, settle->contacts, contact, next_contact) {
    HASH_DEL(settle->contacts, contact);
    free(contact);
  }
  free(settle);
}

enum error settle_person(struct settle *settle, const struct person *person) {
  struct contact *contact = NULL;
  HASH_FIND_STR(settle->contacts, person->id, contact);
  if (!contact) {
    size_t len = strlen(person->id);
    contact = calloc(1, sizeof *contact + len + 1);
    if (!contact) return ERR_NO_MEMORY;
    memcpy(contact->id, person->id, len + 1);
    HASH_ADD_KEYPTR(hh, settle->contacts, contact->id, len, contact);
  }
  contact->mail = person->mail[0] != 0;
  contact->webhook = person->webhook_url[0] != 0;
  return OK;
}

enum error settle_decision(struct settle *settle, const struct decision *decision) {
  char key[KEY_SIZE];
  switch (decision->kind) {
  case DECISION_BILL:
    return await_persons(settle, decision->id, decision->bill.persons, decision->bill.person_count);
  case DECISION_USAGE_ALERT:
    return await_persons(settle, decision->id, decision->usage_alert.persons, decision->usage_alert.person_count);
  case DECISION_NOTICE_DUE:
    return await_persons(settle, decision->id, decision->notice_due.persons, decision->notice_due.person_count);
  case DECISION_SWITCH_DUE:
    switched_key(key, decision->id);
    return add(settle, key, 1);
  default:
    return OK;
  }
}

static enum error await_persons(struct settle *settle, const char *decision, const char *const *persons, size_t count) {
  enum error err = OK;
  for (size_t i = 0; i < count && !err; i++) {
    char key[KEY_SIZE];
    struct contact *contact = NULL;
    HASH_FIND_STR(settle->contacts, persons[i], contact);
    bool mail = contact && contact->mail, webhook = contact && contact->webhook;
    told_key(key, decision, persons[i], mail ? CHANNEL_MAIL : webhook ? CHANNEL_WEBHOOK : CHANNEL_NONE);
    err = add(settle, key, 1);
    if (err || !mail || !webhook) continue;
    told_key(key, decision, persons[i], CHANNEL_WEBHOOK);
    err = add(settle, key, 1);
  }
  return err;
}

enum error settle_fact(struct settle *settle, const struct fact *fact) {
  char key[KEY_SIZE];
  if (fact->kind == FACT_NOTICE_DELIVERED) {
    const struct notice_delivered *told = &fact->notice_delivered;
    told_key(key, told->decision_id, told->person, told->channel);
    return add(settle, key, -1);
  }
  if (fact->kind == FACT_COMMAND_OUTCOME) {
    switched_key(key, fact->command_outcome.decision_id);
    return add(settle, key, -1);
  }
  return OK;
}

enum error settle_command(struct settle *settle, const struct command_state *state) {
  char key[KEY_SIZE];
  switched_key(key, state->decision_id);
  struct wait *wait = find_or_add(settle, key);
  if (!wait) return ERR_NO_MEMORY;
  settle->pending -= is_pending(wait);
  wait->held = state->step == COMMAND_HELD;
  settle->pending += is_pending(wait);
  return OK;
}

static enum error add(struct settle *settle, const char *key, int by) {
  struct wait *wait = find_or_add(settle, key);
  if (!wait) return ERR_NO_MEMORY;
  settle->pending -= is_pending(wait);
  wait->balance += by;
  settle->pending += is_pending(wait);
  if (wait->balance == 0 && !wait->held) {
    HASH_DEL(settle->waits, wait);
    free(wait);
  }
  return OK;
}

static bool is_pending(const struct wait *wait) {
  return wait->balance > 0 && !wait->held;
}

static struct wait *find_or_add(struct settle *settle, const char *key) {
  struct wait *wait = NULL;
  HASH_FIND_STR(settle->waits, key, wait);
  if (wait) return wait;
  size_t len = strlen(key);
  wait = calloc(1, sizeof *wait + len + 1);
  if (!wait) return NULL;
  memcpy(wait->key, key, len + 1);
  HASH_ADD_KEYPTR(hh, settle->waits, wait->key, len, wait);
  return wait;
}

static void told_key(char *to, const char *decision, const char *person, enum channel channel) {
  static const char *const names[] = {"(no channel)", "mail", "webhook"};
  snprintf(to, KEY_SIZE, "told %s %s by %s", decision, person, names[channel <= CHANNEL_WEBHOOK ? channel : 0]);
}

static void switched_key(char *to, const char *decision) {
  snprintf(to, KEY_SIZE, "switched %s", decision);
}

size_t settle_pending(const struct settle *settle) {
  return settle->pending;
}

enum error settle_describe(const struct settle *settle, size_t max, struct buffer *to) {
  struct wait *wait, *next;
  enum error err = OK;
  HASH_ITER(hh, settle->waits, wait, next) {
    if (err || max == 0) break;
    if (!is_pending(wait)) continue;
    err = buffer_printf(to, "  not yet %s\n", wait->key);
    max--;
  }
  return err;
}

bool settle_positions_reached(const struct settle_positions *positions) {
  bool folded = positions->folded_next >= positions->site_next && positions->folded_next <= positions->site_end;
  return folded && positions->folded_index == 0 &&
         cause_compare(positions->outbox_last, positions->decision_last) <= 0;
}

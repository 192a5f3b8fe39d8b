// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "canary.h"
#include "estate.h"
#include "house.h"
#include "index.h"
#include "metersim/payload.h"
#include "model.h"
#include "numbers.h"
#include "process.h"
#include "trace.h"
#include "wire/decision.h"
#include "wire/fact.h"
#include "wire/state.h"

enum { ARENA_MAX = 256 << 20, KEY_SIZE = 512, DAY_S = 86400, TICK_AHEAD_MS = 300000 };

struct tally tally;

// A decision as it first came.
struct seen {
  struct cause cause;
  uint64_t hash;
};

// A message to a person, and what became of it.
struct message {
  char *key; // decision|person
  bool due;
  bool settled, delivered;
  int64_t bounced_at; // offset; INT64_MAX: it did not
  uint32_t mails;
  int64_t served_s;
};

// A switch that is due.
struct due {
  char *id;
  char *site, *lease;
  enum commodity commodity;
  enum supply supply;
  bool confirmed;
};

static struct {
  struct arena *arena;
  struct seen *seen[BUS_PARTITIONS];
  size_t seen_count[BUS_PARTITIONS], seen_room[BUS_PARTITIONS];
  struct index ids; // of decisions, to where they were first seen + 1
  struct message *messages;
  size_t message_count, message_room;
  struct index message_index;
  struct due *dues;
  size_t due_count, due_room;
  struct index due_index;
  struct ledger_line {
    size_t house;
    struct reading reading;
    char meter[HOUSE_NAME_SIZE];
  } * ledger;
  size_t ledger_count, ledger_room;
  int64_t business_s[BUS_PARTITIONS];
} all;

static void *room_for(void *list, size_t count, size_t *room, size_t size) {
  if (count < *room) return list;
  *room = *room ? 2 * *room : 256;
  void *grown = realloc(list, *room * size);
  if (!grown) abort();
  return grown;
}

void check_begin(void) {
  memset(&all, 0, sizeof all);
  all.arena = arena_new(ARENA_MAX);
  if (!all.arena) abort();
  model_begin();
}

void check_end(void) {
  for (int p = 0; p < BUS_PARTITIONS; p++) free(all.seen[p]);
  for (size_t i = 0; i < all.message_count; i++) free(all.messages[i].key);
  for (size_t i = 0; i < all.due_count; i++) {
    free(all.dues[i].id);
    free(all.dues[i].site);
    free(all.dues[i].lease);
  }
  free(all.messages);
  free(all.dues);
  free(all.ledger);
  index_fini(&all.ids);
  index_fini(&all.message_index);
  index_fini(&all.due_index);
  arena_free(all.arena);
  model_end();
}

static uint64_t hash_of(struct bytes value) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < value.len; i++) hash = (hash ^ value.data[i]) * UINT64_C(0x100000001b3);
  return hash;
}

// ---- messages

static struct message *message_of(const char *decision, const char *person) {
  char key[KEY_SIZE];
  snprintf(key, sizeof key, "%s|%s", decision, person);
  size_t *at = index_slot(&all.message_index, key);
  if (*at) return &all.messages[*at - 1];
  all.messages = room_for(all.messages, all.message_count, &all.message_room, sizeof *all.messages);
  struct message *message = &all.messages[all.message_count++];
  *message = (struct message){.key = strdup(key), .bounced_at = INT64_MAX};
  *at = all.message_count;
  return message;
}

static void expect(const struct decision *decision, const char *const *persons, size_t count) {
  for (size_t i = 0; i < count; i++) message_of(decision->id, persons[i])->due = true;
}

static void take_delivery(int32_t partition, int64_t offset, const struct notice_delivered *notice) {
  struct message *message = message_of(notice->decision_id, notice->person);
  if (notice->delivery == DELIVERY_BOUNCED) {
    if (message->bounced_at == INT64_MAX) message->bounced_at = offset;
    return;
  }
  if (message->settled) violated("a message is settled once", "%s to %s", notice->decision_id, notice->person);
  if (notice->delivery == DELIVERY_DELIVERED && !message->mails && !canary_sings(CANARY_NOTICE))
    violated("delivered is what was delivered", "%s to %s", notice->decision_id, notice->person);
  message->settled = true;
  message->delivered = notice->delivery == DELIVERY_DELIVERED;
  message->served_s = all.business_s[partition];
}

void check_mail_begins(const char *decision, const char *person) {
  if (message_of(decision, person)->delivered)
    violated("no message again after its delivery was recorded", "%s to %s", decision, person);
}

void check_mail(const char *decision, const char *person, const char *message_id) {
  struct message *message = message_of(decision, person);
  trace("mail %s to %s: %s", decision, person, message_id);
  tally.mails++;
  tally.mails_again += message->mails++ > 0;
  if (!message->due) violated("no message without a reason", "%s to %s", decision, person);
}

bool check_is_told(void) {
  for (size_t i = 0; i < all.message_count; i++)
    if (all.messages[i].due && !all.messages[i].settled) return false;
  return true;
}

// ---- switches

static struct due *due_of(const char *id) {
  const size_t *at = index_slot(&all.due_index, id);
  return *at ? &all.dues[*at - 1] : NULL;
}

static void take_due(const struct decision *decision) {
  const struct switch_due *due = &decision->switch_due;
  size_t *at = index_slot(&all.due_index, decision->id);
  if (*at) return;
  all.dues = room_for(all.dues, all.due_count, &all.due_room, sizeof *all.dues);
  all.dues[all.due_count++] = (struct due){.id = strdup(decision->id),
                                           .site = strdup(decision->site),
                                           .lease = strdup(due->lease),
                                           .commodity = due->commodity,
                                           .supply = due->supply};
  *at = all.due_count;
}

// The latest notice lies long enough back, and reached somebody.
static bool was_warned(const struct due *due, int64_t business_s, int64_t upto_offset) {
  char prefix[KEY_SIZE];
  int len = snprintf(prefix, sizeof prefix, "notice:%s:%s:%s:", due->site, due->lease, commodity_name(due->commodity));
  size_t at = all.message_count;
  while (at > 0 && strncmp(all.messages[at - 1].key, prefix, (size_t)len) != 0) at--;
  if (at == 0) return false;
  size_t id_len = strcspn(all.messages[at - 1].key, "|");
  for (size_t i = 0; i < all.message_count; i++) {
    const struct message *message = &all.messages[i];
    bool same = strncmp(message->key, all.messages[at - 1].key, id_len + 1) == 0;
    if (!same || !message->delivered || message->bounced_at < upto_offset) continue;
    if (message->mails && message->served_s + ESTATE_LEAD_DAYS * DAY_S <= business_s) return true;
  }
  return false;
}

static void take_answer(const struct decision *decision) {
  struct due *due = due_of(decision->intent_answer.decision_id);
  if (!due || !decision->intent_answer.confirmed) return;
  due->confirmed = true;
  if (due->supply != SUPPLY_OFF) return;
  if (model_is_surely_paid(due->site, due->lease, due->commodity, decision->cause.offset))
    violated("nobody is cut off who has paid", "%s is confirmed", due->id);
  if (!was_warned(due, decision->business_time_s, decision->cause.offset))
    violated("no disconnect without a notice that is old enough", "%s is confirmed", due->id);
}

void check_published(const char *topic, struct bytes payload) {
  struct device_command command;
  arena_reset(all.arena);
  if (!strstr(topic, "/down/cmd")) return;
  if (payload_command(payload, all.arena, &command) != OK) abort();
  trace("publishes %s", command.command_id);
  struct due *due = due_of(command.command_id);
  if (!due) {
    violated("no command without a decision", "%s", command.command_id);
  } else if (due->supply != command.supply) {
    violated("no command without a decision", "%s switches otherwise", command.command_id);
  } else if (due->supply == SUPPLY_OFF) {
    tally.cuts++;
    if (!due->confirmed) violated("no disconnect that billing has not confirmed", "%s", command.command_id);
  } else {
    tally.reconnects++;
  }
}

void check_moved(const struct device *device) {
  tally.moves++;
  const struct due *due = due_of(device->contact.last_id);
  if (!due) violated("no command without a decision", "%s moved by %s", device->id, device->contact.last_id);
}

// ---- decisions

static struct seen *find_seen(int32_t partition, struct cause cause) {
  size_t low = 0, high = all.seen_count[partition];
  struct seen *list = all.seen[partition];
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (cause_compare(list[middle].cause, cause) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < all.seen_count[partition] && cause_compare(list[low].cause, cause) == 0;
  return found ? &list[low] : NULL;
}

// True: it is new. A repetition must be the same letter by letter; a new one must lie behind all others.
static bool take_cause(int32_t partition, const struct decision *decision, uint64_t hash) {
  size_t count = all.seen_count[partition];
  const struct seen *last = count ? &all.seen[partition][count - 1] : NULL;
  if (last && cause_compare(decision->cause, last->cause) <= 0) {
    const struct seen *same = find_seen(partition, decision->cause);
    tally.repeated++;
    if (!same || same->hash != hash)
      violated("causes increase, and the same cause says the same", "%s at %lld.%u", decision->id,
               (long long)decision->cause.offset, decision->cause.index);
    return false;
  }
  all.seen[partition] = room_for(all.seen[partition], count, &all.seen_room[partition], sizeof *all.seen[partition]);
  all.seen[partition][all.seen_count[partition]++] = (struct seen){decision->cause, hash};
  return true;
}

static void take_id(const struct decision *decision) {
  bool repeats = decision->kind == DECISION_INTENT_ANSWER || decision->kind == DECISION_FACT_EXCEPTION; // asked again
  size_t *at = index_slot(&all.ids, decision->id);
  if (*at && !repeats) violated("one decision per id", "%s came before", decision->id);
  *at = 1;
}

static void check_decision(const struct kafka_record *record) {
  struct decision decision;
  if (wire_decision_decode(record->value, all.arena, &decision) != OK) {
    violated("what is written can be read", "decision at %lld", (long long)record->offset);
    return;
  }
  if (decision.kind != DECISION_CLOCK)
    trace("decision %d/%lld %s (cause %lld.%u)", record->partition, (long long)record->offset, decision.id,
          (long long)decision.cause.offset, decision.cause.index);
  if (!take_cause(record->partition, &decision, hash_of(record->value))) return;
  tally.decisions++;
  take_id(&decision);
  switch (decision.kind) {
  case DECISION_BILL:
    tally.bills++;
    tally.rebills += decision.bill.revision > 0;
    model_bill(&decision);
    expect(&decision, decision.bill.persons, decision.bill.person_count);
    break;
  case DECISION_BALANCE:
    tally.balances++;
    model_balance(&decision);
    break;
  case DECISION_USAGE_ALERT:
    expect(&decision, decision.usage_alert.persons, decision.usage_alert.person_count);
    break;
  case DECISION_NOTICE_DUE:
    expect(&decision, decision.notice_due.persons, decision.notice_due.person_count);
    break;
  case DECISION_SWITCH_DUE:
    take_due(&decision);
    break;
  case DECISION_INTENT_ANSWER:
    take_answer(&decision);
    break;
  case DECISION_FACT_EXCEPTION:
    tally.exceptions++;
    model_refused(decision.site, decision.fact_exception.fact_id);
    break;
  default:
    break;
  }
}

// ---- facts

static void check_fact(const struct kafka_record *record) {
  struct fact fact;
  int32_t p = record->partition;
  if (!record->value.data || wire_fact_decode(record->value, all.arena, &fact) != OK)
    return; // billing makes exceptions
  if (trace_wanted() && fact.kind != FACT_TICK)
    trace("fact %d/%lld %s %s", p, (long long)record->offset, fact_kind_name(fact.kind), fact.envelope.fact_id);
  tally.facts++;
  if (fact.kind == FACT_TICK) {
    if (fact.tick.time_s * 1000 > record->timestamp_ms + TICK_AHEAD_MS) return;
    if (fact.tick.time_s > all.business_s[p]) all.business_s[p] = fact.tick.time_s;
    return;
  }
  if (!bytes_equal_text(record->key, fact.envelope.site)) return; // billing passes it over
  tally.payments += fact.kind == FACT_PAYMENT;
  model_fact(p, record->offset, &fact);
  if (fact.kind == FACT_NOTICE_DELIVERED) take_delivery(p, record->offset, &fact.notice_delivered);
}

void check_appended(enum bus_topic topic, const struct kafka_record *record) {
  struct fact fact;
  arena_reset(all.arena);
  if (topic != BUS_SITE || !record->value.data || wire_fact_decode(record->value, all.arena, &fact) != OK) return;
  if (bytes_equal_text(record->key, fact.envelope.site)) numbers_fact(&fact);
}

void check_record(enum bus_topic topic, const struct kafka_record *record) {
  arena_reset(all.arena);
  if (topic == BUS_SITE) check_fact(record);
  if (topic == BUS_DECISION) check_decision(record);
}

// ---- the state in Redis

static void check_account(const char *site, size_t site_len, struct bytes value) {
  struct account_state account;
  char name[KEY_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)site_len, site);
  if (wire_account_state_decode(value, all.arena, &account) != OK) {
    violated("what is written can be read", "account of %s", name);
    return;
  }
  int64_t came_e4 = 0, there_e4 = 0;
  for (size_t i = 0; i < account.payment_count; i++) {
    int64_t amount_e4 = model_amount_of_payment(name, account.lease, account.payments[i]);
    if (amount_e4 < 0) violated("money is conserved", "%s/%s has %s", name, account.lease, account.payments[i]);
    came_e4 += amount_e4;
  }
  for (int c = 0; c < COMMODITY_COUNT; c++) {
    there_e4 += account.credit_e4[c];
    for (size_t i = 0; i < account.bill_count; i++) there_e4 += account.bills[i].paid_e4[c];
  }
  if (came_e4 != there_e4)
    violated("money is conserved", "%s/%s: paid in %lld, in bills and credit %lld", name, account.lease,
             (long long)came_e4, (long long)there_e4);
}

void check_committed(const struct unit *unit, const struct redis_fence *fence, const struct redis_command *writes,
                     size_t count) {
  static const char account[] = "account:";
  struct partition_meta before, after;
  (void)unit;
  tally.commits++;
  arena_reset(all.arena);
  if (wire_partition_meta_decode(fence->expected, all.arena, &before) ||
      wire_partition_meta_decode(fence->next, all.arena, &after)) {
    violated("what is written can be read", "a fence");
    return;
  }
  bool behind = after.next_offset < before.next_offset ||
                (after.next_offset == before.next_offset && after.next_index < before.next_index);
  if (behind)
    violated("the fence only advances", "from %lld to %lld", (long long)before.next_offset,
             (long long)after.next_offset);
  trace("commit of %zu writes, next %lld.%u", count, (long long)after.next_offset, after.next_index);
  for (size_t i = 0; i < count; i++) {
    struct bytes key = writes[i].words[1];
    const uint8_t *colon = memchr(key.data, ':', key.len);
    const char *rest = colon ? (const char *)colon + 1 : "";
    size_t left = colon ? key.len - (size_t)(colon + 1 - key.data) : 0;
    if (left < sizeof account || memcmp(rest, account, sizeof account - 1) != 0) continue;
    const char *site = rest + sizeof account - 1, *slash = memchr(site, '/', left - (sizeof account - 1));
    if (slash) check_account(site, (size_t)(slash - site), writes[i].words[2]);
  }
}

// ---- what was acknowledged

void check_acknowledged(const struct device *device, const struct reading *reading) {
  all.ledger = room_for(all.ledger, all.ledger_count, &all.ledger_room, sizeof *all.ledger);
  struct ledger_line *line = &all.ledger[all.ledger_count++];
  *line = (struct ledger_line){.house = device->house, .reading = *reading};
  snprintf(line->meter, sizeof line->meter, "%s", device->id);
}

bool check_some_read(size_t *house, struct reading *reading, char meter[]) {
  size_t recent = all.ledger_count < 400 ? all.ledger_count : 400;
  if (!recent) return false;
  const struct ledger_line *line = &all.ledger[all.ledger_count - 1 - chance_below(recent)];
  *house = line->house;
  *reading = line->reading;
  memcpy(meter, line->meter, sizeof line->meter);
  return true;
}

bool check_some_notice(size_t *house, char *decision, size_t decision_size, char *person, size_t person_size) {
  for (size_t i = all.message_count; i > 0; i--) {
    const struct message *message = &all.messages[i - 1];
    const char *bar = strchr(message->key, '|');
    if (strncmp(message->key, "notice:", 7) != 0 || !message->delivered) continue;
    snprintf(decision, decision_size, "%.*s", (int)(bar - message->key), message->key);
    snprintf(person, person_size, "%s", bar + 1);
    const char *first = house_site(0);
    *house = strncmp(message->key + 7, first, strlen(first)) == 0 && message->key[7 + strlen(first)] == ':' ? 0 : 1;
    return true;
  }
  return false;
}

// ---- what services say of themselves

void check_logged(const struct unit *unit, const char *event, const struct log_field *fields) {
  static const char *const never[] = {"partition-refused",  "state-corrupt",       "decision-unreadable",
                                      "command-unreadable", "progress-unreadable", "person-unreadable",
                                      "partitions-differ",  "partitions-mismatch", "record-passed-over-by-ingest"};
  const char *reason = "";
  for (; fields->key; fields++)
    if (strcmp(fields->key, "reason") == 0 && fields->type == LOG_STR && fields->as.text) reason = fields->as.text;
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strcmp(event, never[i]) == 0) violated("no service gives up", "%s says %s %s", unit->name, event, reason);
}

void check_failed(const struct unit *unit, const char *where, enum error err) {
  trace("fails in %s: %s", where, error_name(err));
  tally.deaths++;
  if (err != ERR_FENCED) violated("no service gives up", "%s ends in %s: %s", unit->name, where, error_name(err));
}

// ---- the end

static void check_ledger(void) {
  for (size_t i = 0; i < all.ledger_count && !is_violated(); i++) {
    struct ledger_line *line = &all.ledger[i];
    line->reading.meter = line->meter;
    if (!model_has_read(house_site(line->house), &line->reading))
      violated("nothing acknowledged is lost", "%s at %lld: %lld", line->meter, (long long)line->reading.time_s,
               (long long)line->reading.value);
  }
}

static void check_rooms(void) {
  for (size_t i = 0; i < DEVICES; i++) {
    const struct device *device = house_device(i / POINTS, i % POINTS);
    if (device->contact.supply != SUPPLY_ON)
      violated("a paid room is never left cut", "%s/%s is off", device->site, device->id);
  }
}

void check_final(void) {
  check_ledger();
  numbers_final();
  check_rooms();
  for (size_t i = 0; i < all.message_count; i++)
    if (all.messages[i].due && !all.messages[i].settled) violated("everybody is told", "%s", all.messages[i].key);
  if (!is_violated()) model_check_bills();
}

// SPDX-License-Identifier: Apache-2.0
// The order matters while billing is at work: Redis first, then the decisions, then the log, which is always ahead. So
// whatever is known is in the log, or was removed from it.
#include "riserctl/verify_seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "riserctl/log_file.h"
#include "riserctl/log_reader.h"
#include "riserctl/seal_trail.h"
#include "riserctl/state.h"
#include "riserctl/table.h"
#include "wire/bill.h"
#include "wire/decision.h"
#include "wire/fact.h"

#define SITE_LOG "riser.site.v1"

enum { CHAINS = 2, CHAIN_SIZE = 80, KEY_SIZE = 96 };

struct chain {
  char name[CHAIN_SIZE];
  struct seal_trail *trail;
};

struct seals {
  struct ctl *ctl;
  const struct verify_seal_options *options;
  int32_t partition;
  struct chain chains[CHAINS]; // of the site, of its partition's ticks
  size_t line;                 // of the file
};

static enum error open_chains(struct seals *seals);
static enum error read_redis(struct seals *seals);
static enum error read_bills(struct seals *seals);
static enum error read_decisions(struct seals *seals);
static enum error read_log(struct seals *seals);
static enum status report(struct seals *seals, bool json);
static enum status fail(struct seals *seals, enum error err);

enum status verify_seal(struct ctl *ctl, const struct verify_seal_options *options, bool json) {
  struct seals seals = {.ctl = ctl, .options = options, .partition = state_partition(ctl, options->site)};
  enum error err = open_chains(&seals);
  if (!err) err = read_redis(&seals);
  if (!err) err = read_bills(&seals);
  if (!err) err = read_decisions(&seals);
  if (!err) err = read_log(&seals);
  enum status status = err ? fail(&seals, err) : report(&seals, json);
  for (int i = 0; i < CHAINS; i++) seal_trail_free(seals.chains[i].trail);
  return status;
}

static enum status fail(struct seals *seals, enum error err) {
  const struct verify_seal_options *options = seals->options;
  if (err == ERR_BAD_VALUE && seals->line == 0)
    return ctl_misuse(seals->ctl, "--seal must be as it stands on a bill: a number, '-' and 64 hexadecimal digits");
  if (err == ERR_BAD_VALUE)
    return ctl_misuse(seals->ctl, "%s, line %zu: expected 'partition offset key value', key and value in hexadecimal",
                      options->file, seals->line);
  if (err == ERR_NOT_FOUND && options->file) return ctl_misuse(seals->ctl, "%s can't be opened", options->file);
  return ctl_fail(seals->ctl, err, "the records of %s can't be verified", options->site);
}

static enum error open_chains(struct seals *seals) {
  struct seal seal;
  snprintf(seals->chains[0].name, CHAIN_SIZE, "%s", seals->options->site);
  snprintf(seals->chains[1].name, CHAIN_SIZE, "@tick/%d", (int)seals->partition);
  for (int i = 0; i < CHAINS; i++) {
    seals->chains[i].trail = seal_trail_new(seals->chains[i].name);
    if (!seals->chains[i].trail) return ERR_NO_MEMORY;
  }
  if (!seals->options->seal) return OK;
  if (seal_parse(bytes_text(seals->options->seal), &seal)) return ERR_BAD_VALUE;
  return seal_trail_head(seals->chains[0].trail, &seal, "--seal");
}

static struct seal_trail *trail_of(struct seals *seals, struct bytes name) {
  for (int i = 0; i < CHAINS; i++)
    if (bytes_equal_text(name, seals->chains[i].name)) return seals->chains[i].trail;
  return NULL;
}

// ---------------------------------------------------------------- what is known

// What of the log that is walked is sealed for certain: what stands before the fence. Of a copy, all that it holds by
// now, provided that billing has come to the end of the log that it is a copy of.
static enum error read_fence(struct seals *seals) {
  const struct verify_seal_options *options = seals->options;
  bool copy = options->file || strcmp(options->topic, SITE_LOG) != 0;
  struct fence_view fence;
  int64_t until = INT64_MAX, end = 0;
  enum error err = options->file ? OK : log_end(seals->ctl, options->topic, seals->partition, &until);
  if (!err) err = state_fence(seals->ctl, seals->partition, seals->ctl->arena, &fence);
  if (!err && copy) err = log_end(seals->ctl, SITE_LOG, seals->partition, &end);
  if (err) return err;
  int64_t next = fence.installed ? fence.meta.next_offset : 0;
  if (!copy || next < end) until = copy ? 0 : next;
  for (int i = 0; i < CHAINS; i++) seal_trail_folded(seals->chains[i].trail, until);
  return OK;
}

static enum error read_redis(struct seals *seals) {
  enum error err = read_fence(seals);
  for (int i = 0; !err && i < CHAINS; i++) {
    struct chain *chain = &seals->chains[i];
    struct seal_state state;
    struct bytes value;
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "seal:%s", chain->name);
    err = state_get(seals->ctl, seals->partition, key, seals->ctl->arena, &value);
    if (err == ERR_NOT_FOUND) {
      err = OK;
      continue;
    }
    if (!err) err = seal_state_decode(value, &state);
    if (!err)
      err = seal_trail_checks(chain->trail, state.seal.records, bytes_make(state.checks, seal_checks_len(&state)));
    if (!err) err = seal_trail_head(chain->trail, &state.seal, "Redis");
  }
  return err;
}

static enum error read_bills(struct seals *seals) {
  const char *const *keys;
  size_t count = 0;
  const char *prefix = arena_printf(seals->ctl->arena, "bill:bill:%s:", seals->options->site);
  if (!prefix) return ERR_NO_MEMORY;
  enum error err = state_keys(seals->ctl, seals->partition, prefix, &keys, &count);
  for (size_t i = 0; !err && i < count; i++) {
    struct bill bill;
    err = state_bill(seals->ctl, seals->options->site, keys[i] + strlen("bill:"), &bill);
    const char *source = err ? NULL : arena_printf(seals->ctl->arena, "%s in Redis", bill.id);
    if (!err) err = source ? seal_trail_head(seals->chains[0].trail, &bill.seal, source) : ERR_NO_MEMORY;
  }
  return err;
}

static enum error take_sealed(struct seals *seals, const struct sealed *sealed, const char *source) {
  struct seal_trail *trail = trail_of(seals, bytes_text(sealed->chain));
  if (!trail) return OK;
  enum error err = seal_trail_checks(trail, sealed->seal.records, sealed->checks);
  return err ? err : seal_trail_head(trail, &sealed->seal, source);
}

static enum error visit_decision(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct seals *seals = ctx;
  struct decision decision;
  if (!trail_of(seals, record->key)) return OK;
  enum error err = wire_decision_decode(record->value, arena, &decision);
  if (err) return err;
  bool bill = decision.kind == DECISION_BILL, balance = decision.kind == DECISION_BALANCE;
  if (!bill && !balance && decision.kind != DECISION_SEALED) return OK;
  const char *source = arena_strdup(seals->ctl->arena, decision.id);
  if (!source) return ERR_NO_MEMORY;
  if (decision.kind == DECISION_SEALED) return take_sealed(seals, &decision.sealed, source);
  const struct seal *seal = bill ? &decision.bill.seal : &decision.balance.seal;
  return seal_trail_head(seals->chains[0].trail, seal, source);
}

static enum error read_decisions(struct seals *seals) {
  const struct log_range range = {"riser.decision.v1", seals->partition, KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit_decision, .ctx = seals};
  return log_read(seals->ctl, &range, &reader);
}

// ---------------------------------------------------------------- what is there

static enum error visit_record(void *ctx, const struct kafka_record *record, struct arena *arena) {
  (void)arena;
  struct seal_trail *trail = trail_of(ctx, record->key);
  const struct seal_record one = {record->partition, record->offset, record->value};
  return trail ? seal_trail_walk(trail, &one) : OK;
}

static enum error read_log(struct seals *seals) {
  const struct verify_seal_options *options = seals->options;
  const struct log_range range = {options->topic, seals->partition, KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {.visit = visit_record, .ctx = seals};
  return options->file ? log_file_read(options->file, &reader, &seals->line) : log_read(seals->ctl, &range, &reader);
}

// ---------------------------------------------------------------- what is said of it

static const char *fact_id(struct seals *seals, struct bytes value) {
  struct fact fact;
  if (!value.data || wire_fact_decode(value, seals->ctl->arena, &fact)) return "";
  return fact.envelope.fact_id;
}

static const char *place(struct seals *seals, const struct seal_place *at) {
  if (at->number == 0) return "the end of the log";
  const char *fact = fact_id(seals, at->record.value);
  const char *text =
      arena_printf(seals->ctl->arena, "record %" PRIu64 " (partition %d, offset %" PRId64 "%s%s)", at->number,
                   (int)at->record.partition, at->record.offset, fact[0] ? ", fact " : "", fact);
  return text ? text : "";
}

// Of the ticks nothing need be known: there may be none yet.
static enum status tell_unknown(struct seals *seals, const struct chain *chain, const struct seal_finding *found) {
  if (chain != &seals->chains[0]) return STATUS_OK;
  if (found->records == 0)
    return ctl_refuse(seals->ctl, "no record of a site %s is there (riserctl get sites)", chain->name);
  return ctl_refuse(seals->ctl,
                    "%s: nothing is known of its %" PRIu64 " record(s): neither Redis nor decisions nor bills hold a "
                    "seal to compare with; has billing folded them?",
                    chain->name, found->records);
}

static enum status tell(struct seals *seals, const struct chain *chain, const struct seal_finding *found) {
  struct ctl *ctl = seals->ctl;
  const char *first = found->first.number ? place(seals, &found->first) : "the beginning";
  const char *last = place(seals, &found->last);
  switch (found->verdict) {
  case SEAL_WHOLE:
    return STATUS_OK;
  case SEAL_CHANGED:
    return ctl_refuse(ctl, "%s: %s was changed", chain->name, first);
  case SEAL_REMOVED:
    return ctl_refuse(ctl, "%s: %" PRIu64 " record(s) were removed between %s and %s", chain->name, found->count, first,
                      last);
  case SEAL_INSERTED:
    return ctl_refuse(ctl, "%s: %" PRIu64 " record(s) were put in: %s to %s", chain->name, found->count, first, last);
  case SEAL_UNKNOWN:
    return tell_unknown(seals, chain, found);
  case SEAL_ALTERED:
    break;
  }
  if (!found->source) return ctl_refuse(ctl, "%s: altered from %s on", chain->name, first);
  return ctl_refuse(ctl, "%s: altered between %s, up to which all heads agree, and %s, of which %s has another head",
                    chain->name, first, last, found->source);
}

static void row(struct seals *seals, struct table *table, const struct chain *chain, const struct seal_finding *found) {
  char text[SEAL_TEXT_SIZE];
  const struct seal_place *named = found->verdict == SEAL_REMOVED ? &found->last : &found->first;
  table_row(table);
  table_text(table, chain->name);
  table_integer(table, (int64_t)found->records);
  table_integer(table, (int64_t)found->sealed);
  table_integer(table, (int64_t)found->checks);
  table_integer(table, (int64_t)found->heads);
  table_text(table, seal_verdicts[found->verdict]);
  if (named->number) {
    table_integer(table, (int64_t)named->number);
    table_integer(table, named->record.offset);
    table_text(table, fact_id(seals, named->record.value));
  } else {
    for (int i = 0; i < 3; i++) table_text(table, "");
  }
  table_text(table, seal_format(&found->seal, text));
}

static enum status report(struct seals *seals, bool json) {
  static const struct column columns[] = {
      {"chain", CELL_TEXT},   {"records", CELL_NUMBER}, {"sealed", CELL_NUMBER}, {"checks", CELL_NUMBER},
      {"heads", CELL_NUMBER}, {"verdict", CELL_TEXT},   {"record", CELL_NUMBER}, {"offset", CELL_NUMBER},
      {"fact", CELL_TEXT},    {"seal", CELL_TEXT},
  };
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status worst = STATUS_OK;
  for (int i = 0; i < CHAINS; i++) {
    struct seal_finding found;
    seal_trail_end(seals->chains[i].trail, &found);
    row(seals, table, &seals->chains[i], &found);
    enum status status = tell(seals, &seals->chains[i], &found);
    if (status > worst) worst = status;
  }
  table_print(table, json);
  table_free(table);
  return worst;
}

// SPDX-License-Identifier: Apache-2.0
#include "notify/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "wire/fact.h"

enum {
  FACT_MAX = 65536,
  TIMEOUT_MS = 6000, // four of them in a row at most, or a new producer and three: below the heartbeats' 30 s
  NAME_SIZE = 128,
  PROPERTIES_SIZE = 4096,
};

const char notify_decision_topic[] = "riser.decision.v1";
static const char site_topic[] = "riser.site.v1";

struct entry {
  struct entry *next;
  int32_t partition;
  size_t key_len;
  size_t value_len;
  uint8_t data[]; // key, value
};

// A transaction whose end we could not learn in time must be ended before the next one begins.
enum phase { PHASE_IDLE, PHASE_COMMITTING, PHASE_ABORTING };

struct ledger {
  const struct notify_config *config;
  struct kafka_producer *producer; // NULL: it died, and another is to be made
  enum phase phase;
  size_t in_transaction; // the first so many entries
  struct entry *entries; // in order
  struct entry **last;
  size_t count;
};

// A crashed process's transaction must not hold up the readers of the site log for long: hence the short timeout. And
// the broker refuses a transaction for some milliseconds after the former; librdkafka would try again after 100.
static enum error open_producer(struct ledger *ledger) {
  const struct notify_config *config = ledger->config;
  char name[NAME_SIZE], properties[PROPERTIES_SIZE];
  snprintf(name, sizeof name, "riser-notify-%s", config->run.instance);
  int len = snprintf(properties, sizeof properties, "transaction.timeout.ms=20000;retry.backoff.ms=10;%s",
                     config->kafka.properties);
  if (len >= (int)sizeof properties) return ERR_CONFIG;
  struct kafka_producer_options options = {.settings = config->kafka, .client_id = name, .transactional_id = name};
  options.settings.properties = properties;
  return kafka_producer_open(&options, &ledger->producer);
}

enum error ledger_open(const struct notify_config *config, struct ledger **opened) {
  struct ledger *ledger = calloc(1, sizeof *ledger);
  if (!ledger) return ERR_NO_MEMORY;
  ledger->config = config;
  ledger->last = &ledger->entries;
  enum error err = open_producer(ledger);
  if (err) {
    free(ledger);
    return err;
  }
  *opened = ledger;
  return OK;
}

static void remove_entry(struct ledger *ledger, struct entry **at) {
  struct entry *entry = *at;
  *at = entry->next;
  if (!*at) ledger->last = at;
  ledger->count--;
  free(entry);
}

void ledger_close(struct ledger *ledger) {
  if (!ledger) return;
  while (ledger->entries) remove_entry(ledger, &ledger->entries);
  if (ledger->producer) kafka_producer_close(ledger->producer);
  free(ledger);
}

enum error ledger_check_partitions(struct ledger *ledger, int64_t partitions) {
  const char *const topics[] = {notify_decision_topic, site_topic};
  for (size_t i = 0; i < 2; i++) {
    int32_t count = 0;
    enum error err = kafka_producer_partitions(ledger->producer, topics[i], &count);
    if (err) return err;
    if (count == partitions) continue;
    log_error("partitions-mismatch", F_STR("topic", topics[i]), F_INT("found", count), F_INT("configured", partitions));
    return ERR_MISMATCH;
  }
  return OK;
}

enum error ledger_add(struct ledger *ledger, struct part *part, const struct fact *fact) {
  struct buffer value;
  buffer_init(&value, FACT_MAX);
  enum error err = wire_fact_encode(fact, &value);
  size_t key_len = strlen(fact->envelope.site);
  struct entry *entry = err ? NULL : calloc(1, sizeof *entry + key_len + value.len);
  if (!err && !entry) err = ERR_NO_MEMORY;
  if (!err) {
    entry->partition = part->partition;
    entry->key_len = key_len;
    entry->value_len = value.len;
    memcpy(entry->data, fact->envelope.site, key_len);
    memcpy(entry->data + key_len, value.data, value.len);
    *ledger->last = entry;
    ledger->last = &entry->next;
    ledger->count++;
  }
  buffer_fini(&value);
  return err;
}

size_t ledger_waiting(const struct ledger *ledger) {
  return ledger->count;
}

static enum error send_facts(struct ledger *ledger) {
  enum error err = OK;
  ledger->in_transaction = 0;
  for (const struct entry *entry = ledger->entries; entry && !err; entry = entry->next) {
    struct kafka_send record = {
        .topic = site_topic,
        .partition = entry->partition,
        .key = bytes_make(entry->data, entry->key_len),
        .value = bytes_make(entry->data + entry->key_len, entry->value_len),
    };
    err = kafka_producer_send(ledger->producer, &record);
    ledger->in_transaction++;
  }
  return err;
}

// A part is clean from here on, unless the transaction is aborted.
static enum error send_progress(struct ledger *ledger, struct kafka_consumer *consumer, const struct work *work) {
  struct kafka_position *positions = calloc(work->part_count, sizeof *positions);
  char(*notes)[PROGRESS_NOTE_SIZE] = calloc(work->part_count, sizeof *notes);
  enum error err = positions && notes ? OK : ERR_NO_MEMORY;
  size_t count = 0;
  for (size_t i = 0; !err && i < work->part_count; i++) {
    struct part *part = work->parts[i];
    if (!part || !part->dirty) continue;
    part->dirty = false;
    progress_note(&part->progress, notes[count]);
    positions[count] = (struct kafka_position){
        .topic = notify_decision_topic,
        .partition = part->partition,
        .offset = progress_offset(&part->progress),
        .metadata = notes[count],
    };
    count++;
  }
  if (!err && count > 0) {
    err = kafka_producer_send_offsets(ledger->producer, consumer, positions, count, TIMEOUT_MS);
  }
  free(positions);
  free(notes);
  return err;
}

static enum error try_commit(struct ledger *ledger) {
  enum error err = kafka_producer_commit(ledger->producer, TIMEOUT_MS);
  ledger->phase = !err ? PHASE_IDLE : err == ERR_ABORTED ? PHASE_ABORTING : PHASE_COMMITTING;
  if (err) return err;
  for (; ledger->in_transaction > 0; ledger->in_transaction--) remove_entry(ledger, &ledger->entries);
  return OK;
}

// Nothing was committed: all progress is to be sent again, which does no harm where it was not part of it.
static void forget_transaction(struct ledger *ledger, struct work *work) {
  ledger->phase = PHASE_IDLE;
  ledger->in_transaction = 0;
  for (size_t i = 0; i < work->part_count; i++) {
    if (work->parts[i]) work->parts[i]->dirty = true;
  }
}

static enum error try_abort(struct ledger *ledger, struct work *work) {
  ledger->phase = PHASE_ABORTING;
  enum error err = kafka_producer_abort(ledger->producer, TIMEOUT_MS);
  if (!err) forget_transaction(ledger, work);
  return err;
}

static enum error end_former(struct ledger *ledger, struct work *work) {
  enum error err = OK;
  if (ledger->phase == PHASE_COMMITTING) err = try_commit(ledger);
  if (ledger->phase == PHASE_ABORTING) err = try_abort(ledger, work);
  return err;
}

static enum error commit(struct ledger *ledger, struct kafka_consumer *consumer, struct work *work) {
  enum error err = end_former(ledger, work);
  if (!err) err = kafka_producer_begin(ledger->producer);
  if (err) return err;
  ledger->phase = PHASE_ABORTING; // from here on, until we ask for the commit
  err = send_facts(ledger);
  if (!err) err = send_progress(ledger, consumer, work);
  if (!err) err = try_commit(ledger);
  if (!err || ledger->phase == PHASE_COMMITTING || error_class(err) == CLASS_FATAL) return err;
  enum error abort_err = try_abort(ledger, work);
  return abort_err && error_class(abort_err) == CLASS_FATAL ? abort_err : err;
}

// librdkafka's producer dies for good when the broker has lost or never learnt of a transaction, and when Kafka, back
// from an outage, has ended one that took too long: it then counts as shut out. As long as we have not asked for the
// commit nothing has happened, and another producer does it again; otherwise we cannot know, and our caller has to
// begin from what is committed. Another process of our name would do the same to us, but of that the consumer tells.
enum error ledger_commit(struct ledger *ledger, struct kafka_consumer *consumer, struct work *work) {
  enum error err = ledger->producer ? OK : open_producer(ledger);
  if (err) return err;
  err = commit(ledger, consumer, work);
  bool dead = err == ERR_KAFKA_FATAL || err == ERR_FENCED;
  if (!dead) return err;
  if (ledger->phase == PHASE_COMMITTING) return ERR_KAFKA_FATAL;
  log_warn("producer-replaced", F_ERR(err));
  kafka_producer_close(ledger->producer);
  ledger->producer = NULL;
  forget_transaction(ledger, work);
  return ERR_UNAVAILABLE;
}

void ledger_drop(struct ledger *ledger, int32_t partition) {
  size_t left = ledger->in_transaction; // of those that are behind `at`
  for (struct entry **at = &ledger->entries; *at;) {
    bool counted = left > 0;
    if (counted) left--;
    if ((*at)->partition != partition) {
      at = &(*at)->next;
      continue;
    }
    if (counted) ledger->in_transaction--;
    remove_entry(ledger, at);
  }
}

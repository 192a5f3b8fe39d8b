// SPDX-License-Identifier: Apache-2.0
// One loop: take what the spool has, hand it to the producer, hear what Kafka confirmed, release. Nothing is taken
// while the window is full or before the registry is loaded; the spool is where it waits. A producer that died is
// replaced, and everything that it had not confirmed is handed to the new one, in the order of the spool.
#include "ingest/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ingest/core/window.h"
#include "ingest/intake.h"
#include "ingest/keeper.h"
#include "ingest/outlet.h"
#include "ingest/receipts.h"
#include "ingest/roster.h"
#include "ingest/topics.h"

enum {
  BATCH_MAX = 512,   // messages between two polls of the producer
  BATCH_SMALL = 128, // after fewer, a nap: a loop that runs for each message alone costs more than it does
  NAP_MS = 1,
  IDLE_WAIT_MS = 20,    // how long the empty spool is watched at a time
  DELIVERY_WAIT_MS = 1, // how long confirmations are waited for when there is nothing else to do
  FULL_WAIT_MS = 5,     // the same when the window is full
  RETRY_WAIT_MS = 500,  // between attempts at what Kafka refuses for the moment; doubles with each takeover in a row
  RETRY_WAIT_MAX_MS = 5000,
  ROSTER_EVERY_MS = 100,
  TEND_EVERY_MS = 1000,
  PROBE_EVERY_MS = 10000, // an idle worker asks whether Kafka is there
  STALL_MS = 5000,        // without a confirmation for that long, Kafka counts as away
  OLDEST_S = 946684800,   // 2000-01-01
  CLOCK_EVENT_EVERY_MS = 3600000,
  ID_SIZE = 256,
  MESSAGE_RECORDS_MAX = VERDICT_FACTS_MAX + 1, // of one message: its facts and a reject
  RECORD_BYTES_MAX = 4 << 20,                  // the producer takes no larger one
};

struct worker {
  struct worker_options options;
  char client_id[ID_SIZE];
  pthread_t thread;
  bool started;
  atomic_bool draining;
  _Atomic int64_t deadline_ms; // of the drain, by the monotonic clock

  pthread_mutex_t mqtt_lock; // held while receipts are published
  struct mqtt *mqtt;         // NULL: there is none, or it is about to be closed

  struct registry *registry;
  struct devices *devices;
  struct intake *intake;
  struct roster *roster;
  struct key_ring *key_ring;
  struct window *window;
  struct outlet outlet;
  struct receipts receipts;

  uint64_t cursor;        // the spool's position that is read next
  uint64_t tracked_until; // before it, messages are confirmed since an earlier life: only their sequences count
  bool partitions_checked;
  bool producer_failed; // a delivery failed: only a new producer can go on
  bool abandoning;      // the old producer is being closed
  bool failed;          // FATAL: the process is about to end
  uint64_t alone_until; // before it, one message goes at a time: Kafka refused a batch, or two producers in a row
  int64_t takeover_wait_ms;
  int64_t roster_at_ms, tend_at_ms, probe_at_ms;
  struct keeper keeper;   // of the sequences, if they are watched
  int64_t progress_at_ms; // the last confirmation, or since when there is something to confirm
};

static void *run(void *argument);
static void step(struct worker *worker, int64_t now_ms);
static bool is_drained(struct worker *worker, int64_t now_ms);
static enum error open_parts(struct worker *worker);
static struct intake_options intake_options(struct worker *worker);
static bool ready_to_take(struct worker *worker, int64_t now_ms);
static enum error check_partitions(struct worker *worker);
static void poll_roster(struct worker *worker, int64_t now_ms);
static size_t take_batch(struct worker *worker);
static bool take_one(struct worker *worker);
static bool hand_over(struct worker *worker, const struct arrival *arrival, struct intaken *taken, uint64_t next);
static enum error send_all(struct worker *worker, const struct arrival *arrival, struct intaken *taken,
                           uint64_t ticket);
static enum error send_reject(struct worker *worker, const struct arrival *arrival, const struct intaken *taken,
                              uint64_t ticket);
static void count(struct worker *worker, const struct intaken *taken);
static void on_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset);
static void on_refused(struct worker *worker, uint64_t ticket, enum error err);
static bool send_refused(struct worker *worker, uint64_t ticket, enum error err);
static void confirm(struct worker *worker, int64_t now_ms);
static void give_receipts(struct worker *worker);
static void settle(struct worker *worker, const struct window_message *message);
static uint64_t counted(const struct worker *worker);
static enum error producer_open(struct worker *worker);
static void take_over(struct worker *worker);
static void wait_for_work(struct worker *worker, size_t taken);
static void tend(struct worker *worker, int64_t now_ms);
static enum error open_keeper(struct worker *worker);
static enum error open_roster(struct worker *worker);
static void probe(struct worker *worker, int64_t now_ms);
static void report(struct worker *worker);
static void fail(struct worker *worker, const char *where, enum error err);

enum error worker_start(const struct worker_options *options, struct worker **out) {
  struct worker *worker = calloc(1, sizeof *worker);
  if (!worker) return ERR_NO_MEMORY;
  worker->options = *options;
  pthread_mutex_init(&worker->mqtt_lock, NULL);
  outlet_init(&worker->outlet);
  receipts_init(&worker->receipts);
  worker->receipts.given = options->gauges->receipts;
  enum error err = open_parts(worker);
  if (!err) worker->started = pthread_create(&worker->thread, NULL, run, worker) == 0;
  if (!err && !worker->started) err = ERR_NO_MEMORY;
  if (err)
    worker_free(worker);
  else
    *out = worker;
  return err;
}

static enum error open_parts(struct worker *worker) {
  const struct ingest_config *config = worker->options.config;
  snprintf(worker->client_id, sizeof worker->client_id, "riser-ingest-%s", config->run.instance);
  worker->registry = registry_new((size_t)config->devices_max);
  worker->devices = devices_new((size_t)config->devices_max);
  worker->window = window_new((size_t)config->window, (size_t)config->window_bytes);
  if (!worker->registry || !worker->devices || !worker->window) return ERR_NO_MEMORY;
  enum error err = config->sequences ? open_keeper(worker) : OK;
  if (err) return err;
  if (!config->sequences) spool_hold(worker->options.spool, UINT64_MAX);
  struct intake_options options = intake_options(worker);
  worker->intake = intake_new(&options);
  if (!worker->intake) return ERR_NO_MEMORY;
  worker->cursor = spool_oldest(worker->options.spool);
  worker->tracked_until = spool_confirmed(worker->options.spool);
  err = open_roster(worker);
  return err ? err : producer_open(worker);
}

static enum error open_roster(struct worker *worker) {
  const struct ingest_config *config = worker->options.config;
  enum error err = key_ring_open(config->device_keys, &worker->key_ring);
  if (err) {
    log_error("device-keys-file-refused", F_ERR(err),
              F_STR("mend", "RISER_DEVICE_KEYS_FILE: one key a line, 64 hexadecimal digits, at most 16"));
    return err == ERR_INTERNAL || err == ERR_NO_MEMORY ? err : ERR_CONFIG;
  }
  struct roster_options options = {.kafka = &config->kafka,
                                   .client_id = worker->client_id,
                                   .registry = worker->registry,
                                   .key_ring = worker->key_ring};
  return roster_open(&options, &worker->roster);
}

static enum error open_keeper(struct worker *worker) {
  const struct ingest_config *config = worker->options.config;
  worker->keeper = (struct keeper){
      .folder = config->spool_dir,
      .spool = worker->options.spool,
      .devices = worker->devices,
  };
  return keeper_open(&worker->keeper);
}

static struct intake_options intake_options(struct worker *worker) {
  const struct ingest_config *config = worker->options.config;
  return (struct intake_options){
      .judge =
          {
              .limits = {.readings_max = (size_t)config->readings_max,
                         .oldest_s = OLDEST_S,
                         .future_ms = config->future_limit_ms},
              .clock_limit_ms = config->clock_limit_ms,
              .clock_event_every_ms = CLOCK_EVENT_EVERY_MS,
              .refuse_foreign = config->foreign == FOREIGN_REFUSE,
              .track_sequences = config->sequences,
              .counted_until = worker->keeper.given,
              .registry = worker->registry,
              .devices = worker->devices,
              .instance = config->run.instance,
          },
      .payload_max = (size_t)config->payload_max,
  };
}

// Its queue takes what the window lets through, so that it is never full.
static enum error producer_open(struct worker *worker) {
  const struct ingest_config *config = worker->options.config;
  struct kafka_producer_options options = {
      .settings = config->kafka,
      .client_id = worker->client_id,
      .linger_ms = config->linger_ms,
      .queue_max_records = config->window * MESSAGE_RECORDS_MAX,
      .queue_max_bytes = config->window_bytes + MESSAGE_RECORDS_MAX * RECORD_BYTES_MAX,
      .on_delivered = on_delivered,
      .ctx = worker,
  };
  return kafka_producer_open(&options, &worker->outlet.producer);
}

void worker_set_mqtt(struct worker *worker, struct mqtt *mqtt) {
  pthread_mutex_lock(&worker->mqtt_lock);
  worker->mqtt = mqtt;
  pthread_mutex_unlock(&worker->mqtt_lock);
}

void worker_drain(struct worker *worker, int64_t deadline_ms) {
  atomic_store(&worker->deadline_ms, deadline_ms);
  atomic_store(&worker->draining, true);
  spool_wake(worker->options.spool);
  pthread_join(worker->thread, NULL);
  worker->started = false;
}

void worker_free(struct worker *worker) {
  if (!worker) return;
  assert(!worker->started);
  worker->abandoning = true;
  kafka_producer_close(worker->outlet.producer);
  roster_close(worker->roster);
  key_ring_free(worker->key_ring);
  keeper_close(&worker->keeper);
  outlet_fini(&worker->outlet);
  receipts_fini(&worker->receipts);
  window_free(worker->window);
  intake_free(worker->intake);
  devices_free(worker->devices);
  registry_free(worker->registry);
  pthread_mutex_destroy(&worker->mqtt_lock);
  free(worker);
}

static void *run(void *argument) {
  struct worker *worker = argument;
  while (!worker->failed) {
    int64_t now_ms = clock_mono_ms();
    if (atomic_load(&worker->draining) && is_drained(worker, now_ms)) break;
    step(worker, now_ms);
  }
  spool_stamp(worker->options.spool, atomic_load(worker->options.alive_ms));
  if (worker->keeper.saver) keeper_finish(&worker->keeper, counted(worker));
  log_info("drained", F_INT("left_messages", (int64_t)window_count(worker->window)),
           F_INT("left_bytes", (int64_t)spool_level(worker->options.spool).used_bytes));
  return NULL;
}

static bool is_drained(struct worker *worker, int64_t now_ms) {
  struct spool_record record;
  if (now_ms >= atomic_load(&worker->deadline_ms) || !roster_loaded(worker->roster)) return true;
  return window_count(worker->window) == 0 && spool_read(worker->options.spool, worker->cursor, &record) != OK;
}

static void step(struct worker *worker, int64_t now_ms) {
  health_beat(worker->options.gauges->health);
  size_t taken = 0;
  if (ready_to_take(worker, now_ms)) taken = take_batch(worker);
  wait_for_work(worker, taken);
  kafka_producer_poll(worker->outlet.producer, 0);
  confirm(worker, now_ms);
  if (worker->producer_failed || kafka_producer_status(worker->outlet.producer)) take_over(worker);
  if (!worker->failed) tend(worker, now_ms); // else there may be no producer any more
}

// Before the registry is loaded every site would be unknown.
static bool ready_to_take(struct worker *worker, int64_t now_ms) {
  poll_roster(worker, now_ms);
  if (!roster_loaded(worker->roster)) return false;
  if (worker->partitions_checked) return true;
  enum error err = check_partitions(worker);
  if (err && error_class(err) != CLASS_RETRY) fail(worker, "partitions", err);
  worker->partitions_checked = err == OK;
  condition_set(worker->options.gauges->kafka, !err);
  if (err && !worker->failed) {
    log_warn("topics-not-there", F_STR("topics", TOPIC_SITE " " TOPIC_REJECT), F_ERR(err));
    clock_sleep_ms(RETRY_WAIT_MS);
  }
  return worker->partitions_checked;
}

// The key decides the partition, and billing's state is kept by partition: another number would tear sites apart. And
// without the topic of rejects the first bad message would stop everything.
static enum error check_partitions(struct worker *worker) {
  int32_t there = 0, rejects, wanted = (int32_t)worker->options.config->partitions;
  enum error err = kafka_producer_partitions(worker->outlet.producer, TOPIC_SITE, &there);
  if (!err && there != wanted) {
    log_error("partitions-differ", F_INT("topic_has", there), F_INT("configured", wanted));
    return ERR_MISMATCH;
  }
  if (!err) err = kafka_producer_partitions(worker->outlet.producer, TOPIC_REJECT, &rejects);
  return err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err; // it will be made
}

static void poll_roster(struct worker *worker, int64_t now_ms) {
  bool loaded = roster_loaded(worker->roster);
  if (loaded && now_ms < worker->roster_at_ms) return;
  worker->roster_at_ms = now_ms + ROSTER_EVERY_MS;
  enum error err = roster_poll(worker->roster, loaded ? 0 : IDLE_WAIT_MS);
  if (err && error_class(err) != CLASS_RETRY) fail(worker, "device-table", err);
  if (err && !loaded) {
    log_warn("device-table-not-loaded", F_ERR(err));
    clock_sleep_ms(RETRY_WAIT_MS);
  }
  if (loaded || !roster_loaded(worker->roster)) return;
  condition_set(worker->options.gauges->known, true);
  condition_set(worker->options.gauges->kafka, true);
  log_info("device-table-loaded", F_INT("sites", (int64_t)registry_sites(worker->registry)),
           F_INT("devices", (int64_t)registry_devices(worker->registry)));
}

static size_t take_batch(struct worker *worker) {
  size_t taken = 0;
  if (worker->cursor < worker->alone_until) return window_count(worker->window) == 0 && take_one(worker);
  while (taken < BATCH_MAX && !window_is_full(worker->window) && take_one(worker)) taken++;
  return taken;
}

// False: there is nothing, or Kafka takes nothing.
static bool take_one(struct worker *worker) {
  struct spool_record record;
  if (spool_read(worker->options.spool, worker->cursor, &record)) return false;
  struct arrival arrival;
  arrival_read(&record, &arrival);
  if (record.position < worker->tracked_until) {
    intake_track(worker->intake, &arrival);
    worker->cursor = record.next;
    return true;
  }
  struct intaken taken;
  enum error err = intake_take(worker->intake, &arrival, &taken);
  if (err) {
    fail(worker, "intake", err);
    return false;
  }
  if (!hand_over(worker, &arrival, &taken, record.next)) return false;
  worker->cursor = record.next;
  return true;
}

static bool hand_over(struct worker *worker, const struct arrival *arrival, struct intaken *taken, uint64_t next) {
  struct window_message message = {
      .position = arrival->position,
      .next = next,
      .claim = taken->verdict.claim,
  };
  if (window_count(worker->window) == 0) worker->progress_at_ms = clock_mono_ms();
  claim_begin(&message.claim);
  uint64_t ticket = window_enter(worker->window, &message);
  enum error err = send_all(worker, arrival, taken, ticket);
  if (err) { // some of its records may be on their way: only a new producer makes that whole again
    log_error("not-handed-over", F_ERR(err));
    worker->producer_failed = true;
    return false;
  }
  window_close_record(worker->window, ticket);
  count(worker, taken);
  return true;
}

// What no attempt can make Kafka take is a refusal, or the same message would come again for ever. It is told in place
// of bad readings beside it, since nothing of the message is stored then.
static enum error send_all(struct worker *worker, const struct arrival *arrival, struct intaken *taken,
                           uint64_t ticket) {
  struct verdict *verdict = &taken->verdict;
  size_t sent = 0;
  for (size_t i = 0; i < verdict->fact_count; i++) {
    enum error err = outlet_fact(&worker->outlet, &verdict->facts[i], (void *)(uintptr_t)ticket);
    if (err && error_class(err) != CLASS_REJECT) return err;
    if (err) {
      verdict->refused = ERR_TOO_LARGE;
      verdict->detail = "as a record it is larger than Kafka takes";
      if (verdict->facts[i].kind == FACT_READINGS) verdict->readings = 0;
    } else {
      window_open_record(worker->window, ticket, worker->outlet.record_bytes);
      sent++;
    }
  }
  verdict->fact_count = sent;
  return verdict->refused ? send_reject(worker, arrival, taken, ticket) : OK;
}

static enum error send_reject(struct worker *worker, const struct arrival *arrival, const struct intaken *taken,
                              uint64_t ticket) {
  enum error err = outlet_reject(&worker->outlet, arrival, taken, (void *)(uintptr_t)ticket);
  if (!err) window_open_record(worker->window, ticket, worker->outlet.record_bytes);
  if (!err || error_class(err) != CLASS_REJECT) return err;
  log_error("record-passed-over", F_INT("position", (int64_t)arrival->position), F_ERR(err));
  return OK;
}

static void count(struct worker *worker, const struct intaken *taken) {
  struct gauges *gauges = worker->options.gauges;
  counter_add(gauges->facts, (int64_t)taken->verdict.fact_count);
  counter_add(gauges->readings, (int64_t)taken->verdict.readings);
  if (taken->verdict.refused) counter_add(&gauges->rejects[taken->verdict.refused], 1);
}

static void on_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  (void)partition;
  (void)offset;
  struct worker *worker = ctx;
  if (worker->abandoning) return;
  if (!err) {
    window_close_record(worker->window, (uint64_t)(uintptr_t)opaque);
    return;
  }
  if (!worker->producer_failed) log_error("delivery-failed", F_ERR(err)); // the others of its batch say the same
  if (error_class(err) == CLASS_REJECT)
    on_refused(worker, (uint64_t)(uintptr_t)opaque, err);
  else
    worker->producer_failed = true;
}

// Kafka refuses whole batches, so the one to blame is found by sending each message alone. That one goes to the reject
// topic, and if not even that is taken, it is passed over.
static void on_refused(struct worker *worker, uint64_t ticket, enum error err) {
  if (window_count(worker->window) > 1) {
    worker->alone_until = worker->cursor;
    worker->producer_failed = true;
    return;
  }
  if (send_refused(worker, ticket, err)) return;
  log_error("record-passed-over", F_INT("position", (int64_t)window_at(worker->window, ticket)->position), F_ERR(err));
  window_close_record(worker->window, ticket);
}

// The reject record takes the place of the one that was refused; of several of one message only the first one's.
static bool send_refused(struct worker *worker, uint64_t ticket, enum error err) {
  struct window_message *message = window_at(worker->window, ticket);
  struct spool_record record;
  struct arrival arrival;
  if (message->refused || spool_read(worker->options.spool, message->position, &record)) return false;
  arrival_read(&record, &arrival);
  struct intaken refused = {.verdict = {.refused = err, .detail = "Kafka does not take its record"}};
  if (topic_parse(arrival.topic, &refused.topic)) return false;
  message->refused = true;
  if (outlet_reject(&worker->outlet, &arrival, &refused, (void *)(uintptr_t)ticket)) return false;
  counter_add(&worker->options.gauges->rejects[err], 1);
  return true;
}

static void confirm(struct worker *worker, int64_t now_ms) {
  struct window_message message;
  uint64_t confirmed = 0;
  while (window_leave(worker->window, &message)) {
    confirmed = message.next;
    settle(worker, &message);
  }
  if (worker->receipts.count) give_receipts(worker);
  if (!confirmed) return;
  spool_confirm(worker->options.spool, confirmed);
  worker->progress_at_ms = now_ms;
  worker->takeover_wait_ms = 0;
  condition_set(worker->options.gauges->kafka, true);
}

static void give_receipts(struct worker *worker) {
  pthread_mutex_lock(&worker->mqtt_lock);
  if (worker->mqtt) receipts_publish(&worker->receipts, worker->mqtt);
  pthread_mutex_unlock(&worker->mqtt_lock);
}

static void settle(struct worker *worker, const struct window_message *message) {
  if (!claim_settle(&message->claim)) return;
  enum error err = receipts_add(&worker->receipts, &message->claim);
  if (err) fail(worker, "receipts", err);
}

// The position up to which numbers are counted: what is read again for them is confirmed, what is confirmed is counted.
static uint64_t counted(const struct worker *worker) {
  uint64_t confirmed = spool_confirmed(worker->options.spool);
  return worker->cursor < confirmed ? worker->cursor : confirmed;
}

// The records that are on their way may arrive once more from the new producer: billing merges them.
static void take_over(struct worker *worker) {
  log_warn("producer-taken-over", F_INT("in_flight", (int64_t)window_count(worker->window)));
  counter_add(worker->options.gauges->takeovers, 1);
  condition_set(worker->options.gauges->kafka, false);
  worker->abandoning = true;
  kafka_producer_close(worker->outlet.producer);
  worker->outlet.producer = NULL;
  worker->abandoning = false;
  worker->producer_failed = false;
  struct window_message message;
  while (window_abandon(worker->window, &message)) claim_undo(&message.claim);
  worker->takeover_wait_ms = worker->takeover_wait_ms ? 2 * worker->takeover_wait_ms : RETRY_WAIT_MS;
  // Without a confirmation since the last takeover: what is stored behind the oldest must not be sent each time again.
  if (worker->takeover_wait_ms > RETRY_WAIT_MS && worker->cursor > worker->alone_until)
    worker->alone_until = worker->cursor;
  uint64_t confirmed = spool_confirmed(worker->options.spool);
  if (worker->cursor > confirmed) worker->cursor = confirmed;
  if (worker->takeover_wait_ms > RETRY_WAIT_MAX_MS) worker->takeover_wait_ms = RETRY_WAIT_MAX_MS;
  clock_sleep_ms(worker->takeover_wait_ms);
  enum error err = producer_open(worker);
  if (err) fail(worker, "producer", err);
}

static void wait_for_work(struct worker *worker, size_t taken) {
  if (taken >= BATCH_SMALL || worker->producer_failed) return;
  if (taken) {
    clock_sleep_ms(NAP_MS);
    return;
  }
  bool blocked = window_is_full(worker->window);
  if (window_count(worker->window))
    kafka_producer_poll(worker->outlet.producer, blocked ? FULL_WAIT_MS : DELIVERY_WAIT_MS);
  else if (!roster_loaded(worker->roster))
    return; // polling it has waited
  else if (!atomic_load(&worker->draining))
    spool_wait(worker->options.spool, worker->cursor, IDLE_WAIT_MS);
}

static void tend(struct worker *worker, int64_t now_ms) {
  struct gauges *gauges = worker->options.gauges;
  if (window_count(worker->window) && now_ms - worker->progress_at_ms > STALL_MS) condition_set(gauges->kafka, false);
  if (worker->keeper.saver) keeper_tend(&worker->keeper, counted(worker), now_ms);
  if (now_ms < worker->tend_at_ms) return;
  worker->tend_at_ms = now_ms + TEND_EVERY_MS;
  spool_stamp(worker->options.spool, atomic_load(worker->options.alive_ms));
  spool_tend(worker->options.spool);
  probe(worker, now_ms);
  report(worker);
}

// Asks only while nothing else would tell.
static void probe(struct worker *worker, int64_t now_ms) {
  int32_t partitions;
  if (!worker->partitions_checked || window_count(worker->window) || now_ms < worker->probe_at_ms) return;
  worker->probe_at_ms = now_ms + PROBE_EVERY_MS;
  bool there = kafka_producer_partitions(worker->outlet.producer, TOPIC_SITE, &partitions) == OK;
  condition_set(worker->options.gauges->kafka, there);
}

static void report(struct worker *worker) {
  struct gauges *gauges = worker->options.gauges;
  struct spool_record oldest;
  bool waiting = spool_read(worker->options.spool, spool_confirmed(worker->options.spool), &oldest) == OK;
  gauge_set(gauges->oldest_ms, waiting ? clock_wall_ms() - oldest.entry.receive_ms : 0);
  gauge_set(gauges->spool_waiting, (int64_t)spool_waiting(worker->options.spool));
  gauge_set(gauges->in_flight, (int64_t)window_count(worker->window));
  gauge_set(gauges->sites, (int64_t)registry_sites(worker->registry));
  gauge_set(gauges->devices, (int64_t)registry_devices(worker->registry));
}

// The drain begins; whatever is left stays in the spool.
static void fail(struct worker *worker, const char *where, enum error err) {
  worker->failed = true;
  process_fail(where, err);
}

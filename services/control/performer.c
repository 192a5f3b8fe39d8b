// SPDX-License-Identifier: Apache-2.0
// A phase is sent as a whole and waited for; if the producer dies in it, a new one sends the phase again. Facts keep
// their ids and states say the same twice, so that this repeats nothing in the world outside.
#include "control/performer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/command.h"
#include "wire/fact.h"

enum { WAIT_MS = 1000, RECORD_MAX = 64 << 10 };

struct performer {
  struct performer_options options;
  struct kafka_producer *producer;
  struct condition *condition;
  struct buffer record;
  size_t failed; // deliveries of the phase that is running
  struct counter *facts;
  struct counter *states; // by step
};

static const char *const step_names[] = {"none", "due", "held", "intended", "allowed", "sent", "acknowledged",
                                         "confirmed", "refused", "failed", "superseded"};

static void on_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset) {
  struct performer *performer = ctx;
  (void)opaque;
  (void)offset;
  if (err == OK) return;
  performer->failed++;
  log_error("not-delivered", F_INT("partition", partition), F_ERR(err));
}

static enum error open_producer(struct performer *performer) {
  return kafka_producer_open(&(struct kafka_producer_options){.settings = *performer->options.kafka,
                                                              .client_id = "riser-control",
                                                              .on_delivered = on_delivered,
                                                              .ctx = performer},
                             &performer->producer);
}

enum error performer_open(const struct performer_options *options, struct performer **opened) {
  struct performer *performer = calloc(1, sizeof *performer);
  if (!performer) return ERR_NO_MEMORY;
  performer->options = *options;
  buffer_init(&performer->record, RECORD_MAX);
  performer->condition = health_condition(options->process->health, "kafka");
  condition_set(performer->condition, true); // until something has to wait for it
  struct label steps = {.name = "step", .values = step_names, .count = sizeof step_names / sizeof *step_names};
  performer->facts = metrics_counter(options->process->metrics, "riser_control_facts_written_total",
                                     "Intents and outcomes written into the site log.");
  performer->states = metrics_counters(options->process->metrics, "riser_control_command_states_total",
                                       "States written into riser.command.v1.", steps);
  enum error err = open_producer(performer);
  if (err) {
    performer_close(performer);
    return err;
  }
  *opened = performer;
  return OK;
}

void performer_close(struct performer *performer) {
  if (!performer) return;
  kafka_producer_close(performer->producer);
  buffer_fini(&performer->record);
  free(performer);
}

// ---------------------------------------------------------------- Kafka

static enum error encode(struct performer *performer, const struct effect *effect) {
  buffer_clear(&performer->record);
  if (effect->kind == EFFECT_FACT) return wire_fact_encode(&effect->fact, &performer->record);
  return wire_command_state_encode(&effect->state, &performer->record);
}

static enum error send_one(struct performer *performer, const struct partition *partition,
                           const struct effect *effect) {
  bool fact = effect->kind == EFFECT_FACT;
  enum error err = encode(performer, effect);
  if (err) return err;
  struct kafka_send record = {.topic = fact ? TOPIC_SITE : TOPIC_COMMAND,
                              .partition = (int32_t)partition->number,
                              .key = bytes_text(fact ? effect->fact.envelope.site : effect->state.site),
                              .value = buffer_bytes(&performer->record)};
  do {
    err = kafka_producer_send(performer->producer, &record);
    if (err == ERR_QUEUE_FULL) kafka_producer_poll(performer->producer, WAIT_MS);
  } while (err == ERR_QUEUE_FULL && performer->options.beat(performer->options.ctx));
  return err;
}

// Everything sent is decided, or the producer is dead.
static enum error wait_all(struct performer *performer) {
  enum error err;
  while ((err = kafka_producer_flush(performer->producer, WAIT_MS)) == ERR_TIMEOUT) {
    condition_set(performer->condition, false);
    if (!performer->options.beat(performer->options.ctx)) return ERR_CLOSED;
    if (kafka_producer_status(performer->producer) != OK) return ERR_KAFKA_FATAL;
  }
  if (err == OK && performer->failed) err = ERR_KAFKA_FATAL;
  condition_set(performer->condition, err == OK);
  return err;
}

static enum error try_phase(struct performer *performer, const struct performance *performance,
                            enum effect_kind kind) {
  size_t sent = 0;
  performer->failed = 0;
  for (size_t i = 0; i < performance->effects->count; i++) {
    const struct effect *effect = &performance->effects->items[i];
    if (effect->kind != kind) continue;
    enum error err = send_one(performer, performance->partition, effect);
    if (err) return err;
    sent++;
  }
  return sent ? wait_all(performer) : OK;
}

static enum error replace_producer(struct performer *performer) {
  log_warn("producer-replaced");
  kafka_producer_close(performer->producer);
  performer->producer = NULL;
  return open_producer(performer);
}

static enum error run_phase(struct performer *performer, const struct performance *performance,
                            enum effect_kind kind) {
  for (;;) {
    enum error err = try_phase(performer, performance, kind);
    bool dead = err == ERR_KAFKA_FATAL || err == ERR_FENCED;
    if (!dead && (error_class(err) != CLASS_RETRY || err == ERR_CLOSED)) return err;
    log_warn("not-written", F_ERR(err));
    clock_sleep_ms(WAIT_MS);
    if (!performer->options.beat(performer->options.ctx)) return ERR_CLOSED;
    err = dead ? replace_producer(performer) : OK;
    if (err) return err;
  }
}

static void count_written(struct performer *performer, const struct effects *effects) {
  for (size_t i = 0; i < effects->count; i++) {
    const struct effect *effect = &effects->items[i];
    if (effect->kind == EFFECT_FACT) counter_add(performer->facts, 1);
    if (effect->kind != EFFECT_STATE) continue;
    const struct command_state *state = &effect->state;
    counter_add(&performer->states[state->step], 1);
    log_info("command", F_STR("command", state->command_id), F_STR("step", command_step_name(state->step)),
             F_STR("reason", state->reason), F_INT("attempt", state->attempt));
  }
}

// ---------------------------------------------------------------- MQTT

static void publish_all(struct performer *performer, const struct performance *performance, int64_t fresh_until_ms) {
  struct partition *partition = performance->partition;
  for (size_t i = 0; i < performance->effects->count; i++) {
    const struct effect *effect = &performance->effects->items[i];
    if (effect->kind != EFFECT_PUBLISH) continue;
    const struct publish *publish = &effect->publish;
    enum error err = ERR_TIMEOUT;
    if (clock_mono_ms() < fresh_until_ms) err = sender_send(performer->options.sender, partition->number, publish);
    if (err == OK) continue;
    log_warn("command-not-published", F_STR("command", publish->command.command_id), F_ERR(err));
    control_take_unpublished(partition->control, publish->command.command_id, publish->attempt, err, clock_wall_ms());
  }
}

enum error performer_perform(struct performer *performer, const struct performance *performance,
                             int64_t fresh_until_ms) {
  enum error err = run_phase(performer, performance, EFFECT_FACT);
  if (err == OK) err = run_phase(performer, performance, EFFECT_STATE);
  if (err) return err;
  count_written(performer, performance->effects);
  publish_all(performer, performance, fresh_until_ms);
  return OK;
}

// SPDX-License-Identifier: Apache-2.0
// One thread makes the load, handles what came, and publishes; Paho's threads leave notes. So the order of events, and
// with the seed their randomness, is one line that can be read.
#include "metersim/sim.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/tls.h"
#include "metersim/fleet.h"
#include "metersim/installed.h"
#include "run/life.h"

enum {
  QUEUE_MAX = 100000,
  INCOMING_MAX = 1024,
  DECIDED_PER_DEVICE = 512, // above the connection's limit of messages in flight
  ARENA_BYTES = 1 << 20,
  WAIT_MS = 20,
  AGAIN_MS = 200,
  LINGER_MS = 5000,
  BURST = 64, // messages of load made in one round
  INPUT_MAX = 4096,
};

struct sim {
  const struct options *options;
  struct identity identity;
  struct kafka_settings kafka;
  struct port port;
  struct fleet fleet;
  FILE *ledger;
  struct reading *readings; // of one message
  size_t next_gateway;
  int64_t started_us, made; // messages of load
  int64_t acknowledged, acknowledged_readings, malformed, refused, resent, in_flight;
  struct random waits; // beside the choices that the seed plays again: it is drawn from as receipts come
  bool ready;  // every device has shown its state
  bool ending; // no more load
  char input[INPUT_MAX];
  size_t input_len;
  bool input_open;
};

// ---------------------------------------------------------------- load

static enum error enqueue(struct sim *sim, struct outgoing *message, int64_t delay_ms) {
  message->due_ms = clock_mono_ms() + delay_ms;
  enum error err = queue_take(&sim->port.queue, message);
  if (err) outgoing_free(message);
  return err;
}

static enum error write_note(const struct batch *batch, struct outgoing *message) {
  enum error err = buffer_printf(&message->note, "\"seq\":%" PRIu64 ",\"readings\":[", batch->sequence);
  for (size_t i = 0; err == OK && i < batch->count; i++) {
    const struct reading *reading = &batch->readings[i];
    err = buffer_printf(&message->note, "%s[\"%s\",\"%s\",%" PRId64 ",%" PRId64 "]", i ? "," : "", reading->meter,
                        register_name(reading->reg), reading->time_s, reading->value);
  }
  return err ? err : buffer_append_text(&message->note, "]");
}

static void read_meters(struct sim *sim, struct sim_device *gateway, size_t count) {
  bool supplied = gateway->contact.supply != SUPPLY_OFF;
  for (size_t i = 0; i < count; i++) {
    struct meter *meter = &gateway->meters[gateway->next_meter];
    gateway->next_meter = (gateway->next_meter + 1) % gateway->meter_count;
    int64_t at_s = sim->options->interval_s ? meter->time_s + sim->options->interval_s : device_now_s(gateway);
    sim->readings[i] = meter_read(meter, at_s, supplied, &sim->port.random);
  }
}

static enum error make_readings(struct sim *sim, struct sim_device *gateway, struct outgoing **made) {
  bool json = sim->port.format == FORMAT_JSON;
  struct outgoing *message = outgoing_new(gateway, OUTGOING_READINGS, json ? "up/json" : "up/pb");
  if (!message) return ERR_NO_MEMORY;
  size_t count = (size_t)sim->options->batch;
  read_meters(sim, gateway, count);
  struct batch batch = {.sequence = ++gateway->sequence,
                        .boot = sim->port.boot,
                        .sent_at_ms = clock_wall_ms() + sim->options->clock_off_s * 1000,
                        .readings = sim->readings,
                        .count = count,
                        .want_receipt = sim->options->receipts,
                        .counter = gateway->keys.count ? ++sim->port.counter : 0};
  message->sequence = batch.sequence;
  message->readings = count;
  enum error err = payload_batch(sim->port.format, &batch, &message->payload);
  if (err == OK && sim->ledger) err = write_note(&batch, message);
  if (err) outgoing_free(message);
  if (err == OK) *made = message;
  return err;
}

static enum error add_malformed(struct sim *sim, struct sim_device *gateway) {
  struct outgoing *message = outgoing_new(gateway, OUTGOING_MALFORMED, "up/json");
  if (!message) return ERR_NO_MEMORY;
  const char *kind = payload_malformed(&sim->port.random, &message->payload);
  enum error err = buffer_printf(&message->note, "\"malformed\":\"%s\",\"bytes\":%zu", kind, message->payload.len);
  if (err) {
    outgoing_free(message);
    return err;
  }
  return enqueue(sim, message, 0);
}

// Queues the message with the faults that chance gives it.
static enum error queue_with_faults(struct sim *sim, struct outgoing *message, int64_t pause_us) {
  const struct options *options = sim->options;
  struct random *random = &sim->port.random;
  int64_t delay_ms = 0;
  enum error err = OK;
  if (random_hits(random, options->delayed_e4)) {
    delay_ms = (int64_t)random_below(random, (uint64_t)options->delay_ms + 1);
  } else if (random_hits(random, options->reordered_e4)) {
    delay_ms = pause_us * 3 / 2000 + 1;
  }
  if (random_hits(random, options->duplicates_e4)) {
    struct outgoing *copy = outgoing_copy(message);
    err = copy ? enqueue(sim, copy, delay_ms + 1) : ERR_NO_MEMORY;
  }
  struct sim_device *gateway = message->device;
  if (err) {
    outgoing_free(message);
    return err;
  }
  err = enqueue(sim, message, delay_ms);
  if (err == OK && random_hits(random, options->malformed_e4)) err = add_malformed(sim, gateway);
  return err;
}

static struct sim_device *next_gateway(struct sim *sim) {
  for (size_t i = 0; i < sim->fleet.gateway_count; i++) {
    struct sim_device *gateway = &sim->fleet.devices[sim->next_gateway];
    sim->next_gateway = (sim->next_gateway + 1) % sim->fleet.gateway_count;
    if (!gateway->offline && gateway->unreceipted_count < UNRECEIPTED_MAX) return gateway;
  }
  return NULL;
}

// The messages that are due by now, as long as there is room. Time that was missed is caught up.
static enum error make_load(struct sim *sim) {
  const struct options *options = sim->options;
  int64_t pause_us = options->batch * 1000000 / options->rate;
  for (int i = 0; i < BURST && sim->ready && !sim->ending && sim->fleet.gateway_count; i++) {
    if (options->count && sim->made >= options->count) break;
    if (sim->started_us == 0) sim->started_us = clock_mono_us();
    bool early = clock_mono_us() < sim->started_us + sim->made * options->batch * 1000000 / options->rate;
    if (early || sim->port.queue.count > QUEUE_MAX / 2) break;
    struct sim_device *gateway = next_gateway(sim);
    if (!gateway) break;
    struct outgoing *message = NULL;
    enum error err = make_readings(sim, gateway, &message);
    if (err == OK) err = queue_with_faults(sim, message, pause_us);
    if (err) return err;
    sim->made++;
  }
  return OK;
}

// ---------------------------------------------------------------- what was published

static void write_ledger(struct sim *sim, const struct outgoing *message) {
  if (!sim->ledger || message->note.len == 0) return;
  const struct sim_device *device = message->device;
  fprintf(sim->ledger, "{\"site\":\"%s\",\"device\":\"%s\",%.*s,\"acked_ms\":%" PRId64 "}\n", device->site, device->id,
          (int)message->note.len, (const char *)message->note.data, clock_wall_ms());
}

static void acknowledged(struct sim *sim, struct outgoing *message) {
  struct sim_device *device = message->device;
  if (message->kind == OUTGOING_STATE) device->shown = true;
  if (message->kind == OUTGOING_STATE && device->offline) mqtt_pause(device->mqtt);
  if (message->kind == OUTGOING_MALFORMED) sim->malformed++;
  if (message->kind == OUTGOING_READINGS && !message->copy) {
    sim->acknowledged++;
    sim->acknowledged_readings += (int64_t)message->readings;
  }
  if (!message->copy) write_ledger(sim, message);
  if (message->kind == OUTGOING_READINGS && !message->copy && sim->options->receipts) {
    message->due_ms = clock_mono_ms() + sim->options->receipt_timeout_ms;
    DL_APPEND(device->unreceipted, message);
    device->unreceipted_count++;
    return;
  }
  outgoing_free(message);
}

static enum error take_decided(struct sim *sim) {
  struct decided decided;
  enum error err = OK;
  while (err == OK && ring_pop(sim->port.decided, &decided, 1, 0) == 1) {
    sim->in_flight--;
    if (decided.err == OK) {
      acknowledged(sim, decided.message);
    } else if (error_class(decided.err) == CLASS_RETRY) {
      sim->resent++;
      err = enqueue(sim, decided.message, AGAIN_MS); // as a device does after a lost connection
    } else {
      sim->refused++;
      log_warn("publish-refused", F_STR("device", decided.message->device->id), F_ERR(decided.err));
      outgoing_free(decided.message);
    }
  }
  return err;
}

static enum error resend_unreceipted(struct sim *sim, struct sim_device *device, int64_t now_ms) {
  struct outgoing *message;
  int64_t wait_ms = 0;
  size_t looked = 0;
  DL_FOREACH(device->unreceipted, message) {
    if (looked++ == RESEND_MAX) break;
    if (message->due_ms > now_ms) continue;
    struct outgoing *copy = outgoing_copy(message);
    if (!copy) return ERR_NO_MEMORY;
    uint64_t oldest = device->unreceipted->sequence;
    if (!wait_ms) wait_ms = resend_wait_ms(&device->resend, oldest, sim->options->receipt_timeout_ms, &sim->waits);
    message->due_ms = now_ms + wait_ms;
    sim->resent++;
    enum error err = enqueue(sim, copy, 0);
    if (err) return err;
  }
  return OK;
}

static enum error publish_due(struct sim *sim) {
  struct outgoing *message;
  int64_t now_ms = clock_mono_ms();
  while ((message = queue_pop(&sim->port.queue, now_ms))) {
    enum error err = device_publish(message->device, message);
    if (err && err != ERR_AGAIN) return err;
    sim->in_flight += err == OK;
  }
  return OK;
}

// ---------------------------------------------------------------- what came

static enum error take_incoming(struct sim *sim) {
  struct incoming incoming;
  enum error err = OK;
  while (err == OK && ring_pop(sim->port.incoming, &incoming, 1, 0) == 1) err = device_take(incoming.device, &incoming);
  return err;
}

static enum error work_devices(struct sim *sim) {
  int64_t now_ms = clock_mono_ms();
  bool all_shown = true;
  enum error err = OK;
  for (size_t i = 0; err == OK && i < sim->fleet.count; i++) {
    struct sim_device *device = &sim->fleet.devices[i];
    all_shown = all_shown && device->shown;
    err = device_work(device, now_ms);
    if (err == OK && sim->options->state_interval_ms && device->shown && now_ms >= device->next_state_ms) {
      device->next_state_ms = now_ms + sim->options->state_interval_ms;
      err = device->offline ? OK : device_show(device, true);
    }
    if (err == OK) err = resend_unreceipted(sim, device, now_ms);
  }
  if (all_shown && !sim->ready) log_info("ready", F_INT("devices", (int64_t)sim->fleet.count));
  sim->ready = sim->ready || all_shown;
  return err;
}

// ---------------------------------------------------------------- standard input

// "WORD site/device [on|off]"
static enum error obey(struct sim *sim, char *line) {
  char *save;
  const char *word = strtok_r(line, " \t\r", &save);
  const char *name = word ? strtok_r(NULL, " \t\r", &save) : NULL;
  const char *supply = name ? strtok_r(NULL, " \t\r", &save) : NULL;
  struct sim_device *device = name ? fleet_find(&sim->fleet, name) : NULL;
  if (!device) {
    log_warn("input-not-understood", F_STR("word", word));
    return OK;
  }
  struct contact *contact = &device->contact;
  if (strcmp(word, "stuck") == 0) contact->stuck = true;
  if (strcmp(word, "refuse") == 0) contact->refuses = true;
  if (strcmp(word, "slow") == 0) contact->slow_ms = sim->options->slow_ms;
  if (strcmp(word, "obey") == 0) contact->stuck = contact->refuses = false;
  if (strcmp(word, "obey") == 0) contact->slow_ms = 0;
  if (strcmp(word, "online") == 0) device_set_offline(device, false);
  if (strcmp(word, "offline") == 0) {
    device_set_offline(device, true);
    return device_show(device, false);
  }
  if (strcmp(word, "force") == 0 && supply) contact_force(contact, strcmp(supply, "off") ? SUPPLY_ON : SUPPLY_OFF);
  bool show = strcmp(word, "force") == 0 || strcmp(word, "state") == 0;
  return show ? device_show(device, !device->offline) : OK;
}

static enum error take_input(struct sim *sim) {
  ssize_t got = read(STDIN_FILENO, sim->input + sim->input_len, INPUT_MAX - 1 - sim->input_len);
  if (got <= 0) sim->input_open = false;
  if (got <= 0) return OK;
  sim->input_len += (size_t)got;
  sim->input[sim->input_len] = '\0';
  char *line = sim->input;
  enum error err = OK;
  for (char *end; err == OK && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    err = obey(sim, line);
  }
  sim->input_len = strlen(line);
  memmove(sim->input, line, sim->input_len);
  if (sim->input_len == INPUT_MAX - 1) sim->input_len = 0; // no line is that long
  return err;
}

// ---------------------------------------------------------------- life

static enum error open_port(struct sim *sim) {
  const struct options *options = sim->options;
  struct port *port = &sim->port;
  port->format = strcmp(options->format, "pb") == 0 ? FORMAT_PB : FORMAT_JSON;
  port->clock_off_s = options->clock_off_s;
  port->ack_drops_e4 = options->ack_drops_e4;
  port->random = (struct random){(uint64_t)options->seed};
  port->boot = port->counter = (uint64_t)clock_wall_ms();
  sim->waits = (struct random){(uint64_t)options->seed + 1};
  port->arena = arena_new(ARENA_BYTES);
  port->incoming = ring_new(INCOMING_MAX, sizeof(struct incoming));
  port->decided = ring_new(DECIDED_PER_DEVICE * (sim->fleet.count + 1), sizeof(struct decided));
  sim->readings = calloc((size_t)options->batch, sizeof *sim->readings);
  if (!port->arena || !port->incoming || !port->decided || !sim->readings) return ERR_NO_MEMORY;
  enum error err = queue_init(&port->queue, QUEUE_MAX);
  return err ? err : business_open(&sim->kafka, &port->business);
}

static enum error open_ledger(struct sim *sim) {
  if (!sim->options->ledger[0]) return OK;
  sim->ledger = fopen(sim->options->ledger, "a");
  if (!sim->ledger) log_error("ledger-not-opened", F_STR("file", sim->options->ledger));
  return sim->ledger ? OK : ERR_IO;
}

enum error sim_open(const struct options *options, struct sim **opened) {
  struct sim *sim = calloc(1, sizeof *sim);
  if (!sim) return ERR_NO_MEMORY;
  sim->options = options;
  sim->input_open = options->stdin_commands;
  sim->kafka = (struct kafka_settings){.brokers = options->kafka, .tls = TLS_OFF}; // but for what the identity says
  sim->port.identity = &sim->identity;
  enum error err = identity_open(options->tls, &sim->identity);
  identity_kafka(&sim->identity, &sim->kafka);
  if (err == OK) err = fleet_init(&sim->fleet, options);
  if (err == OK) err = open_port(sim);
  if (err == OK) err = open_ledger(sim);
  if (err == OK && options->installed) err = installed_wait(&sim->kafka, &sim->fleet);
  for (size_t i = 0; err == OK && i < sim->fleet.count; i++) {
    err = device_open(&sim->fleet.devices[i], &sim->port, options->mqtt, options->receipts);
  }
  if (err) {
    sim_close(sim);
    return err;
  }
  *opened = sim;
  return OK;
}

static void drop_decided(struct sim *sim) {
  struct decided decided;
  while (sim->port.decided && ring_pop(sim->port.decided, &decided, 1, 0) == 1) {
    if (decided.err == OK && !decided.message->copy) write_ledger(sim, decided.message);
    outgoing_free(decided.message);
  }
}

void sim_close(struct sim *sim) {
  if (!sim) return;
  for (size_t i = 0; i < sim->fleet.count; i++) device_close(&sim->fleet.devices[i]);
  drop_decided(sim);
  if (sim->ledger) fclose(sim->ledger);
  business_close(sim->port.business);
  queue_fini(&sim->port.queue);
  ring_free(sim->port.incoming);
  ring_free(sim->port.decided);
  arena_free(sim->port.arena);
  fleet_fini(&sim->fleet);
  free(sim->readings);
  free(sim);
}

static enum error wait_for_something(struct sim *sim) {
  int64_t wait_ms = queue_next_ms(&sim->port.queue) - clock_mono_ms();
  bool loading = sim->ready && !sim->ending && sim->fleet.gateway_count && sim->port.queue.count <= QUEUE_MAX / 2;
  if (wait_ms > WAIT_MS) wait_ms = WAIT_MS;
  if (loading && wait_ms > 1) wait_ms = 1;
  struct pollfd fds[] = {{.fd = ring_fd(sim->port.incoming), .events = POLLIN},
                         {.fd = ring_fd(sim->port.decided), .events = POLLIN},
                         {.fd = life_fd(), .events = POLLIN},
                         {.fd = sim->input_open ? STDIN_FILENO : -1, .events = POLLIN}};
  int ready = poll(fds, sizeof fds / sizeof *fds, wait_ms < 0 ? 0 : (int)wait_ms);
  return ready > 0 && fds[3].revents ? take_input(sim) : OK;
}

static enum error round_once(struct sim *sim) {
  enum error err = wait_for_something(sim);
  enum error late = business_poll(sim->port.business); // before the commands that it judges
  if (late && error_class(late) != CLASS_RETRY) return late;
  if (err == OK) err = take_incoming(sim);
  if (err == OK) err = take_decided(sim);
  if (err == OK) err = work_devices(sim);
  if (err == OK) err = make_load(sim);
  if (err == OK) err = publish_due(sim);
  if (sim->ledger) fflush(sim->ledger);
  return err;
}

static bool is_finished(const struct sim *sim, int64_t begun_ms) {
  const struct options *options = sim->options;
  if (life_draining()) return true;
  if (options->duration_ms && clock_mono_ms() - begun_ms >= options->duration_ms) return true;
  bool counted = options->count && sim->acknowledged >= options->count;
  return counted && sim->port.queue.count == 0 && sim->in_flight == 0;
}

static size_t unreceipted(const struct sim *sim) {
  size_t count = 0;
  for (size_t i = 0; i < sim->fleet.count; i++) count += sim->fleet.devices[i].unreceipted_count;
  return count;
}

static bool is_waiting(const struct sim *sim) {
  return sim->port.queue.count || sim->in_flight || unreceipted(sim);
}

// Long waits end, since this is the last time.
static void hurry(struct sim_device *device, int64_t by_ms) {
  struct outgoing *message;
  DL_FOREACH(device->unreceipted, message) {
    if (message->due_ms > by_ms) message->due_ms = by_ms;
  }
  device->resend.doublings = 0;
}

// What is on its way is waited for, receipts too, and every device says goodbye.
static enum error farewell(struct sim *sim) {
  int64_t until_ms = clock_mono_ms() + LINGER_MS + (sim->options->receipts ? sim->options->receipt_timeout_ms : 0);
  enum error err = OK;
  sim->ending = true;
  for (size_t i = 0; err == OK && i < sim->fleet.count; i++) {
    hurry(&sim->fleet.devices[i], clock_mono_ms() + sim->options->receipt_timeout_ms);
    if (!sim->fleet.devices[i].offline) err = device_show(&sim->fleet.devices[i], false);
  }
  while (err == OK && is_waiting(sim) && clock_mono_ms() < until_ms) err = round_once(sim);
  return err;
}

enum error sim_run(struct sim *sim) {
  int64_t begun_ms = clock_mono_ms();
  enum error err = OK;
  while (err == OK && !is_finished(sim, begun_ms)) err = round_once(sim);
  if (err == OK) err = farewell(sim);
  printf("{\"seed\":%" PRId64 ",\"messages\":%" PRId64 ",\"readings\":%" PRId64 ",\"malformed\":%" PRId64
         ",\"resent\":%" PRId64 ",\"unreceipted\":%zu,\"refused\":%" PRId64 ",\"commands\":%" PRId64
         ",\"forged\":%" PRId64 "}\n",
         sim->options->seed, sim->acknowledged, sim->acknowledged_readings, sim->malformed, sim->resent,
         unreceipted(sim), sim->refused, sim->port.commands, sim->port.forged);
  fflush(stdout);
  return err;
}

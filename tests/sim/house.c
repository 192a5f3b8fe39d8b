// SPDX-License-Identifier: Apache-2.0
#include "house.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "check.h"
#include "metersim/payload.h"
#include "numbers.h"
#include "post.h"
#include "process.h"
#include "trace.h"
#include "wire/telemetry.h"

enum {
  BATCH_MAX = 4,
  TOPIC_SIZE = 160,
  PAYLOAD_MAX = 4096,
  ARENA_MAX = 1 << 20,
  SAY_MS = 300,
  RETRY_MS = 30000,
  MOVE_MS = 20000,
  AGAIN_MS = 600000, // without a receipt everything is said again
  LOST = 300,        // in ten thousand: of what is said, before it reaches the broker
  UNHEARD = 200,     // of the broker's acknowledgements
  READ_FIRST_MS = 1200000,
  READ_SPREAD_MS = 18000000,
  SECOND_MS = 1000,
  HOUR_MS = 3600000,
  DAY_MS = 86400000,
  REPEATED = 1500,
  SLOW_CONTACT = 2000,
};

enum saying_kind { SAY_BATCH, SAY_STATE, SAY_ACK };

struct saying {
  enum saying_kind kind;
  bool acknowledged; // by the broker; then a batch still waits for its receipt
  bool receipted;
  int64_t said_ms;
  uint64_t sequence;
  struct reading readings[BATCH_MAX];
  size_t count;
  enum supply supply;
  uint64_t version;
  bool online;
  enum ack_outcome outcome;
  int64_t time_s;
  char command[CONTACT_ID_MAX];
};

static struct device devices[DEVICES];
static char sites[HOUSES][HOUSE_NAME_SIZE];
static struct arena *arena;
static bool with_receipts, running;

static void say_later(struct device *device, int64_t within_ms);
static void on_read(void *ctx, uint64_t argument);

struct device *house_device(size_t house, size_t point) {
  return &devices[house * POINTS + point];
}

const char *house_site(size_t house) {
  return sites[house];
}

int64_t house_utc_offset_s(size_t house) {
  return house ? 28800 : 0;
}

size_t house_room_of(size_t point) {
  return point < ROOMS ? point : 0;
}

bool house_is_water(size_t point) {
  return point >= ROOMS;
}

static void name_sites(void) {
  for (int h = 0, number = 0; h < HOUSES; number++) {
    snprintf(sites[h], HOUSE_NAME_SIZE, "house-%d", number);
    if (bus_partition_of(bytes_text(sites[h])) == h % BUS_PARTITIONS) h++;
  }
}

static void name_device(struct device *device) {
  snprintf(device->id, HOUSE_NAME_SIZE, "m%zu-%zu-%u", device->house, device->point, device->generation);
}

void house_begin(bool receipts) {
  with_receipts = receipts;
  running = false;
  arena = arena_new(ARENA_MAX);
  if (!arena) abort();
  name_sites();
  for (size_t i = 0; i < DEVICES; i++) {
    struct device *device = &devices[i];
    *device = (struct device){.house = i / POINTS, .point = i % POINTS, .generation = 1, .online = true};
    snprintf(device->site, HOUSE_NAME_SIZE, "%s", sites[device->house]);
    name_device(device);
    device->reg = house_is_water(device->point) ? REGISTER_VOLUME_COLD : REGISTER_ENERGY_IMPORT;
    device->value = 1000 + (int64_t)chance_below(1000000);
    device->rate_per_hour = 50 + (int64_t)chance_below(1500);
    device->counted_ms = machine_now_ms();
    device->installed_s = machine_now_ms() / SECOND_MS;
    device->contact.supply = SUPPLY_ON;
    device->contact.slow_ms = chance_of(SLOW_CONTACT) ? 1 + (int64_t)chance_below(MOVE_MS) : 0;
  }
}

void house_end(void) {
  for (size_t i = 0; i < DEVICES; i++) free(devices[i].sayings);
  memset(devices, 0, sizeof devices);
  arena_free(arena);
}

void house_open(void) {
  running = true;
  for (size_t i = 0; i < DEVICES; i++)
    machine_in((int64_t)chance_below(READ_FIRST_MS), on_read, &devices[i], 0);
}

void house_close(void) {
  running = false;
}

// ---- counting and reading

static void count_up(struct device *device) {
  int64_t now_ms = machine_now_ms();
  int64_t used = device->rate_per_hour * (now_ms - device->counted_ms) / HOUR_MS;
  if (device->contact.supply != SUPPLY_OFF) device->value += used;
  if (used > 0 || device->contact.supply == SUPPLY_OFF) device->counted_ms = now_ms;
}

static struct saying *add(struct device *device, enum saying_kind kind) {
  if (device->saying_count == device->saying_room) {
    device->saying_room = device->saying_room ? 2 * device->saying_room : 32;
    device->sayings = realloc(device->sayings, device->saying_room * sizeof *device->sayings);
    if (!device->sayings) abort();
  }
  struct saying *saying = &device->sayings[device->saying_count++];
  *saying = (struct saying){.kind = kind, .time_s = machine_now_ms() / SECOND_MS};
  return saying;
}

static void show(struct device *device) {
  struct saying *saying = add(device, SAY_STATE);
  saying->supply = device->contact.supply;
  saying->version = device->contact.version;
  saying->online = true;
  say_later(device, SAY_MS);
}

static const struct saying *last_batch(const struct device *device) {
  for (size_t i = device->saying_count; i > 0; i--)
    if (device->sayings[i - 1].kind == SAY_BATCH) return &device->sayings[i - 1];
  return NULL;
}

// At midnight every meter is read, so that what a month ends with is no estimate.
static int64_t next_midnight(const struct device *device) {
  int64_t offset_ms = house_utc_offset_s(device->house) * SECOND_MS;
  return (machine_now_ms() + offset_ms) / DAY_MS * DAY_MS + DAY_MS - offset_ms;
}

// Now and then with what was said before, as gateways do that catch up.
static void on_read(void *ctx, uint64_t argument) {
  struct device *device = ctx;
  (void)argument;
  if (!running) return;
  count_up(device);
  const struct saying *last = last_batch(device);
  struct reading repeated = last && chance_of(REPEATED) ? last->readings[0] : (struct reading){.meter = NULL};
  struct saying *saying = add(device, SAY_BATCH);
  saying->sequence = ++device->sequence;
  if (repeated.meter) saying->readings[saying->count++] = repeated;
  saying->readings[saying->count++] =
      (struct reading){.meter = "", .reg = device->reg, .time_s = saying->time_s, .value = device->value};
  say_later(device, SAY_MS);
  int64_t next_ms = machine_now_ms() + READ_FIRST_MS + (int64_t)chance_below(READ_SPREAD_MS);
  int64_t midnight_ms = next_midnight(device);
  machine_at(next_ms < midnight_ms ? next_ms : midnight_ms, on_read, device, 0);
}

void house_swap(struct device *device, struct reading *last, struct reading *first, char old_id[HOUSE_NAME_SIZE]) {
  count_up(device);
  int64_t now_s = machine_now_ms() / SECOND_MS;
  snprintf(old_id, HOUSE_NAME_SIZE, "%s", device->id);
  *last = (struct reading){.meter = old_id, .reg = device->reg, .time_s = now_s, .value = device->value};
  device->saying_count = 0; // what it had not said is gone with it
  device->generation++;
  device->sequence = 0;
  name_device(device);
  device->value = (int64_t)chance_below(500);
  device->contact = (struct contact){.supply = SUPPLY_ON, .slow_ms = device->contact.slow_ms};
  *first = (struct reading){.meter = device->id, .reg = device->reg, .time_s = now_s, .value = device->value};
  show(device);
}

// ---- saying

static void topic_of(const struct device *device, const char *tail, char topic[TOPIC_SIZE]) {
  snprintf(topic, TOPIC_SIZE, "riser/v1/%s/%s/%s", device->site, device->id, tail);
}

static bool offer(const struct device *device, const struct saying *saying) {
  struct buffer payload;
  char topic[TOPIC_SIZE];
  enum error err = OK;
  buffer_init(&payload, PAYLOAD_MAX);
  if (saying->kind == SAY_BATCH) {
    struct batch batch = {.sequence = saying->sequence,
                          .boot = device->generation,
                          .sent_at_ms = machine_now_ms() + device->skew_ms,
                          .readings = saying->readings,
                          .count = saying->count,
                          .want_receipt = with_receipts};
    topic_of(device, "up/pb", topic);
    err = wire_batch_encode(&batch, &payload);
  } else if (saying->kind == SAY_STATE) {
    struct device_state_fact state = {.device = "", .online = saying->online, .supply = saying->supply,
                                      .time_s = saying->time_s, .desired_version = saying->version};
    topic_of(device, "up/state", topic);
    err = wire_telemetry_state_encode(&state, &payload);
  } else {
    struct command_ack_fact ack = {.device = "", .command_id = saying->command, .outcome = saying->outcome,
                                   .time_s = saying->time_s, .detail = ""};
    topic_of(device, "up/ack", topic);
    err = wire_telemetry_ack_encode(&ack, &payload);
  }
  if (err) abort();
  bool taken = (bus_is_calm() || !chance_of(LOST)) && post_take(topic, buffer_bytes(&payload));
  buffer_fini(&payload);
  return taken && (bus_is_calm() || !chance_of(UNHEARD));
}

static void forget(struct device *device, size_t at) {
  memmove(device->sayings + at, device->sayings + at + 1, (--device->saying_count - at) * sizeof *device->sayings);
}

// Of what was acknowledged, that without a receipt is said again after a while.
static bool is_due(const struct saying *saying) {
  if (!saying->acknowledged) return true;
  return !saying->receipted && machine_now_ms() - saying->said_ms > AGAIN_MS;
}

static void forget_batch(struct device *device, size_t at) {
  const struct saying *saying = &device->sayings[at];
  for (size_t i = 0; i < saying->count; i++) check_acknowledged(device, &saying->readings[i]);
  forget(device, at);
}

static void on_say(void *ctx, uint64_t turn) {
  struct device *device = ctx;
  if (turn != device->say_turn) return;
  device->say_at_ms = 0;
  if (!device->online) return; // coming back it will speak
  if (post_is_broken()) {
    say_later(device, RETRY_MS);
    return;
  }
  bool failed = false, waiting = false;
  for (size_t i = 0; i < device->saying_count && !failed;) {
    struct saying *saying = &device->sayings[i];
    bool kept = with_receipts && saying->kind == SAY_BATCH;
    bool known = kept && saying->receipted;
    if (!known && is_due(saying)) {
      failed = !offer(device, saying);
      if (failed) break;
      saying->acknowledged = true;
      saying->said_ms = machine_now_ms();
    }
    if (known || !kept) {
      forget_batch(device, i);
      continue;
    }
    waiting = true;
    i++;
  }
  if (failed) say_later(device, RETRY_MS);
  if (!failed && waiting) say_later(device, AGAIN_MS);
}

static void say_later(struct device *device, int64_t within_ms) {
  int64_t at_ms = machine_now_ms() + 1 + (int64_t)chance_below((uint64_t)within_ms);
  if (device->say_at_ms && device->say_at_ms <= at_ms) return;
  device->say_at_ms = at_ms;
  machine_at(at_ms, on_say, device, ++device->say_turn);
}

bool house_has_said_all(void) {
  for (size_t i = 0; i < DEVICES; i++)
    if (devices[i].saying_count > 0) return false;
  return true;
}

// ---- being told

static void on_moved(void *ctx, uint64_t generation) {
  struct device *device = ctx;
  if (device->generation != generation) return;
  count_up(device);
  if (!contact_arrives(&device->contact, machine_now_ms())) return;
  check_moved(device);
  struct saying *ack = add(device, SAY_ACK);
  ack->outcome = ACK_DONE;
  snprintf(ack->command, sizeof ack->command, "%s", device->contact.last_id);
  show(device);
}

static void take_command(struct device *device, struct bytes payload) {
  struct device_command command;
  arena_reset(arena);
  if (payload_command(payload, arena, &command) != OK) abort();
  count_up(device);
  enum supply before = device->contact.supply;
  struct contact_answer answer =
      contact_take(&device->contact, &command, machine_now_ms() / SECOND_MS, machine_now_ms());
  trace("%s/%s takes %s: outcome %d", device->site, device->id, command.command_id, (int)answer.outcome);
  if (device->contact.supply != before) check_moved(device);
  if (device->contact.moving) machine_at(device->contact.moves_at_ms, on_moved, device, device->generation);
  struct saying *ack = add(device, SAY_ACK);
  ack->outcome = answer.outcome;
  snprintf(ack->command, sizeof ack->command, "%s", command.command_id);
  if (answer.show)
    show(device);
  else
    say_later(device, SAY_MS);
}

struct waiting {
  char topic[TOPIC_SIZE];
  struct bytes payload;
  int64_t until_ms;
};

static void on_waited(void *ctx, uint64_t argument) {
  struct waiting *waiting = ctx;
  (void)argument;
  house_take(waiting->topic, waiting->payload, waiting->until_ms);
  free((void *)(uintptr_t)waiting->payload.data);
  free(waiting);
}

// The broker keeps it in the device's session.
static void keep(const struct device *device, const char *topic, struct bytes payload, int64_t until_ms) {
  struct waiting *waiting = calloc(1, sizeof *waiting);
  uint8_t *copy = malloc(payload.len + 1);
  if (!waiting || !copy) abort();
  memcpy(copy, payload.data, payload.len);
  snprintf(waiting->topic, TOPIC_SIZE, "%s", topic);
  waiting->payload = bytes_make(copy, payload.len);
  waiting->until_ms = until_ms;
  int64_t at_ms = device->online ? machine_now_ms() : device->offline_until_ms;
  machine_at(at_ms + (int64_t)chance_below(RETRY_MS), on_waited, waiting, 0);
}

// Nothing is said of numbers before the first one that it names.
static void take_receipt(struct device *device, struct bytes payload) {
  struct receipt told;
  arena_reset(arena);
  if (wire_receipt_decode(payload, arena, &told) != OK) abort();
  if (told.boot != device->generation) return;
  for (size_t i = 0; i < device->saying_count; i++) {
    struct saying *saying = &device->sayings[i];
    if (saying->kind != SAY_BATCH || saying->sequence < told.first || saying->sequence > told.sequence) continue;
    saying->receipted = true;
    numbers_receipted(device->site, device->id, saying->sequence);
  }
  say_later(device, SAY_MS);
}

void house_take(const char *topic, struct bytes payload, int64_t until_ms) {
  if (machine_now_ms() > until_ms) return;
  for (size_t i = 0; i < DEVICES; i++) {
    struct device *device = &devices[i];
    char command[TOPIC_SIZE], receipt[TOPIC_SIZE];
    topic_of(device, "down/cmd", command);
    topic_of(device, "down/receipt", receipt);
    bool is_command = strcmp(topic, command) == 0;
    if (!is_command && strcmp(topic, receipt) != 0) continue;
    if (!device->online || post_is_broken()) {
      keep(device, topic, payload, until_ms);
    } else if (is_command) {
      take_command(device, payload);
    } else {
      take_receipt(device, payload);
    }
  }
}

// ---- connections

static void on_online(void *ctx, uint64_t argument) {
  struct device *device = ctx;
  (void)argument;
  if (machine_now_ms() < device->offline_until_ms) return;
  if (!device->online) trace("%s/%s is back", device->site, device->id);
  device->online = true;
  show(device);
}

// Its last will is said by the broker, in the name of the device.
void house_go_offline(struct device *device, int64_t for_ms) {
  trace("%s/%s is away for %lld ms", device->site, device->id, (long long)for_ms);
  device->online = false;
  device->offline_until_ms = machine_now_ms() + for_ms;
  struct saying will = {.kind = SAY_STATE, .supply = SUPPLY_UNKNOWN, .time_s = 0};
  offer(device, &will);
  machine_at(device->offline_until_ms, on_online, device, 0);
}

void house_disconnected(void) {
  for (size_t i = 0; i < DEVICES; i++)
    if (devices[i].online) machine_in(1 + (int64_t)chance_below(RETRY_MS), on_online, &devices[i], 0);
}

void house_force(struct device *device, enum supply supply) {
  count_up(device);
  trace("%s/%s is switched by hand", device->site, device->id);
  contact_force(&device->contact, supply);
  device->forced_since = true;
  show(device);
}

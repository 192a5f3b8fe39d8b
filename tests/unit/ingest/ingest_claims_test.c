// SPDX-License-Identifier: Apache-2.0
// Numbers, gaps, clock events and receipts over takeovers of the producer and deaths of ingest, at any moment: the way
// of the worker in small, with the real intake and window, and a Kafka that is a list of what it stored. What must have
// been told follows from the messages alone. RISER_SEED repeats a run.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "case_file.h"
#include "ingest/core/window.h"

enum { MESSAGES = 120, DEVICES = 2, WINDOW = 16, STEP = 8, TEXT_MAX = 256, MINUTE_MS = 60000, HOUR_MS = 3600000 };

static const int64_t BEGIN_MS = 1456876800000;

struct said {
  size_t device;
  uint64_t number;
  bool foreign, clock_off; // foreign: its payload names another device, so that it is refused
  int64_t receive_ms;
  char topic[TEXT_MAX], payload[TEXT_MAX];
};

struct told {
  bool stored, clock; // Kafka has the message; and its clock-off event
  struct sequence_gap gap;
};

struct flight { // of one message to Kafka: the readings go first, then the events
  size_t message;
  uint64_t ticket;
  bool delivered;
  struct told told;
};

struct world {
  struct said said[MESSAGES];
  struct told kafka[MESSAGES];
  size_t said_count;
  uint64_t newest[DEVICES];
  struct registry *registry;

  struct devices *devices; // of this life
  struct intake *intake;
  struct window *window;
  struct flight flights[WINDOW];
  size_t flying;
  uint64_t cursor, tracked_until;

  uint64_t confirmed, confirmed_before; // on disk
  uint64_t snapshot_position;
  struct sequence snapshot[DEVICES];
};

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)((random_state * 2685821657736338717ull) >> 33) % bound;
}

static struct heard *heard_of(struct world *world, size_t device) {
  return devices_get(world->devices, bytes_text("north"), bytes_text(device ? "gw-1" : "gw-0"));
}

// ---------------------------------------------------------------- what is said

static void say(struct world *world) {
  if (world->said_count == MESSAGES) return;
  struct said *said = &world->said[world->said_count];
  size_t device = random_below(DEVICES);
  uint32_t choice = random_below(10);
  uint64_t newest = world->newest[device];
  *said = (struct said){.device = device, .foreign = random_below(12) == 0, .clock_off = random_below(4) == 0};
  if (choice == 0 && newest)
    said->number = 1 + random_below((uint32_t)newest); // late, or once more
  else
    said->number = newest + 1 + (choice < 4 ? random_below(3) : 0);
  if (!said->foreign && said->number > newest) world->newest[device] = said->number;
  said->receive_ms = BEGIN_MS + (int64_t)world->said_count * 10 * MINUTE_MS;
  snprintf(said->topic, TEXT_MAX, "riser/v1/north/gw-%zu/up/json", device);
  snprintf(said->payload, TEXT_MAX,
           "{\"seq\":%" PRIu64 ",\"boot\":7,\"receipt\":true,\"sent_at\":%" PRId64
           ",\"at\":1456792135,\"volume_l\":1%s}",
           said->number, said->receive_ms / 1000 - (said->clock_off ? 3000 : 0),
           said->foreign ? ",\"device\":\"other\"" : "");
  world->said_count++;
}

static uint64_t position_of(size_t message) {
  return (message + 1) * STEP;
}

static struct arrival arrival_of(const struct world *world, size_t message) {
  const struct said *said = &world->said[message];
  return (struct arrival){.topic = bytes_text(said->topic),
                          .payload = bytes_text(said->payload),
                          .length = strlen(said->payload),
                          .receive_ms = said->receive_ms,
                          .position = position_of(message)};
}

// ---------------------------------------------------------------- lives

static uint64_t counted(const struct world *world) {
  return world->cursor < world->confirmed ? world->cursor : world->confirmed;
}

static void save(struct world *world) {
  world->snapshot_position = counted(world);
  for (size_t i = 0; i < DEVICES; i++) world->snapshot[i] = heard_of(world, i)->sequence;
}

static void begin_life(struct world *world) {
  world->devices = devices_new(DEVICES);
  world->window = window_new(WINDOW, 1 << 20);
  world->flying = 0;
  for (size_t i = 0; i < DEVICES; i++) {
    heard_of(world, i)->sequence = world->snapshot[i];
    heard_of(world, i)->ahead.numbers = world->snapshot[i].head;
  }
  struct intake_options options = {.judge = {.limits = {.readings_max = 10, .future_ms = 86400000},
                                             .clock_limit_ms = 300000,
                                             .clock_event_every_ms = HOUR_MS,
                                             .track_sequences = true,
                                             .counted_until = world->snapshot_position,
                                             .registry = world->registry,
                                             .devices = world->devices,
                                             .instance = "0"},
                                   .payload_max = TEXT_MAX};
  world->intake = intake_new(&options);
  assert_non_null(world->intake);
  world->tracked_until = world->confirmed;
  world->cursor = world->snapshot_position < world->confirmed ? world->snapshot_position : world->confirmed;
}

static void end_life(struct world *world) {
  devices_free(world->devices);
  intake_free(world->intake);
  window_free(world->window);
}

// ---------------------------------------------------------------- Kafka

static void store(struct world *world, struct flight *flight, bool events_too) {
  struct told *kafka = &world->kafka[flight->message];
  kafka->stored |= events_too; // a message is in Kafka when all of it is
  if (!events_too) return;
  if (flight->told.clock) kafka->clock = true;
  if (!flight->told.gap.first) return;
  assert_true(!kafka->gap.first || memcmp(&kafka->gap, &flight->told.gap, sizeof kafka->gap) == 0);
  kafka->gap = flight->told.gap;
}

static void deliver(struct world *world) {
  for (size_t i = 0; i < world->flying; i++) {
    struct flight *flight = &world->flights[i];
    if (flight->delivered) continue;
    flight->delivered = true;
    store(world, flight, true);
    window_close_record(world->window, flight->ticket);
    return;
  }
}

// The producer is gone: a prefix of what was on its way was stored without our hearing of it.
static void lose_the_rest(struct world *world) {
  size_t stored = random_below((uint32_t)world->flying + 1);
  for (size_t i = 0; i < stored; i++) store(world, &world->flights[i], i + 1 < stored || random_below(2));
  world->flying = 0;
}

// ---------------------------------------------------------------- the worker in small

static void note(struct flight *flight, const struct verdict *verdict) {
  for (size_t i = 0; i < verdict->fact_count; i++) {
    const struct fact *fact = &verdict->facts[i];
    if (fact->kind != FACT_DEVICE_EVENT) continue;
    if (fact->device_event.kind == EVENT_CLOCK_OFF)
      flight->told.clock = true;
    else
      assert_int_equal(
          sscanf(fact->device_event.detail, "%" SCNu64 "..%" SCNu64, &flight->told.gap.first, &flight->told.gap.last),
          2);
  }
}

static void take(struct world *world) {
  size_t message = world->cursor < STEP ? 0 : world->cursor / STEP - 1;
  if (message >= world->said_count || window_is_full(world->window)) return;
  struct arrival arrival = arrival_of(world, message);
  if (arrival.position < world->tracked_until) {
    intake_track(world->intake, &arrival);
    world->cursor = position_of(message + 1);
    return;
  }
  struct intaken taken;
  assert_int_equal(intake_take(world->intake, &arrival, &taken), OK);
  struct window_message entry = {
      .position = arrival.position, .next = position_of(message + 1), .claim = taken.verdict.claim};
  claim_begin(&entry.claim);
  struct flight *flight = &world->flights[world->flying++];
  *flight = (struct flight){.message = message, .ticket = window_enter(world->window, &entry)};
  note(flight, &taken.verdict);
  world->cursor = entry.next;
}

static bool kafka_has(const struct world *world, size_t device, uint64_t number) {
  for (size_t i = 0; i < world->said_count; i++) {
    const struct said *said = &world->said[i];
    if (said->device == device && said->number == number && !said->foreign && world->kafka[i].stored) return true;
  }
  return false;
}

// Also those of a device that asked for other numbers since it was last told.
static void check_receipts(struct world *world, const struct said *said) {
  struct receipt receipts[SEQUENCE_RECEIPTS_MAX];
  uint64_t high = said->number + random_below(10), low = 1 + random_below((uint32_t)said->number);
  size_t count = sequence_receipts(&heard_of(world, said->device)->sequence, low, high, receipts);
  bool named = false;
  for (size_t i = 0; i < count; i++) {
    assert_true(receipts[i].boot == 7 && receipts[i].first >= 1 && receipts[i].sequence <= high);
    for (uint64_t number = receipts[i].first; number <= receipts[i].sequence; number++)
      assert_true(kafka_has(world, said->device, number));
    named |= said->number >= receipts[i].first && said->number <= receipts[i].sequence;
  }
  assert_true(named || heard_of(world, said->device)->sequence.run_count == SEQUENCE_RUNS_MAX);
}

static void confirm(struct world *world) {
  struct window_message left;
  while (window_leave(world->window, &left)) {
    size_t message = left.position / STEP - 1;
    world->confirmed_before = world->confirmed;
    world->confirmed = left.next;
    memmove(world->flights, world->flights + 1, --world->flying * sizeof *world->flights);
    if (claim_settle(&left.claim)) check_receipts(world, &world->said[message]);
  }
}

static void take_over(struct world *world) {
  struct window_message left;
  lose_the_rest(world);
  while (window_abandon(world->window, &left)) claim_undo(&left.claim);
  if (world->cursor > world->confirmed) world->cursor = world->confirmed;
}

// Also of a node: then what was confirmed last may be forgotten, and the snapshot be ahead of that.
static void die(struct world *world) {
  lose_the_rest(world);
  end_life(world);
  if (random_below(4) == 0) world->confirmed = world->confirmed_before;
  begin_life(world);
}

// ---------------------------------------------------------------- what must have been told

static bool clock_was_told(const struct world *world, size_t message) {
  for (size_t i = message + 1; i > 0; i--) {
    const struct said *said = &world->said[i - 1];
    if (said->device != world->said[message].device || !world->kafka[i - 1].clock) continue;
    return world->said[message].receive_ms - said->receive_ms < HOUR_MS;
  }
  return false;
}

static void check(const struct world *world) {
  uint64_t newest[DEVICES] = {0};
  for (size_t i = 0; i < world->said_count; i++) {
    const struct said *said = &world->said[i];
    const struct told *told = &world->kafka[i];
    struct sequence_gap gap = {0, 0};
    assert_true(told->stored);
    if (!said->foreign && newest[said->device] && said->number > newest[said->device] + 1)
      gap = (struct sequence_gap){newest[said->device] + 1, said->number - 1};
    if (!said->foreign && said->number > newest[said->device]) newest[said->device] = said->number;
    if (told->gap.first != gap.first || told->gap.last != gap.last)
      fail_msg("message %zu: gap %" PRIu64 "..%" PRIu64 ", told %" PRIu64 "..%" PRIu64, i, gap.first, gap.last,
               told->gap.first, told->gap.last);
    if (!said->foreign && said->clock_off) assert_true(clock_was_told(world, i));
  }
}

static void run(struct world *world) {
  while (world->said_count < MESSAGES || counted(world) < position_of(MESSAGES)) {
    uint32_t choice = random_below(100);
    if (choice < 25)
      say(world);
    else if (choice < 55)
      take(world);
    else if (choice < 80)
      deliver(world);
    else if (choice < 92)
      confirm(world);
    else if (choice < 96)
      save(world);
    else if (choice < 98)
      take_over(world);
    else
      die(world);
  }
  check(world);
}

static void test_whatever_dies_when(void **state) {
  (void)state;
  const char *given = getenv("RISER_SEED");
  random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
  print_message("seed %" PRIu64 "\n", random_state);
  struct case_world registry;
  case_world_init(&registry);
  for (int round = 0; round < 150; round++) {
    static struct world world;
    world = (struct world){.registry = registry.registry, .confirmed = STEP, .confirmed_before = STEP};
    begin_life(&world);
    run(&world);
    end_life(&world);
  }
  case_world_fini(&registry);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whatever_dies_when)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

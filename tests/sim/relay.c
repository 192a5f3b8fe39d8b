// SPDX-License-Identifier: Apache-2.0
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "canary.h"
#include "check.h"
#include "faults.h"
#include "notify/courier.h"
#include "process.h"
#include "trace.h"

enum {
  QUICK_MS = 200,
  SLOW_MS = 30000,
  SLOW = 300, // in ten thousand
  LATER = 600,
  NEVER = 150,
  UNHEARD = 100,
  TEXT_SIZE = 256,
};

struct flight {
  struct flight *next;
  struct channel_link *link;
  void *owner;
  int64_t arrives_ms, ends_ms;
  bool arrived;
  struct verdict verdict;
  char message_id[TEXT_SIZE], decision[TEXT_SIZE], person[TEXT_SIZE];
};

struct courier {
  courier_done *done;
  void *ctx;
  struct unit *unit;
  struct flight *flights;
  size_t count;
};

static bool away;

void relay_set_away(bool is_away) {
  away = is_away;
}

enum error courier_new(courier_done *done, void *ctx, struct courier **created) {
  struct courier *courier = calloc(1, sizeof *courier);
  if (!courier) return ERR_NO_MEMORY;
  *courier = (struct courier){.done = done, .ctx = ctx, .unit = unit_current()};
  *created = courier;
  return OK;
}

bool courier_has_room(const struct courier *courier, const struct channel_link *link, uint32_t lane) {
  (void)courier, (void)lane;
  return link->in_flight < link->in_flight_max;
}

size_t courier_in_flight(const struct courier *courier) {
  return courier->count;
}

static struct verdict judge(void) {
  struct verdict verdict = {.delivery = DELIVERY_DELIVERED};
  if (bus_is_calm()) return verdict;
  if (away || chance_of(LATER)) verdict.delivery = DELIVERY_NONE;
  else if (chance_of(NEVER)) verdict.delivery = DELIVERY_FAILED;
  snprintf(verdict.detail, sizeof verdict.detail, "smtp-%d", verdict.delivery == DELIVERY_NONE ? 451 : 550);
  return verdict;
}

enum error courier_start(struct courier *courier, struct channel_link *link, const struct letter *letter,
                         void *owner) {
  struct flight *flight = calloc(1, sizeof *flight);
  if (!flight) return ERR_NO_MEMORY;
  bool slow = !bus_is_calm() && chance_of(SLOW);
  *flight = (struct flight){.next = courier->flights, .link = link, .owner = owner, .verdict = judge()};
  flight->arrives_ms = machine_now_ms() + 1 + (int64_t)chance_below(slow ? SLOW_MS : QUICK_MS);
  flight->ends_ms = flight->arrives_ms + (int64_t)chance_below(QUICK_MS);
  snprintf(flight->message_id, TEXT_SIZE, "%s", letter->message_id);
  snprintf(flight->decision, TEXT_SIZE, "%s", letter->decision->id);
  snprintf(flight->person, TEXT_SIZE, "%s", letter->person->id);
  check_mail_begins(flight->decision, flight->person);
  courier->flights = flight;
  courier->count++;
  link->in_flight++;
  return OK;
}

// The relay takes it, whatever notify hears of that.
static void arrive(struct flight *flight) {
  flight->arrived = true;
  if (flight->verdict.delivery != DELIVERY_DELIVERED) return;
  if (!canary_sings(CANARY_NOTICE) || strncmp(flight->decision, "notice:", 7) != 0)
    check_mail(flight->decision, flight->person, flight->message_id);
  if (bus_is_calm() || !chance_of(UNHEARD)) return;
  flight->verdict.delivery = DELIVERY_NONE;
  snprintf(flight->verdict.detail, sizeof flight->verdict.detail, "timeout");
}

static struct flight *take_out(struct courier *courier, const struct flight *which) {
  struct flight **at = &courier->flights;
  while (*at != which) at = &(*at)->next;
  struct flight *flight = *at;
  *at = flight->next;
  courier->count--;
  flight->link->in_flight--;
  return flight;
}

static int64_t first_end(const struct courier *courier) {
  int64_t first_ms = INT64_MAX;
  for (const struct flight *flight = courier->flights; flight; flight = flight->next)
    if (flight->ends_ms < first_ms) first_ms = flight->ends_ms;
  return first_ms;
}

enum error courier_run(struct courier *courier, int timeout_ms, int64_t until_ms) {
  int64_t wait_ms = machine_now_ms() + timeout_ms, end_ms = first_end(courier);
  if (timeout_ms > 0 && end_ms > machine_now_ms()) task_wait(end_ms < wait_ms ? end_ms : wait_ms, NULL, NULL);
  if (unit_is_dead(courier->unit)) return ERR_INTERNAL;
  if (machine_now_ms() > until_ms) return OK;
  for (struct flight *flight = courier->flights, *next; flight; flight = next) {
    next = flight->next;
    if (!flight->arrived && flight->arrives_ms <= machine_now_ms()) {
      arrive(flight);
      faults_tempt(courier->unit);
    }
    if (flight->ends_ms > machine_now_ms()) continue;
    struct flight *ended = take_out(courier, flight);
    struct verdict verdict = ended->verdict;
    void *owner = ended->owner;
    free(ended);
    courier->done(courier->ctx, owner, verdict);
    next = courier->flights;
  }
  return OK;
}

static void drop(struct courier *courier, const struct flight *which) {
  struct flight *flight = take_out(courier, which);
  if (!flight->arrived && flight->arrives_ms <= machine_now_ms()) arrive(flight); // it was there already
  free(flight);
}

void courier_cancel(struct courier *courier, const void *owner) {
  for (struct flight *flight = courier->flights; flight; flight = flight->next) {
    if (flight->owner != owner) continue;
    drop(courier, flight);
    return;
  }
}

void courier_free(struct courier *courier) {
  if (!courier) return;
  while (courier->flights) drop(courier, courier->flights);
  free(courier);
}

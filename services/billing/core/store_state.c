// SPDX-License-Identifier: Apache-2.0
// Deep copies of states. Arrays are allocated as store_grow would have grown them, so that it can go on; strings are
// interned and never freed with a state.
#include <stdlib.h>
#include <string.h>

#include "billing/core/store_parts.h"

struct copy {
  struct strings *strings;
  bool failed;
};

static const char *text(struct copy *copy, const char *from) {
  const char *interned = strings_intern(copy->strings, from);
  if (!interned) copy->failed = true;
  return interned ? interned : "";
}

// The elements in memory of their own, for the caller to go through; *count becomes 0 without memory.
static void *elements(struct copy *copy, const void *from, size_t *count, size_t element_size) {
  if (*count == 0) return NULL;
  size_t capacity = 1;
  while (capacity < *count) capacity *= 2;
  void *to = calloc(capacity, element_size);
  if (to) {
    memcpy(to, from, *count * element_size);
  } else {
    copy->failed = true;
    *count = 0;
  }
  return to;
}

static const char **texts(struct copy *copy, const char *const *from, size_t *count) {
  const char **to = elements(copy, from, count, sizeof *to);
  for (size_t i = 0; i < *count; i++) to[i] = text(copy, from[i]);
  return to;
}

// ---- the parts of a site

static void own_site(struct copy *copy, struct site *site) {
  site->id = text(copy, site->id);
  site->landlord = text(copy, site->landlord);
  site->name = text(copy, site->name);
  site->zone_name = text(copy, site->zone_name);
  site->currency = text(copy, site->currency);
  site->language = text(copy, site->language);
  site->landlord_person = text(copy, site->landlord_person);
  site->zone.transitions = elements(copy, site->zone.transitions, &site->zone.count, sizeof *site->zone.transitions);
}

static void own_room(struct copy *copy, struct room *room) {
  room->id = text(copy, room->id);
  room->name = text(copy, room->name);
}

static void own_point(struct copy *copy, struct service_point *point) {
  point->id = text(copy, point->id);
  point->room = text(copy, point->room);
  point->tariff = text(copy, point->tariff);
}

static void own_installation(struct copy *copy, struct installation *installation) {
  installation->id = text(copy, installation->id);
  installation->service_point = text(copy, installation->service_point);
  installation->meter = text(copy, installation->meter);
  installation->device = text(copy, installation->device);
}

static void own_tariff(struct copy *copy, struct tariff *tariff) {
  tariff->id = text(copy, tariff->id);
  tariff->name = text(copy, tariff->name);
  tariff->blocks = elements(copy, tariff->blocks, &tariff->block_count, sizeof *tariff->blocks);
}

static void own_lease(struct copy *copy, struct lease *lease) {
  lease->id = text(copy, lease->id);
  lease->room = text(copy, lease->room);
  lease->persons = texts(copy, lease->persons, &lease->person_count);
}

static void own_device_key(struct copy *copy, struct device_key *key) {
  key->device = text(copy, key->device);
  key->wrapped = text(copy, key->wrapped);
  key->previous = text(copy, key->previous);
}

static enum error outcome(const struct copy *copy) {
  return copy->failed ? ERR_NO_MEMORY : OK;
}

enum error strings_own_site(struct strings *strings, struct site *site) {
  struct copy copy = {strings, false};
  own_site(&copy, site);
  return outcome(&copy);
}

enum error strings_own_room(struct strings *strings, struct room *room) {
  struct copy copy = {strings, false};
  own_room(&copy, room);
  return outcome(&copy);
}

enum error strings_own_point(struct strings *strings, struct service_point *point) {
  struct copy copy = {strings, false};
  own_point(&copy, point);
  return outcome(&copy);
}

enum error strings_own_installation(struct strings *strings, struct installation *installation) {
  struct copy copy = {strings, false};
  own_installation(&copy, installation);
  return outcome(&copy);
}

enum error strings_own_tariff(struct strings *strings, struct tariff *tariff) {
  struct copy copy = {strings, false};
  own_tariff(&copy, tariff);
  return outcome(&copy);
}

enum error strings_own_device_key(struct strings *strings, struct device_key *key) {
  struct copy copy = {strings, false};
  own_device_key(&copy, key);
  return outcome(&copy);
}

enum error strings_own_lease(struct strings *strings, struct lease *lease) {
  struct copy copy = {strings, false};
  own_lease(&copy, lease);
  return outcome(&copy);
}

void store_disown_site(struct site *site) {
  free((void *)site->zone.transitions);
}

void store_disown_tariff(struct tariff *tariff) {
  free((void *)tariff->blocks);
}

void store_disown_lease(struct lease *lease) {
  free((void *)lease->persons);
}

// ---- a site

static void own_seen(struct copy *copy, struct site_state *site) {
  site->devices = elements(copy, site->devices, &site->device_count, sizeof *site->devices);
  for (size_t i = 0; i < site->device_count; i++) site->devices[i].device = text(copy, site->devices[i].device);
  site->keys = elements(copy, site->keys, &site->key_count, sizeof *site->keys);
  for (size_t i = 0; i < site->key_count; i++) own_device_key(copy, &site->keys[i]);
  site->unknown = elements(copy, site->unknown, &site->unknown_count, sizeof *site->unknown);
  for (size_t i = 0; i < site->unknown_count; i++) {
    site->unknown[i].meter = text(copy, site->unknown[i].meter);
    site->unknown[i].device = text(copy, site->unknown[i].device);
  }
}

static void own_site_state(struct copy *copy, struct site_state *site) {
  own_site(copy, &site->site);
  site->rooms = elements(copy, site->rooms, &site->room_count, sizeof *site->rooms);
  for (size_t i = 0; i < site->room_count; i++) own_room(copy, &site->rooms[i]);
  site->points = elements(copy, site->points, &site->point_count, sizeof *site->points);
  for (size_t i = 0; i < site->point_count; i++) own_point(copy, &site->points[i]);
  site->priced = elements(copy, site->priced, &site->priced_count, sizeof *site->priced);
  for (size_t i = 0; i < site->priced_count; i++) own_point(copy, &site->priced[i]);
  site->installations = elements(copy, site->installations, &site->installation_count, sizeof *site->installations);
  for (size_t i = 0; i < site->installation_count; i++) own_installation(copy, &site->installations[i]);
  site->tariffs = elements(copy, site->tariffs, &site->tariff_count, sizeof *site->tariffs);
  for (size_t i = 0; i < site->tariff_count; i++) own_tariff(copy, &site->tariffs[i]);
  site->leases = elements(copy, site->leases, &site->lease_count, sizeof *site->leases);
  for (size_t i = 0; i < site->lease_count; i++) own_lease(copy, &site->leases[i]);
  own_seen(copy, site);
}

struct site_state *site_state_copy(struct strings *strings, const struct site_state *from) {
  static const struct site_state empty = {.site = {.id = "",
                                                   .landlord = "",
                                                   .name = "",
                                                   .zone_name = "",
                                                   .currency = "",
                                                   .language = "",
                                                   .landlord_person = ""}};
  struct site_state *site = malloc(sizeof *site);
  if (!site) return NULL;
  *site = from ? *from : empty;
  struct copy copy = {strings, false};
  own_site_state(&copy, site);
  if (!copy.failed) return site;
  site_state_free(site);
  return NULL;
}

void site_state_free(struct site_state *site) {
  if (!site) return;
  store_disown_site(&site->site);
  for (size_t i = 0; i < site->tariff_count; i++) store_disown_tariff(&site->tariffs[i]);
  for (size_t i = 0; i < site->lease_count; i++) store_disown_lease(&site->leases[i]);
  free(site->rooms);
  free(site->points);
  free(site->priced);
  free(site->installations);
  free(site->tariffs);
  free(site->leases);
  free(site->devices);
  free(site->keys);
  free(site->unknown);
  free(site);
}

size_t site_state_bytes(const struct site_state *site) {
  return sizeof *site + site->room_count * sizeof *site->rooms + site->point_count * sizeof *site->points +
         site->priced_count * sizeof *site->priced + site->installation_count * sizeof *site->installations +
         site->tariff_count * sizeof *site->tariffs + site->lease_count * sizeof *site->leases +
         site->device_count * sizeof *site->devices + site->key_count * sizeof *site->keys +
         site->unknown_count * sizeof *site->unknown +
         site->site.zone.count * sizeof *site->site.zone.transitions;
}

// ---- a point

static void own_period(struct copy *copy, struct period *period) {
  period->lease = text(copy, period->lease);
  period->meters = elements(copy, period->meters, &period->meter_count, sizeof *period->meters);
  for (size_t i = 0; i < period->meter_count; i++) {
    struct period_meter *meter = &period->meters[i];
    meter->installation = text(copy, meter->installation);
    meter->shown.meter = text(copy, meter->shown.meter);
  }
}

struct point_state *point_state_copy(struct strings *strings, const struct point_state *from) {
  static const struct point_state empty = {.id = "", .desired_lease = ""};
  struct point_state *point = malloc(sizeof *point);
  if (!point) return NULL;
  *point = from ? *from : empty;
  struct copy copy = {strings, false};
  point->id = text(&copy, point->id);
  point->desired_lease = text(&copy, point->desired_lease);
  point->periods = elements(&copy, point->periods, &point->period_count, sizeof *point->periods);
  for (size_t i = 0; i < point->period_count; i++) own_period(&copy, &point->periods[i]);
  if (!copy.failed) return point;
  point_state_free(point);
  return NULL;
}

void point_state_free(struct point_state *point) {
  if (!point) return;
  for (size_t i = 0; i < point->period_count; i++) free(point->periods[i].meters);
  free(point->periods);
  free(point);
}

size_t point_state_bytes(const struct point_state *point) {
  return sizeof *point + point->period_count * (sizeof *point->periods + sizeof *point->periods->meters);
}

// ---- an account

static void own_arrears(struct copy *copy, struct arrears *arrears) {
  arrears->receipts = elements(copy, arrears->receipts, &arrears->receipt_count, sizeof *arrears->receipts);
  for (size_t i = 0; i < arrears->receipt_count; i++) {
    arrears->receipts[i].person = text(copy, arrears->receipts[i].person);
  }
}

struct account_state *account_state_copy(struct strings *strings, const struct account_state *from) {
  static const struct account_state empty = {.lease = ""};
  struct account_state *account = malloc(sizeof *account);
  if (!account) return NULL;
  *account = from ? *from : empty;
  struct copy copy = {strings, false};
  account->lease = text(&copy, account->lease);
  account->bills = elements(&copy, account->bills, &account->bill_count, sizeof *account->bills);
  account->payments = texts(&copy, account->payments, &account->payment_count);
  account->facts = texts(&copy, account->facts, &account->fact_count);
  for (size_t i = 0; i < COMMODITY_COUNT; i++) own_arrears(&copy, &account->arrears[i]);
  if (!copy.failed) return account;
  account_state_free(account);
  return NULL;
}

void account_state_free(struct account_state *account) {
  if (!account) return;
  free(account->bills);
  free(account->payments);
  free(account->facts);
  for (size_t i = 0; i < COMMODITY_COUNT; i++) free(account->arrears[i].receipts);
  free(account);
}

size_t account_state_bytes(const struct account_state *account) {
  return sizeof *account + account->bill_count * sizeof *account->bills +
         (account->payment_count + account->fact_count) * sizeof *account->payments;
}

// SPDX-License-Identifier: Apache-2.0
// What the families of the fold share: look-ups that note what is missing, keys, decisions, and the steps of a tick.
//
// The pattern of every family: first need_*() all it touches, then `if (fold_waits(fold)) return ERR_AGAIN;`, only then
// change anything. An error of memory is kept in the fold and ends the fact, so the changing part runs straight
// through.
#ifndef RISER_BILLING_CORE_FOLD_PARTS_H
#define RISER_BILLING_CORE_FOLD_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "billing/core/fold.h"
#include "domain/chain.h"

enum { DAY_S = 86400, HOUR_S = 3600 };
#define READING_VALUE_MAX 1000000000000000 // beyond it no meter's register

// The site and the chain that a record needs: those of the latest sites, so that they need not be looked up for each.
enum { SITE_SLOTS = 16, SITE_NAME_MAX = 64 };

struct site_slot {
  uint64_t generation; // of the store; another one: the entities may have gone
  struct entity *site, *seal;
  char name[SITE_NAME_MAX + 1];
};

struct fold {
  struct store *store;
  struct site_slot slots[SITE_SLOTS];
  uint32_t partition;
  int64_t business_time_s;
  int64_t now_s;         // business time of the decisions that are being made: in a tick already the tick's
  struct arena *scratch; // of one fact, or of one step of a tick
  struct arena *chains;  // of one chain at a time
  const struct fact *fact;
  struct effects *out;
  struct cause cause;             // of the next decision
  struct entity *chain;           // that the record belongs to; NULL: to none
  struct seal seal;               // of that chain, with this record
  bool in_record;                 // the record at cause.offset is applied in part
  bool missing;                   // something needed is not loaded
  enum error error;               // the first one that ends the fact
  struct decision spare_decision; // what is written when there is no memory: never read
  struct device spare_device;
};

// ---- fold.c

void fold_fail(struct fold *fold, enum error err); // keeps the first one; OK is ignored
bool fold_waits(const struct fold *fold);          // a need_*() has found something not loaded

// ---- bounds.c

enum { FACT_TEXT_MAX = 512 }; // bytes: the longest id names a decision, so four other ids, a person and some words
bool fact_bounded(const struct fact *fact); // none of its texts is longer

// ---- keys.c: keys of the store and members of the due index

struct key {
  char text[STORE_KEY_MAX];
};

struct key key_text(const char *text); // a copy
struct key key_site(const char *site);
struct key key_seal(const char *chain);
struct key key_point(const char *site, const char *point);
struct key key_account(const char *site, const char *lease);
struct key key_reads(const char *site, const char *meter, enum meter_register reg, uint32_t month);
struct key key_paid(const char *site, uint32_t part);
struct key key_days(const char *site, const char *point, uint32_t month);

enum due_kind { DUE_NONE, DUE_AMEND, DUE_BEGIN, DUE_CLOSE, DUE_CUT, DUE_DAY, DUE_NOTICE, DUE_REMIND };

// The parts of a member "{kind}/{site}/{what}[/{detail}]".
struct due {
  enum due_kind kind;
  char site[65];
  char what[66];   // AMEND, CLOSE: unit; DAY: service point; else lease
  char detail[17]; // REMIND: month and commodity; NOTICE, CUT: commodity
};

struct key due_member(enum due_kind kind, const char *site, const char *what, const char *detail);
bool due_parse(const char *member, struct due *out);
bool id_valid(const char *id); // 1..64 of [A-Za-z0-9._-]

// ---- needs.c: look-ups. NULL: not loaded (fold_waits says so) or not there.

struct entity *need_entity(struct fold *fold, enum store_kind kind, struct key key); // present or absent
struct entity *need_site(struct fold *fold, const char *site);
struct entity *need_seal(struct fold *fold, const char *chain); // present or absent
struct entity *need_point(struct fold *fold, const char *site, const char *point);
struct entity *need_account(struct fold *fold, const char *site, const char *lease);

const struct room *site_room(const struct site_state *site, const char *id);
const struct service_point *site_point(const struct site_state *site, const char *id);
const struct device_key *site_device_key(const struct site_state *site, const char *device); // NULL: it has none
const struct lease *site_lease(const struct site_state *site, const char *id);
// The version in force at the instant, else the earliest.
const struct tariff *site_tariff(const struct site_state *site, const char *id, int64_t at_s);
// Which tariff the point has at the instant: of the version in force, else of the earliest.
const char *point_tariff(const struct site_state *site, const char *point, int64_t at_s);
bool installation_covers(const struct installation *installation, int64_t at_s);
bool installation_overlaps(const struct installation *installation, int64_t from_s, int64_t until_s);
bool lease_covers(const struct lease *lease, int64_t at_s);
// The installation with a relay or valve through which the point can be switched at the instant.
const struct installation *point_switch(const struct site_state *site, const char *point, int64_t at_s);
const struct lease *room_lease(const struct site_state *site, const char *room, int64_t at_s);

// ---- unit.c: what is closed and billed together: a room's service points, or one point of the building's own

struct unit {
  struct entity *site_entity;
  const struct site_state *site;
  const char *name;                    // the room, or "~" and the service point
  const char *room;                    // "" for the building's own
  const struct service_point **points; // electricity before water, then by id
  struct entity **states;
  size_t count;
};

// Looks the unit and its points up; false: not loaded, or there is no such unit.
bool unit_need(struct fold *fold, struct entity *site_entity, const char *name, struct unit *out);
const char *unit_name(struct fold *fold, const struct service_point *point);
int64_t unit_closed_until(const struct unit *unit);
int64_t unit_first_from(const struct unit *unit); // the earliest installation's beginning; 0: none
// Something changed from the instant on: the point's closed periods are looked at again at the next tick.
void point_dirty(struct fold *fold, const struct site_state *site, const struct service_point *point,
                 struct entity *state, int64_t from_s);

// ---- months

struct month {
  uint32_t number; // local YYYYMM
  int64_t from_s;
  int64_t until_s;
};

struct month month_at(const struct zone *zone, int64_t at_s);
struct month month_before(const struct zone *zone, struct month month);
const char *month_text(struct fold *fold, uint32_t month); // "YYYY-MM"

// ---- effects.c

#define fold_text(fold, ...) fold_keep_text(fold, arena_printf((fold)->out->arena, __VA_ARGS__))
const char *fold_keep_text(struct fold *fold, char *text);              // NULL: fails, and gives ""
void *fold_array(struct fold *fold, size_t count, size_t element_size); // of the batch; NULL: has failed
const char *const *fold_persons(struct fold *fold, const struct lease *lease);

// A decision to be filled in. site: NULL for those of the partition.
struct decision *fold_decide(struct fold *fold, const struct site *site, enum decision_kind kind, const char *id);
// The fact cannot be applied. site may be NULL. Long texts are cut.
void fold_exception(struct fold *fold, const struct site *site, const char *reason, const char *detail);

// Looks up what device_emit will read; then the record of a device ("": the site itself).
void device_need(struct fold *fold, const struct site_state *site, const char *device);
void device_emit(struct fold *fold, const struct site_state *site, const char *device, int64_t updated_s);

// ---- seal.c: the chains of the records

void seal_begin(struct fold *fold);                    // looks the record's chain up, makes fold->seal
enum error seal_end(struct fold *fold);                // the record is done: its chain has it now
struct seal chain_seal(struct fold *fold, const char *chain); // with the record itself, if that belongs to it

// ---- the families: one fact each. ERR_AGAIN: something is missing, nothing was changed.

enum error fold_readings(struct fold *fold, const struct readings_fact *readings);
enum error fold_read_edit(struct fold *fold, const struct read_edit *edit);
enum error fold_site(struct fold *fold, const struct site *site);
enum error fold_room(struct fold *fold, const struct room *room);
enum error fold_service_point(struct fold *fold, const struct service_point *point);
enum error fold_installation(struct fold *fold, const struct installation *installation);
enum error fold_tariff(struct fold *fold, const struct tariff *tariff);
enum error fold_lease(struct fold *fold, const struct lease *lease);
enum error fold_device_key(struct fold *fold, const struct device_key *key);
enum error fold_payment(struct fold *fold, const struct payment *payment);
enum error fold_notice_delivered(struct fold *fold, const struct notice_delivered *notice);
enum error fold_device_state(struct fold *fold, const struct device_state_fact *state);
enum error fold_disconnect_intent(struct fold *fold, const struct disconnect_intent *intent);
enum error fold_command_outcome(struct fold *fold, const struct command_outcome *outcome);
enum error fold_tick(struct fold *fold, const struct tick *tick);

// ---- steps of a tick: one due entry each, which they leave, move or remove

struct step {
  struct due due;
  const char *member;
  int64_t instant_s;
};

enum error step_close(struct fold *fold, const struct step *step);
enum error step_amend(struct fold *fold, const struct step *step);
enum error step_day(struct fold *fold, const struct step *step);
enum error step_remind(struct fold *fold, const struct step *step);
enum error step_notice(struct fold *fold, const struct step *step);
enum error step_cut(struct fold *fold, const struct step *step);
enum error step_begin(struct fold *fold, const struct step *step);

// ---- index.c: from a meter to where it hangs and from a point to what hangs there, kept beside a site's entity.
// Pointers to entities are caches.

struct meter_slot {
  const struct installation **installations;
  struct entity **points; // of the installations; NULL: look it up
  size_t count;
  bool unknown;         // it is among the site's unknown meters
  uint32_t month;       // UTC, of `reads`
  struct entity *reads; // NULL: look it up
};

struct point_slot {
  const struct service_point *point;
  const struct installation **installations; // in the order of the site
  size_t count;
};

struct site_index;
struct site_index *site_index_of(struct fold *fold, struct entity *site_entity); // NULL: no memory
void site_index_drop(struct entity *site_entity);                                // points or installations have changed
const struct point_slot *index_point(struct site_index *index, const char *point);                   // NULL: none
struct meter_slot *index_find(struct site_index *index, const char *meter, enum meter_register reg); // NULL: none
struct meter_slot *index_add(struct site_index *index, const char *meter, enum meter_register reg);  // NULL: no memory

#endif

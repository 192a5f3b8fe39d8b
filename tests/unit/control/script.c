// SPDX-License-Identifier: Apache-2.0
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "control/core/control.h"
#include "domain/device.h"

enum { WORDS_MAX = 12, RECORDS_MAX = 256, EFFECTS_MAX = 64, ID_MAX = 128 };
enum { START_BUSINESS_S = 1464134700, START_WALL_MS = 1000000, UTC_OFFSET_S = 7200 };

struct world {
  bool restarts;
  struct control_settings settings;
  struct devices *devices;
  struct control *control;
  int64_t business_s;
  int64_t wall_ms;
  bool link_up;
  int64_t offset; // of the last decision's cause
  struct decision last;
  struct arena *arena;   // of one line's effects
  struct arena *records_arena;
  struct command_state records[RECORDS_MAX]; // riser.command.v1
  size_t record_count;
  struct effects effects;
  struct effect items[EFFECTS_MAX];
  struct buffer text;
};

struct words {
  char *at[WORDS_MAX];
  size_t count;
};

static const char *word(const struct words *words, size_t i) {
  return i < words->count ? words->at[i] : "";
}

struct world *world_new(bool restarts) {
  struct world *world = calloc(1, sizeof *world);
  world->restarts = restarts;
  world->settings = (struct control_settings){
      .command = {.attempts_max = 3, .retry_first_ms = 1000, .retry_max_ms = 4000, .moving_ms = 5000,
                  .repair_pause_ms = 60000, .permit_s = 86400, .hold_max_s = 604800, .message_expiry_s = 300},
      .policy = {.cut_days = 0x7f, .cut_until_hour = 24},
      .points_max = 100,
  };
  world->devices = devices_new(100);
  world->business_s = START_BUSINESS_S;
  world->wall_ms = START_WALL_MS;
  world->link_up = true;
  world->arena = arena_new(1 << 20);
  world->records_arena = arena_new(1 << 20);
  world->effects = (struct effects){.arena = world->arena, .items = world->items, .max = EFFECTS_MAX};
  world->control = control_new(0, &world->settings, world->devices);
  buffer_init(&world->text, 1 << 16);
  return world;
}

void world_free(struct world *world) {
  control_free(world->control);
  devices_free(world->devices);
  arena_free(world->arena);
  arena_free(world->records_arena);
  buffer_fini(&world->text);
  free(world);
}

static void restart(struct world *world) {
  struct control_mark mark = control_get_mark(world->control);
  control_free(world->control);
  world->control = control_new(0, &world->settings, world->devices);
  for (size_t i = 0; i < world->record_count; i++) {
    assert_int_equal(control_restore(world->control, &world->records[i]), OK);
  }
  control_restore_mark(world->control, &mark);
}

// ---------------------------------------------------------------- inputs

static void fail_word(const char *text) {
  fail_msg("the case file says \"%s\", which is not known here", text);
}

static uint64_t version_of(const char *text) {
  if (text[0] != 'v') fail_word(text);
  return strtoull(text + 1, NULL, 10);
}

static enum supply supply_of(const char *text) {
  if (strcmp(text, "on") == 0) return SUPPLY_ON;
  if (strcmp(text, "off") == 0) return SUPPLY_OFF;
  if (strcmp(text, "none") != 0) fail_word(text);
  return SUPPLY_UNKNOWN;
}

static void make_id(char id[ID_MAX], const char *point, const char *version) {
  snprintf(id, ID_MAX, "switch:s:%s:%s", point, version);
}

static void decide(struct world *world, struct decision *decision) {
  decision->cause = (struct cause){.offset = ++world->offset};
  decision->landlord = "l";
  decision->site = "s";
  decision->business_time_s = world->business_s;
  decision->utc_offset_s = UTC_OFFSET_S;
  assert_int_equal(control_take_decision(world->control, decision, world->wall_ms, &world->effects), OK);
}

static uint32_t days_of(const char *text) {
  static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  uint32_t first = 7, last = 7;
  for (uint32_t i = 0; i < 7; i++) {
    if (strncmp(text, names[i], 3) == 0) first = i;
    if (strcmp(text + 4, names[i]) == 0) last = i;
  }
  if (last > 6 || first > last) fail_word(text);
  return (2U << last) - (1U << first);
}

static void set_one(struct world *world, char *assignment) {
  struct command_settings *command = &world->settings.command;
  struct policy_settings *policy = &world->settings.policy;
  char *value = strchr(assignment, '=');
  if (!value) fail_word(assignment);
  *value++ = '\0';
  int64_t number = strtoll(value, NULL, 10);
  const char *rest = strchr(value, '-');
  const struct { const char *name; int64_t *to; } longs[] = {
      {"retry_ms", &command->retry_first_ms}, {"retry_max_ms", &command->retry_max_ms},
      {"moving_ms", &command->moving_ms},     {"repair_ms", &command->repair_pause_ms},
      {"permit_s", &command->permit_s},       {"hold_s", &command->hold_max_s},
      {"expiry_s", &command->message_expiry_s}};
  for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
    if (strcmp(assignment, longs[i].name) == 0) *longs[i].to = number;
  }
  if (strcmp(assignment, "attempts") == 0) command->attempts_max = (uint32_t)number;
  if (strcmp(assignment, "cuts") == 0) policy->cuts_per_hour = (uint32_t)number;
  if (strcmp(assignment, "points") == 0) world->settings.points_max = (size_t)number;
  if (strcmp(assignment, "days") == 0) policy->cut_days = days_of(value);
  if (strcmp(assignment, "hours") == 0) policy->cut_from_hour = (uint32_t)number;
  if (strcmp(assignment, "hours") == 0) policy->cut_until_hour = (uint32_t)strtoul(rest + 1, NULL, 10);
}

static void play_set(struct world *world, const struct words *words) {
  for (size_t i = 1; i < words->count; i++) set_one(world, words->at[i]);
  restart(world);
}

static void play_clock(struct world *world, const struct words *words) {
  world->business_s += strtoll(word(words, 1), NULL, 10);
  struct decision decision = {.id = "clock", .kind = DECISION_CLOCK};
  decide(world, &decision);
}

static void play_wall(struct world *world, const struct words *words) {
  world->wall_ms += strtoll(word(words, 1), NULL, 10);
}

static void play_link(struct world *world, const struct words *words) {
  world->link_up = strcmp(word(words, 1), "up") == 0;
}

static void play_device(struct world *world, const struct words *words) {
  const char *how = word(words, 2);
  bool offline = strcmp(how, "offline") == 0;
  struct device record = {.site = "s", .device = word(words, 1), .landlord = "l", .codec = word(words, 3)};
  record.online = strcmp(how, "online") == 0;
  record.reported_supply = record.online || offline ? SUPPLY_ON : SUPPLY_UNKNOWN;
  assert_int_equal(devices_put(world->devices, &record, NULL), OK);
}

static void play_drop(struct world *world, const struct words *words) {
  devices_drop(world->devices, "s", word(words, 1));
}

static void play_due(struct world *world, const struct words *words) {
  static char id[ID_MAX];
  static char point[ID_MAX], device[ID_MAX];
  make_id(id, word(words, 1), word(words, 2));
  snprintf(point, sizeof point, "%s", word(words, 1));
  snprintf(device, sizeof device, "%s", word(words, 4));
  const char *kind = word(words, 5);
  struct decision decision = {.id = id, .kind = DECISION_SWITCH_DUE};
  decision.switch_due = (struct switch_due){.service_point = point, .room = "r", .lease = "lease", .meter = "m",
                                            .commodity = COMMODITY_ELECTRICITY, .device = device,
                                            .supply = supply_of(word(words, 3)), .version = version_of(word(words, 2))};
  decision.switch_due.switch_kind = strcmp(kind, "none") == 0 ? SWITCH_NONE
                                    : strcmp(kind, "valve") == 0 ? SWITCH_VALVE : SWITCH_RELAY;
  decide(world, &decision);
  world->last = decision;
}

static void play_answer(struct world *world, const struct words *words) {
  static char id[ID_MAX], reason[ID_MAX];
  make_id(id, word(words, 1), word(words, 2));
  snprintf(reason, sizeof reason, "%s", word(words, 4));
  struct decision decision = {.id = "answer", .kind = DECISION_INTENT_ANSWER};
  decision.intent_answer = (struct intent_answer){.command_id = id, .decision_id = id, .service_point = word(words, 1),
                                                  .confirmed = strcmp(word(words, 3), "yes") == 0, .reason = reason};
  decide(world, &decision);
  world->last = decision;
}

static void take_fact(struct world *world, struct fact *fact) {
  fact->envelope = (struct envelope){.site = "s"};
  if (fact->kind == FACT_DEVICE_STATE) devices_state(world->devices, "s", &fact->device_state);
  assert_int_equal(control_take_fact(world->control, fact, world->wall_ms, &world->effects), OK);
}

static void play_ack(struct world *world, const struct words *words) {
  static const char *const names[] = {"none", "accepted", "done", "refused", "expired", "duplicate"};
  char id[ID_MAX];
  make_id(id, word(words, 1), word(words, 2));
  enum ack_outcome outcome = ACK_NONE;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(word(words, 3), names[i]) == 0) outcome = (enum ack_outcome)i;
  }
  struct fact fact = {.kind = FACT_COMMAND_ACK};
  fact.command_ack = (struct command_ack_fact){.device = words->count > 4 ? word(words, 4) : "d1", .command_id = id,
                                               .outcome = outcome, .time_s = world->business_s, .detail = ""};
  take_fact(world, &fact);
}

static void play_state(struct world *world, const struct words *words) {
  struct fact fact = {.kind = FACT_DEVICE_STATE};
  fact.device_state = (struct device_state_fact){.device = word(words, 1), .online = true,
                                                 .supply = supply_of(word(words, 2)),
                                                 .time_s = world->business_s + strtoll(word(words, 4), NULL, 10),
                                                 .desired_version = version_of(word(words, 3))};
  take_fact(world, &fact);
}

static void play_gone(struct world *world, const struct words *words) {
  struct fact fact = {.kind = FACT_DEVICE_STATE};
  fact.device_state = (struct device_state_fact){.device = word(words, 1)};
  take_fact(world, &fact);
}

static void play_unpublished(struct world *world, const struct words *words) {
  char id[ID_MAX];
  make_id(id, word(words, 1), word(words, 2));
  uint32_t attempt = (uint32_t)strtoul(word(words, 3) + 1, NULL, 10);
  control_take_unpublished(world->control, id, attempt, error_by_name(word(words, 4)), world->wall_ms);
}

static void play_again(struct world *world, const struct words *words) {
  (void)words;
  assert_int_equal(control_take_decision(world->control, &world->last, world->wall_ms, &world->effects), OK);
}

static void play_restart(struct world *world, const struct words *words) {
  (void)words;
  restart(world);
}

static const struct {
  const char *name;
  void (*play)(struct world *, const struct words *);
} inputs[] = {
    {"set", play_set},       {"clock", play_clock}, {"wall", play_wall},   {"link", play_link},
    {"device", play_device}, {"drop", play_drop},   {"due", play_due},     {"answer", play_answer},
    {"ack", play_ack},       {"state", play_state}, {"gone", play_gone},   {"unpublished", play_unpublished},
    {"again", play_again},   {"restart", play_restart},
};

// ---------------------------------------------------------------- effects

static void say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct world *world, const char *format, ...) {
  char part[256];
  va_list args;
  va_start(args, format);
  vsnprintf(part, sizeof part, format, args);
  va_end(args);
  assert_int_equal(buffer_append_text(&world->text, part), OK);
}

static const char *point_and_version(const char *command_id, char out[ID_MAX]) {
  snprintf(out, ID_MAX, "%s", command_id + strlen("switch:s:"));
  char *colon = strchr(out, ':');
  assert_non_null(colon);
  *colon = ' ';
  return out;
}

static void say_fact(struct world *world, const struct fact *fact) {
  static const char *const names[] = {"none", "confirmed", "failed", "refused", "expired", "superseded"};
  char name[ID_MAX];
  assert_string_equal(fact->envelope.site, "s");
  assert_string_equal(fact->envelope.landlord, "l");
  assert_string_equal(fact->envelope.source, "control");
  if (fact->kind == FACT_DISCONNECT_INTENT) {
    const struct disconnect_intent *intent = &fact->disconnect_intent;
    say(world, "intent %s e%s", point_and_version(intent->command_id, name),
        strrchr(fact->envelope.fact_id, ':') + 1);
    return;
  }
  const struct command_outcome *outcome = &fact->command_outcome;
  say(world, "outcome %s %s", point_and_version(outcome->command_id, name), names[outcome->outcome]);
  if (outcome->reason[0]) say(world, "(%s)", outcome->reason);
}

static void say_state(struct world *world, const struct command_state *state) {
  char name[ID_MAX];
  assert_int_equal(state->wall_time_ms, world->wall_ms);
  say(world, "%s %s", point_and_version(state->command_id, name), command_step_name(state->step));
  if (state->reason[0]) say(world, "(%s)", state->reason);
  if (state->attempt) say(world, "#%u", state->attempt);
  assert_true(world->record_count < RECORDS_MAX);
  struct effects keep = {.arena = world->records_arena, .items = (struct effect[1]){{0}}, .max = 1};
  assert_int_equal(effects_add_state(&keep, state), OK);
  world->records[world->record_count++] = keep.items[0].state;
}

static void say_publish(struct world *world, const struct publish *publish) {
  say(world, "publish %s v%llu to %s as %s within %lld", publish->command.supply == SUPPLY_OFF ? "off" : "on",
      (unsigned long long)publish->command.desired_version, publish->device,
      publish->codec[0] ? publish->codec : "default", (long long)publish->expiry_s);
}

static void say_effects(struct world *world) {
  for (size_t i = 0; i < world->effects.count; i++) {
    const struct effect *effect = &world->effects.items[i];
    if (world->text.len) say(world, ", ");
    if (effect->kind == EFFECT_FACT) say_fact(world, &effect->fact);
    if (effect->kind == EFFECT_STATE) say_state(world, &effect->state);
    if (effect->kind == EFFECT_PUBLISH) say_publish(world, &effect->publish);
  }
}

// ---------------------------------------------------------------- a line

static struct words split(char *line) {
  struct words words = {.count = 0};
  char *save;
  for (char *w = strtok_r(line, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
    assert_true(words.count < WORDS_MAX);
    words.at[words.count++] = w;
  }
  return words;
}

static char *trim(char *text) {
  while (*text == ' ') text++;
  for (size_t len = strlen(text); len && strchr(" \n", text[len - 1]); len--) text[len - 1] = '\0';
  return text;
}

const char *world_play(struct world *world, char *line, const char **expected) {
  char *arrow = strstr(line, "=>");
  if (arrow) *arrow = '\0';
  *expected = arrow ? trim(arrow + 2) : "";
  struct words words = split(line);
  arena_reset(world->arena);
  world->effects.count = 0;
  buffer_clear(&world->text);
  if (world->restarts) restart(world);
  bool known = false;
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    if (strcmp(word(&words, 0), inputs[i].name) != 0) continue;
    inputs[i].play(world, &words);
    known = true;
  }
  if (!known) fail_word(word(&words, 0));
  for (bool more = true; more;) {
    size_t before = world->effects.count;
    assert_int_equal(control_advance(world->control, world->link_up, world->wall_ms, &world->effects, &more), OK);
    more = world->effects.count != before; // until nothing is due
  }
  say_effects(world);
  return buffer_text(&world->text);
}

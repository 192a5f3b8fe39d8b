// SPDX-License-Identifier: Apache-2.0
// JSON: docs/schemas/up-*.schema.json. Numbers stay text until base/decimal makes exact integers of them: json-c keeps
// the source of a number with a point or an exponent and gives it back, and an integer's text is the integer. Members
// that are not known are ignored, so that a device may say more than we read; but one that names a unit and is not a
// register that we know is refused, or its readings would disappear unseen.
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "ingest/codec/codec.h"
#include "ingest/core/instant.h"

enum { DEPTH_MAX = 8 };

static const struct value_key {
  const char *name;
  enum meter_register reg;
  int scale; // decimals from this unit to Wh or ml
} VALUE_KEYS[] = {
    {"energy_import_wh", REGISTER_ENERGY_IMPORT, 0},
    {"energy_import_kwh", REGISTER_ENERGY_IMPORT, 3},
    {"energy_export_wh", REGISTER_ENERGY_EXPORT, 0},
    {"energy_export_kwh", REGISTER_ENERGY_EXPORT, 3},
    {"energy_import_t1_wh", REGISTER_ENERGY_IMPORT_T1, 0},
    {"energy_import_t1_kwh", REGISTER_ENERGY_IMPORT_T1, 3},
    {"energy_import_t2_wh", REGISTER_ENERGY_IMPORT_T2, 0},
    {"energy_import_t2_kwh", REGISTER_ENERGY_IMPORT_T2, 3},
    {"energy_import_t3_wh", REGISTER_ENERGY_IMPORT_T3, 0},
    {"energy_import_t3_kwh", REGISTER_ENERGY_IMPORT_T3, 3},
    {"energy_import_t4_wh", REGISTER_ENERGY_IMPORT_T4, 0},
    {"energy_import_t4_kwh", REGISTER_ENERGY_IMPORT_T4, 3},
    {"volume_ml", REGISTER_VOLUME_COLD, 0},
    {"volume_l", REGISTER_VOLUME_COLD, 3},
    {"volume_m3", REGISTER_VOLUME_COLD, 6},
    {"hot_volume_ml", REGISTER_VOLUME_HOT, 0},
    {"hot_volume_l", REGISTER_VOLUME_HOT, 3},
    {"hot_volume_m3", REGISTER_VOLUME_HOT, 6},
};

struct word {
  const char *text;
  int number;
};
static const struct word EVENT_WORDS[] = {
    {"tamper", EVENT_TAMPER},
    {"cover-open", EVENT_COVER_OPEN},
    {"leak", EVENT_LEAK},
    {"overload", EVENT_OVERLOAD},
    {"low-battery", EVENT_LOW_BATTERY},
    {"power-lost", EVENT_POWER_LOST},
    {"smoke", EVENT_SMOKE},
    {"door", EVENT_DOOR},
    {NULL, 0},
};
static const struct word SUPPLY_WORDS[] = {{"on", SUPPLY_ON}, {"off", SUPPLY_OFF}, {NULL, 0}};
static const struct word OUTCOME_WORDS[] = {
    {"accepted", ACK_ACCEPTED}, {"done", ACK_DONE},           {"refused", ACK_REFUSED},
    {"expired", ACK_EXPIRED},   {"duplicate", ACK_DUPLICATE}, {NULL, 0},
};

// Where in the payload we are, for the words of an error.
struct place {
  struct codec_input *input;
  long index; // of the reading; -1: at the top
};

static enum error parse(struct codec_input *input, struct json_object **root);
static enum error decode_object(struct codec_input *input, struct json_object *root, struct content *content);
static enum error decode_batch(struct codec_input *input, struct json_object *root, struct batch *batch);
static enum error decode_list(struct codec_input *input, struct json_object *root, struct batch *batch);
static enum error count_values(const struct place *place, struct json_object *object, size_t *count);
static enum error decode_reading(const struct place *place, struct json_object *object, struct reading template,
                                 struct reading *to, size_t *count);
static enum error decode_value(const struct place *place, const struct value_key *key, struct json_object *member,
                               int64_t *value);
static enum error decode_event(const struct place *place, struct json_object *root, struct device_event_fact *event);
static enum error decode_state(const struct place *place, struct json_object *root, struct device_state_fact *state);
static enum error decode_ack(const struct place *place, struct json_object *root, struct command_ack_fact *ack);
static const struct value_key *value_key(const char *name);
static bool names_a_unit(const char *name);
static enum error member_text(const struct place *place, struct json_object *object, const char *key,
                              const char **text);
static enum error member_bool(const struct place *place, struct json_object *object, const char *key, bool *truth);
static enum error member_count(const struct place *place, struct json_object *object, const char *key,
                               uint64_t *number);
static enum error member_word(const struct place *place, struct json_object *object, const char *key,
                              const struct word *words, int *number);
static enum error member_instant(const struct place *place, struct json_object *object, const char *key, int scale,
                                 int64_t *ms);
static enum error wrong(const struct place *place, enum error err, const char *key, const char *wanted);

static enum error decode(struct codec_input *input, struct content *out) {
  struct json_object *root = NULL;
  enum error err = parse(input, &root);
  struct content content = {.kind = input->kind, .site = "", .device = "", .json = true};
  if (!err) err = decode_object(input, root, &content);
  if (!err) *out = content;
  json_object_put(root);
  return err;
}

// json-c from 0.17 on ends at an integer beyond 64 bits, earlier ones saturate (decode sees that): for both the value
// is what is wrong, not the JSON.
static bool ends_in_huge_integer(struct bytes text, size_t end) {
  size_t digits = 0;
  if (end > text.len) end = text.len;
  while (digits < end && text.data[end - 1 - digits] >= '0' && text.data[end - 1 - digits] <= '9') digits++;
  return digits >= 19 && (digits == end || !strchr(".eE+", text.data[end - 1 - digits]));
}

static bool is_ascii(struct bytes text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.data[i] >= 0x80) return false;
  return true;
}

// The code point of a well-formed sequence, whose length is stored in *len.
static uint32_t code_point(const uint8_t *at, size_t *len) {
  *len = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
  uint32_t code = at[0] & (0xffu >> (*len + 1));
  for (size_t i = 1; i < *len; i++) code = code << 6 | (at[i] & 0x3fu);
  return code;
}

// json-c 0.18, Debian 13's, refuses every letter beyond ASCII when it is strict. So it is given their \u escapes, where
// the text is well-formed; not after a lone backslash, which must stay an error.
static struct bytes escape(struct arena *arena, struct bytes text) {
  char *to = arena_alloc_raw(arena, 3 * text.len + 1); // at worst \u00e9 for two bytes
  if (!to) return (struct bytes){0};
  size_t size = 0, backslashes = 0, len;
  for (size_t at = 0; at < text.len; at += len) {
    uint8_t byte = text.data[at];
    len = 1;
    uint32_t code = byte < 0xc0 || backslashes % 2 ? byte : code_point(text.data + at, &len);
    backslashes = byte == '\\' ? backslashes + 1 : 0;
    if (len == 1)
      to[size++] = (char)byte;
    else if (code < 0x10000)
      size += (size_t)sprintf(to + size, "\\u%04x", (unsigned)code);
    else
      size += (size_t)sprintf(to + size, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (code >> 10)),
                              (unsigned)(0xdc00 | (code & 0x3ff)));
  }
  return bytes_make(to, size);
}

static enum error parse(struct codec_input *input, struct json_object **root) {
  if (input->payload.len > INT_MAX / 3) return ERR_TOO_LARGE;
  struct bytes text = input->payload;
  if (!is_ascii(text) && bytes_is_utf8(text)) text = escape(input->arena, text);
  if (!text.data) return ERR_LIMIT;
  struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
  if (!tokener) return ERR_LIMIT;
  json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
  *root = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.len);
  enum json_tokener_error problem = json_tokener_get_error(tokener);
  size_t end = json_tokener_get_parse_end(tokener);
  bool all = end == text.len;
  json_tokener_free(tokener);
  if (problem == json_tokener_error_parse_number && ends_in_huge_integer(text, end)) {
    input->detail = "a number is beyond 64 bits";
    return ERR_BAD_VALUE;
  }
  // json-c lets overlong forms and surrogates pass.
  bool could_be_read = problem == json_tokener_success || problem == json_tokener_error_parse_utf8_string;
  if (could_be_read && !bytes_is_utf8(input->payload)) return ERR_BAD_UTF8;
  if (problem == json_tokener_continue)
    input->detail = "the payload ends in the middle";
  else if (problem != json_tokener_success)
    input->detail = json_tokener_error_desc(problem);
  else if (!all)
    input->detail = "something follows the JSON";
  return *input->detail ? ERR_BAD_JSON : OK;
}

static enum error decode_object(struct codec_input *input, struct json_object *root, struct content *content) {
  struct place top = {input, -1};
  if (!json_object_is_type(root, json_type_object)) return wrong(&top, ERR_BAD_SCHEMA, "the payload", "an object");
  enum error err = member_text(&top, root, "site", &content->site);
  if (!err) err = member_text(&top, root, "device", &content->device);
  if (err) return err;
  switch (input->kind) {
  case CONTENT_READINGS:
    return decode_batch(input, root, &content->batch);
  case CONTENT_EVENT:
    return decode_event(&top, root, &content->event);
  case CONTENT_STATE:
    return decode_state(&top, root, &content->state);
  case CONTENT_ACK:
    return decode_ack(&top, root, &content->ack);
  }
  return ERR_INTERNAL;
}

static enum error decode_batch(struct codec_input *input, struct json_object *root, struct batch *batch) {
  struct place top = {input, -1};
  *batch = (struct batch){.sequence = 0};
  enum error err = member_count(&top, root, "seq", &batch->sequence);
  if (!err) err = member_count(&top, root, "boot", &batch->boot);
  if (!err) err = member_count(&top, root, "counter", &batch->counter);
  if (!err) err = member_instant(&top, root, "sent_at", 0, &batch->sent_at_ms);
  if (!err) err = member_bool(&top, root, "receipt", &batch->want_receipt);
  return err ? err : decode_list(input, root, batch);
}

// "readings": [...], or the top object is itself the one reading. A meter or an instant at the top holds for all
// readings that state none.
static enum error decode_list(struct codec_input *input, struct json_object *root, struct batch *batch) {
  struct json_object *list = NULL;
  struct place place = {input, -1};
  bool listed = json_object_object_get_ex(root, "readings", &list);
  if (listed && !json_object_is_type(list, json_type_array))
    return wrong(&place, ERR_BAD_SCHEMA, "readings", "a list of objects");
  size_t length = listed ? json_object_array_length(list) : 1, count = 0;
  enum error err = OK;
  for (size_t i = 0; !err && i < length; i++) {
    place.index = listed ? (long)i : -1;
    err = count_values(&place, listed ? json_object_array_get_idx(list, i) : root, &count);
  }
  if (err) return err;
  struct reading template = {.meter = "", .time_s = INT64_MIN};
  struct reading *readings = arena_alloc_raw(input->arena, count * sizeof *readings);
  if (!readings) return ERR_LIMIT;
  struct place top = {input, -1};
  int64_t at_ms = INT64_MIN;
  if (listed) err = member_text(&top, root, "meter", &template.meter);
  if (listed && !err) err = member_instant(&top, root, "at", 3, &at_ms);
  if (at_ms != INT64_MIN) template.time_s = at_ms / 1000 - (at_ms % 1000 < 0);
  for (size_t i = 0; !err && i < length; i++) {
    place.index = listed ? (long)i : -1;
    err = decode_reading(&place, listed ? json_object_array_get_idx(list, i) : root, template, readings, &batch->count);
  }
  batch->readings = readings;
  return err;
}

static enum error count_values(const struct place *place, struct json_object *object, size_t *count) {
  if (!json_object_is_type(object, json_type_object)) return wrong(place, ERR_BAD_SCHEMA, "the reading", "an object");
  size_t before = *count;
  json_object_object_foreach(object, name, member) {
    (void)member;
    if (value_key(name))
      ++*count;
    else if (names_a_unit(name))
      return wrong(place, ERR_BAD_REGISTER, name, "a value key that is known");
  }
  return *count > before ? OK : wrong(place, ERR_BAD_SCHEMA, "the reading", "at least one value, as volume_l");
}

static enum error decode_reading(const struct place *place, struct json_object *object, struct reading template,
                                 struct reading *to, size_t *count) {
  int64_t at_ms = INT64_MIN;
  enum error err = member_text(place, object, "meter", &template.meter);
  if (!err) err = member_instant(place, object, "at", 3, &at_ms);
  if (err) return err;
  if (at_ms != INT64_MIN) template.time_s = at_ms / 1000 - (at_ms % 1000 < 0);
  if (template.time_s == INT64_MIN) return wrong(place, ERR_BAD_SCHEMA, "at", "the instant of the reading");
  json_object_object_foreach(object, name, member) {
    const struct value_key *key = value_key(name);
    if (!key) continue;
    template.reg = key->reg;
    err = decode_value(place, key, member, &template.value);
    if (err) return err;
    to[(*count)++] = template;
  }
  return OK;
}

static enum error decode_value(const struct place *place, const struct value_key *key, struct json_object *member,
                               int64_t *value) {
  if (!json_object_is_type(member, json_type_int) && !json_object_is_type(member, json_type_double))
    return wrong(place, ERR_BAD_SCHEMA, key->name, "a number");
  enum error err = decimal_parse(bytes_text(json_object_get_string(member)), key->scale, value);
  if (err == ERR_INEXACT) return wrong(place, ERR_BAD_VALUE, key->name, "a whole number of Wh or ml");
  return err ? wrong(place, ERR_BAD_VALUE, key->name, "0 to 10^15 Wh or ml") : OK;
}

static enum error decode_event(const struct place *place, struct json_object *root, struct device_event_fact *event) {
  int64_t at_ms = 0;
  int kind = 0;
  *event = (struct device_event_fact){.device = "", .detail = ""};
  enum error err = member_word(place, root, "kind", EVENT_WORDS, &kind);
  if (!err) err = member_instant(place, root, "at", 3, &at_ms);
  if (!err) err = member_text(place, root, "detail", &event->detail);
  if (err) return err;
  if (!kind) return wrong(place, ERR_BAD_EVENT, "kind", "a kind of event, as \"tamper\"");
  event->kind = (enum event_kind)kind;
  event->time_s = at_ms / 1000;
  return OK;
}

static enum error decode_state(const struct place *place, struct json_object *root, struct device_state_fact *state) {
  int64_t at_ms = 0;
  int supply = SUPPLY_UNKNOWN;
  struct json_object *online;
  *state = (struct device_state_fact){.device = ""};
  if (!json_object_object_get_ex(root, "online", &online))
    return wrong(place, ERR_BAD_STATE, "online", "true or false");
  enum error err = member_bool(place, root, "online", &state->online);
  if (!err) err = member_word(place, root, "supply", SUPPLY_WORDS, &supply);
  if (!err) err = member_instant(place, root, "at", 3, &at_ms);
  if (!err) err = member_count(place, root, "version", &state->desired_version);
  if (err) return err;
  state->supply = (enum supply)supply;
  state->time_s = at_ms / 1000;
  return OK;
}

static enum error decode_ack(const struct place *place, struct json_object *root, struct command_ack_fact *ack) {
  int64_t at_ms = 0;
  int outcome = 0;
  *ack = (struct command_ack_fact){.device = "", .command_id = "", .detail = ""};
  enum error err = member_text(place, root, "command", &ack->command_id);
  if (!err) err = member_word(place, root, "outcome", OUTCOME_WORDS, &outcome);
  if (!err) err = member_instant(place, root, "at", 3, &at_ms);
  if (!err) err = member_text(place, root, "detail", &ack->detail);
  if (err) return err;
  if (!*ack->command_id) return wrong(place, ERR_BAD_ACK, "command", "the id of the command");
  if (!outcome) return wrong(place, ERR_BAD_ACK, "outcome", "what became of the command");
  ack->outcome = (enum ack_outcome)outcome;
  ack->time_s = at_ms / 1000;
  return OK;
}

static const struct value_key *value_key(const char *name) {
  for (size_t i = 0; i < sizeof VALUE_KEYS / sizeof *VALUE_KEYS; i++)
    if (strcmp(name, VALUE_KEYS[i].name) == 0) return &VALUE_KEYS[i];
  return NULL;
}

static bool names_a_unit(const char *name) {
  static const char *const units[] = {"_wh", "_kwh", "_mwh", "_ml", "_l", "_m3"};
  size_t len = strlen(name);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t unit = strlen(units[i]);
    if (len > unit && strcmp(name + len - unit, units[i]) == 0) return true;
  }
  return false;
}

// The member_ functions leave their result alone when there is no such member.
static enum error member_text(const struct place *place, struct json_object *object, const char *key,
                              const char **text) {
  struct json_object *member;
  if (!json_object_object_get_ex(object, key, &member)) return OK;
  if (!json_object_is_type(member, json_type_string)) return wrong(place, ERR_BAD_SCHEMA, key, "a text");
  struct bytes content = bytes_make(json_object_get_string(member), (size_t)json_object_get_string_len(member));
  if (memchr(content.data, 0, content.len)) return wrong(place, ERR_BAD_SCHEMA, key, "a text without zeros");
  const char *copy = arena_text(place->input->arena, content);
  if (!copy) return ERR_LIMIT;
  *text = copy;
  return OK;
}

static enum error member_bool(const struct place *place, struct json_object *object, const char *key, bool *truth) {
  struct json_object *member;
  if (!json_object_object_get_ex(object, key, &member)) return OK;
  if (!json_object_is_type(member, json_type_boolean)) return wrong(place, ERR_BAD_SCHEMA, key, "true or false");
  *truth = json_object_get_boolean(member);
  return OK;
}

static enum error member_count(const struct place *place, struct json_object *object, const char *key,
                               uint64_t *number) {
  struct json_object *member;
  int64_t value;
  if (!json_object_object_get_ex(object, key, &member)) return OK;
  bool whole = json_object_is_type(member, json_type_int) &&
               decimal_parse(bytes_text(json_object_get_string(member)), 0, &value) == OK && value >= 0;
  if (!whole) return wrong(place, ERR_BAD_SCHEMA, key, "a whole number from 0 to 2^63 - 1");
  *number = (uint64_t)value;
  return OK;
}

static enum error member_word(const struct place *place, struct json_object *object, const char *key,
                              const struct word *words, int *number) {
  struct json_object *member;
  if (!json_object_object_get_ex(object, key, &member)) return OK;
  const char *text = json_object_is_type(member, json_type_string) ? json_object_get_string(member) : "";
  for (; words->text; words++)
    if (strcmp(words->text, text) == 0) {
      *number = words->number;
      return OK;
    }
  enum content_kind kind = place->input->kind;
  enum error err = kind == CONTENT_EVENT ? ERR_BAD_EVENT : kind == CONTENT_STATE ? ERR_BAD_STATE : ERR_BAD_ACK;
  return wrong(place, err, key, "one of the words of docs/schemas");
}

// RFC 3339, or a number of 10^-(3 - scale) seconds: scale 3 for seconds, 0 for milliseconds.
static enum error member_instant(const struct place *place, struct json_object *object, const char *key, int scale,
                                 int64_t *ms) {
  struct json_object *member;
  if (!json_object_object_get_ex(object, key, &member)) return OK;
  struct bytes text = bytes_text(json_object_get_string(member));
  enum error err = ERR_BAD_TIME;
  if (json_object_is_type(member, json_type_string))
    err = instant_parse(text, ms);
  else if (json_object_is_type(member, json_type_int) || json_object_is_type(member, json_type_double))
    err = decimal_parse(text, scale, ms);
  return err ? wrong(place, ERR_BAD_TIME, key, "as \"2016-03-01T00:28:55Z\", or a number since 1970") : OK;
}

static enum error wrong(const struct place *place, enum error err, const char *key, const char *wanted) {
  enum { KEY_SHOWN_MAX = 40 };
  int len = (int)bytes_utf8_cut(bytes_text(key), KEY_SHOWN_MAX);
  struct arena *arena = place->input->arena;
  const char *detail = place->index < 0
                           ? arena_printf(arena, "%.*s: wanted %s", len, key, wanted)
                           : arena_printf(arena, "readings[%ld], %.*s: wanted %s", place->index, len, key, wanted);
  if (detail) place->input->detail = detail;
  return err;
}

const struct codec codec_json = {
    .name = "json",
    .help = "JSON, docs/schemas/up-json.schema.json",
    .decode = decode,
};

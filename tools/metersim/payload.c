// SPDX-License-Identifier: Apache-2.0
#include "metersim/payload.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "domain/zone.h"
#include "wire/telemetry.h"

// ---------------------------------------------------------------- up

static const char *json_key(enum meter_register reg) {
  switch (reg) {
  case REGISTER_ENERGY_EXPORT:
    return "energy_export_wh";
  case REGISTER_VOLUME_COLD:
    return "volume_ml";
  case REGISTER_VOLUME_HOT:
    return "hot_volume_ml";
  default:
    return "energy_import_wh";
  }
}

static enum error json_batch(const struct batch *batch, struct buffer *out) {
  const char *want = batch->want_receipt ? "true" : "false";
  enum error err = buffer_printf(
      out, "{\"seq\":%" PRIu64 ",\"boot\":%" PRIu64 ",\"sent_at\":%" PRId64 ",\"receipt\":%s,\"readings\":[",
      batch->sequence, batch->boot, batch->sent_at_ms, want);
  for (size_t i = 0; err == OK && i < batch->count; i++) {
    const struct reading *reading = &batch->readings[i];
    err = buffer_printf(out, "%s{\"meter\":\"%s\",\"at\":%" PRId64 ",\"%s\":%" PRId64 "}", i ? "," : "",
                        reading->meter, reading->time_s, json_key(reading->reg), reading->value);
  }
  if (err == OK) err = buffer_append_text(out, "]");
  if (err == OK && batch->counter) err = buffer_printf(out, ",\"counter\":%" PRIu64, batch->counter);
  return err ? err : buffer_append_text(out, "}");
}

enum error payload_batch(enum payload_format format, const struct batch *batch, struct buffer *out) {
  return format == FORMAT_PB ? wire_batch_encode(batch, out) : json_batch(batch, out);
}

// A farewell is always JSON: in protobuf it would be zero bytes, and an empty retained message means "forget".
enum error payload_state(enum payload_format format, const struct device_state_fact *state, struct buffer *out) {
  if (format == FORMAT_PB && state->online) return wire_telemetry_state_encode(state, out);
  enum error err = buffer_printf(out, "{\"online\":%s", state->online ? "true" : "false");
  if (err == OK && state->supply != SUPPLY_UNKNOWN) {
    err = buffer_printf(out, ",\"supply\":\"%s\"", state->supply == SUPPLY_OFF ? "off" : "on");
  }
  if (err == OK && state->time_s) err = buffer_printf(out, ",\"at\":%" PRId64, state->time_s);
  if (err == OK && state->desired_version) err = buffer_printf(out, ",\"version\":%" PRIu64, state->desired_version);
  return err ? err : buffer_append_text(out, "}");
}

enum error payload_ack(enum payload_format format, const struct command_ack_fact *ack, struct buffer *out) {
  static const char *const outcomes[] = {"none", "accepted", "done", "refused", "expired", "duplicate"};
  if (format == FORMAT_PB) return wire_telemetry_ack_encode(ack, out);
  struct json_object *id = json_object_new_string(ack->command_id);
  enum error err = id ? OK : ERR_NO_MEMORY;
  if (err == OK) {
    err = buffer_printf(out, "{\"command\":%s,\"outcome\":\"%s\",\"at\":%" PRId64 ",\"detail\":\"%s\"}",
                        json_object_to_json_string_ext(id, JSON_C_TO_STRING_NOSLASHESCAPE), outcomes[ack->outcome],
                        ack->time_s, ack->detail);
  }
  json_object_put(id);
  return err;
}

// ---------------------------------------------------------------- down

static struct json_object *parse(struct bytes in) {
  struct json_tokener *tokener = json_tokener_new();
  struct json_object *object = tokener ? json_tokener_parse_ex(tokener, (const char *)in.data, (int)in.len) : NULL;
  json_tokener_free(tokener);
  if (object && json_object_is_type(object, json_type_object)) return object;
  json_object_put(object);
  return NULL;
}

static const char *text_of(struct json_object *object, const char *key) {
  struct json_object *value;
  if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string)) return "";
  return json_object_get_string(value);
}

static int64_t number_of(struct json_object *object, const char *key) {
  struct json_object *value;
  return json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value) : 0;
}

// "2016-05-25T00:05:00Z", as control writes it; 0 for anything else.
static int64_t parse_utc(const char *text) {
  struct civil_date date;
  int hour, minute, second;
  char zulu;
  int found = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%c", &date.year, &date.month, &date.day, &hour, &minute, &second,
                     &zulu);
  if (found != 7 || zulu != 'Z') return 0;
  return civil_to_days(date) * 86400 + hour * 3600 + minute * 60 + second;
}

static enum error json_command(struct bytes in, struct arena *arena, struct device_command *command) {
  struct json_object *object = parse(in);
  if (!object) return ERR_BAD_JSON;
  const char *supply = text_of(object, "supply");
  command->command_id = arena_strdup(arena, text_of(object, "command"));
  command->supply = strcmp(supply, "off") == 0 ? SUPPLY_OFF : strcmp(supply, "on") == 0 ? SUPPLY_ON : SUPPLY_UNKNOWN;
  command->not_after_s = parse_utc(text_of(object, "not_after"));
  command->desired_version = (uint64_t)number_of(object, "version");
  json_object_put(object);
  return command->command_id ? OK : ERR_NO_MEMORY;
}

enum error payload_command(struct bytes in, struct arena *arena, struct device_command *command) {
  bool json = in.len && in.data[0] == '{';
  enum error err = json ? json_command(in, arena, command) : wire_device_command_decode(in, arena, command);
  if (err) return err;
  return command->command_id[0] && command->supply != SUPPLY_UNKNOWN ? OK : ERR_BAD_SCHEMA;
}

enum error payload_receipt(struct bytes in, struct arena *arena, struct receipt *receipt) {
  if (in.len == 0 || in.data[0] != '{') return wire_receipt_decode(in, arena, receipt);
  struct json_object *object = parse(in);
  if (!object) return ERR_BAD_JSON;
  *receipt = (struct receipt){.boot = (uint64_t)number_of(object, "boot"),
                              .first = (uint64_t)number_of(object, "first"),
                              .sequence = (uint64_t)number_of(object, "seq")};
  json_object_put(object);
  return OK;
}

// ---------------------------------------------------------------- rubbish

static const struct {
  const char *name;
  const char *payload; // NULL: random bytes
} rubbish[] = {
    {"random-bytes", NULL},
    {"empty", ""},
    {"not-json", "{\"readings\":[{\"at\":"},
    {"wrong-shape", "{\"readings\":\"many\"}"},
    {"no-readings", "{\"readings\":[]}"},
    {"fraction", "{\"readings\":[{\"meter\":\"m\",\"at\":1456790400,\"energy_import_wh\":0.5}]}"},
    {"negative", "{\"readings\":[{\"meter\":\"m\",\"at\":1456790400,\"energy_import_wh\":-1}]}"},
    {"from-1970", "{\"readings\":[{\"meter\":\"m\",\"at\":1,\"energy_import_wh\":1}]}"},
    {"from-2100", "{\"readings\":[{\"meter\":\"m\",\"at\":4102444800,\"energy_import_wh\":1}]}"},
    {"bad-meter-id", "{\"readings\":[{\"meter\":\"a/b\",\"at\":1456790400,\"energy_import_wh\":1}]}"},
};
enum { RUBBISH_BYTES_MAX = 64 };

const char *payload_malformed(struct random *random, struct buffer *out) {
  size_t kind = random_below(random, sizeof rubbish / sizeof *rubbish);
  enum error err = OK;
  if (rubbish[kind].payload) {
    err = buffer_append_text(out, rubbish[kind].payload);
  } else {
    uint64_t count = 1 + random_below(random, RUBBISH_BYTES_MAX);
    err = buffer_append_byte(out, 0xff); // never the beginning of JSON or of a valid protobuf field
    for (uint64_t i = 0; err == OK && i < count; i++) err = buffer_append_byte(out, (uint8_t)random_next(random));
  }
  return err ? "" : rubbish[kind].name;
}

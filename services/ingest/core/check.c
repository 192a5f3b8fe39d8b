// SPDX-License-Identifier: Apache-2.0
// One bad reading does not cost a gateway its others: what is wrong with a single reading takes out that reading only,
// and the message goes to the reject topic as well, so that nothing disappears unseen.
#include "ingest/core/check.h"

#include <string.h>

#include "ingest/core/topic.h"

static enum error check_reading(const struct check_limits *limits, int64_t receive_ms, const struct reading *reading);
static enum error check_time(const struct check_limits *limits, int64_t receive_ms, int64_t time_s);
static enum error cut_text(const char **text, struct arena *arena);

enum error check_batch(const struct check_limits *limits, const struct batch *batch, const char *device,
                       int64_t receive_ms, struct reading *to, struct check_result *result) {
  *result = (struct check_result){.first_err = OK};
  if (batch->count == 0) return ERR_NO_READINGS;
  if (batch->count > limits->readings_max) return ERR_TOO_MANY_READINGS;
  for (size_t i = 0; i < batch->count; i++) {
    struct reading reading = batch->readings[i];
    if (!*reading.meter) reading.meter = device;
    enum error err = check_reading(limits, receive_ms, &reading);
    if (!err) {
      to[result->good++] = reading;
      continue;
    }
    if (result->bad++) continue;
    result->first_err = err;
    result->first_index = i;
  }
  return result->good ? OK : result->first_err;
}

static enum error check_reading(const struct check_limits *limits, int64_t receive_ms, const struct reading *reading) {
  if (!id_is_valid(bytes_text(reading->meter))) return ERR_BAD_METER_ID;
  if (register_commodity(reading->reg) == COMMODITY_NONE) return ERR_BAD_REGISTER;
  if (reading->value < 0 || reading->value > CHECK_VALUE_MAX) return ERR_BAD_VALUE;
  return check_time(limits, receive_ms, reading->time_s);
}

static enum error check_time(const struct check_limits *limits, int64_t receive_ms, int64_t time_s) {
  if (time_s < limits->oldest_s) return ERR_TIME_TOO_OLD;
  if (time_s > (receive_ms + limits->future_ms) / 1000) return ERR_TIME_IN_FUTURE;
  return OK;
}

enum error check_event(const struct check_limits *limits, int64_t receive_ms, struct arena *arena,
                       struct device_event_fact *event) {
  bool ours = event->kind == EVENT_CLOCK_OFF || event->kind == EVENT_SEQUENCE_GAP;
  if (event->kind <= EVENT_NONE || event->kind > EVENT_SEQUENCE_GAP || ours) return ERR_BAD_EVENT;
  if (check_time(limits, receive_ms, event->time_s)) event->time_s = receive_ms / 1000;
  return cut_text(&event->detail, arena);
}

enum error check_state(const struct check_limits *limits, int64_t receive_ms, struct device_state_fact *state) {
  if (state->supply < SUPPLY_UNKNOWN || state->supply > SUPPLY_OFF) return ERR_BAD_STATE;
  if (check_time(limits, receive_ms, state->time_s)) state->time_s = receive_ms / 1000;
  return OK;
}

enum error check_ack(const struct check_limits *limits, int64_t receive_ms, struct arena *arena,
                     struct command_ack_fact *ack) {
  size_t len = strlen(ack->command_id);
  if (len == 0 || len > CHECK_DETAIL_MAX) return ERR_BAD_ACK;
  if (ack->outcome <= ACK_NONE || ack->outcome > ACK_DUPLICATE) return ERR_BAD_ACK;
  if (check_time(limits, receive_ms, ack->time_s)) ack->time_s = receive_ms / 1000;
  return cut_text(&ack->detail, arena);
}

// At the border of a character. The text is UTF-8: the codecs see to it.
static enum error cut_text(const char **text, struct arena *arena) {
  if (strlen(*text) <= CHECK_DETAIL_MAX) return OK;
  char *cut = arena_text(arena, bytes_make(*text, bytes_utf8_cut(bytes_text(*text), CHECK_DETAIL_MAX)));
  if (!cut) return ERR_LIMIT;
  *text = cut;
  return OK;
}

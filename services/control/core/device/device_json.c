// SPDX-License-Identifier: Apache-2.0
// {"command":"...","supply":"off","not_after":"2016-05-25T00:05:00Z","version":3}
#include <inttypes.h>

#include "control/core/device/codec.h"
#include "domain/zone.h"

enum { DAY_S = 86400 };

// A JSON string, RFC 8259 section 7.
static enum error append_quoted(struct buffer *out, const char *text) {
  enum error err = buffer_append_byte(out, '"');
  for (; *text && err == OK; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20) {
      err = buffer_printf(out, "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\') err = buffer_append_byte(out, '\\');
      if (err == OK) err = buffer_append_byte(out, c);
    }
  }
  return err ? err : buffer_append_byte(out, '"');
}

static enum error append_instant(struct buffer *out, int64_t utc_s) {
  int64_t days = utc_s / DAY_S - (utc_s % DAY_S < 0);
  struct civil_date date = civil_from_days(days);
  int second = (int)(utc_s - days * DAY_S);
  return buffer_printf(out, ",\"not_after\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", date.year, date.month, date.day,
                       second / 3600, second / 60 % 60, second % 60);
}

static enum error encode(const struct device_command *command, struct buffer *out) {
  enum error err = buffer_append_text(out, "{\"command\":");
  if (err == OK) err = append_quoted(out, command->command_id);
  if (err == OK) err = buffer_printf(out, ",\"supply\":\"%s\"", command->supply == SUPPLY_OFF ? "off" : "on");
  if (err == OK) err = append_instant(out, command->not_after_s);
  if (err == OK) err = buffer_printf(out, ",\"version\":%" PRIu64 "}", command->desired_version);
  return err;
}

const struct device_codec device_json = {
    .name = "json",
    .help = "A JSON object with command, supply, not_after and version.",
    .encode = encode,
};

// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/advice.h"

#include <stddef.h>

static const struct advice {
  enum error err;
  const char *text;
} ADVICE[] = {
    {ERR_EMPTY, "the payload is empty"},
    {ERR_TOO_LARGE, "send smaller messages"},
    {ERR_BAD_TOPIC, "publish to riser/v1/{site}/{device}/up/ pb, json, event, state or ack; "
                    "an id is 1 to 64 of A-Z a-z 0-9 . _ -"},
    {ERR_UNKNOWN_FORMAT, "no codec of this name is built in"},
    {ERR_UNKNOWN_SITE, "register the site with riserctl apply, or correct the topic"},
    {ERR_FOREIGN_SITE, "a device publishes under the site where it is installed"},
    {ERR_BAD_PROTOBUF, "the payload is not a message of riser.telemetry.v1"},
    {ERR_BAD_JSON, "the payload is not JSON (RFC 8259)"},
    {ERR_BAD_SCHEMA, "see docs/schemas"},
    {ERR_BAD_UTF8, "texts are UTF-8"},
    {ERR_NO_READINGS, "send at least one reading"},
    {ERR_TOO_MANY_READINGS, "send fewer readings a message"},
    {ERR_BAD_METER_ID, "a meter id is 1 to 64 of A-Z a-z 0-9 . _ -"},
    {ERR_BAD_REGISTER, "name a register of riser.telemetry.v1.Register, or a value key of docs/schemas"},
    {ERR_BAD_VALUE, "a register shows 0 to 10^15 Wh or ml, a whole number"},
    {ERR_BAD_TIME, "times are RFC 3339 with a zone, or numbers since 1970"},
    {ERR_TIME_TOO_OLD, "no reading is older than 2000-01-01: set the device's clock"},
    {ERR_TIME_IN_FUTURE, "set the device's clock; the time of a reading is in seconds, not milliseconds"},
    {ERR_BAD_EVENT, "name a kind of event that a device may report"},
    {ERR_BAD_STATE, "say online or not; a supply is on or off"},
    {ERR_NOT_SIGNED, "the device has a key, so all it says must end with its signature: docs/device-keys.md"},
    {ERR_BAD_SIGNATURE, "not signed with the device's key over topic, zero byte and payload: docs/device-keys.md"},
    {ERR_NO_COUNTER, "readings of a device with a key carry a counter above 0"},
    {ERR_KEY_UNUSABLE, "ingest can't unwrap the device's key: its RISER_DEVICE_KEYS_FILE lacks the wrapping key"},
    {ERR_BAD_ACK, "name the command and what became of it"},
};

const char *advice_for(enum error err) {
  for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++)
    if (ADVICE[i].err == err) return ADVICE[i].text;
  return "";
}

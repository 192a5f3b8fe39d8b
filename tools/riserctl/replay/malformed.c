// SPDX-License-Identifier: Apache-2.0
// One table of kinds, taken in turn. %u is the message's number: it makes each payload its own. Protobuf is written by
// hand here, byte by byte, since no encoder would produce it.
#include "riserctl/replay/malformed.h"

#include <stdio.h>
#include <string.h>

#include "riserctl/replay/script.h"

struct kind {
  const char *reason;
  const char *tail; // of the topic, behind site and device
  const char *text; // NULL: `make` does it
  enum error (*make)(uint32_t number, uint64_t *random, struct buffer *to);
  const char *site; // another than the scenario's
  const char *device;
};

static enum error random_bytes(uint32_t number, uint64_t *random, struct buffer *to);
static enum error truncated_batch(uint32_t number, uint64_t *random, struct buffer *to);
static enum error no_readings(uint32_t number, uint64_t *random, struct buffer *to);
static enum error unknown_register(uint32_t number, uint64_t *random, struct buffer *to);
static enum error huge_register(uint32_t number, uint64_t *random, struct buffer *to);
static enum error not_utf8(uint32_t number, uint64_t *random, struct buffer *to);
static enum error too_large(uint32_t number, uint64_t *random, struct buffer *to);

#define GOOD "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":1}"
static const struct kind kinds[] = {
    {.reason = "bad-protobuf", .tail = "up/pb", .make = random_bytes},
    {.reason = "bad-protobuf", .tail = "up/pb", .make = truncated_batch},
    {.reason = "no-readings", .tail = "up/pb", .make = no_readings},
    {.reason = "bad-register", .tail = "up/pb", .make = unknown_register},
    {.reason = "bad-value", .tail = "up/pb", .make = huge_register},
    {.reason = "bad-json", .tail = "up/json", .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":"},
    {.reason = "bad-json", .tail = "up/json", .text = GOOD " and more"},
    {.reason = "bad-utf8", .tail = "up/json", .make = not_utf8},
    {.reason = "bad-schema", .tail = "up/json", .text = "[%u]"},
    {.reason = "bad-schema", .tail = "up/json", .text = "{\"seq\":%u,\"readings\":{\"volume_l\":1}}"},
    {.reason = "bad-schema",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":\"1\"}"},
    {.reason = "bad-schema", .tail = "up/json", .text = "{\"seq\":%u,\"volume_l\":1}"},
    {.reason = "bad-register",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":1,\"energy_kwh\":5}"},
    {.reason = "bad-time", .tail = "up/json", .text = "{\"seq\":%u,\"at\":\"yesterday\",\"volume_l\":1}"},
    {.reason = "time-too-old",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"1970-01-01T00:00:00Z\",\"volume_l\":1}"},
    {.reason = "time-in-future",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2100-01-01T00:00:00Z\",\"volume_l\":1}"},
    {.reason = "bad-value",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"energy_import_wh\":9223372036854775808}"},
    {.reason = "bad-value",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"energy_import_wh\":-1}"},
    {.reason = "bad-value",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":1.0005}"},
    {.reason = "unknown-site", .tail = "up/json", .text = GOOD, .site = "nowhere"},
    {.reason = "foreign-site",
     .tail = "up/json",
     .text = "{\"seq\":%u,\"site\":\"elsewhere\",\"at\":\"2016-05-01T12:00:00Z\",\"volume_l\":1}"},
    {.reason = "too-large", .tail = "up/pb", .make = too_large},
    {.reason = "bad-topic", .tail = "up/xml", .text = "<reading n=\"%u\"/>"},
    {.reason = "bad-topic", .tail = "up/json/extra", .text = GOOD},
    {.reason = "bad-topic", .tail = "up/json", .text = GOOD, .device = "no id"},
    {.reason = "unknown-format", .tail = "up/raw/dlt645", .text = "frame %u"},
    {.reason = "bad-event", .tail = "up/event", .text = "{\"kind\":\"party\",\"detail\":\"%u\"}"},
    {.reason = "bad-state", .tail = "up/state", .text = "{\"online\":true,\"supply\":\"maybe %u\"}"},
    {.reason = "bad-ack", .tail = "up/ack", .text = "{\"outcome\":\"done\",\"detail\":\"%u\"}"},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0], TOO_LARGE = 256 * 1024 + 1, RANDOM_MAX = 300 };

static enum error fill_in(const char *text, uint32_t number, struct buffer *to);
static enum error put_batch(uint32_t number, const uint8_t *reading, size_t len, struct buffer *to);
static enum error put_varint(struct buffer *to, uint64_t value);

enum error malformed_make(const char *site, uint64_t seed, uint32_t number, struct malformed *out,
                          struct buffer *payload) {
  const struct kind *kind = &kinds[number % KIND_COUNT];
  uint64_t random = seed + number;
  snprintf(out->topic, sizeof out->topic, "riser/v1/%s/%s/%s", kind->site ? kind->site : site,
           kind->device ? kind->device : "faulty", kind->tail);
  out->reason = kind->reason;
  return kind->text ? fill_in(kind->text, number, payload) : kind->make(number, &random, payload);
}

static enum error fill_in(const char *text, uint32_t number, struct buffer *to) {
  const char *place = strstr(text, "%u");
  enum error err = buffer_append(to, text, (size_t)(place - text));
  if (!err) err = buffer_printf(to, "%u", number);
  return err ? err : buffer_append_text(to, place + 2);
}

// A first byte that no protobuf message can begin with, then noise.
static enum error random_bytes(uint32_t number, uint64_t *random, struct buffer *to) {
  enum error err = buffer_append_byte(to, 0x07);
  if (!err) err = put_varint(to, number);
  size_t len = 40 + script_random(random) % RANDOM_MAX;
  for (size_t i = 0; i < len && !err; i++) err = buffer_append_byte(to, (uint8_t)script_random(random));
  return err;
}

// Field numbers: proto/riser/telemetry/v1/telemetry.proto, ReadingBatch and Reading.
static enum error put_batch(uint32_t number, const uint8_t *reading, size_t len, struct buffer *to) {
  enum error err = buffer_append_byte(to, 0x08); // sequence
  if (!err) err = put_varint(to, number + 1u);
  if (!err && reading) err = buffer_append_byte(to, 0x1a); // readings
  if (!err && reading) err = put_varint(to, len);
  return !err && reading ? buffer_append(to, reading, len) : err;
}

static enum error put_varint(struct buffer *to, uint64_t value) {
  enum error err = OK;
  for (; value >= 0x80 && !err; value >>= 7) err = buffer_append_byte(to, (uint8_t)(value | 0x80));
  return err ? err : buffer_append_byte(to, (uint8_t)value);
}

// meter "w-1", register 20, the time, value 42: cut off in the middle, or with one of them wrong.
static const uint8_t good_reading[] = {0x0a, 0x03, 'w',  '-',  '1',  0x10, 0x14, 0x18,
                                       0xc0, 0xc5, 0xf0, 0xd0, 0x06, 0x20, 0x2a};

static enum error truncated_batch(uint32_t number, uint64_t *random, struct buffer *to) {
  enum error err = put_batch(number, good_reading, sizeof good_reading, to);
  if (!err) to->len -= 1 + script_random(random) % 5;
  return err;
}

static enum error no_readings(uint32_t number, uint64_t *random, struct buffer *to) {
  (void)random;
  return put_batch(number, NULL, 0, to);
}

static enum error unknown_register(uint32_t number, uint64_t *random, struct buffer *to) {
  uint8_t reading[sizeof good_reading];
  (void)random;
  memcpy(reading, good_reading, sizeof reading);
  reading[6] = 99;
  return put_batch(number, reading, sizeof reading, to);
}

static enum error huge_register(uint32_t number, uint64_t *random, struct buffer *to) {
  uint8_t reading[sizeof good_reading + 9];
  (void)random;
  memcpy(reading, good_reading, sizeof good_reading);
  memset(reading + 14, 0x80, 9); // 2^63 as a varint: nine times 0x80, then 0x01
  reading[23] = 0x01;
  return put_batch(number, reading, sizeof reading, to);
}

static enum error not_utf8(uint32_t number, uint64_t *random, struct buffer *to) {
  (void)random;
  enum error err = buffer_append_text(to, "{\"meter\":\"\xff\",\"seq\":");
  return err ? err : buffer_printf(to, "%u}", number);
}

static enum error too_large(uint32_t number, uint64_t *random, struct buffer *to) {
  (void)random;
  enum error err = buffer_printf(to, "%u", number);
  if (!err) err = buffer_reserve(to, TOO_LARGE);
  while (!err && to->len < TOO_LARGE) err = buffer_append_byte(to, ' ');
  return err;
}

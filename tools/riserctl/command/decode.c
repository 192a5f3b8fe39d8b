// SPDX-License-Identifier: Apache-2.0
// decode: whatever lies somewhere as protobuf, as JSON.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riserctl/log_reader.h"
#include "riserctl/nearest.h"
#include "riserctl/state.h"
#include "wire/json.h"

enum { INPUT_MAX = 16 * 1024 * 1024, OUTPUT_MAX = 64 * 1024 * 1024, KINDS_MAX = 64, TOPIC_SIZE = 256 };

static enum status decode_run(struct ctl *ctl, const struct arguments *arguments);
static enum status from_hex(struct ctl *ctl, const char *text, struct bytes *record);
static enum status from_file(struct ctl *ctl, const char *path, struct bytes *record);
static enum status from_kafka(struct ctl *ctl, const char *place, struct bytes *record, const char **kind);
static enum status from_redis(struct ctl *ctl, const char *key, struct bytes *record, const char **kind);
static enum status print_record(struct ctl *ctl, const char *kind, struct bytes record);
static const char *kind_of_topic(const char *topic);

static const struct option options[] = {
    {"as", "KIND", "what it is: batch, event, state, ack, site-record, decision, ..."},
    {"file", "PATH", "the bytes of a file; - for standard input"},
    {"kafka", "TOPIC:P:OFFSET", "a record of Kafka, e.g. riser.site.v1:0:1234"},
    {"redis", "KEY", "a value of billing's state, e.g. {p0}:meta"},
};

const struct command command_decode = {
    .name = "decode",
    .operands = "[HEX]",
    .summary = "Show a record as JSON",
    .details = "Takes hexadecimal digits, a file, a record of Kafka or a key of Redis. Of a topic of Riser's and of "
               "its keys in\n"
               "Redis the kind is known; else say it with --as. Fields that are zero or empty are left away.\n"
               "Example: riserctl decode --as batch 08051a0f0a03772d31101418c0c5f0d006202a\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_max = 1,
    .run = decode_run,
};

static enum status decode_run(struct ctl *ctl, const struct arguments *arguments) {
  const char *kind = arguments_value(arguments, "as");
  const char *file = arguments_value(arguments, "file");
  const char *kafka = arguments_value(arguments, "kafka");
  const char *redis = arguments_value(arguments, "redis");
  struct bytes record = {NULL, 0};
  enum status status;
  if ((arguments->operand_count > 0) + (file != NULL) + (kafka != NULL) + (redis != NULL) != 1) {
    return ctl_misuse(ctl, "give one of: HEX, --file, --kafka, --redis");
  }
  if (kafka) {
    status = from_kafka(ctl, kafka, &record, &kind);
  } else if (redis) {
    status = from_redis(ctl, redis, &record, &kind);
  } else {
    status = file ? from_file(ctl, file, &record) : from_hex(ctl, arguments->operands[0], &record);
  }
  if (status != STATUS_OK) return status;
  if (!kind) return ctl_misuse(ctl, "say with --as what it is");
  return print_record(ctl, kind, record);
}

static enum status from_hex(struct ctl *ctl, const char *text, struct bytes *record) {
  size_t len = strlen(text) / 2;
  uint8_t *bytes = arena_alloc(ctl->arena, len);
  if (!bytes || strlen(text) % 2 || hex_decode(bytes_text(text), bytes, len)) {
    return ctl_misuse(ctl, "\"%s\" is not an even number of hexadecimal digits", text);
  }
  *record = bytes_make(bytes, len);
  return STATUS_OK;
}

static enum status from_file(struct ctl *ctl, const char *path, struct bytes *record) {
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  if (!file) return ctl_misuse(ctl, "%s can't be opened: %s", path, strerror(errno));
  uint8_t *bytes = arena_alloc_raw(ctl->arena, INPUT_MAX);
  size_t len = bytes ? fread(bytes, 1, INPUT_MAX, file) : 0;
  bool whole = bytes && !ferror(file) && feof(file);
  if (file != stdin) fclose(file);
  if (!whole) return ctl_misuse(ctl, "%s can't be read, or is larger than %d bytes", path, INPUT_MAX);
  *record = bytes_make(bytes, len);
  return STATUS_OK;
}

struct one {
  int64_t offset;
  struct arena *arena;
  struct bytes value;
  bool found;
};

static enum error visit_one(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct one *one = ctx;
  (void)arena;
  if (record->offset > one->offset) return ERR_NOT_FOUND;
  if (record->offset < one->offset) return OK;
  one->value = arena_bytes(one->arena, record->value);
  one->found = true;
  return ERR_CLOSED; // enough
}

static enum status from_kafka(struct ctl *ctl, const char *place, struct bytes *record, const char **kind) {
  char topic[TOPIC_SIZE];
  int partition = 0;
  long long offset = 0;
  int used = 0;
  if (sscanf(place, "%255[^:]:%d:%lld%n", topic, &partition, &offset, &used) != 3 || place[used] || offset < 0) {
    return ctl_misuse(ctl, "\"%s\" is no place; write it like riser.site.v1:0:1234", place);
  }
  struct one one = {.offset = offset, .arena = ctl->arena};
  const struct log_range range = {topic, partition, offset};
  const struct log_reader reader = {.visit = visit_one, .ctx = &one};
  enum error err = log_read(ctl, &range, &reader);
  if (one.found) err = OK;
  if (!err && !one.found) err = ERR_NOT_FOUND;
  if (err == ERR_NOT_FOUND || err == ERR_MISMATCH) return ctl_refuse(ctl, "there is no record at %s", place);
  if (err) return ctl_fail(ctl, err, "%s can't be read", place);
  *record = one.value;
  if (!*kind) *kind = kind_of_topic(topic);
  return STATUS_OK;
}

static const char *kind_of_topic(const char *topic) {
  for (size_t i = 0; wire_kinds[i].name; i++) {
    if (wire_kinds[i].topic && strcmp(wire_kinds[i].topic, topic) == 0) return wire_kinds[i].name;
  }
  return NULL;
}

static enum status from_redis(struct ctl *ctl, const char *key, struct bytes *record, const char **kind) {
  static const char *const kinds[][2] = {
      {"meta", "meta"},          {"outbox", "outbox"},          {"site:", "site-state"},
      {"point:", "point-state"}, {"account:", "account-state"}, {"bill:", "bill"}};
  int partition = 0, used = 0;
  if (sscanf(key, "{p%d}:%n", &partition, &used) != 1 || used == 0) {
    return ctl_misuse(ctl, "\"%s\" is no key of billing's; they begin with {pN}:", key);
  }
  enum error err = state_get(ctl, partition, key + used, ctl->arena, record);
  if (err == ERR_NOT_FOUND) return ctl_refuse(ctl, "Redis has no key %s", key);
  if (err) return ctl_fail(ctl, err, "%s can't be read", key);
  for (size_t i = 0; !*kind && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strncmp(key + used, kinds[i][0], strlen(kinds[i][0])) == 0) *kind = kinds[i][1];
  }
  return STATUS_OK;
}

static enum status print_record(struct ctl *ctl, const char *kind, struct bytes record) {
  struct buffer text;
  buffer_init(&text, OUTPUT_MAX);
  enum error err = wire_json(kind, record, ctl->arena, &text);
  if (!err) fputs(buffer_text(&text), stdout);
  buffer_fini(&text);
  if (!err) return STATUS_OK;
  if (err != ERR_NOT_FOUND) return ctl_fail(ctl, err, "these %zu bytes are no %s", record.len, kind);
  const char *known[KINDS_MAX];
  size_t count = 0;
  while (count < KINDS_MAX && wire_kinds[count].name) {
    known[count] = wire_kinds[count].name;
    count++;
  }
  const char *near = nearest_word(kind, known, count);
  fprintf(stderr, "kinds:");
  for (size_t i = 0; i < count; i++) fprintf(stderr, " %s", known[i]);
  fprintf(stderr, "\n");
  return ctl_misuse(ctl, "there is no kind \"%s\"%s%s%s", kind, near ? "; did you mean " : "", near ? near : "",
                    near ? "?" : "");
}

// SPDX-License-Identifier: Apache-2.0
// Every field of every record has an example in the golden files, so a field that lib/wire forgets to copy can't go
// unseen (test_wire would miss its bytes). A field that is new in a schema fails here until golden/make.py has run.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "riser/command/v1/command.pb-c.h"
#include "riser/decision/v1/decision.pb-c.h"
#include "riser/device/v1/device.pb-c.h"
#include "riser/person/v1/person.pb-c.h"
#include "riser/reject/v1/reject.pb-c.h"
#include "riser/site/v1/site.pb-c.h"
#include "riser/state/v1/state.pb-c.h"
#include "riser/telemetry/v1/telemetry.pb-c.h"

#define GOLDEN RISER_SOURCE_DIR "/tests/unit/wire/golden"
enum { FILE_MAX = 64 << 10, SEEN_MAX = 1024 };

static const struct {
  const char *record;
  const ProtobufCMessageDescriptor *type;
} types[] = {
    {"batch", &riser__telemetry__v1__reading_batch__descriptor},
    {"receipt", &riser__telemetry__v1__receipt__descriptor},
    {"telemetry_event", &riser__telemetry__v1__device_event__descriptor},
    {"telemetry_state", &riser__telemetry__v1__device_state__descriptor},
    {"telemetry_ack", &riser__telemetry__v1__command_ack__descriptor},
    {"device_command", &riser__telemetry__v1__command__descriptor},
    {"fact", &riser__site__v1__site_record__descriptor},
    {"decision", &riser__decision__v1__decision__descriptor},
    {"bill", &riser__decision__v1__bill__descriptor},
    {"command_state", &riser__command__v1__command_state__descriptor},
    {"device", &riser__device__v1__device__descriptor},
    {"person", &riser__person__v1__person__descriptor},
    {"reject", &riser__reject__v1__reject__descriptor},
    {"partition_meta", &riser__state__v1__partition_meta__descriptor},
    {"outbox", &riser__state__v1__outbox__descriptor},
    {"site_state", &riser__state__v1__site_state__descriptor},
    {"point_state", &riser__state__v1__point_state__descriptor},
    {"account_state", &riser__state__v1__account_state__descriptor},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static const ProtobufCFieldDescriptor *seen[SEEN_MAX];
static size_t seen_count;

static bool is_seen(const ProtobufCFieldDescriptor *field) {
  for (size_t i = 0; i < seen_count; i++)
    if (seen[i] == field) return true;
  return false;
}

static void see_message(const ProtobufCMessage *message);

static void see_field(const ProtobufCFieldDescriptor *field, const uint8_t *base) {
  const void *value = base + field->offset;
  static const uint8_t zero[sizeof(ProtobufCBinaryData)] = {0};
  size_t size = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : 4;
  size_t count = 1;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) count = *(const size_t *)(base + field->quantifier_offset);
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    count = *(const uint32_t *)(base + field->quantifier_offset) == field->id;
  if (count == 0 || memcmp(value, zero, size) == 0) return;
  if (field->label != PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING &&
      **(const char *const *)value == 0)
    return;
  assert_true(seen_count < SEEN_MAX);
  if (!is_seen(field)) seen[seen_count++] = field;
  if (field->type != PROTOBUF_C_TYPE_MESSAGE) return;
  if (field->label != PROTOBUF_C_LABEL_REPEATED) return see_message(*(ProtobufCMessage *const *)value);
  for (size_t i = 0; i < count; i++) see_message((*(ProtobufCMessage **const *)value)[i]);
}

static void see_message(const ProtobufCMessage *message) {
  for (unsigned i = 0; i < message->descriptor->n_fields; i++)
    see_field(&message->descriptor->fields[i], (const uint8_t *)message);
}

static void see_file(const char *name) {
  static uint8_t bytes[FILE_MAX];
  char path[512], line[256];
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = 0;
  for (; fgets(line, sizeof line, file); len += strcspn(line, "\n") / 2)
    assert_int_equal(hex_decode(bytes_make(line, strcspn(line, "\n")), bytes + len, strcspn(line, "\n") / 2), OK);
  fclose(file);
  for (size_t i = 0; i < TYPE_COUNT; i++) {
    size_t word = strlen(types[i].record);
    if (strncmp(name, types[i].record, word) != 0 || (name[word] != '.' && name[word] != '-')) continue;
    ProtobufCMessage *message = protobuf_c_message_unpack(types[i].type, NULL, len, bytes);
    assert_non_null(message);
    see_message(message);
    protobuf_c_message_free_unpacked(message, NULL);
  }
}

static int missing_of(const ProtobufCMessageDescriptor *type, int depth) {
  int missing = 0;
  for (unsigned i = 0; i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    if (!is_seen(field)) {
      print_error("no golden bytes for %s.%s\n", type->name, field->name);
      missing++;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth < 8) missing += missing_of(field->descriptor, depth + 1);
  }
  return missing;
}

static void test_every_field_has_golden_bytes(void **state) {
  (void)state;
  DIR *folder = opendir(GOLDEN);
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strstr(entry->d_name, ".hex")) see_file(entry->d_name);
  closedir(folder);
  int missing = 0;
  for (size_t i = 0; i < TYPE_COUNT; i++) missing += missing_of(types[i].type, 0);
  assert_int_equal(missing, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_field_has_golden_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

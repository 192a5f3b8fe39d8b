// SPDX-License-Identifier: Apache-2.0
// key: the keys of devices. What is written into the site log is wrapped; the key itself is printed once, when it is
// made, and kept nowhere.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "riserctl/facts.h"
#include "riserctl/site_file/values.h"
#include "riserctl/state.h"
#include "riserctl/table.h"

enum { TIMEOUT_MS = 60000, KEY_TEXT_SIZE = 2 * DEVICE_KEY_SIZE + 1, LINE_SIZE = 256 };

struct key_call {
  struct ctl *ctl;
  const struct arguments *arguments;
  struct site_state site;
  const char *device;
  struct key_ring *ring;
};

static enum status key_run(struct ctl *ctl, const struct arguments *arguments);
static enum status make(struct key_call *call);
static enum status set_new(struct key_call *call);
static enum status set_given(struct key_call *call);
static enum status retire(struct key_call *call);
static enum status remove_key(struct key_call *call);
static enum status rewrap(struct key_call *call);
static enum status list(struct key_call *call);

static const struct action {
  const char *name;
  bool of_device, of_site;
  enum status (*run)(struct key_call *call);
} actions[] = {
    {"make", false, false, make},   {"new", true, true, set_new},       {"set", true, true, set_given},
    {"retire", true, true, retire}, {"remove", true, true, remove_key}, {"rewrap", false, true, rewrap},
    {"list", false, true, list},
};

static const struct option options[] = {
    {"site", "ID", "needed only when there are several"},
    {"device", "ID", "whose key"},
    {"key-file", "FILE", "of set: the key that the device has, 64 hexadecimal digits"},
    {"yes", NULL, "of remove: sure"},
};

const struct command command_key = {
    .name = "key",
    .operands = "ACTION",
    .summary = "Give devices keys, change them, take them away",
    .details = "  make     print a new random key; nothing else (also for the file of wrapping keys)\n"
               "  set      the device signs with the key of --key-file; unsigned messages are refused from now on\n"
               "  new      make and set in one: prints the key, once, before it counts\n"
               "  retire   the key before the last set no longer counts\n"
               "  remove   the device has no key any more: everybody who may publish for it is believed\n"
               "  rewrap   wrap all keys of the site anew, with the first key of RISER_DEVICE_KEYS_FILE\n"
               "  list     which devices have keys\n"
               "After set and new the key before still counts, until retire. See docs/device-keys.md.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = key_run,
};

static const struct action *action_named(const char *name) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
    if (strcmp(actions[i].name, name) == 0) return &actions[i];
  return NULL;
}

static enum status key_run(struct ctl *ctl, const struct arguments *arguments) {
  struct key_call call = {.ctl = ctl, .arguments = arguments, .device = arguments_value(arguments, "device")};
  const struct action *action = action_named(arguments->operands[0]);
  enum status status;
  if (!action)
    return ctl_misuse(ctl, "\"%s\" is none of make, set, new, retire, remove, rewrap, list", arguments->operands[0]);
  if (action->of_device && !call.device) return ctl_misuse(ctl, "%s needs --device", action->name);
  if (call.device && !id_is_valid(call.device))
    return ctl_misuse(ctl, "a device's id is 1 to 64 of the characters A-Z a-z 0-9 . _ -");
  enum error err = key_ring_open(ctl->config.device_keys, &call.ring);
  if (err)
    return ctl_misuse(ctl, "RISER_DEVICE_KEYS_FILE: one key a line, 64 hexadecimal digits, at most %d", KEY_RING_MAX);
  bool chosen = !action->of_site || state_choose_site(ctl, arguments_value(arguments, "site"), &call.site, &status);
  if (chosen) status = action->run(&call);
  key_ring_free(call.ring);
  return status;
}

static void print_key(const uint8_t key[DEVICE_KEY_SIZE]) {
  char text[KEY_TEXT_SIZE];
  hex_encode(bytes_make(key, DEVICE_KEY_SIZE), text);
  printf("%s\n", text);
}

static enum status make(struct key_call *call) {
  (void)call;
  uint8_t key[DEVICE_KEY_SIZE];
  key_ring_random(key);
  print_key(key);
  return STATUS_OK;
}

// ---------------------------------------------------------------- writing

static const struct device_key *key_there(const struct key_call *call, const char *device) {
  static const struct device_key none = {"", "", ""};
  for (size_t i = 0; i < call->site.key_count; i++)
    if (strcmp(call->site.keys[i].device, device) == 0) return &call->site.keys[i];
  return &none;
}

// Sure to be folded when it says OK.
static enum status write_keys(struct key_call *call, const struct device_key *keys, size_t count) {
  struct ctl *ctl = call->ctl;
  struct kafka_position *positions = arena_array(ctl->arena, count, sizeof *positions);
  struct facts_wait wait = {
      .partition = state_partition(ctl, call->site.site.id), .timeout_ms = TIMEOUT_MS, .prefix = "key:"};
  enum error err = positions ? facts_mark(ctl, wait.partition, &wait.decisions_from) : ERR_NO_MEMORY;
  for (size_t i = 0; !err && i < count; i++) {
    struct fact fact = {.kind = FACT_DEVICE_KEY, .device_key = keys[i]};
    const char *id = arena_printf(ctl->arena, "key:%s:%" PRId64, keys[i].device, clock_wall_ms());
    if (!id) return ctl_fail(ctl, ERR_NO_MEMORY, "the key can't be written");
    fact_envelope(ctl, &fact, call->site.site.landlord, call->site.site.id, id);
    err = fact_send(ctl, &fact, &positions[i]);
  }
  if (!err) err = ctl_flush(ctl);
  if (err) return ctl_fail(ctl, err, "the key is not sure to be written; do it again");
  if (count == 0) return STATUS_OK;
  wait.first_offset = positions[0].offset;
  wait.offset = positions[count - 1].offset;
  return facts_await(ctl, &wait);
}

// What counts still beside the key: the one that it takes the place of. Set again, it takes the place of none.
static const char *key_before(const struct key_call *call, const uint8_t key[DEVICE_KEY_SIZE]) {
  const struct device_key *there = key_there(call, call->device);
  uint8_t present[DEVICE_KEY_SIZE];
  if (!there->wrapped[0]) return "";
  bool known = key_ring_unwrap(call->ring, call->site.site.id, call->device, there->wrapped, present) == OK;
  return known && memcmp(present, key, sizeof present) == 0 ? there->previous : there->wrapped;
}

// A made key is printed before it is written: from then on it may be in force, whatever befalls us.
static enum status set(struct key_call *call, const uint8_t key[DEVICE_KEY_SIZE], bool made_here) {
  char wrapped[KEY_WRAPPED_SIZE];
  enum error err = key_ring_wrap(call->ring, call->site.site.id, call->device, key, wrapped);
  if (err == ERR_NOT_FOUND) {
    return ctl_misuse(call->ctl, "there is no wrapping key: put one into a file (riserctl key make > FILE), name it in "
                                 "RISER_DEVICE_KEYS_FILE here, for ingest and for control");
  }
  if (err) return ctl_fail(call->ctl, err, "the key can't be wrapped");
  if (made_here) {
    print_key(key);
    if (fflush(stdout)) return ctl_refuse(call->ctl, "the key can't be printed, so it was not set");
  }
  const struct device_key made = {call->device, wrapped, key_before(call, key)};
  enum status status = write_keys(call, &made, 1);
  if (made_here && status != STATUS_OK)
    ctl_refuse(call->ctl, "keep the key that was printed: it may count, now or as soon as billing is there. To be sure "
                          "set it again (riserctl key set); another new one would push out the one in the device");
  return status;
}

static enum status set_new(struct key_call *call) {
  uint8_t key[DEVICE_KEY_SIZE];
  key_ring_random(key);
  return set(call, key, true);
}

static enum status set_given(struct key_call *call) {
  const char *path = arguments_value(call->arguments, "key-file");
  char line[LINE_SIZE] = "";
  uint8_t key[DEVICE_KEY_SIZE];
  if (!path) return ctl_misuse(call->ctl, "set needs --key-file; new makes a key");
  FILE *file = fopen(path, "r");
  if (!file) return ctl_misuse(call->ctl, "%s can't be opened", path);
  bool read = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  line[strcspn(line, " \t\r\n")] = 0;
  if (!read || hex_decode(bytes_text(line), key, sizeof key))
    return ctl_misuse(call->ctl, "%s must begin with a line of 64 hexadecimal digits", path);
  return set(call, key, false);
}

static enum status retire(struct key_call *call) {
  const struct device_key *there = key_there(call, call->device);
  if (!there->previous[0]) return ctl_refuse(call->ctl, "%s has no key but its present one", call->device);
  const struct device_key left = {call->device, there->wrapped, ""};
  return write_keys(call, &left, 1);
}

static enum status remove_key(struct key_call *call) {
  if (!key_there(call, call->device)->wrapped[0]) return ctl_refuse(call->ctl, "%s has no key", call->device);
  if (!arguments_given(call->arguments, "yes"))
    return ctl_misuse(call->ctl, "without its key %s is believed whoever speaks for it; say --yes", call->device);
  const struct device_key none = {call->device, "", ""};
  return write_keys(call, &none, 1);
}

// The same key under the first wrapping key; "" stays "".
static enum error wrap_anew(const struct key_call *call, const char *device, const char *wrapped, const char **out) {
  uint8_t key[DEVICE_KEY_SIZE];
  char *text = arena_alloc_raw(call->ctl->arena, KEY_WRAPPED_SIZE);
  *out = "";
  if (!wrapped[0]) return OK;
  enum error err = text ? key_ring_unwrap(call->ring, call->site.site.id, device, wrapped, key) : ERR_NO_MEMORY;
  if (!err) err = key_ring_wrap(call->ring, call->site.site.id, device, key, text);
  if (!err) *out = text;
  return err;
}

static enum status rewrap(struct key_call *call) {
  size_t count = call->site.key_count;
  struct device_key *keys = arena_array(call->ctl->arena, count, sizeof *keys);
  if (!keys) return ctl_fail(call->ctl, ERR_NO_MEMORY, "the keys can't be wrapped");
  for (size_t i = 0; i < count; i++) {
    const struct device_key *there = &call->site.keys[i];
    keys[i].device = there->device;
    enum error err = wrap_anew(call, there->device, there->wrapped, &keys[i].wrapped);
    if (!err) err = wrap_anew(call, there->device, there->previous, &keys[i].previous);
    if (err) {
      return ctl_refuse(call->ctl,
                        "the key of %s can't be unwrapped (%s): RISER_DEVICE_KEYS_FILE must still hold the "
                        "wrapping key that it was wrapped with; nothing was changed",
                        there->device, error_name(err));
    }
  }
  enum status status = write_keys(call, keys, count);
  if (status == STATUS_OK) printf("%zu devices\n", count);
  return status;
}

static enum status list(struct key_call *call) {
  static const struct column columns[] = {{"device", CELL_TEXT}, {"key", CELL_TEXT}, {"before", CELL_TEXT}};
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  for (size_t i = 0; i < call->site.key_count; i++) {
    const struct device_key *there = &call->site.keys[i];
    struct device device = {
        .site = call->site.site.id, .device = there->device, .wrapped_key = there->wrapped, .previous_key = ""};
    struct device_keys keys;
    if (!there->wrapped[0]) continue;
    key_ring_keys(call->ring, &device, &keys);
    table_row(table);
    table_text(table, there->device);
    table_text(table, keys.unusable ? "can't be unwrapped here" : "good");
    table_text(table, there->previous[0] ? "counts still" : "");
  }
  table_print(table, call->arguments->json);
  table_free(table);
  return STATUS_OK;
}

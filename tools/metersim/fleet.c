// SPDX-License-Identifier: Apache-2.0
#include "metersim/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { LINE_MAX_BYTES = 256, LIST_MAX = 1 << 20, REGISTER_SPREAD = 1000000 };

struct sim_device *fleet_find(const struct fleet *fleet, const char *name) {
  const char *slash = strchr(name, '/');
  if (!slash) return NULL;
  size_t site_len = (size_t)(slash - name);
  for (size_t i = 0; i < fleet->count; i++) {
    struct sim_device *device = &fleet->devices[i];
    bool same_site = strlen(device->site) == site_len && strncmp(device->site, name, site_len) == 0;
    if (same_site && strcmp(device->id, slash + 1) == 0) return device;
  }
  return NULL;
}

static enum error bad(const char *what, const char *text) {
  log_error("bad-option", F_STR("what", what), F_STR("text", text));
  return ERR_CONFIG;
}

static enum error add(struct fleet *fleet, const char *name) {
  const char *slash = strchr(name, '/');
  size_t site_len = slash ? (size_t)(slash - name) : 0;
  if (!site_len || site_len >= DEVICE_ID_MAX || !slash[1] || strlen(slash + 1) >= DEVICE_ID_MAX) {
    return bad("a device is written site/device", name);
  }
  if (fleet_find(fleet, name)) return OK;
  if (fleet->count == FLEET_MAX) return bad("too many devices at", name);
  struct sim_device *device = &fleet->devices[fleet->count++];
  *device = (struct sim_device){.contact = {.supply = SUPPLY_ON}};
  snprintf(device->site, sizeof device->site, "%.*s", (int)site_len, name);
  snprintf(device->id, sizeof device->id, "%s", slash + 1);
  return OK;
}

// The content of the file of that name, or the text itself when there is no such file. To be freed.
static char *list_text(const char *text) {
  FILE *file = strchr(text, ',') ? NULL : fopen(text, "r");
  char *list = calloc(1, LIST_MAX);
  if (list && file) {
    list[fread(list, 1, LIST_MAX - 1, file)] = '\0';
  } else if (list) {
    snprintf(list, LIST_MAX, "%s", text);
  }
  if (file) fclose(file);
  return list;
}

static enum error each_name(const char *text, enum error (*take)(struct fleet *, const char *), struct fleet *fleet) {
  char *list = list_text(text);
  char *save;
  enum error err = list ? OK : ERR_NO_MEMORY;
  if (err) return err;
  for (char *name = strtok_r(list, ", \t\r\n", &save); name && err == OK; name = strtok_r(NULL, ", \t\r\n", &save)) {
    err = take(fleet, name);
  }
  free(list);
  return err;
}

#define FAULT(name, statement) \
  static enum error name(struct fleet *fleet, const char *text) { \
    struct sim_device *device = fleet_find(fleet, text); \
    if (!device) return bad("no such device", text); \
    statement; \
    return OK; \
  }
FAULT(make_offline, device->offline = true)
FAULT(make_stuck, device->contact.stuck = true)
FAULT(make_refusing, device->contact.refuses = true)
FAULT(make_slow, device->contact.slow_ms = 1)

static enum error add_meters(struct sim_device *device, const struct options *options, uint64_t seed) {
  struct random random = {seed};
  enum meter_register reg = register_from_name(options->reg);
  if (reg == REGISTER_NONE) return bad("no such register", options->reg);
  device->meter_count = (size_t)options->meters;
  device->meters = calloc(device->meter_count, sizeof *device->meters);
  if (!device->meters) return ERR_NO_MEMORY;
  for (size_t i = 0; i < device->meter_count; i++) {
    struct meter *meter = &device->meters[i];
    *meter = (struct meter){.reg = reg,
                            .value = options->start_value + (int64_t)random_below(&random, REGISTER_SPREAD),
                            .time_s = options->start_s ? options->start_s - options->interval_s : 0};
    snprintf(meter->id, sizeof meter->id, "%.40s-%zu", device->id, i + 1);
  }
  return OK;
}

static enum error add_gateways(struct fleet *fleet, const struct options *options) {
  char name[LINE_MAX_BYTES];
  enum error err = OK;
  for (int64_t i = 1; err == OK && i <= options->gateways; i++) {
    snprintf(name, sizeof name, "%s/gw-%lld", options->site, (long long)i);
    err = add(fleet, name);
    if (err == OK) err = add_meters(&fleet->devices[fleet->count - 1], options, (uint64_t)(options->seed + i));
  }
  fleet->gateway_count = fleet->count;
  return err;
}

// "site/device key", one a line, by turns.
static enum error take_key(struct fleet *fleet, const char *word) {
  if (!fleet->keyed) {
    fleet->keyed = fleet_find(fleet, word);
    return fleet->keyed ? OK : bad("no such device", word);
  }
  struct sim_device *device = fleet->keyed;
  fleet->keyed = NULL;
  if (hex_decode(bytes_text(word), device->keys.keys[0], DEVICE_KEY_SIZE)) return bad("no key of", device->id);
  device->keys.count = 1;
  device->contact.strict = true;
  return OK;
}

enum error fleet_init(struct fleet *fleet, const struct options *options) {
  *fleet = (struct fleet){.devices = calloc(FLEET_MAX, sizeof *fleet->devices)};
  enum error err = fleet->devices ? OK : ERR_NO_MEMORY;
  if (err == OK) err = add_gateways(fleet, options);
  if (err == OK) err = each_name(options->relays, add, fleet);
  if (err == OK) err = each_name(options->offline, make_offline, fleet);
  if (err == OK) err = each_name(options->stuck, make_stuck, fleet);
  if (err == OK) err = each_name(options->refusing, make_refusing, fleet);
  if (err == OK) err = each_name(options->slow, make_slow, fleet);
  if (err == OK) err = each_name(options->keys, take_key, fleet);
  for (size_t i = 0; err == OK && i < fleet->count; i++) {
    if (fleet->devices[i].contact.slow_ms) fleet->devices[i].contact.slow_ms = options->slow_ms;
  }
  return err;
}

void fleet_fini(struct fleet *fleet) {
  free(fleet->devices);
  *fleet = (struct fleet){.devices = NULL};
}

// SPDX-License-Identifier: Apache-2.0
#include "control/core/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { HOUR_S = 3600 };

void command_table_init(struct command_table *table, size_t max) {
  *table = (struct command_table){.max = max};
}

void command_table_fini(struct command_table *table) {
  struct command *command, *next;
  HASH_ITER(by_point, table->points, command, next) command_table_remove(table, command);
  struct site_load *load, *next_load;
  HASH_ITER(hh, table->sites, load, next_load) {
    HASH_DEL(table->sites, load);
    free(load);
  }
}

// "a/b" in `key`; false if it does not fit: then nothing by that name is in the table.
static bool make_key(char key[COMMAND_ID_MAX], const char *a, const char *b) {
  return snprintf(key, COMMAND_ID_MAX, "%s/%s", a, b) < COMMAND_ID_MAX;
}

struct command *command_table_find(const struct command_table *table, const char *site, const char *service_point) {
  char key[COMMAND_ID_MAX];
  struct command *command = NULL;
  if (make_key(key, site, service_point)) HASH_FIND(by_point, table->points, key, strlen(key), command);
  return command;
}

struct command *command_table_find_id(const struct command_table *table, const char *command_id) {
  struct command *command = NULL;
  HASH_FIND(by_id, table->ids, command_id, strlen(command_id), command);
  return command;
}

struct command *command_table_find_device(const struct command_table *table, const char *site, const char *device) {
  char key[COMMAND_ID_MAX];
  struct command *command = NULL;
  if (make_key(key, site, device)) HASH_FIND(by_device, table->devices, key, strlen(key), command);
  return command;
}

static void drop_device(struct command_table *table, struct command *command) {
  if (command->has_device) HASH_DELETE(by_device, table->devices, command);
  command->has_device = false;
}

enum error command_table_take(struct command_table *table, struct command *command) {
  if (HASH_CNT(by_point, table->points) >= table->max) return ERR_LIMIT;
  const struct command_state *state = &command->state;
  struct command *other = command_table_find_device(table, state->site, state->switch_due.device);
  if (other) drop_device(table, other);
  HASH_ADD_KEYPTR(by_point, table->points, command->point_key, strlen(command->point_key), command);
  HASH_ADD_KEYPTR(by_id, table->ids, state->command_id, strlen(state->command_id), command);
  HASH_ADD_KEYPTR(by_device, table->devices, command->device_key, strlen(command->device_key), command);
  command->has_device = true;
  return OK;
}

void command_table_remove(struct command_table *table, struct command *command) {
  command_table_set_open(table, command, false);
  drop_device(table, command);
  HASH_DELETE(by_id, table->ids, command);
  HASH_DELETE(by_point, table->points, command);
  command_free(command);
}

void command_table_set_open(struct command_table *table, struct command *command, bool open) {
  if (command->open == open) return;
  command->open = open;
  if (open) {
    DL_APPEND(table->open, command);
    table->open_count++;
  } else {
    DL_DELETE(table->open, command);
    table->open_count--;
  }
}

struct site_load *command_table_site(struct command_table *table, const char *site) {
  struct site_load *load = NULL;
  size_t len = strlen(site);
  HASH_FIND(hh, table->sites, site, len, load);
  if (load) return load;
  load = calloc(1, sizeof *load + len + 1);
  if (!load) return NULL;
  memcpy(load->site, site, len);
  HASH_ADD(hh, table->sites, site, len, load);
  return load;
}

uint32_t site_load_cuts(const struct site_load *load, int64_t business_s) {
  return load->hour == business_s / HOUR_S ? load->cuts : 0;
}

void site_load_count(struct site_load *load, int64_t business_s) {
  if (load->hour != business_s / HOUR_S) load->cuts = 0;
  load->hour = business_s / HOUR_S;
  load->cuts++;
}

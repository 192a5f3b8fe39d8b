// SPDX-License-Identifier: Apache-2.0
// The commands of one partition: one a service point (its newest), found by point, by command id and by device; those
// that are not final in a list; and per site how much was cut within the hour. A device has one contact, so the newest
// command about it takes it away from another service point's. Owned by struct control.
#ifndef RISER_CONTROL_CORE_TABLE_H
#define RISER_CONTROL_CORE_TABLE_H

#include "control/core/command.h"

struct site_load {
  int64_t hour; // business time / 3600
  uint32_t cuts;
  int32_t utc_offset_s;
  UT_hash_handle hh;
  char site[];
};

struct command_table {
  struct command *points, *ids, *devices; // the three indexes
  struct command *open;
  size_t open_count;
  size_t max;
  struct site_load *sites;
};

void command_table_init(struct command_table *table, size_t max);
void command_table_fini(struct command_table *table);

struct command *command_table_find(const struct command_table *table, const char *site, const char *service_point);
struct command *command_table_find_id(const struct command_table *table, const char *command_id);
struct command *command_table_find_device(const struct command_table *table, const char *site, const char *device);

// Takes the command, closed, on OK. Another service point's command of the same device keeps its place, but is no
// longer found by device. ERR_LIMIT: full. The service point must have no command.
enum error command_table_take(struct command_table *table, struct command *command) MUST_USE;
void command_table_remove(struct command_table *table, struct command *command); // and frees it
void command_table_set_open(struct command_table *table, struct command *command, bool open);

// The site's load, made when missing; NULL without memory.
struct site_load *command_table_site(struct command_table *table, const char *site) MUST_USE;
uint32_t site_load_cuts(const struct site_load *load, int64_t business_s); // within the hour of business_s
void site_load_count(struct site_load *load, int64_t business_s);

#endif

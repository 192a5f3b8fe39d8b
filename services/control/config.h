// SPDX-License-Identifier: Apache-2.0
// Control's configuration: the table behind --help, --check-config and docs/configuration/control.md.
#ifndef RISER_CONTROL_CONFIG_H
#define RISER_CONTROL_CONFIG_H

#include <stdint.h>

#include "control/core/control.h"
#include "run/config.h"
#include "run/settings.h"

struct control_config {
  struct run_settings run;
  struct kafka_settings kafka;
  struct mqtt_settings mqtt;
  int64_t partitions;
  const char *device_keys;
  int64_t session_timeout;
  int64_t command_attempts;
  int64_t command_retry_first;
  int64_t command_retry_max;
  int64_t command_moving;
  int64_t command_repair_pause;
  int64_t command_permit;
  int64_t command_hold_max;
  int64_t command_expiry;
  int64_t cuts_per_hour;
  const char *cut_days;
  const char *cut_hours;
  int64_t points_max;
  int64_t devices_max;
};

extern const struct config_schema control_config_schema;

// What the core wants to know of it. ERR_CONFIG: cut_days or cut_hours cannot be read; a sentence that says what to
// write instead is put into `problem`.
enum error control_config_settings(const struct control_config *config, struct control_settings *settings,
                                   char *problem, size_t size) MUST_USE;

#endif

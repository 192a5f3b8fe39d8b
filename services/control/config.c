// SPDX-License-Identifier: Apache-2.0
#include "control/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define C struct control_config

static const struct config_entry entries[] = {
    RUN_SETTINGS(C, run, "9104"),
    KAFKA_SETTINGS(C, kafka),
    MQTT_SETTINGS(C, mqtt, "riser-control"),
    PARTITIONS_SETTING(C, partitions),
    DEVICE_KEYS_SETTING(C, device_keys),
    CONFIG_DURATION(C, session_timeout, "10s", "3s", "10m",
                    "How long Kafka waits for a silent process before others take its partitions over. "
                    "Below 6s Kafka must allow it (group.min.session.timeout.ms)."),
    CONFIG_INT(C, command_attempts, "8", "1", "1000", "Publishes before a cut has failed; a reconnect goes on."),
    CONFIG_DURATION(C, command_retry_first, "15s", "10ms", "1h",
                    "Pause before a command is sent again; it doubles each time."),
    CONFIG_DURATION(C, command_retry_max, "10m", "10ms", "24h", "The longest of these pauses."),
    CONFIG_DURATION(C, command_moving, "1m", "10ms", "24h",
                    "How long a relay or valve may take to move after its device acknowledged."),
    CONFIG_DURATION(C, command_repair_pause, "10m", "0s", "30d",
                    "Shortest pause between the end of a command and its repair, when the supply left its "
                    "state by itself."),
    CONFIG_DURATION(C, command_permit, "24h", "1m", "30d",
                    "How long billing's permission to cut a supply holds, in business time."),
    CONFIG_DURATION(C, command_hold_max, "7d", "1m", "365d",
                    "How long a cut may be held by policy before it expires, in business time."),
    CONFIG_DURATION(C, command_expiry, "5m", "1s", "30d",
                    "How long the MQTT broker keeps a command for a device that is away."),
    CONFIG_INT(C, cuts_per_hour, "20", "0", "1000000",
               "Most disconnects of one site within an hour of business time; 0 for any number."),
    CONFIG_STRING(C, cut_days, "", "Local days on which a supply may be cut, such as mon-thu; empty for any."),
    CONFIG_STRING(C, cut_hours, "", "Local hours within which a supply may be cut, such as 08-16; empty for any."),
    CONFIG_INT(C, points_max, "100000", "1", "10000000", "Most service points with a command, a partition."),
    CONFIG_INT(C, devices_max, "1000000", "1", "100000000", "Most devices that are known; commands to others wait."),
};

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
enum { DAYS = 7, DAY_LETTERS = 3 };

static int day_at(const char *text) {
  for (int i = 0; i < DAYS; i++) {
    if (strncmp(text, day_names[i], DAY_LETTERS) == 0) return i;
  }
  return -1;
}

// "mon-thu", "sat,sun", "fri-mon,wed"; "" is every day. False when it is none of that.
static bool parse_days(const char *text, uint32_t *days) {
  *days = text[0] ? 0 : (1U << DAYS) - 1;
  while (*text) {
    int first = day_at(text), last = first;
    if (first < 0) return false;
    text += DAY_LETTERS;
    if (*text == '-') {
      last = day_at(++text);
      if (last < 0) return false;
      text += DAY_LETTERS;
    }
    for (int day = first;; day = (day + 1) % DAYS) {
      *days |= 1U << day;
      if (day == last) break;
    }
    if (*text == ',') {
      if (!*++text) return false;
    } else if (*text) {
      return false;
    }
  }
  return true;
}

// "08-16"; "" is the whole day.
static bool parse_hours(const char *text, uint32_t *from, uint32_t *until) {
  *from = 0;
  *until = 24;
  if (!text[0]) return true;
  char end = 0;
  return sscanf(text, "%2u-%2u%c", from, until, &end) == 2 && *from < *until && *until <= 24;
}

enum error control_config_settings(const struct control_config *config, struct control_settings *settings,
                                   char *problem, size_t size) {
  struct policy_settings policy = {.cuts_per_hour = (uint32_t)config->cuts_per_hour};
  if (!parse_days(config->cut_days, &policy.cut_days)) {
    snprintf(problem, size, "RISER_CUT_DAYS is \"%s\": write days and ranges of days, such as mon-thu or mon,wed,fri",
             config->cut_days);
    return ERR_CONFIG;
  }
  if (!parse_hours(config->cut_hours, &policy.cut_from_hour, &policy.cut_until_hour)) {
    snprintf(problem, size, "RISER_CUT_HOURS is \"%s\": write two hours of one day, such as 08-16", config->cut_hours);
    return ERR_CONFIG;
  }
  *settings = (struct control_settings){
      .command = {.attempts_max = (uint32_t)config->command_attempts,
                  .retry_first_ms = config->command_retry_first,
                  .retry_max_ms = config->command_retry_max,
                  .moving_ms = config->command_moving,
                  .repair_pause_ms = config->command_repair_pause,
                  .permit_s = config->command_permit / 1000,
                  .hold_max_s = config->command_hold_max / 1000,
                  .message_expiry_s = config->command_expiry / 1000},
      .policy = policy,
      .points_max = (size_t)config->points_max,
  };
  return OK;
}

static enum error check(const void *settings, char *problem, size_t size) {
  const struct control_config *config = settings;
  struct control_settings unused;
  if (settings_check_kafka(&config->kafka, problem, size)) return ERR_CONFIG;
  if (settings_check_mqtt(&config->mqtt, problem, size)) return ERR_CONFIG;
  return control_config_settings(settings, &unused, problem, size);
}

const struct config_schema control_config_schema = {
    .service = "control",
    .summary = "Carries out what billing decides about supplies: asks, sends, and confirms by the meter's own state.",
    .entries = entries,
    .count = sizeof entries / sizeof *entries,
    .check = check,
};

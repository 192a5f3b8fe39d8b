// SPDX-License-Identifier: Apache-2.0
// Everything that can be set of ingest. The table is in config.c; docs/configuration/ingest.md is printed from it.
#ifndef RISER_INGEST_CONFIG_H
#define RISER_INGEST_CONFIG_H

#include "run/settings.h"

struct ingest_config {
  struct run_settings run;
  struct kafka_settings kafka;
  struct mqtt_settings mqtt;
  int64_t partitions;
  const char *device_keys;
  const char *mqtt_filter;
  const char *mqtt_share;
  int64_t mqtt_receive_max;

  const char *spool_dir;
  int64_t spool_size;
  int64_t spool_segment;
  int spool_sync; // enum spool_sync
  int64_t spool_sync_interval_ms;

  int64_t payload_max;
  int64_t readings_max;
  int64_t future_limit_ms;
  int64_t clock_limit_ms;
  int foreign; // enum foreign_choice
  bool sequences;

  int64_t window;
  int64_t window_bytes;
  int64_t devices_max;
  int64_t linger_ms;
};

enum foreign_choice { FOREIGN_REFUSE, FOREIGN_ACCEPT };

extern const struct config_schema INGEST_SCHEMA;

enum { INGEST_CLIENT_ID_SIZE = 256, INGEST_FILTER_SIZE = 512 }; // with the terminating zero; check sees that they fit

// What is subscribed: mqtt_filter, and before it the share's name with the client key. Gives the length as snprintf.
int ingest_filter(const struct ingest_config *config, char *out, size_t size);

// What the spool keeps free for messages that are already on their way when intake stops.
int64_t ingest_reserve_bytes(const struct ingest_config *config);

#endif

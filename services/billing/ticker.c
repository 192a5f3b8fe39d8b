// SPDX-License-Identifier: Apache-2.0
#include "billing/ticker.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "wire/fact.h"

enum { MINUTE_MS = 60000, TEXT_SIZE = 64 };

int64_t ticker_minute(int64_t wall_ms) {
  return wall_ms / MINUTE_MS;
}

enum error ticker_write(struct shell *shell, int32_t partition, int64_t minute) {
  char id[TEXT_SIZE], source[TEXT_SIZE], key[TEXT_SIZE];
  int64_t time_s = minute * 60;
  snprintf(id, sizeof id, "tick:%d:%" PRId64, (int)partition, time_s);
  snprintf(source, sizeof source, "billing/%s", shell->config->run.instance);
  snprintf(key, sizeof key, "@tick/%d", (int)partition);
  struct fact fact = {
      .envelope = {.fact_id = id,
                   .min_reader = 1,
                   .landlord = "",
                   .site = "",
                   .event_time_ms = minute * MINUTE_MS,
                   .receive_time_ms = clock_wall_ms(),
                   .source = source,
                   .actor = "",
                   .supersedes = "",
                   .traceparent = ""},
      .kind = FACT_TICK,
      .tick = {.time_s = time_s},
  };
  buffer_clear(&shell->encoded);
  enum error err = wire_fact_encode(&fact, &shell->encoded);
  if (err) return err;
  struct kafka_send send = {.topic = TOPIC_SITE,
                            .partition = partition,
                            .key = bytes_text(key),
                            .value = buffer_bytes(&shell->encoded)};
  err = kafka_producer_send(shell->producer, &send);
  if (!err) counter_add(shell->stats->ticks, 1);
  return err;
}

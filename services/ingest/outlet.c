// SPDX-License-Identifier: Apache-2.0
#include "ingest/outlet.h"

#include <string.h>

#include "domain/reject.h"
#include "ingest/topics.h"
#include "wire/fact.h"
#include "wire/reject.h"

enum { RECORD_MAX = 64 << 20, TOPIC_SHOWN_MAX = 1024, DETAIL_SHOWN_MAX = 1024 };

static enum error send(struct outlet *outlet, const char *topic, struct bytes key, void *opaque);

void outlet_init(struct outlet *outlet) {
  *outlet = (struct outlet){.producer = NULL};
  buffer_init(&outlet->buffer, RECORD_MAX);
}

void outlet_fini(struct outlet *outlet) {
  buffer_fini(&outlet->buffer);
}

enum error outlet_fact(struct outlet *outlet, const struct fact *fact, void *opaque) {
  buffer_clear(&outlet->buffer);
  enum error err = wire_fact_encode(fact, &outlet->buffer);
  return err ? err : send(outlet, TOPIC_SITE, bytes_text(fact->envelope.site), opaque);
}

// A topic may be 64 KiB long, and a text in protobuf must be UTF-8, which a broker may not have checked.
enum error outlet_reject(struct outlet *outlet, const struct arrival *arrival, const struct intaken *taken,
                         void *opaque) {
  char topic[TOPIC_SHOWN_MAX], site[ID_MAX + 1], device[ID_MAX + 1], detail[DETAIL_SHOWN_MAX];
  bytes_utf8_copy(arrival->topic, topic, sizeof topic);
  bytes_utf8_copy(taken->topic.site, site, sizeof site);
  bytes_utf8_copy(taken->topic.device, device, sizeof device);
  bytes_utf8_copy(bytes_text(taken->verdict.detail), detail, sizeof detail);
  struct reject reject = {
      .topic = topic,
      .reason = error_name(taken->verdict.refused),
      .detail = detail,
      .head = arrival->payload.data,
      .head_len = arrival->payload.len < REJECT_HEAD_MAX ? arrival->payload.len : REJECT_HEAD_MAX,
      .length = arrival->length,
      .receive_time_ms = arrival->receive_ms,
      .site = site,
      .device = device,
  };
  if (arrival->sha256)
    memcpy(reject.sha256, arrival->sha256, sizeof reject.sha256);
  else
    arrival_sha256(arrival->payload, reject.sha256);
  buffer_clear(&outlet->buffer);
  enum error err = wire_reject_encode(&reject, &outlet->buffer);
  return err ? err : send(outlet, TOPIC_REJECT, bytes_text(site), opaque);
}

static enum error send(struct outlet *outlet, const char *topic, struct bytes key, void *opaque) {
  outlet->record_bytes = key.len + outlet->buffer.len;
  if (!outlet->producer) return OK;
  struct kafka_send record = {
      .topic = topic,
      .partition = KAFKA_PARTITION_BY_KEY,
      .key = key,
      .value = buffer_bytes(&outlet->buffer),
      .opaque = opaque,
  };
  return kafka_producer_send(outlet->producer, &record);
}

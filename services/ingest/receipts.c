// SPDX-License-Identifier: Apache-2.0
#include "ingest/receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/telemetry.h"
#include "ingest/core/topic.h"
#include "wire/telemetry.h"

enum { PAYLOAD_MAX = 128, EXPIRY_S = 3600, TOPIC_SIZE = 2 * ID_MAX + 40 };

static void ask(struct heard *heard, uint64_t boot, uint64_t number);
static enum error publish_all(struct receipts *receipts, const struct heard *heard, struct mqtt *mqtt);
static enum error publish(struct receipts *receipts, const struct heard *heard, const struct receipt *receipt,
                          struct mqtt *mqtt);
static enum error write_json(const struct receipt *receipt, struct buffer *out);

void receipts_init(struct receipts *receipts) {
  *receipts = (struct receipts){.due = NULL};
  buffer_init(&receipts->payload, PAYLOAD_MAX);
}

void receipts_fini(struct receipts *receipts) {
  free(receipts->due);
  buffer_fini(&receipts->payload);
}

enum error receipts_add(struct receipts *receipts, const struct claim *claim) {
  struct heard *heard = claim->heard;
  ask(heard, claim->boot, claim->number);
  heard->receipt_json = claim->json;
  if (heard->receipt_listed) return OK;
  if (receipts->count == receipts->room) {
    size_t room = receipts->room ? 2 * receipts->room : 64;
    struct heard **due = realloc(receipts->due, room * sizeof *due);
    if (!due) return ERR_NO_MEMORY;
    receipts->due = due;
    receipts->room = room;
  }
  heard->receipt_listed = true;
  heard->pins++;
  receipts->due[receipts->count++] = heard;
  return OK;
}

static void ask(struct heard *heard, uint64_t boot, uint64_t number) {
  struct asked *asked = &heard->asked;
  if (!heard->receipt_listed || boot != asked->boot) *asked = (struct asked){boot, number, number};
  if (number < asked->low) asked->low = number;
  if (number > asked->high) asked->high = number;
}

void receipts_publish(struct receipts *receipts, struct mqtt *mqtt) {
  size_t done = 0;
  while (done < receipts->count) {
    struct heard *heard = receipts->due[done];
    enum error err = publish_all(receipts, heard, mqtt);
    if (error_class(err) == CLASS_RETRY) break;
    if (err) log_error("receipt-failed", F_ERR(err));
    heard->receipt_listed = false;
    heard->pins--;
    done++;
  }
  for (size_t i = done; done && i < receipts->count; i++) receipts->due[i - done] = receipts->due[i];
  receipts->count -= done;
}

static enum error publish_all(struct receipts *receipts, const struct heard *heard, struct mqtt *mqtt) {
  struct receipt claims[SEQUENCE_RECEIPTS_MAX];
  size_t count = sequence_receipts(&heard->sequence, heard->asked.low, heard->asked.high, claims);
  enum error err = OK;
  for (size_t i = 0; !err && i < count; i++) err = publish(receipts, heard, &claims[i], mqtt);
  return err;
}

// The form is that of the message that asked.
static enum error publish(struct receipts *receipts, const struct heard *heard, const struct receipt *receipt,
                          struct mqtt *mqtt) {
  char topic[TOPIC_SIZE];
  snprintf(topic, sizeof topic, "riser/v1/%s/down/receipt", heard->key);
  buffer_clear(&receipts->payload);
  enum error err =
      heard->receipt_json ? write_json(receipt, &receipts->payload) : wire_receipt_encode(receipt, &receipts->payload);
  if (err) return err;
  struct mqtt_publish message = {
      .topic = topic, .payload = buffer_bytes(&receipts->payload), .qos = 1, .expiry_s = EXPIRY_S};
  err = mqtt_publish(mqtt, &message);
  if (!err && receipts->given) counter_add(receipts->given, 1);
  return err;
}

static enum error write_json(const struct receipt *receipt, struct buffer *out) {
  enum error err = buffer_printf(out, "{\"first\":%" PRIu64 ",\"seq\":%" PRIu64, receipt->first, receipt->sequence);
  if (!err && receipt->boot) err = buffer_printf(out, ",\"boot\":%" PRIu64, receipt->boot);
  return err ? err : buffer_append_text(out, "}");
}

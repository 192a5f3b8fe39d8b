// SPDX-License-Identifier: Apache-2.0
#include "wire/outbox.h"

#include "riser/state/v1/state.pb-c.h"
#include "wire/decision_parts.h"
#include "wire/message.h"

static void record_in(const Riser__State__V1__OutboxRecord *from, struct outbox_record *to) {
  to->topic = from->topic;
  to->key = bytes_make(from->key.data, from->key.len);
  to->value = bytes_make(from->value.data, from->value.len);
  to->has_cause = from->cause != NULL;
  cause_in(from->cause, &to->cause);
}

static enum error record_out(const struct outbox_record *from, struct arena *scratch,
                             Riser__State__V1__OutboxRecord *to) {
  riser__state__v1__outbox_record__init(to);
  to->topic = (char *)from->topic;
  to->key = (ProtobufCBinaryData){from->key.len, (uint8_t *)from->key.data};
  to->value = (ProtobufCBinaryData){from->value.len, (uint8_t *)from->value.data};
  if (!from->has_cause) return OK;
  to->cause = arena_alloc(scratch, sizeof *to->cause);
  if (!to->cause) return ERR_LIMIT;
  cause_out(&from->cause, to->cause);
  return OK;
}

enum error wire_outbox_decode(struct bytes in, struct arena *arena, struct outbox *out) {
  Riser__State__V1__Outbox *message;
  enum error err = wire_unpack(&riser__state__v1__outbox__descriptor, in, arena, &message);
  if (err) return err;
  struct outbox_record *records = arena_array(arena, message->n_records, sizeof *records);
  if (!records) return ERR_LIMIT;
  for (size_t i = 0; i < message->n_records; i++) record_in(message->records[i], &records[i]);
  *out = (struct outbox){records, message->n_records};
  return OK;
}

static enum error records_out(const struct outbox *from, struct arena *scratch, Riser__State__V1__Outbox *to) {
  Riser__State__V1__OutboxRecord *items = arena_array(scratch, from->count, sizeof *items);
  to->records = arena_array(scratch, from->count, sizeof *to->records);
  if (!items || !to->records) return ERR_LIMIT;
  for (; to->n_records < from->count; to->n_records++) {
    enum error err = record_out(&from->records[to->n_records], scratch, &items[to->n_records]);
    if (err) return err;
    to->records[to->n_records] = &items[to->n_records];
  }
  return OK;
}

enum error wire_outbox_encode(const struct outbox *in, struct buffer *out) {
  struct arena *scratch = arena_new(WIRE_SCRATCH_MAX);
  if (!scratch) return ERR_NO_MEMORY;
  Riser__State__V1__Outbox message = RISER__STATE__V1__OUTBOX__INIT;
  enum error err = records_out(in, scratch, &message);
  if (!err) err = wire_pack(&message, out);
  arena_free(scratch);
  return err;
}

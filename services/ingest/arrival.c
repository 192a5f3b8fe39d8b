// SPDX-License-Identifier: Apache-2.0
#include "ingest/arrival.h"

#include <openssl/sha.h>
#include <string.h>

enum { KIND_WHOLE = 0, KIND_CUT = 1 };
enum { CUT_TAIL = ARRIVAL_CUT_MAX - REJECT_HEAD_MAX }; // behind the first bytes: length, hash

static enum error append_cut(struct spool *spool, struct spool_entry *entry);

enum error arrival_append(struct spool *spool, struct bytes topic, struct bytes payload,
                          const struct arrival_note *note) {
  int64_t held_s = note->held_ms / 1000;
  if (topic.len > ARRIVAL_TOPIC_MAX) topic.len = ARRIVAL_TOPIC_MAX;
  struct spool_entry entry = {
      .receive_ms = note->receive_ms,
      .note = held_s < 0            ? 0
              : held_s > UINT32_MAX ? UINT32_MAX
                                    : (uint32_t)held_s,
      .kind = KIND_WHOLE,
      .topic = topic,
      .payload = payload,
  };
  return payload.len > note->payload_max ? append_cut(spool, &entry) : spool_append(spool, &entry);
}

static enum error append_cut(struct spool *spool, struct spool_entry *entry) {
  uint8_t cut[ARRIVAL_CUT_MAX];
  size_t head = entry->payload.len < REJECT_HEAD_MAX ? entry->payload.len : REJECT_HEAD_MAX;
  memcpy(cut, entry->payload.data, head);
  put_le64(cut + head, entry->payload.len);
  arrival_sha256(entry->payload, cut + head + 8);
  entry->kind = KIND_CUT;
  entry->payload = bytes_make(cut, head + CUT_TAIL);
  return spool_append(spool, entry);
}

void arrival_read(const struct spool_record *record, struct arrival *out) {
  const struct spool_entry *entry = &record->entry;
  *out = (struct arrival){
      .topic = entry->topic,
      .payload = entry->payload,
      .length = entry->payload.len,
      .receive_ms = entry->receive_ms,
      .held_ms = (int64_t)entry->note * 1000,
      .position = record->position,
  };
  if (entry->kind != KIND_CUT || entry->payload.len < CUT_TAIL) return;
  out->payload.len -= CUT_TAIL;
  out->length = get_le64(out->payload.data + out->payload.len);
  out->sha256 = out->payload.data + out->payload.len + 8;
}

void arrival_sha256(struct bytes payload, uint8_t *sha256) {
  static const uint8_t nothing[1];
  SHA256(payload.len ? payload.data : nothing, payload.len, sha256);
}

// SPDX-License-Identifier: Apache-2.0
// Header, topic and payload lie side by side, so that one pass over what was just copied makes the checksum.
#include "io/spool_record.h"

#include <string.h>

#include "base/canary.h"
#include "base/crc32c.h"

enum { AT_CRC = 0, AT_MARK = 4, AT_PAYLOAD = 8, AT_TOPIC = 12, AT_KIND = 14, AT_TIME = 16, AT_NOTE = 24, AT_ZERO = 28 };

static const uint32_t MARK = 0x6c6f7053; // "Spol"

static uint32_t mark_of(uint64_t key);
static uint32_t checksum(const uint8_t *at, size_t covered, uint64_t key);

size_t spool_record_size(size_t content_len) {
  return (SPOOL_HEADER + content_len + SPOOL_ALIGN - 1) & ~(size_t)(SPOOL_ALIGN - 1);
}

void spool_record_write(uint8_t *at, uint64_t key, const struct spool_entry *entry) {
  put_le32(at + AT_MARK, mark_of(key));
  put_le32(at + AT_PAYLOAD, (uint32_t)entry->payload.len);
  put_le16(at + AT_TOPIC, (uint16_t)entry->topic.len);
  put_le16(at + AT_KIND, entry->kind);
  put_le64(at + AT_TIME, (uint64_t)entry->receive_ms);
  put_le32(at + AT_NOTE, entry->note);
  put_le32(at + AT_ZERO, 0);
  uint8_t *to = at + SPOOL_HEADER;
  if (entry->topic.len) memcpy(to, entry->topic.data, entry->topic.len);
  if (entry->payload.len) memcpy(to + entry->topic.len, entry->payload.data, entry->payload.len);
  put_le32(at, checksum(at, SPOOL_HEADER + entry->topic.len + entry->payload.len, key));
}

void spool_filler_write(uint8_t *at, uint64_t key, size_t size) {
  memset(at, 0, SPOOL_HEADER);
  put_le32(at + AT_MARK, mark_of(key));
  put_le32(at + AT_PAYLOAD, (uint32_t)(size - SPOOL_HEADER));
  put_le16(at + AT_KIND, SPOOL_FILLER);
  put_le32(at, checksum(at, SPOOL_HEADER, key));
}

size_t spool_record_check(const uint8_t *at, size_t room, uint64_t key) {
  if (room < SPOOL_HEADER || get_le32(at + AT_MARK) != mark_of(key)) return 0;
  size_t content = (size_t)get_le32(at + AT_PAYLOAD) + get_le16(at + AT_TOPIC);
  if (content > room - SPOOL_HEADER) return 0;
  size_t covered = spool_record_is_filler(at) ? SPOOL_HEADER : SPOOL_HEADER + content;
  bool whole = CANARY(SPOOL_CRC_OFF) || get_le32(at + AT_CRC) == checksum(at, covered, key);
  return whole ? spool_record_size(content) : 0;
}

size_t spool_record_stored_size(const uint8_t *at) {
  return spool_record_size((size_t)get_le32(at + AT_PAYLOAD) + get_le16(at + AT_TOPIC));
}

bool spool_record_is_filler(const uint8_t *at) {
  return at[AT_KIND] == SPOOL_FILLER;
}

void spool_record_read(const uint8_t *at, struct spool_entry *out) {
  size_t topic = get_le16(at + AT_TOPIC);
  *out = (struct spool_entry){
      .receive_ms = (int64_t)get_le64(at + AT_TIME),
      .note = get_le32(at + AT_NOTE),
      .kind = at[AT_KIND],
      .topic = bytes_make(at + SPOOL_HEADER, topic),
      .payload = bytes_make(at + SPOOL_HEADER + topic, get_le32(at + AT_PAYLOAD)),
  };
}

// Of another segment's records, and of random bytes, nearly all differ already here.
static uint32_t mark_of(uint64_t key) {
  return MARK ^ (uint32_t)(key >> 32);
}

static uint32_t checksum(const uint8_t *at, size_t covered, uint64_t key) {
  uint8_t seed[8];
  put_le64(seed, key);
  return crc32c(crc32c(0, seed, sizeof seed), at + AT_MARK, covered - AT_MARK);
}

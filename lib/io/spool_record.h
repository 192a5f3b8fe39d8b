// SPDX-License-Identifier: Apache-2.0
// How one record of the spool lies in memory and on disk. Inside the spool only. Pure.
// Little-endian: crc32c u32 | mark u32 | payload length u32 | topic length u16 | kind u8 | 0 u8 | receive time i64 |
// note u32 | 0 u32 | topic | payload, padded to 8. The checksum begins with the record's position xor the folder's key
// (`key` below), so that neither what an earlier use of a segment left behind nor bytes inside a payload pass for a
// record. A filler covers room without records; its checksum is over its header alone.
#ifndef RISER_IO_SPOOL_RECORD_H
#define RISER_IO_SPOOL_RECORD_H

#include "io/spool.h"

enum { SPOOL_HEADER = 32, SPOOL_ALIGN = 8, SPOOL_FILLER = 255, SPOOL_TOPIC_MAX = 65535 };

static inline uint64_t spool_position(uint64_t segment, uint64_t offset) {
  return segment << 32 | offset;
}
static inline uint64_t spool_segment_of(uint64_t position) {
  return position >> 32;
}
static inline uint64_t spool_offset_of(uint64_t position) {
  return position & 0xffffffffu;
}

size_t spool_record_size(size_t content_len); // of topic + payload

void spool_record_write(uint8_t *at, uint64_t key, const struct spool_entry *entry);
void spool_filler_write(uint8_t *at, uint64_t key, size_t size); // size: a multiple of 8, at least SPOOL_HEADER

// The size of the whole and undamaged record or filler that begins here, 0 if there is none.
size_t spool_record_check(const uint8_t *at, size_t room, uint64_t key);

// Of a record that was checked, or written by this process.
size_t spool_record_stored_size(const uint8_t *at);
bool spool_record_is_filler(const uint8_t *at);
void spool_record_read(const uint8_t *at, struct spool_entry *out);

#endif

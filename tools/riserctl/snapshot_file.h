// SPDX-License-Identifier: Apache-2.0
// A partition's state at an offset, in a file:
//   "RISERSN1", u32 partition, u32 length and PartitionMeta,
//   then records {u8 kind, u32 length and key, u32 length and value}, the last of kind END without key and value,
//   then the SHA-256 of all that. Integers are little endian.
// Written beside its name, flushed to the disk, then renamed: a file is whole or not there.
#ifndef RISER_RISERCTL_SNAPSHOT_FILE_H
#define RISER_RISERCTL_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum snapshot_kind {
  SNAPSHOT_END = 0,
  SNAPSHOT_VALUE = 1,  // a key of Redis without its tag; "due": its members in order, each as "member\ninstant\n"
  SNAPSHOT_DEVICE = 2, // the latest record of riser.device.v1 of a key
};

struct snapshot_record {
  enum snapshot_kind kind;
  const char *key; // ends with a zero
  struct bytes value;
};

// ---- writing: begin, add..., write
enum error snapshot_begin(struct buffer *to, int32_t partition, struct bytes meta) MUST_USE;
enum error snapshot_add(struct buffer *to, const struct snapshot_record *record) MUST_USE;
// Ends it and makes it the file `path`. ERR_IO: see errno.
enum error snapshot_write(struct buffer *content, const char *path) MUST_USE;

// ---- reading
struct snapshot {
  struct buffer content;
  int32_t partition;
  struct bytes meta; // PartitionMeta
  size_t at;
};

// ERR_NOT_FOUND: there is no such file; ERR_IO: see errno; ERR_CORRUPT: it is no snapshot, or damaged. In any case it
// is to be closed afterwards.
enum error snapshot_open(struct snapshot *snapshot, const char *path) MUST_USE;
void snapshot_close(struct snapshot *snapshot);
bool snapshot_next(struct snapshot *snapshot, struct snapshot_record *record); // false at the end

#endif

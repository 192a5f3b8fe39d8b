// SPDX-License-Identifier: Apache-2.0
// The spool's folder: its lock, its segment files mapped into memory, and the small file that remembers how far
// everything is confirmed. Inside the spool only.
#ifndef RISER_IO_SPOOL_FOLDER_H
#define RISER_IO_SPOOL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SEGMENT_NAME_SIZE = 32 };
// Numbers of segments are 1 .. this: a position has 32 bits for them, and one more must fit. Never reached in practice.
#define SEGMENT_NUMBER_MAX (UINT64_C(0xffffffff) - 1)

// A spare is a segment without a number: its content means nothing.
struct segment {
  char name[SEGMENT_NAME_SIZE]; // of the file: "spare-<n>" or "<number, 16 hexadecimal digits>.spool"
  uint64_t number;              // 0: a spare
  uint8_t *map;
  uint64_t size;
  int fd;
};

struct folder {
  int fd;       // of the directory
  int lock_fd;  // held as long as the folder is open
  uint64_t key; // mixed into every checksum: bytes inside a payload can't be made to look like a record
};

// Makes the folder and its key if they are missing and locks it. ERR_UNAVAILABLE: another process has it.
// ERR_CORRUPT: there are segments and the key is gone, so nobody can read them.
enum error folder_open(const char *path, struct folder *folder) MUST_USE;
void folder_close(struct folder *folder);
enum error folder_sync(const struct folder *folder) MUST_USE; // names are on disk afterwards

// All segment files: first the spares, then the others ascending by number. The caller frees the array.
struct segment_file {
  uint64_t number; // of the segment, or of the spare's name
  bool spare;
};
enum error folder_list(const struct folder *folder, struct segment_file **files, size_t *count) MUST_USE;

// A new spare of `size` bytes, all of it allocated on disk. ERR_QUEUE_FULL: the disk is full. The caller closes.
enum error segment_make(const struct folder *folder, uint64_t spare, uint64_t size, struct segment **out) MUST_USE;
enum error segment_load(const struct folder *folder, struct segment_file file, struct segment **out) MUST_USE;
// Becomes a numbered one, or a spare.
enum error segment_rename(const struct folder *folder, struct segment *segment, struct segment_file name) MUST_USE;
enum error segment_remove(const struct folder *folder, struct segment *segment) MUST_USE; // closes it, also on an error
enum error segment_sync(const struct segment *segment) MUST_USE;
void segment_close(struct segment *segment);

// How far. Two slots, each with a checksum, are written in turn: one of them is always whole.
struct marks {
  uint64_t confirmed;
  uint64_t hold;
  int64_t stamp_ms;
};
struct marks_file {
  uint8_t *map;
  int fd;
  uint64_t generation;
};

// The caller closes, also on an error.
enum error marks_open(const struct folder *folder, struct marks_file *file, struct marks *marks) MUST_USE;
void marks_write(struct marks_file *file, const struct marks *marks);
enum error marks_sync(const struct marks_file *file) MUST_USE;
void marks_close(struct marks_file *file);

#endif

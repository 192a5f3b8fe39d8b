// SPDX-License-Identifier: Apache-2.0
// A process that dies leaves at most one torn record, at the tail. A node that dies may leave holes, for the kernel
// writes pages in any order; and disks rot. So the scan does not stop at the first record that fails its checksum: it
// goes on, eight bytes at a time, and covers every hole that has a record behind it with a filler, so that from then on
// readers just walk from record to record. What lies behind the last whole record was never acknowledged.
#include "io/spool_recover.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/spool_record.h"

static enum error load(struct stock *stock, struct segment_file file, uint64_t oldest, struct recovered *out);
static enum error add(struct stock *stock, struct segment *segment, uint64_t end, struct recovered *out);
static uint64_t scan(struct segment *segment, uint64_t key, uint64_t from, uint64_t *damaged);
static uint64_t next_whole(const struct segment *segment, uint64_t key, uint64_t offset);
static size_t whole_at(const struct segment *segment, uint64_t key, uint64_t offset);
static uint64_t cover(struct segment *segment, uint64_t key, uint64_t from, uint64_t until);

enum error spool_recover(struct stock *stock, uint64_t oldest, struct recovered *out) {
  struct segment_file *files = NULL;
  size_t count = 0;
  enum error err = folder_list(&stock->folder, &files, &count);
  *out = (struct recovered){.tail = oldest};
  for (size_t i = 0; i < count; i++) // a spare's name must not be used twice
    if (files[i].spare && files[i].number >= stock->spare_names) stock->spare_names = files[i].number + 1;
  for (size_t i = 0; !err && i < count; i++) err = load(stock, files[i], oldest, out);
  free(files);
  if (out->damaged_bytes) log_error("spool-damaged", F_INT("bytes", (int64_t)out->damaged_bytes));
  return err;
}

static enum error load(struct stock *stock, struct segment_file file, uint64_t oldest, struct recovered *out) {
  struct segment *segment = NULL;
  enum error err = segment_load(&stock->folder, file, &segment);
  if (err) return err;
  uint64_t from = file.number == spool_segment_of(oldest) ? spool_offset_of(oldest) : 0;
  if (file.spare || file.number < spool_segment_of(oldest) || from > segment->size)
    return stock_add_spare(stock, segment);
  uint64_t damaged = 0, end = scan(segment, stock->folder.key, from, &damaged);
  if (end == from && file.number > spool_segment_of(oldest)) return stock_add_spare(stock, segment);
  out->damaged_bytes += damaged;
  return add(stock, segment, end, out);
}

// A live segment behind the one before, which must then be walkable to its end. Numbers are given in turn and released
// in turn: one that is missing in between has been lost.
static enum error add(struct stock *stock, struct segment *segment, uint64_t end, struct recovered *out) {
  uint64_t known = spool_segment_of(out->tail), due = known + (stock->live.count ? 1 : 0);
  if (known && segment->number > due) out->damaged_bytes += (segment->number - due) * stock->segment_bytes;
  if (stock->live.count) {
    struct segment *before = stock->live.at[stock->live.count - 1];
    out->damaged_bytes += cover(before, stock->folder.key, spool_offset_of(out->tail), before->size);
  }
  enum error err = stock_add_live(stock, segment);
  if (err)
    segment_close(segment);
  else
    out->tail = spool_position(segment->number, end);
  return err;
}

// Walks from record to record, over holes too; the offset behind the last whole record.
static uint64_t scan(struct segment *segment, uint64_t key, uint64_t from, uint64_t *damaged) {
  for (uint64_t at = from;;) {
    uint64_t next = next_whole(segment, key, at);
    if (next == UINT64_MAX) return at;
    *damaged += cover(segment, key, at, next);
    at = next + whole_at(segment, key, next);
  }
}

// Here, or far enough away for a filler to cover what lies between.
static uint64_t next_whole(const struct segment *segment, uint64_t key, uint64_t offset) {
  if (offset + SPOOL_HEADER <= segment->size && whole_at(segment, key, offset)) return offset;
  for (offset += SPOOL_HEADER; offset + SPOOL_HEADER <= segment->size; offset += SPOOL_ALIGN)
    if (whole_at(segment, key, offset)) return offset;
  return UINT64_MAX;
}

static size_t whole_at(const struct segment *segment, uint64_t key, uint64_t offset) {
  return spool_record_check(segment->map + offset, segment->size - offset,
                            spool_position(segment->number, offset) ^ key);
}

// How many bytes were covered. Room too small for a filler is only left at a segment's end, where walkers know it.
static uint64_t cover(struct segment *segment, uint64_t key, uint64_t from, uint64_t until) {
  if (until - from < SPOOL_HEADER) return 0;
  spool_filler_write(segment->map + from, spool_position(segment->number, from) ^ key, until - from);
  return until - from;
}

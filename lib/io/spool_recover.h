// SPDX-License-Identifier: Apache-2.0
// What a start finds in the spool's folder. Inside the spool only.
#ifndef RISER_IO_SPOOL_RECOVER_H
#define RISER_IO_SPOOL_RECOVER_H

#include "io/spool_stock.h"

struct recovered {
  uint64_t tail;          // behind the last whole record; `oldest` if there is none
  uint64_t damaged_bytes; // now covered by fillers
};

// Fills the stock: live are the segments with a record at or behind `oldest`, and every byte of them up to the tail can
// be walked; all others are spares. Everything before `oldest` counts as released.
enum error spool_recover(struct stock *stock, uint64_t oldest, struct recovered *out) MUST_USE;

#endif

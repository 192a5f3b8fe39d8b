// SPDX-License-Identifier: Apache-2.0
// The thread of SPOOL_SYNC_INTERVAL: brings the live segments to disk again and again. Inside the spool only.
#ifndef RISER_IO_SPOOL_SYNCER_H
#define RISER_IO_SPOOL_SYNCER_H

#include "io/spool_stock.h"

struct spool_syncer;

// The stock must outlive it. The caller stops it.
enum error spool_syncer_start(struct stock *stock, int interval_ms, struct spool_syncer **out) MUST_USE;
void spool_syncer_stop(struct spool_syncer *syncer); // after a last round; NULL is fine

#endif

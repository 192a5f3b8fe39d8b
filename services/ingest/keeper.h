// SPDX-License-Identifier: Apache-2.0
// Keeps the devices' sequences over restarts: snapshots now and then of what is confirmed, and the messages since the
// newest one are held in the spool, to be read again for their numbers. The worker's thread.
#ifndef RISER_INGEST_KEEPER_H
#define RISER_INGEST_KEEPER_H

#include "ingest/core/devices.h"
#include "ingest/sequence_saver.h"
#include "io/spool.h"

struct keeper {
  const char *folder;
  struct spool *spool;
  struct devices *devices;
  struct sequence_saver *saver;
  uint64_t given; // the position of the newest snapshot
  int64_t next_ms;
};

// Fills the table of devices. folder, spool and devices are set by the caller, and outlive the keeper.
enum error keeper_open(struct keeper *keeper) MUST_USE;
void keeper_close(struct keeper *keeper); // also of one that was not opened

// `counted`: the numbers before this position are in the table, and no others; all of it is in Kafka.
void keeper_tend(struct keeper *keeper, uint64_t counted, int64_t now_ms);
void keeper_finish(struct keeper *keeper, uint64_t counted); // waits for the last snapshot, not for long

#endif

// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/claim.h"

void claim_begin(const struct claim *claim) {
  if (claim->heard) claim->heard->pins++;
}

bool claim_settle(const struct claim *claim) {
  struct heard *heard = claim->heard;
  if (!heard) return false;
  heard->pins--;
  if (claim->clock_event_ms) heard->clock_event_ms = claim->clock_event_ms;
  if (!claim->number) return false;
  sequence_seen(&heard->sequence, claim->boot, claim->number);
  return claim->want_receipt;
}

void claim_undo(const struct claim *claim) {
  struct heard *heard = claim->heard;
  if (!heard) return;
  heard->pins--;
  heard->ahead = (struct ahead){heard->sequence.head, heard->clock_event_ms};
}

// SPDX-License-Identifier: Apache-2.0
// Canaries: builds in which one promise is broken on purpose, to prove that a test would notice (docs/canaries.md). A
// place where one breaks says `if (CANARY(SPOOL_SKIPPED)) ...`; in every other build that is the constant 0 and the
// line is gone. One is chosen when the build is configured (-DRISER_CANARY=spool-skipped), never at run time; such a
// build says so whenever it is asked for its version, and no image is made of it.
#ifndef RISER_BASE_CANARY_H
#define RISER_BASE_CANARY_H

#include "base/canary_build.h" // generated: RISER_CANARY

#define CANARY(name) (RISER_CANARY == CANARY_##name)

// Their names in the build are these in lower case with dashes; the promise that each breaks: docs/canaries.md.
enum canary {
  CANARY_NONE,
  CANARY_SPOOL_SKIPPED,        // ingest acknowledges a message in fifty without appending it
  CANARY_SPOOL_IN_MEMORY,      // what is appended never reaches the file
  CANARY_SPOOL_CRC_OFF,        // a record need not have its checksum
  CANARY_CONFIRMED_EARLY,      // the spool is released before Kafka has confirmed
  CANARY_RECEIPT_OVER_A_GAP,   // a receipt claims what never came
  CANARY_BACK_PRESSURE_OFF,    // a spool that is nearly full goes on taking in
  CANARY_STRANGER_LET_IN,      // a device of another site of the landlord is taken at its word
  CANARY_FENCE_OFF,            // a commit neither watches nor compares the offset
  CANARY_EXEC_ERROR_IGNORED,   // an error inside EXEC counts as done
  CANARY_TORN_STATE_USED,      // after an error inside EXEC the partition is opened again
  CANARY_OUTCOME_GUESSED,      // a commit without an answer counts as done
  CANARY_OUTBOX_LOST,          // decisions of a commit are not published after a crash
  CANARY_TAIL_IGNORED,         // what the decision log already has is published again
  CANARY_JUMP_BELIEVED,        // behind an opening the log is taken from wherever the consumer begins
  CANARY_LAST_READ_WINS,       // of one second the read that came last holds
  CANARY_NEWER_RECORD_SKIPPED, // a record for later readers is passed over
  CANARY_NOTICE_CHECK_OFF,     // a disconnect needs no served notice
  CANARY_ESTIMATE_CUTS,        // an estimate may lead to a disconnect
  CANARY_PAID_BUT_CUT,         // a payment does not stop a disconnect that is on its way
  CANARY_LEFT_CUT,             // a payment does not bring the supply back
  CANARY_MARK_IGNORED,         // notify takes a repeated decision for a new one
  CANARY_DELIVERY_FORGOTTEN,   // notify's note loses which deliveries are done
  CANARY_HEADER_INJECTED,      // a person's name may add a header to a mail
  CANARY_NEVER_EXPIRES,        // a disconnect is sent however late
};

#endif

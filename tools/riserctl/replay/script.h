// SPDX-License-Identifier: Apache-2.0
// In which order what is sent: each row at its own time or late, some a second time, malformed messages in between.
// Every choice is a hash of the seed and of what it is about, so the same seed gives the same script. Pure but for the
// arena.
#ifndef RISER_RISERCTL_REPLAY_SCRIPT_H
#define RISER_RISERCTL_REPLAY_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "riserctl/replay/rows.h"

enum send_kind { SEND_ROW, SEND_COPY, SEND_MALFORMED };

struct send {
  int64_t at_s;   // business time at which the device gets it out
  uint32_t index; // of the row, or the malformed message's number
  uint8_t kind;
  bool late;          // at_s is behind the row's own time
  bool acked;         // the broker's PUBACK came
  uint64_t sequence;  // the device's numbering; a copy has its row's
  uint8_t digest[32]; // SHA-256 of the payload, once it is published
};

struct script {
  struct send *sends; // in the order of sending
  size_t count;
  size_t rows;
  size_t copies;
  size_t late;
  size_t malformed;
};

// ERR_NO_MEMORY: the arena is full.
enum error script_make(const struct scenario *scenario, const struct rows *rows, struct arena *arena,
                       struct script *out) MUST_USE;

// A stream of numbers from a seed (splitmix64).
uint64_t script_random(uint64_t *state);

#endif

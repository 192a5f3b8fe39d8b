// SPDX-License-Identifier: Apache-2.0
// The grammar of the topics that devices publish to: riser/v1/{site}/{device}/up/{tail}. Pure.
#ifndef RISER_INGEST_CORE_TOPIC_H
#define RISER_INGEST_CORE_TOPIC_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

enum topic_tail { TAIL_PB, TAIL_JSON, TAIL_EVENT, TAIL_STATE, TAIL_ACK };

struct topic {
  struct bytes site; // both point into the topic that was parsed
  struct bytes device;
  enum topic_tail tail;
};

enum { ID_MAX = 64 };

// 1..64 of [A-Za-z0-9._-]: sites, devices, meters.
bool id_is_valid(struct bytes id);

// ERR_BAD_TOPIC: not of this grammar. ERR_UNKNOWN_FORMAT: up/raw/{format}, of a format that no codec reads. On an error
// too, `out` says which site and device the topic names, as far as it does (for the reject record).
enum error topic_parse(struct bytes text, struct topic *out) MUST_USE;

#endif

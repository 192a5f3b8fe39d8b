// SPDX-License-Identifier: Apache-2.0
// What a commit brought about and Kafka has to hold before the next commit. It lies in Redis beside the state it came
// with, so that whoever owns the partition next can publish what its predecessor could not.
#ifndef RISER_DOMAIN_OUTBOX_H
#define RISER_DOMAIN_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "domain/decision.h"

struct outbox_record {
  const char *topic;
  struct bytes key;
  struct bytes value;
  bool has_cause; // a decision: published once. Others may be published again.
  struct cause cause;
};

struct outbox {
  struct outbox_record *records; // in the order of publication
  size_t count;
};

#endif

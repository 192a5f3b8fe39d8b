// SPDX-License-Identifier: Apache-2.0
// What ingest refused, and why (riser.reject.v1).
#ifndef RISER_DOMAIN_REJECT_H
#define RISER_DOMAIN_REJECT_H

#include <stddef.h>
#include <stdint.h>

#define REJECT_HEAD_MAX 4096

struct reject {
  const char *topic;
  const char *reason;
  const char *detail;
  const uint8_t *head;
  size_t head_len;
  uint64_t length;
  uint8_t sha256[32];
  int64_t receive_time_ms;
  const char *site;
  const char *device;
};

#endif

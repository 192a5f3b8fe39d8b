// SPDX-License-Identifier: Apache-2.0
// What ingest and control must know of a device (riser.device.v1). device "": the site itself is known.
#ifndef RISER_DOMAIN_DEVICE_H
#define RISER_DOMAIN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/reading.h"

enum { DEVICE_METERS_MAX = 32 };

struct device {
  const char *site;
  const char *device;
  const char *landlord;
  const char *codec;
  const char *const *meters; // the first DEVICE_METERS_MAX that are installed
  size_t meter_count;
  enum supply reported_supply;
  bool online;
  enum supply desired_supply;
  uint64_t desired_version;
  int64_t updated_s;
  const char *wrapped_key;  // run/key_ring.h; "": it has none
  const char *previous_key; // which still counts; "": none
};

#endif

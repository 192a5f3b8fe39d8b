// SPDX-License-Identifier: Apache-2.0
// The list of devices that the options name, and finding one by "site/device".
#ifndef RISER_METERSIM_FLEET_H
#define RISER_METERSIM_FLEET_H

#include "metersim/device.h"
#include "metersim/options.h"

enum { FLEET_MAX = 2000 };

struct fleet {
  struct sim_device *devices;
  size_t count;
  size_t gateway_count; // these come first
  struct sim_device *keyed; // whose key is read next
};

// ERR_CONFIG: something in the options cannot be used; it is logged.
enum error fleet_init(struct fleet *fleet, const struct options *options) MUST_USE;
void fleet_fini(struct fleet *fleet); // after its devices are closed
struct sim_device *fleet_find(const struct fleet *fleet, const char *name);

#endif

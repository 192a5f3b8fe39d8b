// SPDX-License-Identifier: Apache-2.0
// What control knows of devices: from riser.device.v1 how to speak to them, and whether they are there from their own
// states in the site log, or, before one was heard, from the same record. One table a process, owned by the worker,
// bounded by `max`; what is beyond that is as if it were not known.
#ifndef RISER_CONTROL_CORE_DEVICES_H
#define RISER_CONTROL_CORE_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/device.h"
#include "domain/fact.h"
#include "domain/signature.h"

enum presence { PRESENCE_UNKNOWN, PRESENCE_ONLINE, PRESENCE_OFFLINE };

enum { DEVICE_CODEC_MAX = 16 };

struct device_view {
  enum presence presence;
  char codec[DEVICE_CODEC_MAX]; // "" for the default
  struct device_keys keys;      // none: commands to it are not signed
};

struct devices;

struct devices *devices_new(size_t max) MUST_USE; // NULL without memory
void devices_free(struct devices *devices);

// NULL: nothing is known of it. Borrowed until the table changes.
const struct device_view *devices_find(const struct devices *devices, const char *site, const char *device);

// A record of riser.device.v1, and the device's keys, unwrapped; NULL: it has none. ERR_LIMIT: the table is full;
// nothing has changed.
enum error devices_put(struct devices *devices, const struct device *record, const struct device_keys *keys) MUST_USE;
// A tombstone of the same.
void devices_drop(struct devices *devices, const char *site, const char *device);
// The device's own word in the site log: outweighs the record. Of a device without one it is ignored: anybody who may
// publish below a site could invent those.
void devices_state(struct devices *devices, const char *site, const struct device_state_fact *state);
// The site log is no longer followed: what was heard may be outdated, so that the records count again.
void devices_forget_states(struct devices *devices);

size_t devices_count(const struct devices *devices);

#endif

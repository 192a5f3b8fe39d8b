// SPDX-License-Identifier: Apache-2.0
// Which sites and devices exist, as riser.device.v1 says. Pure but for its memory; one thread; bounded.
#ifndef RISER_INGEST_CORE_REGISTRY_H
#define RISER_INGEST_CORE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/signature.h"

struct registry;

struct registry *registry_new(size_t entries_max) MUST_USE; // NULL without memory
void registry_free(struct registry *registry);

struct registry_entry {
  struct bytes site;
  struct bytes device; // empty: the site itself
  struct bytes landlord;
  const struct device_keys *keys; // NULL: it has none; copied
};

// Adds or replaces. ERR_BAD_VALUE: an id that is none; ERR_LIMIT: full; ERR_NO_MEMORY.
enum error registry_put(struct registry *registry, const struct registry_entry *entry) MUST_USE;
// Removes the entry of a compacted topic's key, "site/device" or "site/". Nothing there: nothing happens.
void registry_remove(struct registry *registry, struct bytes key);

// The landlord's id, terminated by zero, which lives until the site changes; NULL: there is no such site.
const char *registry_landlord(const struct registry *registry, struct bytes site);
// NULL: it has no key, or is not known. Until the device changes.
const struct device_keys *registry_keys(const struct registry *registry, struct bytes site, struct bytes device);
bool registry_knows(const struct registry *registry, struct bytes site, struct bytes device);
// The device is not at this site but is at another one of the same landlord.
bool registry_is_foreign(const struct registry *registry, struct bytes site, struct bytes device);

size_t registry_sites(const struct registry *registry);
size_t registry_devices(const struct registry *registry);

#endif

// SPDX-License-Identifier: Apache-2.0
// What a site file says as facts of the site log, and which of them billing does not know yet. Pure but for the arena.
#ifndef RISER_RISERCTL_SITE_FACTS_H
#define RISER_RISERCTL_SITE_FACTS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "domain/billing_state.h"
#include "domain/fact.h"
#include "riserctl/site_file/site_file.h"

// A fact without its envelope, and its name: "lease:lease-101".
struct site_fact {
  const char *key;
  struct bytes content; // encoded
  struct fact fact;
};

struct site_facts {
  struct site_fact *items; // in the order in which billing can take them
  size_t count;
};

// ERR_NO_MEMORY: the arena is full.
enum error site_facts_of_file(const struct site_file *file, struct arena *arena, struct site_facts *out) MUST_USE;
enum error site_facts_of_state(const struct site_state *state, struct arena *arena, struct site_facts *out) MUST_USE;

// Keeps of `wanted` what is not in `known` with the same content.
void site_facts_remove_known(struct site_facts *wanted, const struct site_facts *known);

#endif

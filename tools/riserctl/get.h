// SPDX-License-Identifier: Apache-2.0
// The things that `riserctl get` can list: one function each, in the files get_*.c.
#ifndef RISER_RISERCTL_GET_H
#define RISER_RISERCTL_GET_H

#include "riserctl/ctl.h"
#include "riserctl/state.h"

struct get {
  struct ctl *ctl;
  const struct arguments *arguments;
  struct site_state site; // of the one chosen; not of `get sites`
};

// Each prints and gives what to end with.
enum status get_sites(struct get *get);
enum status get_rooms(struct get *get);
enum status get_points(struct get *get);
enum status get_meters(struct get *get);
enum status get_leases(struct get *get);
enum status get_tariffs(struct get *get);
enum status get_parked(struct get *get);
enum status get_bills(struct get *get);
enum status get_balance(struct get *get);
enum status get_usage(struct get *get);
enum status get_commands(struct get *get);
enum status get_exceptions(struct get *get);

// The value of an option, "" when it was not given; whether it is not given or equal.
bool get_wants(const struct get *get, const char *option, const char *value);

#endif

// SPDX-License-Identifier: Apache-2.0
// The kinds of values in a site file or scenario. Each function takes a place that may be empty (then the fallback
// holds), complains of what it can't take and says how to write it, and gives the fallback in that case.
#ifndef RISER_RISERCTL_SITE_FILE_VALUES_H
#define RISER_RISERCTL_SITE_FILE_VALUES_H

#include <stdint.h>

#include "domain/reading.h"
#include "domain/zone.h"
#include "riserctl/site_file/yaml_reader.h"

const char *value_text(struct yaml_at at, const char *fallback);
// 1..64 characters of letters, digits, ".", "_", "-".
const char *value_id(struct yaml_at at, const char *fallback);
bool id_is_valid(const char *id);

int64_t value_integer(struct yaml_at at, int64_t min, int64_t max, int64_t fallback);
// The place in `choices`, which ends with NULL; -1 after a complaint.
int value_choice(struct yaml_at at, const char *const *choices, int fallback);
enum commodity value_commodity(struct yaml_at at);

int64_t value_quantity(struct yaml_at at, enum commodity commodity, int64_t fallback);
int64_t value_rate(struct yaml_at at, enum commodity commodity, int64_t fallback);
int64_t value_price(struct yaml_at at);
int64_t value_money(struct yaml_at at, uint32_t minor_digits, int64_t fallback);
void value_ratio(struct yaml_at at, int64_t *num, int64_t *den); // untouched when empty
int64_t value_instant(struct yaml_at at, const struct zone *zone, int64_t fallback);

// "1 %" or "0.5 %" in millionths.
int64_t value_share(struct yaml_at at, int64_t fallback);
// "3 days", "12 hours", "90 minutes", "5 seconds" in seconds.
int64_t value_span(struct yaml_at at, int64_t fallback);

#endif

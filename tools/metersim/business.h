// SPDX-License-Identifier: Apache-2.0
// Business time as billing forwards it in riser.decision.v1, by site; or wall time when no Kafka is given. One thread.
#ifndef RISER_METERSIM_BUSINESS_H
#define RISER_METERSIM_BUSINESS_H

#include <stdint.h>

#include "base/error.h"
#include "io/kafka.h"

struct business;

// brokers "": wall time. Waits for Kafka.
enum error business_open(const struct kafka_settings *kafka, struct business **business) MUST_USE;
void business_close(struct business *business);

enum error business_poll(struct business *business) MUST_USE; // takes in what has come; RETRY passes
// Business time of the site's partition; wall time while none is known.
int64_t business_now_s(const struct business *business, const char *site);

#endif

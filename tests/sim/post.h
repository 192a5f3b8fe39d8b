// SPDX-License-Identifier: Apache-2.0
// The simulated MQTT broker between the devices (house.h) and the services. What it acknowledged it keeps until a
// service has acknowledged it, unless it dies (post_crash). Messages may come twice, late and in another order.
#ifndef RISER_TESTS_SIM_POST_H
#define RISER_TESTS_SIM_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

void post_begin(void);
void post_end(void);

// From a device, which is connected. True: acknowledged.
bool post_take(const char *topic, struct bytes payload);

void post_break(int64_t for_ms); // all connections break
bool post_is_broken(void);
void post_crash(void); // and what it held for the services is lost
bool post_is_empty(void);

// Called for each device when its connection is to be made anew.
#endif

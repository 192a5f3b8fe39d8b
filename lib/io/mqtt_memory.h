// SPDX-License-Identifier: Apache-2.0
// The MQTT client's twin in memory, for tests: a broker with subscriptions, shared subscriptions, retained messages and
// sessions. One thread: handlers run inside mqtt_publish and mqtt_memory_run, on the caller.
#ifndef RISER_IO_MQTT_MEMORY_H
#define RISER_IO_MQTT_MEMORY_H

#include "io/mqtt.h"

struct mqtt_memory;

struct mqtt_memory *mqtt_memory_new(void) MUST_USE;
void mqtt_memory_free(struct mqtt_memory *broker); // after its clients are closed

// The client is connected when this returns. on_published is called from mqtt_memory_run.
enum error mqtt_memory_open(struct mqtt_memory *broker, const struct mqtt_options *options,
                            struct mqtt **mqtt) MUST_USE;

// Delivers what is queued until nothing is left; returns how many messages were delivered.
size_t mqtt_memory_run(struct mqtt_memory *broker);

// The connections break, or come back. While broken, publishing says ERR_DISCONNECTED and messages wait.
void mqtt_memory_break(struct mqtt_memory *broker, bool broken);
// The next `count` publishes are decided with this error.
void mqtt_memory_fail_publishes(struct mqtt_memory *broker, int count, enum error err);

#endif

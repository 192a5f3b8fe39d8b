// SPDX-License-Identifier: Apache-2.0
// A client's copy of the filters that it subscribes to and of those that it leaves, in the form that Paho takes.
// Inside lib/io; not changed once made.
#ifndef RISER_IO_MQTT_SUBSCRIPTIONS_H
#define RISER_IO_MQTT_SUBSCRIPTIONS_H

#include <MQTTAsync.h>

#include "io/mqtt.h"

struct mqtt_subscriptions {
  char **filters;
  int *qos;
  MQTTSubscribe_options *granting;
  int count;
  char **leaving;
  int leaving_count;
};

// ERR_NO_MEMORY: fini all the same.
enum error mqtt_subscriptions_init(struct mqtt_subscriptions *subscriptions,
                                   const struct mqtt_options *options) MUST_USE;
void mqtt_subscriptions_fini(struct mqtt_subscriptions *subscriptions);

// For MQTTAsync_subscribeMany.
void mqtt_subscriptions_grant(const struct mqtt_subscriptions *subscriptions, MQTTAsync_callOptions *call);

#endif
